"""Private events against bookings: which events are copies of bookings, and which bookings do the others overlap.

Moments are Unix seconds (``float``), intervals half-open: what only touches does not overlap, and something without length
overlaps only what begins before it and ends after it. A schedule serves one at a time.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeVar

from exporter.model import Value

COPY_SECONDS: Final = 60.0
"""The ends of a copy may be off by so much from those of its booking."""

MAX_BUFFER_SECONDS: Final = 3600.0
"""The time beside an appointment that is exported with it is no longer than this."""


class Taken(Value, frozen=True, gc=False):
    """A booking that takes the time of a ``schedule`` (id in lower case); ``created``/``updated`` are ``None`` if unknown."""

    id: str
    schedule: str
    start: float
    end: float
    created: float | None = None
    updated: float | None = None


class Busy(Value, frozen=True, gc=False):
    """When a private event takes the time of a ``schedule`` (id in lower case)."""

    schedule: str
    start: float
    end: float


Row = TypeVar("Row", Taken, Busy)


class Sorted(Value, frozen=True, gc=False):
    """Events by what they are: ``private`` ones, ``copies`` of bookings, ``buffers`` exported beside these. Each once."""

    private: frozenset[Busy]
    copies: frozenset[Busy]
    buffers: frozenset[Busy]


def sort_events(events: Iterable[Busy], bookings: Iterable[Taken]) -> Sorted:
    """Return which of ``events`` are copies of ``bookings`` of their schedule, which lie beside a copy, and the others."""
    distinct = frozenset(events)
    taken = _by_schedule(bookings)
    copies = frozenset(event for event in distinct if _is_copy(event, taken.get(event.schedule, ())))
    begins: defaultdict[str, list[float]] = defaultdict(list)
    ends: defaultdict[str, list[float]] = defaultdict(list)
    for copy in sorted(copies, key=_times):
        begins[copy.schedule].append(copy.start)
        ends[copy.schedule].append(copy.end)
    for moments in ends.values():
        moments.sort()
    buffers = frozenset(
        event
        for event in distinct - copies
        if event.end - event.start <= MAX_BUFFER_SECONDS
        and (_has_near(ends.get(event.schedule, ()), event.start) or _has_near(begins.get(event.schedule, ()), event.end))
    )
    return Sorted(distinct - copies - buffers, copies, buffers)


def overlapped(bookings: Iterable[Taken], events: Iterable[Busy]) -> Mapping[Taken, tuple[Busy, ...]]:
    """Return those of ``bookings`` that ``events`` of the same schedule overlap, with these events; the soonest first."""
    calendars = _by_schedule(events)
    found: dict[Taken, tuple[Busy, ...]] = {}
    for schedule, taken in _by_schedule(bookings).items():
        calendar = calendars.get(schedule, ())
        starts = [event.start for event in calendar]
        running: list[Busy] = []  # what may overlap this booking or a later one
        known = 0
        for booking in taken:
            upto = bisect_left(starts, booking.end, lo=known)
            running = [event for event in running if event.end > booking.start]
            running += calendar[known:upto]
            known = upto
            if over := tuple(event for event in running if event.start < booking.end and booking.start < event.end):
                found[booking] = over
    return dict(sorted(found.items(), key=lambda row: (row[0].start, row[0].id)))


def _by_schedule(rows: Iterable[Row]) -> Mapping[str, Sequence[Row]]:
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in sorted(rows, key=_times):
        found[row.schedule].append(row)
    return found


def _times(row: Taken | Busy) -> tuple[float, float]:
    return row.start, row.end


def _is_copy(event: Busy, bookings: Sequence[Taken]) -> bool:
    first = bisect_left(bookings, event.start - COPY_SECONDS, key=_start)
    after = bisect_right(bookings, event.start + COPY_SECONDS, key=_start)
    return any(abs(booking.end - event.end) <= COPY_SECONDS for booking in bookings[first:after])


def _start(row: Taken) -> float:
    return row.start


def _has_near(moments: Sequence[float], moment: float) -> bool:
    place = bisect_left(moments, moment - COPY_SECONDS)
    return place < len(moments) and moments[place] <= moment + COPY_SECONDS
