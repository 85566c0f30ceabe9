"""When private events take the time of schedules: as the collector ``events`` read them, or as they are read for slots alone.

Copies of bookings are no private events, and those of whole days are none either unless the configuration says so
(docs/decisions/0233).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from exporter.counting import Busy, Taken, beat_of, sort_events
from exporter.limits import SLOT_EVENTS
from exporter.model import CollectorName
from exporter.platforms.base import Services
from exporter.platforms.decoding import off_the_loop
from exporter.platforms.wix.api import WixApi
from exporter.platforms.wix.bookings import ON_THE_CALENDAR
from exporter.platforms.wix.event_matching import COPIES_STAY_SECONDS, busy_time, is_of_whole_days
from exporter.platforms.wix.event_paging import Events, EventsReader
from exporter.platforms.wix.naming import ConnectionNames
from exporter.platforms.wix.paging import BookingsReader, bound, matching, readable, taken_time
from exporter.platforms.wix.settings import WixBookings, WixTarget

_STATUSES: Final = tuple(sorted(status.upper() for status in ON_THE_CALENDAR))


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
        self._all_day = target.collectors.events is not None and target.collectors.events.all_day
        asked_by = CollectorName.SLOTS
        chosen = target.collectors.events
        most = max(SLOT_EVENTS.number, chosen.max_events if chosen else 0)
        self._events = EventsReader(api, services, most, target.timeout, asked_by)
        self._names = ConnectionNames(target.aliases)
        self._heartbeats = {target.connection_label(one.schedule): one.heartbeat for one in chosen.heartbeats} if chosen else {}
        counting = target.collectors.bookings or WixBookings()
        self._bookings = BookingsReader(api, services.events, services.admission, counting, asked_by)
        self._taken: Mapping[Taken, float] = {}  # and when each was last seen (steady)

    async def read(self, now: float, until: float) -> BusyTimes:
        """Return the private events that overlap ``[now, until)``, Unix seconds.

        Raises :class:`~exporter.errors.PollError` for what cannot be read.
        """
        read = await self._events.read(now, until)
        wanted = matching(_STATUSES, bound("endDate", "$gt", now), bound("startDate", "$lt", until))
        rows = readable(await self._bookings.read(wanted, sort="startDate"))
        at = self._services.clock.steady()
        lately = {row: seen for row, seen in self._taken.items() if at - seen <= COPIES_STAY_SECONDS}
        self._taken = {**lately, **dict.fromkeys((taken_time(row) for row in rows.rows if row.schedule), at)}
        size = len(read.rows) + len(self._taken)
        events = await off_the_loop(self._services.admission, size, self._private, read, tuple(self._taken))
        return BusyTimes(at, until, events, _is_whole(read) and rows.complete)

    async def confirmed(self, times: BusyTimes, now: float, until: float) -> BusyTimes:
        """Return ``times`` with those events alone that are still there and begin before ``until``.

        What a provider that fails does not tell now may be there, so nothing is taken away then.

        Raises :class:`~exporter.errors.PollError` where that cannot be read.
        """
        read = await self._events.read(now, min(until, times.until))
        if not _is_whole(read):
            return BusyTimes(times.at, times.until, times.events, whole=False)
        return BusyTimes(times.at, times.until, times.events & frozenset(map(busy_time, read.rows)), times.whole)

    def _private(self, read: Events, taken: Iterable[Taken]) -> frozenset[Busy]:
        rows = (
            row
            for row in read.rows
            if (self._all_day or not is_of_whole_days(row, self._zone)) and not self._is_beat(row.schedule_id, busy_time(row))
        )
        return sort_events(map(busy_time, rows), taken).private

    def _is_beat(self, schedule: str, event: Busy) -> bool:
        heartbeat = self._heartbeats.get(self._names.schedule(schedule)) if self._heartbeats else None
        return heartbeat is not None and beat_of(event, heartbeat, self._zone) is not None


def _is_whole(read: Events) -> bool:
    return not read.failed_provider_ids and not read.malformed


Shared = Callable[[], BusyTimes | None]
"""What the collector ``events`` saw in its last whole poll; ``None`` where it does not run, or that is too long ago."""
