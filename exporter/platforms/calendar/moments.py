"""Moments and durations as iCalendar writes them (RFC 5545 3.3), as Unix seconds; each day is worked out once."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from exporter.calendar_busy import Period
from exporter.counting import day_start
from exporter.platforms.decoding import MAX_MOMENT

DAY_SECONDS: Final = 86_400.0
_UNIX_DAY: Final = date(1970, 1, 1).toordinal()
_DATE: Final = re.compile("[0-9]{8}")
_LAST_HOUR: Final = 23
_LAST_MINUTE: Final = 59
_LEAP_SECOND: Final = 60
_DURATION: Final = re.compile(
    r"\+?P(?:([0-9]{1,6})W|(?:([0-9]{1,6})D)?(?:T(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})S)?)?)", re.IGNORECASE
)
_UNITS: Final = (604_800.0, DAY_SECONDS, 3_600.0, 60.0, 1.0)
_UTC_LENGTH: Final = len("20261126T090000Z")
_LOCAL_LENGTH: Final = _UTC_LENGTH - 1


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def zone_named(name: str) -> ZoneInfo | None:
    """Return the IANA zone that a ``TZID`` names, ``None`` for any other name: what it means is not ours to guess."""
    name = name.removeprefix("/")
    return ZoneInfo(name) if name in _zones() else None


def calendar_date(text: str) -> date | None:
    """Return the day that ``text`` is, ``None`` for what is no day."""
    if not _DATE.fullmatch(text):
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


def day_begins(day: date, zone: ZoneInfo) -> float | None:
    """Return the moment at which ``day`` begins in ``zone``, ``None`` at the ends of all calendars."""
    try:
        return day_start(day, zone)
    except (OverflowError, ValueError):
        return None


def duration_seconds(text: str) -> float | None:
    """Return the seconds of a duration, ``None`` for what is none or goes back."""
    found = _DURATION.fullmatch(text)
    if found is None or not any(map(str.isdigit, text)):
        return None
    return sum(int(number) * unit for number, unit in zip(found.groups(), _UNITS, strict=True) if number)


def period_of(start: float, end: float) -> Period | None:
    """Return the time between two moments, ``None`` where it ends before it begins.

    People write ``9999`` for what never ends: it is cut at the last moment that the project counts with.
    """
    if end <= MAX_MOMENT:
        return (start, end) if start <= end else None
    return None if end < start else (min(start, MAX_MOMENT), MAX_MOMENT)


def _seconds_of_day(text: str) -> float | None:
    """Return the seconds since midnight that ``090000`` says, ``None`` for what is no time of day."""
    if not (text.isascii() and text.isdigit()):
        return None
    number = int(text)
    hours, minutes, seconds = number // 10_000, number // 100 % 100, number % 100
    if hours > _LAST_HOUR or minutes > _LAST_MINUTE or seconds > _LEAP_SECOND:
        return None
    return hours * 3600.0 + minutes * 60.0 + seconds


class Moments:
    """Reads the moments of one answer. They lie in few days, at one of 1,440 minutes and 61 seconds, which it remembers."""

    def __init__(self) -> None:
        self._days: dict[str, float] = {}
        self._minutes: dict[str, float] = {}
        self._seconds: dict[str, float] = {}

    def utc(self, text: str) -> float | None:
        """Return the moment ``20261126T090000Z``, ``None`` for any other form."""
        try:
            return self._days[text[:8]] + self._minutes[text[8:13]] + self._seconds[text[13:]]
        except KeyError:
            return self._first(text)

    def local(self, text: str, zone: ZoneInfo) -> float | None:
        """Return the moment at which clocks in ``zone`` show ``20261126T090000``, ``None`` for any other form.

        Of two it is the first; what no clock shows is counted from before the gap (RFC 5545 3.3.5).
        """
        if len(text) != _LOCAL_LENGTH or text[8] not in "Tt":
            return None
        day, time = calendar_date(text[:8]), text[9:15]
        if day is None or _seconds_of_day(time) is None:
            return None
        hour, minute, second = (int(text[at : at + 2]) for at in (9, 11, 13))
        wall = datetime(day.year, day.month, day.day, hour, minute, min(second, 59), tzinfo=zone)
        try:
            return wall.timestamp()
        except (OverflowError, ValueError):
            return None

    def _first(self, text: str) -> float | None:
        """Read ``text`` and remember its parts; what is no moment is read again each time."""
        if len(text) != _UTC_LENGTH or text[8] not in "Tt" or text[15] not in "Zz":
            return None
        day, seconds = calendar_date(text[:8]), _seconds_of_day(text[9:15])
        if day is None or seconds is None:
            return None
        start = (day.toordinal() - _UNIX_DAY) * DAY_SECONDS
        of_minute = float(text[13:15])
        self._days[text[:8]], self._minutes[text[8:13]], self._seconds[text[13:]] = start, seconds - of_minute, of_minute
        return start + seconds
