"""Busy time against bookings: which bookings are in a calendar that merges what is busy, and whose is the rest.

A calendar that tells only when somebody is busy makes one period of entries that touch, so nothing is compared for equality: a
booking is in it when its interval lies inside a period. The ends may be off by :data:`TOLERANCE_SECONDS`.

Moments are Unix seconds (``float``), intervals half-open. A *union* is ascending, disjoint and not touching, as
:func:`union` returns it. With ``n`` periods and ``m`` bookings each question costs ``O((n + m) log (n + m))`` at most.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import Final

from exporter.model import Period

TOLERANCE_SECONDS: Final = 60.0
"""The ends of a copy may be off by so much from those of its booking; of a shorter booking by half its length."""

HALF_HOUR: Final = 1800.0
"""Time zones differ by multiples of it, but for very few."""

MAX_SHIFT: Final = 28
"""No two time zones differ by more half-hours than twice as many; a wrong one in a setting is off by no more than this."""

MIN_SHIFTED: Final = 3
"""Fewer bookings would lie in some busy time by chance."""

MAINLY: Final = 0.5
"""A busy time of which bookings take so large a part is theirs, and not a private date that covers them by chance."""

_END_OF_TIME: Final = float("inf")


def union(periods: Iterable[Period]) -> tuple[Period, ...]:
    """Return the time that ``periods`` take together: ascending, disjoint, not touching."""
    found: list[Period] = []
    begin, until = _END_OF_TIME, -_END_OF_TIME
    for start, end in sorted(periods):
        if end <= start:
            continue
        if start <= until:
            until = max(until, end)
        else:
            if begin < until:
                found.append((begin, until))
            begin, until = start, end
    if begin < until:
        found.append((begin, until))
    return tuple(found)


def minus(periods: Iterable[Period], taken: Sequence[Period], *, longer_than: float = 0.0) -> tuple[Period, ...]:
    """Return what is left of ``periods``, in their order, without the time that is ``taken`` (a union).

    Of what is left only that is told which is ``longer_than`` so many seconds. It is fastest where the periods ascend.
    """
    return tuple([part for _, part in parts_left(periods, taken, longer_than=longer_than)])


def parts_left(periods: Iterable[Period], taken: Sequence[Period], *, longer_than: float = 0.0) -> list[tuple[int, Period]]:
    """Return what :func:`minus` does, with the place of the period of which each part is left."""
    found: list[tuple[int, Period]] = []
    number, place, before = len(taken), 0, _END_OF_TIME
    for at, period in enumerate(periods):
        start, end = period
        if start < before:
            place = _first_after(start, taken)
        before = start
        while place < number and taken[place][1] <= start:
            place += 1
        if place == number or taken[place][0] >= end:
            if end - start > longer_than:
                found.append((at, period))
            continue
        begin, following = start, place
        while following < number and taken[following][0] < end:
            if taken[following][0] - begin > longer_than:
                found.append((at, (begin, taken[following][0])))
            begin = taken[following][1]
            following += 1
        if end - begin > longer_than:
            found.append((at, (begin, end)))
    return found


def clipped(periods: Iterable[Period], start: float, end: float) -> tuple[Period, ...]:
    """Return the parts of ``periods`` that lie in ``[start, end)``, in their order."""
    return tuple(
        [
            (begin, until) if start <= begin and until <= end else (max(begin, start), min(until, end))
            for begin, until in periods
            if begin < until and begin < end and start < until and start < end
        ]
    )


def covering(start: float, end: float, busy: Sequence[Period]) -> Period | None:
    """Return the period of ``busy`` (a union) that a booking in ``[start, end)`` lies in, ``None`` where there is none."""
    tolerance = min(TOLERANCE_SECONDS, (end - start) / 2)
    place = bisect_right(busy, (start + tolerance, _END_OF_TIME)) - 1
    return busy[place] if place >= 0 and busy[place][1] >= end - tolerance else None


def has_exact(start: float, end: float, entries: Sequence[Period]) -> bool:
    """Return whether one of ``entries`` (ascending) has the times of a booking in ``[start, end)``."""
    for place in range(bisect_left(entries, (start - TOLERANCE_SECONDS,)), len(entries)):
        begin, until = entries[place]
        if begin > start + TOLERANCE_SECONDS:
            return False
        if abs(until - end) <= TOLERANCE_SECONDS:
            return True
    return False


def booked_share(busy: Period, booked: Sequence[Period]) -> float:
    """Return which part of a ``busy`` time is ``booked`` (a union), from 0 to 1."""
    return _overlap(busy, booked) / (busy[1] - busy[0])


def shift_of(absent: Sequence[Period], bookings: Iterable[Period], busy: Sequence[Period], within: Period) -> float | None:
    """Return by how many seconds all bookings that are ``absent`` from ``busy`` (a union) are in it later, if they are.

    It is a multiple of :data:`HALF_HOUR`, negative where they are earlier, and the nearest that explains the calendar: the busy
    times that they would lie in have to be :data:`MAINLY` those of ``bookings``, moved or not, and as much as is missing has
    :data:`MAINLY` to be busy where only moved ones are, for beside lost ones may lie others that are where they belong. Of two
    that are as near none is told. The calendar was read ``within`` a period: a booking that would be moved out of it says
    nothing.
    """
    if len(absent) < MIN_SHIFTED:
        return None
    everything = tuple(bookings)
    for steps in range(1, MAX_SHIFT + 1):
        found = [
            seconds
            for seconds in (steps * HALF_HOUR, -steps * HALF_HOUR)
            if _explains(seconds, absent, everything, busy, within)
        ]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _explains(
    seconds: float, absent: Sequence[Period], bookings: Sequence[Period], busy: Sequence[Period], within: Period
) -> bool:
    held: set[Period] = set()
    told: list[Period] = []
    for booking_start, booking_end in absent:
        begin, until = booking_start + seconds, booking_end + seconds
        if begin < within[0] or until > within[1]:
            continue
        place = covering(begin, until, busy)
        if place is None:
            return False
        held.add(place)
        told.append((booking_start, booking_end))
    if len(told) < MIN_SHIFTED:
        return False
    own = union(bookings)
    moved = union((begin + seconds, until + seconds) for begin, until in bookings)
    booked = union([*own, *moved])
    if sum(_overlap(period, booked) for period in held) < MAINLY * _length(held):
        return False
    came = sum(_overlap(period, busy) for period in minus(moved, own))
    return came >= MAINLY * _length(minus(union(told), busy))


def _length(periods: Iterable[Period]) -> float:
    return sum(end - start for start, end in periods)


def _overlap(period: Period, taken: Sequence[Period]) -> float:
    start, end = period
    seconds = 0.0
    for place in range(_first_after(start, taken), len(taken)):
        begin, until = taken[place]
        if begin >= end:
            break
        seconds += min(end, until) - max(start, begin)
    return seconds


def _first_after(moment: float, taken: Sequence[Period]) -> int:
    """Return the place of the first of ``taken`` (a union) that ends after ``moment``."""
    place = bisect_right(taken, (moment, _END_OF_TIME)) - 1
    return place if place >= 0 and taken[place][1] > moment else place + 1
