"""Double bookings: two bookings that want the same resource at the same time; the same for every platform.

Two bookings conflict when they share a resource and ``a.start < b.end and b.start < a.end``, the same test that Bitrix24 makes
for its own intersections. Touching ends do not conflict. A booking of zero length conflicts only with one that began before
it and ends after it.

A booking in a window conflicts also when its partner lies outside. Reading the rows that overlap the windows is therefore
not enough: with the window ``[0, 10)`` the booking ``[9, 12)`` conflicts with ``[11, 13)``, which does not touch the window.
Every partner of a booking overlaps that booking, hence it overlaps any interval that covers it; :func:`conflict_reach` gives
that interval, and a reader has to have read all of it.
Moments are Unix seconds (``float``), intervals half-open: bookings that only touch do not conflict.
"""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import compress, count, islice
from operator import gt
from typing import Final

from exporter.counting.bookings import Rule, in_any_window, positions_in_any
from exporter.counting.table import Booking, Table
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
    # Whoever conflicts with nobody is in no pair either, and mostly that is nearly everybody.
    clashing = conflicting(Table.of(bookings), overlapping_resources)
    judged = clashing.rows([position for position, booking_id in enumerate(clashing.ids) if booking_id not in accepted])
    ids = frozenset(clashing.ids)
    first = first_conflicts(judged, windows, rule, now=now, overlapping_resources=overlapping_resources)
    ahead = next((conflict.start for conflict in first if conflict.end > now), None)
    if len(judged) == len(clashing):
        return Conflicts(ids, first, next=ahead)
    # All that is to be judged and is not among the first is none: so this many pairs hold as many accepted ones as have room.
    limit = SHOWN_CONFLICTS + len(first)
    everything = first_conflicts(clashing, windows, rule, now=now, overlapping_resources=overlapping_resources, limit=limit)
    meant = tuple(pair for pair in everything if pair.first in accepted or pair.second in accepted)
    left = conflicting_ids(judged, overlapping_resources)
    return Conflicts(ids, (*first, *meant)[:SHOWN_CONFLICTS], ids - left, ahead)


def conflicting_ids(bookings: Iterable[Booking], overlapping_resources: Collection[str] = ()) -> frozenset[str]:
    """Return the ids of all bookings that conflict with another on a resource that serves one at a time."""
    return frozenset(conflicting(Table.of(bookings), overlapping_resources).ids)


def conflicting(bookings: Table, overlapping_resources: Collection[str] = ()) -> Table:
    """Return those of ``bookings`` that conflict with another on a resource that serves one at a time.

    Most bookings overlap nothing, which the order of their starts alone tells; only the others are looked at closely.
    """
    found: set[int] = set()
    for lane in _lanes(bookings, overlapping_resources).values():
        for tangle in _tangles(bookings, lane):
            found.update(_overlapping(tangle))
    return bookings.rows(sorted(found))


def _tangles(bookings: Table, positions: Iterable[int]) -> Iterator[list[tuple[float, float, int]]]:
    """Yield those (start, end, position; sorted) of which each but the first begins before an earlier one ended."""
    lane = sorted(positions, key=bookings.starts.__getitem__)
    starts, ends = list(map(bookings.starts.__getitem__, lane)), list(map(bookings.ends.__getitem__, lane))
    last = 0
    # The second of a tangle begins before the one in front of it ended, else it would belong to the tangle before.
    for second in compress(count(1), map(gt, ends, islice(starts, 1, None))):
        if second < last:
            continue
        first, last, latest_end = second - 1, second, ends[second - 1]
        while last < len(lane) and starts[last] < latest_end:
            latest_end = max(latest_end, ends[last])
            last += 1
        yield sorted(zip(starts[first:last], ends[first:last], lane[first:last], strict=True))


def _overlapping(lane: Sequence[tuple[float, float, int]]) -> Iterator[int]:
    """Yield the positions of those in ``lane`` (start, end, position; sorted) that conflict with another.

    In this order a booking conflicts with an earlier one exactly when the latest end so far lies after its start, and with a
    later one exactly when its successor starts before its end. Zero length needs no case of its own, because it sorts before
    everything else that starts at the same moment.
    """
    latest_end = float("-inf")
    for turn, (start, end, position) in enumerate(lane):
        if latest_end > start or (turn + 1 < len(lane) and lane[turn + 1][0] < end):
            yield position
        latest_end = max(latest_end, end)


def _lanes(bookings: Table, overlapping_resources: Collection[str]) -> dict[str, list[int]]:
    """Return where in ``bookings`` those of each resource are that serves one at a time."""
    together: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)  # the same few sets of resources come again and again
    for position, resources in enumerate(bookings.resources):
        together[resources].append(position)
    lanes: defaultdict[str, list[int]] = defaultdict(list)
    for resources, positions in together.items():
        for resource in _exclusive(resources, overlapping_resources):
            lanes[resource] += positions
    return lanes


def conflict_reach(
    bookings: Iterable[Booking],
    windows: Sequence[Window],
    rule: Rule,
    overlapping_resources: Collection[str] = (),
) -> tuple[float, float] | None:
    """Return the interval that must have been read for the conflicts of ``windows`` to be complete, in Unix seconds.

    It covers every booking of the windows that occupies a resource; ``None`` when no booking does.
    """
    table = Table.of(bookings)
    idle = {resources for resources in set(table.resources) if not _exclusive(resources, overlapping_resources)}
    inside = positions_in_any(table, windows, rule)
    if idle:
        inside = [position for position in inside if table.resources[position] not in idle]
    if not inside:
        return None
    return min(map(table.starts.__getitem__, inside)), max(map(table.ends.__getitem__, inside))


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
    everything = Table.of(bookings)
    wanted = set(in_any_window(everything, windows, rule).ids)
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
    bookings: Iterable[Booking], wanted: Collection[str], overlapping_resources: Collection[str], limit: int
) -> Iterator[Conflict]:
    """Yield conflicting pairs in the order of their overlap's start, for each booking at most ``limit`` earlier partners.

    Of each resource we keep what still runs, in two heaps by end: bookings that are wanted, and others, which only make a
    wanted pair with a wanted one.
    """
    running: dict[str, tuple[list[tuple[float, str]], list[tuple[float, str]]]] = {}
    for booking in sorted(bookings, key=_by_time):
        is_wanted = booking.id in wanted
        for resource in sorted(_exclusive(booking.resources, overlapping_resources)):
            heaps = running.setdefault(resource, ([], []))
            for heap in heaps:
                while heap and heap[0][0] <= booking.start:
                    heapq.heappop(heap)
            for heap in heaps if is_wanted else heaps[:1]:
                # The latest ends first, so that an overlap that is already over cannot hide one that still runs.
                for end, partner in heapq.nlargest(limit, heap):
                    yield Conflict(resource, partner, booking.id, booking.start, min(end, booking.end))
            heapq.heappush(heaps[0 if is_wanted else 1], (booking.end, booking.id))


def _exclusive(resources: Iterable[str], overlapping_resources: Collection[str]) -> set[str]:
    return {resource for resource in resources if resource not in overlapping_resources}


def _by_time(booking: Booking) -> tuple[float, float, str]:
    return booking.start, booking.end, booking.id
