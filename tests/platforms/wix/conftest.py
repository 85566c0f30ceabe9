"""A site on the simulated Wix."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.harness.wix_calendars import HOUR, Calendars, Salon
from tests.harness.wix_shop import Shop
from tests.harness.wix_site import WixBench, running_site


@pytest.fixture
async def bench() -> AsyncIterator[WixBench]:
    """A site without connections and bookings, and our client of it, on a clock that jumps over every wait."""
    async with running_site() as site:
        yield site


@pytest.fixture
def calendars(bench: WixBench) -> Calendars:
    """A site whose staff has a connected calendar."""
    return Calendars(bench)


@pytest.fixture
def salon(bench: WixBench) -> Salon:
    """A site of which one calendar is to have a daily heartbeat."""
    return Salon(bench)


@pytest.fixture
def hourly(bench: WixBench) -> Salon:
    """A site of which one calendar is to have a heartbeat that a script writes each hour."""
    return Salon(bench, 3 * HOUR)


@pytest.fixture
def shop(bench: WixBench) -> Shop:
    """A site with one service and one staff member whose calendar is connected."""
    return Shop(bench)
