"""A simulated portal and a client that knows nothing of ours."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.harness.bench import Bench, simulated_portal


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """A portal without bookings, on a clock that only moves when told to."""
    async with simulated_portal() as portal:
        yield portal
