"""A site with bookings, its owner's own calendar, which says what the test writes into it, and the exporter between them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import yaml
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from exporter.clock import Clock
from exporter.proof import Proof
from exporter.simulator import Simulator, running
from exporter.simulator.wix.bookings import Staff
from exporter.simulator.wix.world import Site
from tests.harness.application import RunningApplication, application
from tests.harness.clock import ManualClock

KEY = "IST.planted-api-key-5b1c"
HOUR = 3600.0
_FORM = "%Y%m%dT%H%M%SZ"


@dataclass
class OwnCalendar:
    """A calendar that tells when it is ``busy``, by the words of Radicale; ``status`` is another answer."""

    busy: list[tuple[float, float]] = field(default_factory=list)
    status: int = 200
    reads: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await Request(scope, receive).body()
        self.reads += 1
        periods = "".join(f"FREEBUSY;FBTYPE=BUSY:{_text(start)}/{_text(end)}\r\n" for start, end in sorted(self.busy))
        body = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VFREEBUSY\r\n{periods}END:VFREEBUSY\r\nEND:VCALENDAR\r\n"
        answer = Response(body if self.status == 200 else "", self.status, media_type="text/calendar")
        await answer(scope, receive, send)


def _text(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime(_FORM)


@dataclass
class Owner:
    """Anna: the bookings of her schedule, her calendar, and the configuration of both."""

    folder: Path
    clock: ManualClock
    site: Site
    staff: Staff
    calendar: OwnCalendar
    wix_url: str
    calendar_url: str
    place: str = "/anna/main/"
    password: str = "planted-password"

    def book(self, hours: float, *, arrives: bool = True) -> str:
        """Book an hour from ``hours`` after now; one that ``arrives`` is in the calendar at once."""
        start = self.clock.now // 60 * 60 + hours * HOUR
        if arrives:
            self.calendar.busy.append((start, start + HOUR))
        return self.site.bookings.add(start, start + HOUR, staff=self.staff)

    def arrive(self) -> None:
        """Let all bookings be in the calendar."""
        self.calendar.busy = [(booking.start, booking.end) for booking in self.site.bookings]

    def config(self, *, pairs: list[dict[str, Any]] | None = None, name: str = "exporter.yml", **top: object) -> Path:
        """Write the configuration and return its path."""
        salon = {
            "name": "salon",
            "platform": "wix",
            "site_id": self.site.id,
            "api_key": KEY,
            "base_url": self.wix_url,
            "aliases": {self.staff.schedule_id: "Anna"},
            "labels": {"site": "berlin"},
            "collectors": {"bookings": {"interval": "1m"}},
        }
        dav = {"url": self.calendar_url + self.place, "username": "anna", "password": self.password}
        own = {"name": "anna-cal", "platform": "calendar", "caldav": dav, "collectors": {"busy": {"interval": "1m"}}}
        pair = {"name": "anna", "bookings": {"target": "salon", "resource": "Anna"}, "calendar": "anna-cal", "grace": "10m"}
        path = self.folder / name
        path.write_text(yaml.safe_dump({"targets": [salon, own], "pairs": [pair] if pairs is None else pairs, **top}))
        return path


class _ClockOfThePlatform:
    """The clock of the exporter as the platform has it, whose own nobody sets."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock

    def time(self) -> float:
        return self._clock.now

    def __getattr__(self, name: str) -> object:
        return getattr(self._clock, name)


@contextlib.asynccontextmanager
async def an_owner(folder: Path) -> AsyncIterator[Owner]:
    """Serve a site and a calendar with five bookings that have arrived while the block runs."""
    clock = ManualClock()
    simulator = Simulator(cast("Clock", _ClockOfThePlatform(clock)))
    site = simulator.wix.add_site()
    simulator.wix.add_key(site, KEY)
    calendar = OwnCalendar()
    async with running(simulator.app) as wix, running(calendar) as dav:
        owner = Owner(folder, clock, site, site.add_staff(), calendar, wix, dav)
        for hours in (2, 4, 6, 30, 100):
            owner.book(hours)
        yield owner


def proofs(app: RunningApplication) -> tuple[Proof, ...]:
    """Return what the pairs say of the site."""
    return next(target.pairs for target in app.app.view().targets if target.name == "salon")


async def until(app: RunningApplication, holds: Callable[[], bool], seconds: float = 3600.0) -> None:
    """Let the time pass until something ``holds``, for an hour at most unless more ``seconds`` are given."""
    ends = app.clock.now + seconds
    while not holds():
        assert app.clock.now < ends, "it never came to hold"
        await app.pass_time(1.0)


async def pass_minutes(app: RunningApplication, minutes: float) -> None:
    """Let so many ``minutes`` pass, with all polls that fall due in them."""
    ends = app.clock.now + minutes * 60
    while app.clock.now < ends:
        await app.pass_time(1.0)


@contextlib.asynccontextmanager
async def watched(owner: Owner, config: Path | None = None, **options: Any) -> AsyncIterator[RunningApplication]:  # noqa: ANN401  as application takes them
    """Run the exporter on the owner's configuration while the block runs, after the first poll of each collector."""
    async with application(config or owner.config(), owner.clock, **options) as app:
        if not app.app.standby:
            await app.finished_polls()
        yield app
