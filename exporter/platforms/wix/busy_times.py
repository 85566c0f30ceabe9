"""When private events take the time of schedules: as the collector ``events`` read them, or as they are read for slots alone.

Copies of bookings are no private events, and those of whole days are none either unless the configuration says so
(docs/decisions/0233).
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from exporter.counting import Busy, Taken, sort_events
from exporter.limits import SLOT_EVENTS
from exporter.model import CollectorName
from exporter.platforms.base import Services
from exporter.platforms.decoding import off_the_loop
from exporter.platforms.wix.api import WixApi
from exporter.platforms.wix.bookings import on_the_calendar
from exporter.platforms.wix.event_matching import busy_time, times_of
from exporter.platforms.wix.event_paging import Events, EventsReader
from exporter.platforms.wix.former_bookings import FormerBookings
from exporter.platforms.wix.heartbeats import of_schedules
from exporter.platforms.wix.naming import ConnectionNames
from exporter.platforms.wix.paging import BookingsReader, readable, taken_time
from exporter.platforms.wix.settings import WixBookings, WixTarget


class BusyTimes(msgspec.Struct, frozen=True):
    """The private events up to ``until`` (on the wall clock), as of ``at`` (steady); ``whole`` says that none is missing."""

    at: float
    until: float
    events: frozenset[Busy]
    whole: bool = True


class BusyTimesReader:
    """Reads private events, and the bookings whose copies are among them."""

    def __init__(self, api: WixApi, target: WixTarget, services: Services) -> None:
        self._services = services
        self._zone = target.timezone
        asked_by, chosen = CollectorName.SLOTS, target.collectors.events
        most = max(SLOT_EVENTS.number, chosen.max_events if chosen else 0)
        self._events = EventsReader(api, services, most, target.timeout, asked_by)
        self._all_day = chosen is not None and chosen.all_day
        self._names = ConnectionNames(target.aliases)
        self._heartbeats = target.heartbeats
        counting = target.collectors.bookings or WixBookings()
        self._bookings = BookingsReader(api, services.events, services.admission, counting, asked_by)
        self._former = FormerBookings(self._bookings)

    async def read(self, now: float, until: float) -> BusyTimes:
        """Return the private events that overlap ``[now, until)``, Unix seconds.

        Raises :class:`~exporter.errors.PollError` for what cannot be read.
        """
        read = await self._events.read(now, until)
        rows = readable(await self._bookings.read(on_the_calendar(now, until), sort="startDate"))
        at = self._services.clock.steady()
        taken = [taken_time(row) for row in rows.rows if row.schedule]
        taken += await self._former.beside(taken, now, until, at)
        events = await off_the_loop(self._services.admission, len(read.rows) + len(taken), self._private, read, taken)
        return BusyTimes(at, until, events, _is_whole(read) and rows.complete)

    async def confirmed(self, times: BusyTimes, now: float, until: float) -> BusyTimes:
        """Return ``times`` with those events alone that are still there and begin before ``until``.

        ``whole`` says of the answer whether others may be there, too. Raises :class:`~exporter.errors.PollError` where that
        cannot be read.
        """
        read = await self._events.read(now, min(until, times.until))
        there = frozenset(map(busy_time, read.rows))
        return BusyTimes(times.at, times.until, times.events & there, times.whole and _is_whole(read))

    def _private(self, read: Events, taken: Iterable[Taken]) -> frozenset[Busy]:
        heartbeats = of_schedules(self._heartbeats, (row.schedule_id for row in read.rows), self._names)
        return sort_events(times_of(read.rows, heartbeats, self._zone, all_day=self._all_day), taken).private


def _is_whole(read: Events) -> bool:
    return not read.failed_provider_ids and not read.malformed
