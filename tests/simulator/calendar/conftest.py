"""A simulated calendar and a client that knows nothing of ours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import httpx
import pytest

from exporter.simulator import Simulator, running
from exporter.simulator.calendar import Calendar, Entry, Owner
from tests.harness.clock import ManualClock

HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
FIRST: Final = datetime(2026, 12, 1, tzinfo=UTC).timestamp()
_NAMES: Final = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:cs="http://calendarserver.org/ns/"'
_RANGE: Final = 'start="20261201T000000Z" end="20261208T000000Z"'
BUSY: Final = f"<c:free-busy-query {_NAMES}><c:time-range {_RANGE}/></c:free-busy-query>"
EXPANDED: Final = (
    f"<c:calendar-query {_NAMES}><d:prop><c:calendar-data><c:expand {_RANGE}/></c:calendar-data></d:prop>"
    f'<c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT"><c:time-range {_RANGE}/></c:comp-filter>'
    "</c:comp-filter></c:filter></c:calendar-query>"
)
CHANGED: Final = f"<d:propfind {_NAMES}><d:prop><d:sync-token/><cs:getctag/><d:getetag/></d:prop></d:propfind>"


def hours(number: float, length: float = 1.0, uid: str = "", **more: object) -> Entry:
    """Return an entry that begins ``number`` hours after the range of the questions does."""
    start = FIRST + number * HOUR
    return Entry(uid or f"at-{number:g}", start, start + length * HOUR, **more)  # type: ignore[arg-type]  # fields, by name


@dataclass(frozen=True)
class Desk:
    """What a test of the simulated calendar server needs; ``url`` is the origin."""

    simulator: Simulator
    clock: ManualClock
    owner: Owner
    calendar: Calendar
    http: httpx.AsyncClient
    url: str

    async def ask(self, method: str = "REPORT", body: str = BUSY, *, path: str = "", **headers: str) -> httpx.Response:
        """Ask the server as the owner of the calendar."""
        told = {"depth": "1", "content-type": "application/xml", **headers}
        auth = httpx.BasicAuth(self.owner.name, self.owner.password)
        url = f"{self.url}{path or self.calendar.path}"
        return await self.http.request(method, url, content=body, headers=told, auth=auth)

    async def busy(self) -> list[str]:
        """Return the lines about busy times, in the order of the answer."""
        answer = await self.ask()
        assert 200 == answer.status_code
        return [line for line in answer.text.splitlines() if line.upper().startswith("FREEBUSY")]

    async def feed(self, **headers: str) -> httpx.Response:
        """Get the published copy of the calendar, as whoever has its address may."""
        return await self.http.get(f"{self.url}{self.calendar.feed_path}", headers=headers)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """An empty calendar, on a clock that only moves when told to."""
    clock = ManualClock(FIRST)
    simulator = Simulator(clock)
    owner = simulator.calendar.add_owner("anna")
    calendar = owner.add_calendar()
    async with running(simulator.app) as url, httpx.AsyncClient(trust_env=False, timeout=30) as http:
        yield Desk(simulator, clock, owner, calendar, http, url)
