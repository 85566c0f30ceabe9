"""A site with a service whose slots customers can book, for the tests of bookable slots."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from exporter.model import CollectorName
from exporter.open_slots import SlotsObservation
from exporter.platforms.inventory import Inventory
from exporter.platforms.wix.session import WixSession
from exporter.platforms.wix.settings import (
    SlotService,
    WixCollectors,
    WixConnections,
    WixEvents,
    WixSlots,
    WixTarget,
)
from exporter.simulator.wix import GOOGLE, MICROSOFT
from exporter.simulator.wix.bookings import Staff
from tests.harness.wix_site import WINDOWS, WixBench

HOUR = 3600.0
SLOTS = CollectorName.SLOTS
LIST = "ListAvailabilityTimeSlots"
EVENTS = "ListEvents"
STAFF = "QueryStaffMembers"
CONNECTIONS = "ListConnections"
BERLIN = ZoneInfo("Europe/Berlin")
FREE = 2 + 17 + 15
"""Slots of the next 48 hours: those of Monday at 16:30 and 17:00, all of Tuesday, and those of Wednesday until 16:13."""
LOOKS_FOR_EVENTS = WixEvents(interval=600.0, max_age=1800.0, windows=())


class Shop:
    """A site with one service and one staff member, whose Google calendar is connected. Nothing is invented."""

    def __init__(self, bench: WixBench) -> None:
        self.bench = bench
        self.site = bench.site
        self.site.private.invents = False
        self.service = self.site.add_service("Haircut")
        self.staff = self.hire()

    def hire(self, name: str = "Anna", **how: Any) -> Staff:  # noqa: ANN401  as Site.add_staff takes them
        staff = self.site.add_staff(name, **how)
        self.site.connections.connect(GOOGLE, staff.schedule_id)
        return staff

    def target(self, *, connections: bool = True, target: Mapping[str, Any] | None = None, **collectors: Any) -> WixTarget:  # noqa: ANN401  settings
        chosen: dict[str, Any] = {"slots": WixSlots(interval=1800.0, services=(self.named(),), windows=())}
        if connections:
            chosen["connections"] = WixConnections(interval=60.0, max_age=300.0, windows=WINDOWS)
        return self.bench.target(collectors=WixCollectors(**{**chosen, **collectors}), **(target or {}))

    def named(self, name: str = "Haircut", id: str = "") -> SlotService:  # noqa: A002  as the configuration calls it
        return SlotService(name=name, id=id or self.service.id)

    def open(self, **options: Any) -> None:  # noqa: ANN401  as for target
        self.bench.open(self.target(**options))

    def at(self, hour: float, day: int = 22) -> float:
        """Return the moment of an hour of a day in September in Berlin."""
        return datetime(2026, 9, day, tzinfo=BERLIN).timestamp() + hour * HOUR

    def plan(self, hour: float, length: float = 1, staff: Staff | None = None, **how: Any) -> None:  # noqa: ANN401  as plan takes them
        self.site.private.plan((staff or self.staff).schedule_id, self.at(hour), self.at(hour + length), **how)

    def sell_over(self, hour: float = 10, length: float = 1, **how: Any) -> None:  # noqa: ANN401  as plan takes them
        """Put an event into the calendar, and let the import block nothing."""
        self.plan(hour, length, **how)
        self.site.private.stop_blocking(self.staff.schedule_id)

    async def inventory(self) -> Inventory:
        session = self.bench.session
        assert isinstance(session, WixSession)
        return await session.inventory()

    async def look(self, after: float = 0) -> SlotsObservation:
        """Poll the connections once before the first time, and the slots."""
        self.bench.clock.now += after
        session = self.bench.session
        assert isinstance(session, WixSession)
        if CollectorName.CONNECTIONS in session.collectors and not self.bench.calls(CONNECTIONS):
            await self.bench.poll()
        result = await self.bench.poll(SLOTS)
        assert result.failure is None
        assert isinstance(result.observation, SlotsObservation)
        return result.observation


def over(seen: SlotsObservation) -> list[int]:
    return [row.over_busy for row in seen.schedules]


def opened(seen: SlotsObservation) -> list[int | None]:
    return [row.open for row in seen.services]


def two_calendars(shop: Shop) -> dict[str, object]:
    """Connect somebody else's calendar at another provider; returns what names both."""
    other = shop.site.add_staff("Berta")
    shop.site.connections.connect(MICROSOFT, other.schedule_id)
    return {"aliases": {shop.staff.schedule_id: "Chair 1", other.schedule_id: "Chair 2"}}


def slot(start: str = "2026-09-22T08:00:00", end: str = "2026-09-22T09:00:00", **more: object) -> str:
    fields = {"localStartDate": start, "localEndDate": end, "bookable": True, "availableResources": []}
    return msgspec.json.encode(fields | more).decode()


def page(*rows: str, more: str = "") -> str:
    return f'{{"timeSlots":[{",".join(rows)}],"timeZone":"UTC"{more}}}'
