"""A site on the simulated Wix."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.harness.wix_site import WixBench, running_site


@pytest.fixture
async def bench() -> AsyncIterator[WixBench]:
    """A site without connections and bookings, and our client of it, on a clock that jumps over every wait."""
    async with running_site() as site:
        yield site
