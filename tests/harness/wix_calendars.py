"""Sites whose staff has connected calendars, for the tests of private events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from exporter.model import CollectorName
from exporter.platforms.inventory import Inventory
from exporter.platforms.wix.session import WixSession
from exporter.platforms.wix.settings import WixCollectors, WixConnections, WixEvents, WixTarget
from exporter.private_calendar import EventsObservation, ImportedEvents
from exporter.simulator.wix import GOOGLE
from exporter.simulator.wix.bookings import Staff
from exporter.simulator.wix.providers import Provider
from tests.harness.wix_site import WINDOWS, WixBench

HOUR = 3600.0
DAY = 86_400.0
EVENTS = CollectorName.EVENTS
LIST = "ListEvents"
QUERY = "QueryExtendedBookings"
PARTLY_ODD = (
    '{"events": [{"scheduleId": 7}, {"scheduleId": "SCHEDULE", "calendarType": "GOOGLE", '
    '"start": "2027-01-01T10:00:00Z", "end": "2027-01-01T11:00:00Z"}]}'
)


MINUTE = 60.0
BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = datetime(2026, 9, 22, 3, 7, tzinfo=BERLIN).timestamp()
"""The first time after the first poll that clocks in Berlin show 03:07."""


class Calendars:
    """A site whose staff has a connected calendar; hours count from the first poll. Nothing is invented."""

    def __init__(self, bench: WixBench) -> None:
        self.bench = bench
        self.site = bench.site
        self.site.private.invents = False
        self.staff = bench.site.add_staff()
        self.connection = self.site.connections.connect(GOOGLE, self.staff.schedule_id)
        self.start = bench.clock.now + 60

    def target(self, *, connections: bool = True, target: Mapping[str, Any] | None = None, **events: Any) -> WixTarget:  # noqa: ANN401  settings
        common: dict[str, Any] = {"interval": 60.0, "max_age": 300.0}
        chosen: dict[str, Any] = {"events": WixEvents(**{**common, "interval": 600.0, "max_age": 1800.0, **events})}
        if connections:
            chosen["connections"] = WixConnections(**common, windows=WINDOWS)
        collectors = WixCollectors(**chosen)
        return self.bench.target(collectors=collectors, **(target or {}))

    def open(self, **options: Any) -> None:  # noqa: ANN401  as for target
        self.bench.open(self.target(**options))

    def at(self, hours: float) -> float:
        return self.start + hours * HOUR

    def book(self, hours: float, length: float = 1, staff: Staff | None = None, **how: Any) -> str:  # noqa: ANN401  fields
        return self.site.bookings.add(self.at(hours), self.at(hours + length), staff=staff or self.staff, **how)

    def plan(self, hours: float, length: float = 1, **how: Any) -> None:  # noqa: ANN401  as plan takes them
        self.site.private.plan(self.staff.schedule_id, self.at(hours), self.at(hours + length), **how)

    async def inventory(self) -> Inventory:
        session = self.bench.session
        assert isinstance(session, WixSession)
        return await session.inventory()

    async def look(self, after: float = 0) -> EventsObservation:
        """Poll both collectors, ``after`` hours and a minute later; both must succeed fully."""
        self.bench.clock.now += after * HOUR
        await self.see_connections()
        self.bench.clock.now -= 60
        return await self.poll()

    async def see_connections(self) -> None:
        if CollectorName.CONNECTIONS in self.bench.session.collectors:
            assert (await self.bench.poll()).failure is None

    async def poll(self) -> EventsObservation:
        result = await self.bench.poll(EVENTS)
        assert result.failure is None
        assert isinstance(result.observation, EventsObservation)
        return result.observation


class Salon(Calendars):
    """A site of which one schedule, Anna's, is to have a heartbeat at 03:07; she has another event a day at noon."""

    def __init__(self, bench: WixBench, late_after: float | None = None) -> None:
        super().__init__(bench)
        self.row = {"schedule": "Anna", "at": "03:07", "late_after": late_after}
        self.plan(20, days=40)

    def start_listening(self) -> None:
        """Open a new session, as a restart does."""
        self.open(target={"aliases": {self.staff.schedule_id: "Anna"}}, heartbeats=(self.row,))

    def beat(self, days: int = 40, length: float = 60, provider: Provider = GOOGLE) -> None:
        """Enter the daily series."""
        self.site.private.plan(self.staff.schedule_id, NIGHT, NIGHT + length, days=days, provider=provider)

    def write(self, hours_ago: int = 0) -> float:
        """Write what a script writes that runs each hour; returns when the hour began."""
        hour = datetime.fromtimestamp(self.bench.clock.now, UTC) - timedelta(hours=hours_ago)
        day = hour.date() + timedelta(2)
        start = datetime(day.year, day.month, day.day, 3, 7 + hour.hour, tzinfo=BERLIN).timestamp()
        self.site.private.plan(self.staff.schedule_id, start, start + 60)
        return hour.timestamp() - hour.timestamp() % HOUR

    async def settle(self) -> None:
        """Poll five minutes after the next full hour."""
        now = self.bench.clock.now
        await self.look((HOUR - now % HOUR + 4 * MINUTE) / HOUR)


def conflicts(seen: EventsObservation) -> dict[str, int]:
    """Return how many bookings conflict in each window, whatever the cause."""
    return {row.window.name: sum(row.conflicts.values()) for row in seen.windows}


def causes(seen: EventsObservation, window: str = "next_7d") -> dict[str, int]:
    [row] = [row for row in seen.windows if row.window.name == window]
    return {str(cause): number for cause, number in row.conflicts.items() if number}


async def only(calendars: Calendars, after: float = 0) -> ImportedEvents:
    [row] = (await calendars.look(after)).imports
    return row
