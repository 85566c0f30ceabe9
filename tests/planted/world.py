"""A salon of five on Wix and its portal on Bitrix24: how they are built, and what happens there on good days.

Moments are Unix seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from exporter.simulator import Simulator
from exporter.simulator.bitrix24.portal import Portal
from exporter.simulator.bitrix24.simulator import CALENDAR_SCOPES
from exporter.simulator.bitrix24.world import Booking as Reservation
from exporter.simulator.wix.bookings import Booking, Staff
from exporter.simulator.wix.connections import ACCOUNT_CALENDARS, IMPORT_PRIMARY, import_from, sync_config
from exporter.simulator.wix.credentials import ApiKey
from exporter.simulator.wix.providers import APPLE, GOOGLE, MICROSOFT
from exporter.simulator.wix.world import OfferedService, Site
from tests.harness.application import RunningApplication, application
from tests.harness.clock import ManualClock

START: Final = 1_790_000_000.0
"""The first moment: a Monday in September 2026, 16:13 in Berlin."""

MINUTE: Final = 60.0
HOUR: Final = 3600.0
DAY: Final = 86_400.0

SITE: Final = "salon"
PORTAL: Final = "portal"
SERVICE: Final = "Haircut"
_SITE_ID: Final = "5c2f0c9e-71b4-4f6e-8a3d-90e1c7b2d4f6"
_API_KEY: Final = "IST.planted-faults-key-77aa"
_SERVICE_ID: Final = "0b1f4d7a-2222-4333-8444-555566667777"
_WEBHOOK_CODE: Final = "plantedfaultswebhook1"
_MIDNIGHT: Final = START - (START + 2 * HOUR) % DAY
"""When the first day began in Berlin."""
_DAYS: Final = 45
_ODD: Final = 3 * HOUR + 7 * MINUTE
_HEARTBEATS: Final = ({"schedule": "Anna", "at": "03:07"}, {"schedule": "Dora", "at": "03:07", "late_after": "3h"})
_PAUSES: Final = (*(0.0,) * 400, *(0.001,) * 10)
"""How long it is waited for polls, in seconds of the machine: at first for one turn of the loop each time."""


@dataclass(frozen=True, slots=True)
class Appointment:
    """One entry of somebody's own calendar."""

    who: int
    start: float
    end: float
    all_day: bool = False
    transparent: bool = False


class PatientClock(ManualClock):
    """A clock that moves on only when no poll is at work any more, or all wait for it: some of the work is done in threads."""

    def __init__(self) -> None:
        super().__init__(START)
        self.is_busy: Callable[[], bool] = lambda: False

    async def settle(self, turns: int = 50) -> None:
        await super().settle(turns)
        for pause in _PAUSES:
            if not self.is_busy():
                return
            await asyncio.sleep(pause)


class World:
    """The business on a clock of its own; people are numbers from 0 to 4, ``names`` what the configuration calls them.

    Anna (0) has a Google calendar; Ben (1), Cem (2) and Dora (3) have calendars that are chosen by their ids; Eva (4) only
    imports, so that none of her events is the copy of a booking. Anna keeps a heartbeat a day, and a script writes Dora's anew
    each hour while it ``writes``.
    """

    names: Final = ("Anna", "Ben", "Cem", "Dora", "Eva")

    def __init__(self, folder: Path) -> None:
        self.clock = PatientClock()
        self.simulator = Simulator(self.clock)
        self.frozen: set[int] = set()
        self.writes = True
        self.connections: list[str] = []
        self.key: ApiKey
        self._folder = folder
        self._appointments: list[Appointment] = []
        self._beats = [Appointment(0, beat := _MIDNIGHT + day * DAY + _ODD, beat + MINUTE) for day in range(_DAYS)]
        self._written = self._new_beat()
        self._hour = 0
        self._build_site()
        self._build_portal()

    @property
    def site(self) -> Site:
        """The salon on Wix."""
        return self.simulator.wix.sites[_SITE_ID]

    @property
    def portal(self) -> Portal:
        """The portal on Bitrix24."""
        return self.simulator.bitrix24.portals[PORTAL]

    @property
    def staff(self) -> list[Staff]:
        """Who takes bookings."""
        return self.site.bookings.staff

    def grant(self, permissions: frozenset[str]) -> None:
        """Let the API key have these permissions and no others."""
        self.key = self.simulator.wix.add_key(self.site, _API_KEY, permissions=permissions, user_id=self.key.user_id)

    def grant_portal(self, scopes: frozenset[str]) -> None:
        """Let the webhook have these scopes and no others."""
        self.simulator.bitrix24.add_webhook(self.portal, code=_WEBHOOK_CODE, scopes=scopes)

    def hire(self, identity: str) -> str:
        """Hire somebody without a calendar, whose Wix account is in the state ``identity``; returns the schedule's id."""
        return self.site.add_staff(identity=identity).schedule_id

    def identify(self, who: int, identity: str) -> None:
        """Let the Wix account of somebody be in another state."""
        self.staff[who] = replace(self.staff[who], identity=identity)

    def enter(self, who: int, start: float, seconds: float) -> None:
        """Let somebody enter a private appointment."""
        self._appointments.append(Appointment(who, start, start + seconds))
        self._sync()

    def forget(self, who: int, begins_after: float = 0.0) -> None:
        """Take away somebody's private appointments, those that begin after this moment."""
        self._appointments = [one for one in self._appointments if one.who != who or one.start <= begins_after]
        self._sync()

    def stop_beating(self) -> None:
        """Let somebody delete Anna's heartbeats."""
        self._beats.clear()
        self._sync()

    def free_half_hour(self, who: int) -> float:
        """Return when the first half hour of tomorrow's working hours begins in which nobody has booked somebody."""
        mine, opens = self.staff[who].resource_id, self.clock.time() - (self.clock.time() + 2 * HOUR) % DAY + DAY + 9 * HOUR
        taken = [(row.start, row.end) for row in self.site.bookings if row.resource_id == mine]
        starts = (opens + number * HOUR / 2 for number in range(18))
        return next(at for at in starts if not any(start < at + HOUR / 2 and at < end for start, end in taken))

    def sell_over(self, who: int) -> None:
        """Let Wix offer slots over somebody's private appointments."""
        self.site.private.stop_blocking(self.staff[who].schedule_id)

    def close(self) -> None:
        """Let nobody book the service online any more."""
        self.site.services[:] = [replace(service, hidden=True) for service in self.site.services]

    def next_booking(self, who: int) -> Booking:
        """Return the first confirmed booking of somebody that begins in three hours or later."""
        mine, ahead = self.staff[who].resource_id, self.clock.time() + 3 * HOUR
        rows = (
            row for row in self.site.bookings if row.resource_id == mine and row.status == "CONFIRMED" and row.start > ahead
        )
        return min(rows, key=lambda row: row.start)

    def next_reservation(self) -> Reservation:
        """Return the portal's first booking that begins in three hours or later."""
        ahead = self.clock.time() + 3 * HOUR
        return min((row for row in self.portal.world.bookings() if row.start > ahead), key=lambda row: row.start)

    def live(self) -> None:
        """Let happen what happens on good days: within 26 hours everybody enters something, and bookings move and end."""
        hour = int((self.clock.time() - START) / HOUR)
        if hour == self._hour:
            return
        self._hour = hour
        if self.writes:
            self._written = self._new_beat()
            self._sync()
        who, evening = hour % 5, _MIDNIGHT + (hour // 24 + 1 + hour % 4) * DAY + 21 * HOUR
        if who not in self.frozen:
            self.enter(who, evening + hour % 7 * 600, 1800)
        if hour % 7 == 0:  # somebody cancels, and another takes the place
            free = self.next_booking(hour % 3)
            self.site.bookings.cancel(free.id)
            self.site.bookings.add(free.start, free.start + 1200, staff=self.staff[hour % 3])
        if hour % 11 == 0:  # somebody comes later or sooner, within the hour in which nobody else can come
            late = self.next_booking(3)
            begins = late.start - late.start % HOUR + (900 if late.start % HOUR == 0 else 0)
            self.site.bookings.amend(late.id, start=begins, end=begins + 1800)
        if hour % 9 == 0:
            later = self.next_reservation()
            start = later.start + (300 if later.start % HOUR == 0 else -300)
            self.portal.world.edit_booking(later.id, start=start, end=start + 2700)
        if hour % 13 == 0:
            self.portal.world.delete_booking(self.next_reservation().id)

    @contextlib.asynccontextmanager
    async def exporter(self) -> AsyncIterator[RunningApplication]:
        """Run the exporter on both accounts, after the first poll of each collector; it asks the simulator without sockets."""
        path = self._folder / "exporter.yml"
        path.write_text(yaml.safe_dump({"timezone": "Europe/Berlin", "targets": [self._target(), self._portal_target()]}))
        through = httpx.ASGITransport(self.simulator.app)
        async with application(path, self.clock, through=through) as running:
            self.clock.is_busy = lambda: bool(running.app._scheduler._polling)
            await running.finished_polls()
            yield running

    def _target(self) -> dict[str, Any]:
        return {
            "name": SITE,
            "platform": "wix",
            "site_id": _SITE_ID,
            "api_key": _API_KEY,
            "base_url": "http://127.0.0.1:1",
            "aliases": {member.schedule_id: name for member, name in zip(self.staff[:5], self.names, strict=True)},
            "collectors": {
                "connections": {},
                "bookings": {},
                "events": {"heartbeats": [dict(row) for row in _HEARTBEATS]},
                "slots": {"services": [{"name": SERVICE, "id": _SERVICE_ID}]},
            },
        }

    def _portal_target(self) -> dict[str, Any]:
        return {
            "name": PORTAL,
            "platform": "bitrix24",
            "webhook_url": f"https://salon.bitrix24.example/rest/1/{_WEBHOOK_CODE}/",
            "base_url": "http://127.0.0.1:1",
            "collectors": {"bookings": {}, "links": {}},
        }

    def _build_site(self) -> None:
        wix = self.simulator.wix
        wix.switches.echoes = True
        site = wix.add_site(_SITE_ID)
        self.key = wix.add_key(site, _API_KEY)
        chosen = sync_config(import_from(ACCOUNT_CALENDARS[1]))
        imports = sync_config(import_from(*ACCOUNT_CALENDARS), None)
        configs = (sync_config(IMPORT_PRIMARY), chosen, chosen, chosen, imports)
        providers = (GOOGLE, APPLE, MICROSOFT, APPLE, MICROSOFT)
        for name, provider, config in zip(self.names, providers, configs, strict=True):
            made = site.connections.connect(provider, site.add_staff(name).schedule_id, config=config)
            site.connections.recover(made)  # synced, and connected where it only imports
            self.connections.append(made)
        site.services.append(OfferedService(_SERVICE_ID, SERVICE, "0b1f4d7a-3333-4333-8444-555566667777"))
        site.bookings.seed(days_back=1, days_ahead=8, share=0.25)
        site.diary.start_intake(3 * HOUR)
        site.private.invents = False
        for day in range(_DAYS):
            self._appointments += self._usual(_MIDNIGHT + day * DAY, day)
        self._sync()

    def _usual(self, midnight: float, day: int) -> list[Appointment]:
        """Return what stands in everybody's calendar: up to the first booking hour, from the last one on, and a birthday."""
        usual: list[tuple[float, float]] = [(7.5, 9.0), (18.0, 19.5)]
        mine = [Appointment(who, midnight + a * HOUR, midnight + b * HOUR) for who in range(5) for a, b in usual]
        mine.append(Appointment(day % 5, midnight + 12 * HOUR, midnight + 13 * HOUR, transparent=True))
        mine.append(Appointment(day % 5, midnight, midnight + DAY, all_day=True))
        return mine

    def _build_portal(self) -> None:
        self.simulator.bitrix24.add_portal(PORTAL)
        self.grant_portal(CALENDAR_SCOPES)
        portal = self.portal
        for number in range(1, 4):
            portal.world.add_resource(f"Chair {number}")
            portal.calendar.link(number, number)
        portal.customers.seed(days_back=1, days_ahead=9, share=0.15)
        portal.diary.start_intake(6 * HOUR)

    def _new_beat(self) -> Appointment:
        """Return what Dora's script writes: an event two days later in UTC, as many minutes later as the hour in UTC."""
        now = self.clock.time()
        start = now - now % DAY + 2 * DAY - 2 * HOUR + _ODD + now % DAY // HOUR * MINUTE
        return Appointment(3, start, start + MINUTE)

    def _sync(self) -> None:
        private, providers = self.site.private, (GOOGLE, APPLE, MICROSOFT, APPLE, MICROSOFT)
        private.clear()
        for one in (*self._appointments, *self._beats, self._written):
            private.plan(
                self.staff[one.who].schedule_id,
                one.start,
                one.end,
                provider=providers[one.who],
                all_day=one.all_day,
                transparent=one.transparent,
            )


Plant = Callable[[World], None]
