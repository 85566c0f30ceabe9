"""What people have in their own calendars, as Wix imports it: planned by a test, invented, or our own copies (wix.md 5).

Moments are Unix seconds of the simulator's clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from exporter.simulator.wix.bookings import Booking
from exporter.simulator.wix.connections import Connection
from exporter.simulator.wix.providers import GOOGLE, Provider

BUFFER_SECONDS: Final = 900.0
"""How long the time after an appointment is that is exported beside it, where a connection has ``includeBufferTime``."""

_DAY: Final = 86_400.0
_HORIZON_DAYS: Final = 90
"""Invented events exist this far around now, so that a wide range cannot ask for a million."""
_EVENING: Final = 19  # o'clock, local: nobody can be booked then, so that a healthy site has no conflict
_SUNDAY: Final = 6
_EPOCH: Final = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class PrivateEvent:
    """One instance of an event. It has no id and no connection id: the API gives none.

    ``tells_all_day`` says whether the row of an event of a whole day has ``allDay``. One that is
    ``transparent`` leaves its time free.
    """

    start: float
    end: float
    all_day: bool = False
    tells_all_day: bool = True
    transparent: bool = False


Reading = Callable[[float, float], Iterable[PrivateEvent]]
"""Gives the events that may lie between two moments."""


class PrivateCalendars:
    """The calendars behind the connections of a site. While it ``invents``, each has an evening a day and each Sunday off."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.invents = True
        self._zone = zone
        self._planned: list[tuple[str, str, PrivateEvent]] = []
        self._read: list[tuple[str, str, Reading]] = []
        self.strays: list[tuple[str, PrivateEvent]] = []
        """Events of schedules (ids) that no connection is listed for."""
        self._unblocked: set[str] = set()
        self._silent: set[str] = set()

    def plan(
        self,
        schedule_id: str,
        start: float,
        end: float,
        *,
        provider: Provider = GOOGLE,
        days: int = 1,
        all_day: bool = False,
        tells_all_day: bool = True,
        transparent: bool = False,
    ) -> None:
        """Put an event into the calendar at ``provider`` that the schedule is connected to, again on each of ``days``."""
        for day in range(days):
            shift = day * _DAY
            event = PrivateEvent(start + shift, end + shift, all_day, tells_all_day, transparent)
            self._planned.append((schedule_id, provider.id, event))

    def plan_stray(self, schedule_id: str, start: float, end: float) -> None:
        """Let an event come of a schedule that no connection is listed for."""
        self.strays.append((schedule_id, PrivateEvent(start, end)))

    def read_from(self, schedule_id: str, provider: Provider, events: Reading) -> None:
        """Let what ``events`` gives be in the calendar at ``provider`` that the schedule is connected to, at each look."""
        self._read.append((schedule_id, provider.id, events))

    def clear(self) -> None:
        """Take everything out that was planned; what is read from elsewhere stays there."""
        self._planned.clear()
        self.strays.clear()

    def fall_silent(self, schedule_id: str) -> None:
        """Let no event of the calendars of the schedule come through any more."""
        self._silent.add(schedule_id)

    def end_silence(self, schedule_id: str) -> None:
        """Let the events of the calendars of the schedule come through again."""
        self._silent.discard(schedule_id)

    def stop_blocking(self, schedule_id: str) -> None:
        """Let the imported events of the schedule be listed and block nothing: its slots are sold over them."""
        self._unblocked.add(schedule_id)

    def resume_blocking(self, schedule_id: str) -> None:
        """Let the imported events of the schedule block its slots again."""
        self._unblocked.discard(schedule_id)

    def blocks(self, schedule_id: str) -> bool:
        """Return whether the imported events of the schedule block its slots, as they should."""
        return schedule_id not in self._unblocked

    def of(self, connection: Connection, start: float, end: float, now: float) -> Iterator[PrivateEvent]:
        """Give what is in the calendar behind ``connection``; of what is invented, what may lie in ``[start, end)``."""
        if connection.schedule_id in self._silent:
            return
        for schedule_id, provider_id, event in self._planned:
            if (schedule_id, provider_id) == (connection.schedule_id, connection.provider_id):
                yield event
        for schedule_id, provider_id, events in self._read:
            if (schedule_id, provider_id) == (connection.schedule_id, connection.provider_id):
                yield from events(start, end)
        if self.invents:
            yield from _invented(connection.schedule_id, max(start, now - _HORIZON_DAYS * _DAY), end, now, self._zone)


def copies(connection: Connection, bookings: Iterable[Booking]) -> Iterator[PrivateEvent]:
    """Give what ``connection`` wrote into its calendar, as it is read again: each confirmed booking, and its buffer time.

    The buffer time is an event of its own beside the appointment (wix.md 3.2).
    """
    if not connection.exports:
        return
    for booking in bookings:
        if booking.status == "CONFIRMED" and booking.resource_id and booking.schedule_id == connection.schedule_id:
            yield PrivateEvent(booking.start, booking.end)
            if connection.exports_buffers:
                yield PrivateEvent(booking.end, booking.end + BUFFER_SECONDS)


def _invented(schedule_id: str, start: float, end: float, now: float, zone: ZoneInfo) -> Iterator[PrivateEvent]:
    first, last = int(start // _DAY), int(min(end, now + _HORIZON_DAYS * _DAY) // _DAY)
    for number in range(first - 1, last + 1):
        day = date.fromordinal(_EPOCH + number)
        random = Random(f"{schedule_id}:{number}")  # noqa: S311  invented events, the same at each look
        if day.weekday() == _SUNDAY:
            yield PrivateEvent(_local(day, 0, zone), _local(day + timedelta(days=1), 0, zone), all_day=True)
        else:
            begins = _local(day, _EVENING, zone) + random.randrange(12) * 900
            yield PrivateEvent(begins, begins + random.choice((1800, 3600)))


def _local(day: date, hour: int, zone: ZoneInfo) -> float:
    return datetime.combine(day, time(hour), zone).timestamp()
