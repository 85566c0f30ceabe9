"""Moments as the people of a place say them: the day by its name, the time on their clock, UTC beside it where asked for.

An hour that the end of summer time brings twice shows its offset from UTC, since its time alone would mean two moments.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec


class CalendarWords(msgspec.Struct, frozen=True):
    """What a language calls days and months, ``days`` from Monday on, ``near`` yesterday, today, tomorrow.

    ``date`` takes ``weekday``, ``day`` and ``month``, ``interval`` takes ``start`` and ``end``.
    """

    days: Sequence[str]
    months: Sequence[str]
    near: tuple[str, str, str]
    date: str
    interval: str


ENGLISH: Final = CalendarWords(
    days=("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    months=("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    near=("yesterday", "today", "tomorrow"),
    date="%(weekday)s %(day)s %(month)s",
    interval="%(start)s to %(end)s",
)
# A day before the calendar ends, so that there is a moment in every zone for one odd number of a platform, too.
_LATEST: Final = datetime.max.replace(tzinfo=UTC, microsecond=0) - timedelta(days=1)


def local(seconds: float, zone: str) -> datetime:
    """Return a moment (Unix seconds) on the clock of ``zone`` (an IANA name), with whole seconds."""
    return in_zone(datetime.fromtimestamp(int(min(max(seconds, 0.0), _LATEST.timestamp())), UTC), zone)


def in_zone(moment: datetime, zone: str) -> datetime:
    """Return an aware ``moment`` on the clock of ``zone`` (an IANA name)."""
    return min(moment, _LATEST).astimezone(ZoneInfo(zone))


def date_of(moment: datetime, words: CalendarWords = ENGLISH) -> str:
    """Word the date of ``moment`` in its own zone: ``Fri 27 Nov``."""
    return words.date % {
        "weekday": words.days[moment.weekday()],
        "day": moment.day,
        "month": words.months[moment.month - 1],
    }


def day_of(moment: datetime, now: datetime, words: CalendarWords = ENGLISH) -> str:
    """Word the day of ``moment`` in its own zone: ``today``, ``Fri 27 Nov``, with the year when that is not this one."""
    here = now.astimezone(moment.tzinfo)
    days = (moment.date() - here.date()).days
    if abs(days) <= 1:
        return words.near[days + 1]
    text = date_of(moment, words)
    return text if moment.year == here.year else f"{text} {moment.year}"


def time_of(moment: datetime) -> str:
    """Word the time of ``moment`` in its own zone: ``09:30``, and ``02:30 (UTC+02:00)`` in an hour that exists twice."""
    twice = moment.replace(fold=0).utcoffset() != moment.replace(fold=1).utcoffset()
    offset = moment.isoformat(timespec="minutes")[len("2026-11-27T09:30") :]
    return f"{moment:%H:%M} (UTC{offset})" if twice else f"{moment:%H:%M}"


def day_and_time(moment: datetime, now: datetime, words: CalendarWords = ENGLISH) -> str:
    """Word ``moment`` in its own zone: ``today 09:30``, ``Fri 27 Nov 09:30``."""
    return f"{day_of(moment, now, words)} {time_of(moment)}"


def in_utc(moment: datetime, words: CalendarWords = ENGLISH) -> str:
    """Word ``moment`` in UTC, to stand beside its local form: ``08:30 UTC``, with the day when that is another one there."""
    other = moment.astimezone(UTC)
    day = "" if other.date() == moment.date() else f"{date_of(other, words)} "
    return f"{day}{other:%H:%M} UTC"


def from_to(start: datetime, end: datetime, now: datetime, words: CalendarWords = ENGLISH) -> str:
    """Word an interval: ``today 09:30 to 09:50``, and the second day where it is another one."""
    last = time_of(end) if end.date() == start.date() else day_and_time(end, now, words)
    return words.interval % {"start": day_and_time(start, now, words), "end": last}
