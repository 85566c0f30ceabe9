"""Our client of calendars against a server that a test scripts, over real HTTP, on a clock that jumps over every wait."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from exporter.calendar_busy import BusyObservation
from exporter.counting import WindowSpec
from exporter.fields.kinds import Reading
from exporter.model import CollectorName
from exporter.platforms.base import PollResult, Services
from exporter.platforms.calendar import open_session
from exporter.platforms.calendar.session import CalendarSession
from exporter.platforms.calendar.settings import CalendarTarget
from exporter.platforms.retry import wait_allowance
from exporter.polling.admission import Admission
from exporter.simulator import running
from exporter.state.status_history import StatusHistory
from tests.harness.clock import ManualClock
from tests.harness.events import RecordedEvents
from tests.harness.pool import pool

USER = "anna"
PASSWORD = "c4l-p4ssw0rd-canary"
PATH = "/dav/anna.canary/w%C3%B6rk/"
CALENDAR = "text/calendar"
WINDOWS = (WindowSpec("next_24h", "now", "now+24h"), WindowSpec("next_7d", "now", "now+7d"))
INTERVAL = 300.0


def free_busy(*periods: str) -> bytes:
    """Return an answer with ``periods``, each a line."""
    lines = (f"FREEBUSY;FBTYPE=BUSY:{period}" for period in periods)
    return "\r\n".join(["BEGIN:VCALENDAR", "BEGIN:VFREEBUSY", *lines, "END:VFREEBUSY", "END:VCALENDAR", ""]).encode()


@dataclass(frozen=True)
class Scripted:
    """What the server says."""

    body: bytes = free_busy()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": CALENDAR})


@dataclass(frozen=True)
class Asked:
    """What the server was asked."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class CalendarBench:
    """A server that answers by ``answer``, and what it takes to open targets on it."""

    url: str
    http: httpx.AsyncBaseTransport
    clock: ManualClock
    events: RecordedEvents = field(default_factory=RecordedEvents)
    asked: list[Asked] = field(default_factory=list)
    answer: Callable[[Asked], Scripted] = lambda _: Scripted()

    def says(self, body: bytes = b"", status: int = 200, **headers: str) -> None:
        """Let the server say this from now on; underscores in names of headers are dashes."""
        told = {"content-type": CALENDAR, **{name.replace("_", "-"): value for name, value in headers.items()}}
        self.answer = lambda _: Scripted(body, status, told)

    def target(
        self,
        *,
        url: str = "",
        read: str = "free_busy",
        zone: str = "Europe/Berlin",
        password: object = PASSWORD,
        **changes: Any,  # noqa: ANN401  fields of the target
    ) -> CalendarTarget:
        """Return a target as a user would write it."""
        written = {
            "name": "anna-cal",
            "platform": "calendar",
            "timezone": zone,
            "caldav": {"url": url or self.url + PATH, "username": USER, "password": password, "read": read},
            "collectors": {"busy": {"windows": ["next_24h", "next_7d"]}},
            **changes,
        }
        reading = Reading(directory=Path(), environ={}, windows={window.name: window for window in WINDOWS})
        return CalendarTarget.model_validate(written, context=reading)

    def open(self, target: CalendarTarget | None = None) -> CalendarSession:
        services = Services(self.http, self.clock, Random(7), self.events, StatusHistory(), Admission(self.clock))
        return open_session(target or self.target(), services)

    async def poll(self, session: CalendarSession | None = None) -> PollResult:
        """Poll as the scheduler does. Raises what the poll does."""
        session = session or self.open()
        with wait_allowance(INTERVAL):
            return await session.collectors[CollectorName.BUSY].poll()

    async def observed(self, session: CalendarSession | None = None) -> BusyObservation:
        observation = (await self.poll(session)).observation
        assert isinstance(observation, BusyObservation)
        return observation


@contextlib.asynccontextmanager
async def calendar_bench(now: float) -> AsyncIterator[CalendarBench]:
    """Serve on a loopback port while the block runs; the client's clock stands at ``now`` (Unix seconds)."""
    clock = ManualClock(now, auto=True)
    benches: list[CalendarBench] = []

    async def handler(request: Request) -> Response:
        bench = benches[0]
        path = request.scope["raw_path"].decode()
        bench.asked.append(Asked(request.method, path, dict(request.headers), await request.body()))
        said = bench.answer(bench.asked[-1])
        return Response(said.body, said.status, dict(said.headers))

    app = Starlette(routes=[Route("/{path:path}", handler, methods=["REPORT", "GET", "PROPFIND"])])
    async with running(app) as url, pool(clock) as http:
        benches.append(CalendarBench(url, http, clock))
        yield benches[0]
