"""Sites and portals, whose bookings sync partners copy into the calendars of those who serve them; what happens on good days.

Moments are Unix seconds.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import httpx
import yaml

from exporter.simulator import Simulator
from exporter.simulator.bitrix24.simulator import DEFAULT_SCOPES
from exporter.simulator.calendar import Calendar, Entry
from exporter.simulator.drills.sync_partner import Bitrix24Source, ImportPartner, SourceBooking, SyncPartner, WixSource
from exporter.simulator.wix.connections import IMPORT_PRIMARY, sync_config
from exporter.simulator.wix.operations import ALL_PERMISSIONS
from exporter.simulator.wix.providers import GOOGLE
from tests.harness.application import RunningApplication, application
from tests.proof.clock import CountedFeeds, CountedRequests, PatientClock

MINUTE: Final = 60.0
HOUR: Final = 3600.0
DAY: Final = 86_400.0
PER_ACCOUNT: Final = 5
BOOKINGS: Final = 25
"""So many bookings each resource has at the start."""

SHORT: Final = 2 * MINUTE
LONG: Final = 12 * MINUTE
"""How late copies come: sooner than a poll, or later than two."""

Read = Literal["free_busy", "entries", "feed"]

_KEY: Final = "IST.proof-rehearsal-key-5c"
_CODE: Final = "proofrehearsalwebhook1"
_HOURS: Final = (7, 9, 11, 13)  # of UTC: nothing touches at first


@dataclass
class ForgetfulImport(ImportPartner):
    """An import that brings all but what it ``missed``."""

    missed: set[float] = field(default_factory=set)

    def events(self, start: float, end: float) -> Any:  # noqa: ANN401  an iterator of events
        return (event for event in super().events(start, end) if event.start not in self.missed)


@dataclass(frozen=True, slots=True)
class Desk:
    """Somebody who serves people: bookings at one end, and at the other the calendar that a partner copies them into."""

    name: str
    target: str
    resource: str
    source: WixSource | Bitrix24Source
    calendar: Calendar
    partner: SyncPartner
    importer: ForgetfulImport | None
    read: Read

    def book(self, start: float, *, made: float) -> str:
        """Book an hour, or 50 minutes of it on a portal, and return the id."""
        if isinstance(self.source, WixSource):
            return self.source.site.bookings.add(start, start + HOUR, staff=self.source.staff, created=made)
        return str(self.source.portal.customers.book(int(start), self.source.resource_id, created=made).id)

    def move(self, booking_id: str, start: float, end: float) -> None:
        """Let a booking be at another time."""
        if isinstance(self.source, WixSource):
            self.source.site.bookings.amend(booking_id, start=start, end=end)
        else:
            self.source.portal.world.edit_booking(int(booking_id), start=int(start), end=int(end))

    def ahead(self, now: float, hours: float = 3.0) -> list[SourceBooking]:
        """Return the bookings that begin in so many hours or later, soonest first."""
        rows = (row for row in self.source.bookings() if row.live and row.start >= now + hours * HOUR)
        return sorted(rows, key=lambda row: (row.start, row.id))

    def is_free(self, start: float, end: float) -> bool:
        """Return whether nobody has booked any of this time."""
        return not any(row.live and row.start < end and start < row.end for row in self.source.bookings())


class World:
    """So many desks on sites of Wix, and so many on portals of Bitrix24, five each; half of the calendars are read by entries.

    ``reads`` are how others are read, by the name of the desk.
    ``made`` are the moments at which somebody booked, by the name of the desk.
    """

    def __init__(
        self,
        start: float,
        wix: int,
        bitrix24: int,
        lags: Sequence[float] = (SHORT,),
        reads: Mapping[str, Read] | None = None,
    ) -> None:
        self.clock = PatientClock(start)
        self.simulator = Simulator(self.clock)
        self.desks: list[Desk] = []
        self.made: dict[str, list[float]] = {}
        self.targets: list[dict[str, Any]] = []
        self.quiet: set[str] = set()
        self._lags = lags
        self._reads = reads or {}
        self._hour = 0
        for first in range(0, wix, PER_ACCOUNT):
            self._add_site(first, min(PER_ACCOUNT, wix - first))
        for first in range(0, bitrix24, PER_ACCOUNT):
            self._add_portal(first, min(PER_ACCOUNT, bitrix24 - first))

    def desk(self, name: str) -> Desk:
        """Return the desk of this name. Raises :class:`StopIteration` for another."""
        return next(desk for desk in self.desks if desk.name == name)

    def book(self, desk: Desk, not_before: float) -> str:
        """Let somebody book the first full hour at ``desk`` that nobody has, not before a moment."""
        start = -(-not_before // HOUR) * HOUR
        while not (desk.is_free(start, start + HOUR) and 7 <= start % DAY / HOUR < 16):
            start += HOUR
        self.made.setdefault(desk.name, []).append(self.clock.now)
        return desk.book(start, made=self.clock.now)

    def enter(self, desk: Desk, start: float, seconds: float, **more: Any) -> None:  # noqa: ANN401  the fields of Entry
        """Let the owner of a calendar enter something of their own."""
        desk.calendar.put(Entry(f"own-{desk.calendar.version}-{start:.0f}", start, start + seconds, **more))

    def midnight(self, days: int = 0) -> float:
        """Return the midnight in UTC so many days after that of today."""
        return self.clock.now // DAY * DAY + days * DAY

    def live(self) -> None:
        """Let happen what happens on good days; each hour something else at each desk."""
        hour = int(self.clock.now // HOUR)
        if hour == self._hour:
            return
        self._hour = hour
        for number, desk in enumerate(self.desks):
            turn = hour * 7 + number
            if desk.name not in self.quiet:
                self._book_and_change(desk, turn)
            if turn % 4 == 0:  # somebody's evening
                begins = self.midnight(turn % 8) + (17.5 + turn % 3) * HOUR
                if begins > self.clock.now:
                    self.enter(desk, begins, (1.0 + turn % 2) * HOUR)
            if turn % 29 == 0:  # a holiday, which nobody told the front desk
                self.enter(desk, self.midnight(1 + turn % 7), DAY, whole_days=True)

    def _book_and_change(self, desk: Desk, turn: int) -> None:
        ahead = desk.ahead(self.clock.now)
        if turn % 3 == 0 and len(ahead) < 40:
            self.book(desk, self.clock.now + (2 + turn % 150) * HOUR)
        if turn % 11 == 0 and len(ahead) > 15:
            desk.source.cancel(ahead[turn % 15].id)
        if turn % 13 == 0 and len(ahead) > 15:
            row = ahead[turn % 14]
            start = self.midnight(1 + turn % 7) + 14 * HOUR + turn % 4 * HOUR / 4
            if desk.is_free(start, start + row.end - row.start):
                desk.move(row.id, start, start + row.end - row.start)

    def refuse(self, what: int) -> None:
        """Refuse one reader: calendars of every second owner (0), all bookings of portals (1), or all that sites tell (2)."""
        self._permit(what, calendars="another password", scopes=frozenset({"crm"}), permissions=frozenset())

    def allow(self, what: int) -> None:
        """End :meth:`refuse`."""
        self._permit(what, calendars="", scopes=DEFAULT_SCOPES, permissions=ALL_PERMISSIONS)

    def _permit(self, what: int, *, calendars: str, scopes: frozenset[str], permissions: frozenset[str]) -> None:
        if what == 0:
            for desk in self.desks[::2]:
                self.simulator.calendar.owners[desk.calendar.owner].password = calendars or f"password of {desk.name}"
                desk.calendar.refused = bool(calendars) and desk.read == "feed"
        elif what == 1:
            for number, portal in enumerate(self.simulator.bitrix24.portals.values()):
                self.simulator.bitrix24.add_webhook(portal, code=f"{_CODE}{number * PER_ACCOUNT}", scopes=scopes)
        else:
            for number, site in enumerate(self.simulator.wix.sites.values()):
                self.simulator.wix.add_key(site, f"{_KEY}{number * PER_ACCOUNT}", permissions=permissions)

    def advance(self) -> None:
        """Let the partners do what they do."""
        self.simulator.advance()

    @contextlib.asynccontextmanager
    async def exporter(
        self, folder: Path, origin: str, calendars: Sequence[dict[str, Any]], inner: httpx.AsyncBaseTransport, **top: object
    ) -> AsyncIterator[RunningApplication]:
        """Run the exporter on both ends of all pairs while the block runs, after the first poll of each collector."""
        path = folder / "exporter.yml"
        pairs = [
            {
                "name": desk.name,
                "bookings": {"target": desk.target, "resource": desk.resource},
                "calendar": f"{desk.name}-cal",
                **({"grace": "30m"} if desk.read == "feed" else {}),
            }
            for desk in self.desks
        ]
        targets = [*({**target, "base_url": origin} for target in self.targets), *calendars]
        path.write_text(yaml.safe_dump({"timezone": "Europe/Berlin", "targets": targets, "pairs": pairs, **top}))
        self.clock.requests = requests = CountedRequests(inner)
        self.clock.feeds = feeds = CountedFeeds()
        async with application(path, self.clock, through=requests, shared={"calendar": feeds}) as running:
            for _ in range(40):
                states = [state for target in running.app.view().targets for state in target.collectors]
                if all(state.finished_polls for state in states):
                    break
                await self.clock.advance(5)
            yield running

    def _add_site(self, first: int, number: int) -> None:
        wix, name = self.simulator.wix, f"site-{1 + first // PER_ACCOUNT}"
        site = wix.add_site()
        site.private.invents = False
        wix.add_key(site, f"{_KEY}{first}")
        aliases = {}
        for member in range(number):
            staff = site.add_staff(resource := f"Staff {first + member + 1}")
            aliases[staff.schedule_id] = resource
            connection = site.connections.connect(GOOGLE, staff.schedule_id, config=sync_config(IMPORT_PRIMARY))
            site.connections.recover(connection)
            desk = self._add_desk(name, f"wix-{first + member + 1}", resource, WixSource(site, staff))
            assert desk.importer is not None
            desk.importer.start()
        self.targets.append(
            {
                "name": name,
                "platform": "wix",
                "site_id": site.id,
                "api_key": f"{_KEY}{first}",
                "aliases": aliases,
                "collectors": {"bookings": {}, "events": {}},
            }
        )

    def _add_portal(self, first: int, number: int) -> None:
        name = f"portal-{1 + first // PER_ACCOUNT}"
        portal = self.simulator.bitrix24.add_portal(name)
        self.simulator.bitrix24.add_webhook(portal, code=f"{_CODE}{first}")
        for member in range(number):
            resource = portal.world.add_resource(f"Chair {first + member + 1}")
            source = Bitrix24Source(portal, resource.id, self.simulator.now)
            self._add_desk(name, f"bitrix24-{first + member + 1}", str(resource.id), source)
        webhook = f"https://{name}.bitrix24.example/rest/1/{_CODE}{first}/"
        self.targets.append({"name": name, "platform": "bitrix24", "webhook_url": webhook, "collectors": {"bookings": {}}})

    def _add_desk(self, target: str, name: str, resource: str, source: WixSource | Bitrix24Source) -> Desk:
        calendar = self.simulator.calendar.add_owner(name, f"password of {name}").add_calendar("work")
        number, now = len(self.desks), self.clock.now
        lag = self._lags[number % len(self._lags)]
        partner = SyncPartner(source, calendar, self.simulator.stage, lag_seconds=lag)
        importer = None
        if isinstance(source, WixSource):
            importer = ForgetfulImport(calendar, source.site, source.staff.schedule_id, self.simulator.now, exporter=partner)
        read: Read = "entries" if number % 4 in (1, 2) else "free_busy"
        desk = Desk(name, target, resource, source, calendar, partner, importer, self._reads.get(name, read))
        for place in range(BOOKINGS):
            start = self.midnight(1 + place // len(_HOURS)) + _HOURS[place % len(_HOURS)] * HOUR
            desk.book(start, made=now - DAY)
        for day in range(1, 8):
            self.enter(desk, self.midnight(day) + 18.25 * HOUR, HOUR)
        self.desks.append(desk)
        self.simulator.partners.append(partner)
        partner.advance()
        return desk
