"""The heartbeat of a private calendar, a dead man's switch: a short event whose time alone says that it arrives.

It lies at an odd time of the day. Where a script writes it anew each hour, the minute says in addition when that was. Nothing
of it is read but its times. Moments are Unix seconds (``float``).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from exporter.counting.private_events import Busy
from exporter.model import Value

MAX_BEAT_SECONDS: Final = 300.0
"""What lasts longer takes somebody's time, and is no heartbeat."""

DAYS_AHEAD: Final = 2
"""A script writes it for the local day of so many days after the day in UTC: it is never over before the next is written."""

_MINUTE: Final = 60.0
_HOURS: Final = 24
_MINUTES_A_DAY: Final = 1440
_MAX_SHIFT_MINUTES: Final = 180
"""No clocks are set by more, but for whole days."""

_SKEW_SECONDS: Final = 60.0
_ONE: Final = timedelta(days=1)
_ANY_GAP: Final = 4
"""Within so many days there is one whose clocks show every time of the day."""


class Heartbeat(Value, frozen=True, gc=False):
    """An event at this ``minute`` of the day, in local time; of each day, or at least of the next ones.

    With ``late_after`` a script writes it each hour, as many minutes later as the hour in UTC: it is late when the newest was
    written more seconds ago than that.
    """

    minute: int
    late_after: float | None = None


class Beat(Value, frozen=True, gc=False):
    """For which local ``day`` a heartbeat stands, and how many minutes after the minute that is configured."""

    day: date
    offset: int

    @property
    def written(self) -> float:
        """When the hour began in which a script wrote it."""
        return datetime.combine(self.day - DAYS_AHEAD * _ONE, time(self.offset), UTC).timestamp()


class Heard(Value, frozen=True, gc=False):
    """Whether a heartbeat ``arrives``. Of one that a script writes: the ``newest`` event, and when it was ``written``."""

    arrives: bool
    newest: Busy | None = None
    written: float | None = None


def beat_of(event: Busy, heartbeat: Heartbeat, zone: ZoneInfo) -> Beat | None:
    """Return what ``event`` is of ``heartbeat`` in ``zone``, if it is one.

    Calendars move what lies in the hour that clocks leave out, in either direction; and one of two equal hours may be meant.
    """
    if event.end - event.start > MAX_BEAT_SECONDS:
        return None
    begins, local = event.start - event.start % _MINUTE, datetime.fromtimestamp(event.start, zone)
    after = (local.hour * 60 + local.minute - heartbeat.minute) % _MINUTES_A_DAY
    if _HOURS + _MAX_SHIFT_MINUTES < after < _MINUTES_A_DAY - _MAX_SHIFT_MINUTES:  # most events are told by this
        return None
    near = local.date()
    for day in (near, near - _ONE, near + _ONE):
        for offset in range(1 if heartbeat.late_after is None else _HOURS):
            if begins in _moments(day, heartbeat.minute + offset, zone):
                return Beat(day, offset)
    return None


def listen(events: Iterable[Busy], heartbeat: Heartbeat, now: float, zone: ZoneInfo) -> Heard:
    """Return whether ``heartbeat`` is among ``events``, those of one schedule that a poll at ``now`` saw.

    The next one has to be there; a day on which clocks leave its time out is passed over. Of those that a script writes the
    newest counts, wherever it lies; one that would be written in the future is another event.
    """
    beats = [(event, beat) for event in events if (beat := beat_of(event, heartbeat, zone)) is not None]
    if heartbeat.late_after is None:
        expected = next_beat(heartbeat, now, zone)
        return Heard(any(beat.day == expected for _, beat in beats))
    told = [(beat.written, event) for event, beat in beats if beat.written <= now + _SKEW_SECONDS]
    written, newest = max(told, key=lambda one: one[0], default=(None, None))
    return Heard(written is not None and now - written <= heartbeat.late_after, newest, written)


def next_beat(heartbeat: Heartbeat, now: float, zone: ZoneInfo) -> date:
    """Return the first day whose clocks show the time of ``heartbeat``, and all of it after ``now``."""
    today = datetime.fromtimestamp(now, zone).date()
    days = [today + number * _ONE for number in range(_ANY_GAP)]
    return next(
        (day for day in days if _exists(day, heartbeat.minute, zone) and min(_moments(day, heartbeat.minute, zone)) > now),
        days[-1],
    )


def _local(day: date, minute: int) -> datetime:
    return datetime.combine(day, time()) + timedelta(minutes=minute)


def _moments(day: date, minute: int, zone: ZoneInfo) -> tuple[float, float]:
    """Return the first and the last moment of that local time; in a gap those by the clocks before it and after it."""
    first, last = (_local(day, minute).replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1))
    return first, last


def _exists(day: date, minute: int, zone: ZoneInfo) -> bool:
    local = _local(day, minute)
    return datetime.fromtimestamp(local.replace(tzinfo=zone).timestamp(), zone).replace(tzinfo=None, fold=0) == local
