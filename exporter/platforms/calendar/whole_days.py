"""Whole days in busy times: a holiday or a birthday would prove every booking, so they prove none.

A server that tells only when somebody is busy tells an all-day entry as a day like any other time: the day of UTC, or that
of the calendar's zone, and some servers join it with what lies beside it (docs/platforms/calendar.md 2).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from exporter.calendar_busy import Period
from exporter.counting import day_start
from exporter.platforms.calendar.moments import DAY_SECONDS

_HOUR: Final = 3_600.0


class Apart(msgspec.Struct, frozen=True):
    """Busy times without whole days, in any order, and the ``days`` that were taken out of them."""

    periods: tuple[Period, ...]
    days: tuple[Period, ...]


def without_whole_days(periods: Iterable[Period], start: float, end: float, zone: ZoneInfo) -> Apart:
    """Return the parts of ``periods`` within ``[start, end)`` that lie in no whole day which one of them contains.

    A whole day is one of UTC or of ``zone``. What lasts some days to the second is of another zone, and is whole days
    altogether.
    """
    kept: list[Period] = []
    days: dict[Period, None] = {}
    zones: tuple[list[Period], ...] | None = None
    for begins, ends in periods:
        if ends <= start or begins >= end:
            continue
        if ends - begins < DAY_SECONDS - _HOUR:  # the day on which clocks go forward
            kept.append((begins, ends))
            continue
        if zones is None:
            zones = tuple(list(_days(start, end, place)) for place in {"UTC": ZoneInfo("UTC"), zone.key: zone}.values())
        inside = [day for found in zones for day in found if begins <= day[0] and day[1] <= ends]
        if not inside and (ends - begins) % DAY_SECONDS == 0:
            inside = [(begins, ends)]
        days.update(dict.fromkeys(inside))
        kept.extend(_left(begins, ends, sorted(inside)))
    return Apart(tuple(kept), tuple(sorted(days)))


def _left(begins: float, ends: float, days: Iterable[Period]) -> Iterator[Period]:
    for first, last in days:
        if begins < first:
            yield begins, first
        begins = max(begins, last)
    if begins < ends:
        yield begins, ends


def _days(start: float, end: float, zone: ZoneInfo) -> Iterator[Period]:
    """Yield the days of ``zone`` that touch ``[start, end)``."""
    day = datetime.fromtimestamp(start, UTC).astimezone(zone).date()
    begins = day_start(day, zone)
    while begins < end:
        day += timedelta(days=1)
        ends = day_start(day, zone)
        yield begins, ends
        begins = ends
