"""A scheduler whose polls do what a test wrote."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.harness.scripted_polls import Bench, scripted_polls


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """A scheduler on a clock that only moves when told to, stopped afterwards."""
    async with scripted_polls() as scheduled:
        yield scheduled
