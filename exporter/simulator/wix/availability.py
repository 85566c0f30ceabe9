"""When the staff of a site can be booked: working hours less what takes their time (wix.md 7.2).

Moments are Unix seconds of the simulator's clock, lengths are seconds.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from exporter.simulator.diary import CLOSES, DAY, OPENS, SUNDAY
from exporter.simulator.wix.bookings import Bookings, Staff
from exporter.simulator.wix.connections import Connections
from exporter.simulator.wix.private_events import PrivateCalendars, PrivateEvent, copies
from exporter.simulator.wix.switches import Switches

HORIZON: Final = 90 * DAY
"""There are slots this far around now, so that a wide range cannot ask for a million."""

_STEP: Final = 1800.0

_Busy = Mapping[str, Sequence[tuple[float, float]]]
"""What takes time, by the id of a resource (its bookings) or of a schedule (its private events)."""


@dataclass(frozen=True, slots=True)
class _Look:
    """Everything that takes time within the horizon, as it was at the moment ``at``."""

    at: float
    busy: _Busy


class Availability:
    """The hours of one site in which appointments can begin, and who is free then."""

    def __init__(
        self,
        bookings: Bookings,
        connections: Connections,
        private: PrivateCalendars,
        *,
        zone: ZoneInfo,
        switches: Switches,
        now: Callable[[], float],
    ) -> None:
        self._bookings = bookings
        self._connections = connections
        self._private = private
        self._zone = zone
        self._switches = switches
        self._now = now
        self._kept: _Look | None = None

    def starts(self, start: float, end: float, length: float) -> list[float]:
        """Return when an appointment of ``length`` can begin in ``[start, end)``: on the hour and the half hour.

        Working hours are Monday to Saturday, 9 to 18 o'clock in the site's zone; an appointment ends within them.
        """
        now = self._now()
        start, end = max(start, now - HORIZON), min(end, now + HORIZON)
        if start >= end:
            return []
        return [moment for moment in self._working(start, end, length) if start <= moment < end]

    def free(self, starts: Sequence[float], length: float) -> list[list[Staff]]:
        """Return for each of the sorted ``starts`` who is free for ``length`` from then on, the longest-serving first."""
        found: list[list[Staff]] = [[] for _ in starts]
        busy = self._busy(starts[0], starts[-1] + length) if starts else {}
        for staff in self._bookings.staff:
            if staff.service_provider is False:
                continue
            taken: set[int] = set()
            for begins, ends in (*busy.get(staff.resource_id, ()), *busy.get(staff.schedule_id, ())):
                taken.update(range(bisect_right(starts, begins - length), bisect_left(starts, ends)))
            for index, free in enumerate(found):
                if index not in taken:
                    free.append(staff)
        return found

    def _working(self, start: float, end: float, length: float) -> Iterator[float]:
        day = datetime.fromtimestamp(start, self._zone).date()
        while (opens := datetime.combine(day, time(OPENS), self._zone).timestamp()) < end:
            closes = datetime.combine(day, time(CLOSES), self._zone).timestamp()
            while day.weekday() != SUNDAY and opens + length <= closes:
                yield opens
                opens += _STEP
            day += timedelta(days=1)

    def _busy(self, start: float, end: float) -> _Busy:
        """Return what takes time in ``[start, end)``, as it is now or as it was at the last look."""
        now, keeps = self._now(), self._switches.slots_cached_seconds
        if keeps <= 0:
            self._kept = None
            return self._look(start, end)
        if self._kept is None or now - self._kept.at >= keeps:
            self._kept = _Look(now, self._look(now - HORIZON, now + HORIZON + DAY))
        return self._kept.busy

    def _look(self, start: float, end: float) -> _Busy:
        found: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
        for booking in self._bookings:
            takes_time = booking.status in {"CONFIRMED", "PENDING"} and booking.transparency != "TRANSPARENT"
            if booking.resource_id is not None and takes_time:
                found[booking.resource_id].append((booking.start, booking.end))
        for schedule_id, event in self._imported(start, end):
            if not event.transparent and self._private.blocks(schedule_id):
                found[schedule_id].append((event.start, event.end))
        # Half-open: what has no length takes no time.
        return {
            key: [(begins, ends) for begins, ends in spans if begins < ends and begins < end and start < ends]
            for key, spans in found.items()
        }

    def _imported(self, start: float, end: float) -> Iterator[tuple[str, PrivateEvent]]:
        """Give what was imported, each event with its schedule; a provider that is down takes nothing of that away."""
        for connection in self._connections:
            if connection.delivers:
                for event in self._private.of(connection, start, end, self._now()):
                    yield connection.schedule_id, event
                if self._switches.echoes:
                    for event in copies(connection, self._bookings):
                        yield connection.schedule_id, event
        yield from self._private.strays
