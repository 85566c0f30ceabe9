"""Double bookings: two bookings that want the same resource at the same time; the same for every platform.

Two bookings conflict when they share a resource and ``a.start < b.end and b.start < a.end``, the same test that Bitrix24 makes
for its own intersections. Touching ends do not conflict. A booking of zero length conflicts only with one that began before
it and ends after it.

A booking in a window conflicts also when its partner lies outside. Reading the rows that overlap the windows is therefore
not enough: with the window ``[0, 10)`` the booking ``[9, 12)`` conflicts with ``[11, 13)``, which does not touch the window.
Every partner of a booking overlaps that booking, hence it overlaps any interval that covers it; :func:`conflict_reach` gives
that interval, and a reader has to have read all of it.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from exporter.counting.bookings import Booking, Rule, in_any
from exporter.model import Conflict, Value, Window

SHOWN_CONFLICTS: Final = 10


class Conflicts(Value, frozen=True, gc=False):
    """The ids of all bookings that conflict with another, and the pairs that are shown.

    ``accepted`` are those of ``ids`` none of whose overlaps is left to be judged; ``next`` is the start of the soonest overlap
    that is, unless it is over.
    """

    ids: frozenset[str] = frozenset()
    first: tuple[Conflict, ...] = ()
    accepted: frozenset[str] = frozenset()
    next: float | None = None


def find_conflicts(
    bookings: Sequence[Booking],
    windows: Sequence[Window],
    rule: Rule,
    *,
    now: float,
    overlapping_resources: Collection[str] = (),
    accepted: Collection[str] = (),
) -> Conflicts:
    """Return all that is to be told of conflicts between ``bookings`` (each id once) for ``windows`` at ``now``.

    An overlap of which one booking is ``accepted`` (ids) is meant; without those bookings the others are as if alone.
    """
    judged = [booking for booking in bookings if booking.id not in accepted] if accepted else bookings
    ids = conflicting_ids(bookings, overlapping_resources)
    first = first_conflicts(judged, windows, rule, now=now, overlapping_resources=overlapping_resources)
    ahead = next((conflict.start for conflict in first if conflict.end > now), None)
    if len(judged) == len(bookings):
        return Conflicts(ids, first, next=ahead)
    # All that is to be judged and is not among the first is none: so this many pairs hold as many accepted ones as have room.
    limit = SHOWN_CONFLICTS + len(first)
    everything = first_conflicts(bookings, windows, rule, now=now, overlapping_resources=overlapping_resources, limit=limit)
    meant = tuple(pair for pair in everything if pair.first in accepted or pair.second in accepted)
    left = conflicting_ids(judged, overlapping_resources)
    return Conflicts(ids, (*first, *meant)[:SHOWN_CONFLICTS], ids - left, ahead)


def conflicting_ids(bookings: Iterable[Booking], overlapping_resources: Collection[str] = ()) -> frozenset[str]:
    """Return the ids of all bookings that conflict with another on a resource that serves one at a time.

    In the order of (start, end), a booking conflicts with an earlier one exactly when the latest end so far lies after its
    start, and with a later one exactly when its successor starts before its end. Zero length needs no case of its own,
    because it sorts before everything else that starts at the same moment.
    """
    lanes: dict[str, list[Booking]] = {}
    for booking in bookings:
        for resource in _exclusive(booking, overlapping_resources):
            lanes.setdefault(resource, []).append(booking)
    found: set[str] = set()
    for lane in lanes.values():
        lane.sort(key=_by_time)
        latest_end = float("-inf")
        for position, booking in enumerate(lane):
            if latest_end > booking.start or (position + 1 < len(lane) and lane[position + 1].start < booking.end):
                found.add(booking.id)
            latest_end = max(latest_end, booking.end)
    return frozenset(found)


def conflict_reach(
    bookings: Iterable[Booking],
    windows: Sequence[Window],
    rule: Rule,
    overlapping_resources: Collection[str] = (),
) -> tuple[float, float] | None:
    """Return the interval that must have been read for the conflicts of ``windows`` to be complete, in Unix seconds.

    It covers every booking of the windows that occupies a resource; ``None`` when no booking does.
    """
    inside = [booking for booking in in_any(bookings, windows, rule) if _exclusive(booking, overlapping_resources)]
    if not inside:
        return None
    return min(booking.start for booking in inside), max(booking.end for booking in inside)


def first_conflicts(
    bookings: Iterable[Booking],
    windows: Sequence[Window],
    rule: Rule,
    *,
    now: float,
    overlapping_resources: Collection[str] = (),
    limit: int = SHOWN_CONFLICTS,
) -> tuple[Conflict, ...]:
    """Return the first ``limit`` pairs of conflicting bookings of which at least one belongs to one of ``windows``.

    Soonest overlap first. Overlaps that ended by ``now`` can no longer be prevented: they come last, the latest of them
    first. A pair that shares several resources is named once.
    """
    ahead: list[Conflict] = []
    over: deque[Conflict] = deque(maxlen=limit)
    everything = list(bookings)
    wanted = {booking.id for booking in in_any(everything, windows, rule)}
    seen: set[tuple[str, str]] = set()
    for conflict in _pairs(everything, wanted, overlapping_resources, limit):
        pair = (conflict.first, conflict.second)
        if pair in seen:
            continue
        seen.add(pair)
        if conflict.end <= now:
            over.append(conflict)
        else:
            ahead.append(conflict)
            if len(ahead) == limit:
                break
    return tuple([*ahead, *reversed(over)][:limit])


def _pairs(
    bookings: list[Booking], wanted: Collection[str], overlapping_resources: Collection[str], limit: int
) -> Iterator[Conflict]:
    """Yield conflicting pairs in the order of their overlap's start, for each booking at most ``limit`` earlier partners.

    Of each resource we keep what still runs, in two heaps by end: bookings that are wanted, and others, which only make a
    wanted pair with a wanted one.
    """
    running: dict[str, tuple[list[tuple[float, str]], list[tuple[float, str]]]] = {}
    for booking in sorted(bookings, key=_by_time):
        is_wanted = booking.id in wanted
        for resource in sorted(_exclusive(booking, overlapping_resources)):
            heaps = running.setdefault(resource, ([], []))
            for heap in heaps:
                while heap and heap[0][0] <= booking.start:
                    heapq.heappop(heap)
            for heap in heaps if is_wanted else heaps[:1]:
                # The latest ends first, so that an overlap that is already over cannot hide one that still runs.
                for end, partner in heapq.nlargest(limit, heap):
                    yield Conflict(resource, partner, booking.id, booking.start, min(end, booking.end))
            heapq.heappush(heaps[0 if is_wanted else 1], (booking.end, booking.id))


def _exclusive(booking: Booking, overlapping_resources: Collection[str]) -> set[str]:
    return {resource for resource in booking.resources if resource not in overlapping_resources}


def _by_time(booking: Booking) -> tuple[float, float, str]:
    return booking.start, booking.end, booking.id
