"""The way from the calendar to the platform: which busy times that are of no booking the platform knows.

What is busy changes its edges whenever something is put beside it, so not periods but moments are followed: each part of the
busy time that the platform does not know has its own beginning.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from exporter.calendar_busy import BusyObservation, Period
from exporter.counting import MAX_BUFFER_SECONDS, TOLERANCE_SECONDS, clipped, minus, parts_left, union
from exporter.paired_bookings import PairedBookings
from exporter.private_calendar import PairedEvents
from exporter.proof import WINDOWS_SECONDS, BusyTime, Import
from exporter.state.pair_ends import Ends, Read, times_of
from exporter.state.pair_exports import MIN_GRACE_SECONDS, PROVING_BOOKINGS, left_times
from exporter.state.pair_memory import PairMemory, UnknownTime

_WEEK: Final = WINDOWS_SECONDS["next_7d"]


class Imports(NamedTuple):
    """What is remembered of busy times after a poll, how many are in which state, and which are missing."""

    memory: PairMemory
    numbers: dict[Import, int]
    missing: tuple[BusyTime, ...]


def compared(before: PairMemory, ends: Ends, events: Read[PairedEvents], grace: float) -> Imports:
    """Return which busy times of the next 7 days the platform knows, once ``before`` was, with a ``grace`` in seconds."""
    pieces = _private(before, ends, events.told)
    known = union([*events.told.periods, *events.told.booked])
    rests: dict[int, list[Period]] = {}
    for place, part in parts_left(pieces, known, longer_than=TOLERANCE_SECONDS):
        rests.setdefault(place, []).append(part)
    unknown = _followed(before.unknown, union(part for rest in rests.values() for part in rest), ends, events, grace)
    memory = replace(before, unknown=unknown, compared_at=ends.calendar.at)
    if not before.imports_proved:
        memory = _with_evidence(memory, before.unknown, pieces, union(events.told.periods))
    missing = union((time.start, time.end) for time in unknown if time.missing) if memory.imports_proved else ()
    numbers = dict.fromkeys(Import, 0) | {Import.KNOWN: len(pieces) - len(rests)}
    for rest in rests.values():
        numbers[Import.PENDING if minus(rest, missing) == tuple(rest) else Import.MISSING] += 1
    return Imports(memory, numbers, _told(missing, unknown))


def _private(before: PairMemory, ends: Ends, known: PairedEvents) -> tuple[Period, ...]:
    """Return the busy times that are no booking's, each once: not of cancelled ones either, nor buffers beside bookings."""
    told: BusyObservation = ends.calendar.told
    bookings: PairedBookings = ends.bookings.told
    until = min(told.end, known.end, bookings.end, ends.wall + _WEEK)
    busy = clipped(told.periods if told.entries is None else told.entries, max(ends.wall, told.start, known.start), until)
    times = times_of(bookings.bookings)
    unlisted = () if bookings.complete else ((booking.start, booking.end) for booking in before.bookings.values())
    taken = union(
        [*times, *bookings.waiting, *ends.others.booked, *ends.others.gone, *unlisted, *left_times(before.gone, float("-inf"))]
    )
    edges = _Edges(taken)
    rest = minus(dict.fromkeys(busy), taken, longer_than=TOLERANCE_SECONDS)
    return tuple(sorted({one for one in rest if one[1] - one[0] > MAX_BUFFER_SECONDS or not edges.touches(one)}))


class _Edges:
    """Where bookings begin and end."""

    def __init__(self, taken: Sequence[Period]) -> None:
        self._starts = frozenset(start for start, _ in taken)
        self._ends = frozenset(end for _, end in taken)

    def touches(self, one: Period) -> bool:
        """Return whether ``one`` begins where a booking ends, or ends where one begins."""
        start, end = one
        return start in self._ends or end in self._starts


def _followed(
    before: Sequence[UnknownTime], unknown: Sequence[Period], ends: Ends, events: Read[PairedEvents], grace: float
) -> tuple[UnknownTime, ...]:
    """Return the ``unknown`` busy times with since when each part is, and the verdict about it."""
    calendar = ends.calendar
    begin = max(calendar.done, ends.watched_at)  # a copy may wait for the sync until a grace after its booking was not there
    times = [(time.start, time.end) for time in before]
    whole = union(times)
    parts: list[UnknownTime] = []
    for one in unknown:
        same = [old for place in _overlapping(one, whole) if _is_same(old := whole[place], one)]
        parts += [UnknownTime(start, end, begin) for start, end in minus([one], same)]
        for old in same:
            for place in _overlapping((max(one[0], old[0]), min(one[1], old[1])), times):
                time = before[place]
                parts.append(replace(time, start=max(time.start, one[0]), end=min(time.end, one[1])))
    if ends.bookings.told.complete and calendar.at >= events.done:
        due = events.at - max(grace, MIN_GRACE_SECONDS)
        parts = [replace(part, missing=part.since <= due and ends.watched_at >= part.since) for part in parts]
    return tuple(sorted(parts, key=lambda part: part.start))


def _is_same(before: Period, now: Period) -> bool:
    """Return whether a busy time may be what it was: a part of it, or more of it, with an end where it was.

    Something whose ends are both elsewhere was put over it, and may be what was not there for long.
    """
    (begin, until), (begins, ends) = before, now
    is_part = begins >= begin - TOLERANCE_SECONDS and ends <= until + TOLERANCE_SECONDS
    return is_part or abs(begins - begin) <= TOLERANCE_SECONDS or abs(ends - until) <= TOLERANCE_SECONDS


def _overlapping(one: Period, periods: Sequence[Period]) -> Iterator[int]:
    """Yield the places of those of ``periods`` (ascending, disjoint) that overlap ``one``."""
    first = max(0, bisect_right(periods, (one[0], float("inf"))) - 1)
    for place in range(first, len(periods)):
        if periods[place][0] >= one[1]:
            return
        if periods[place][1] > one[0]:
            yield place


def _with_evidence(
    memory: PairMemory,
    before: Sequence[UnknownTime],
    pieces: Sequence[Period],
    imported: Sequence[Period],
) -> PairMemory:
    """Return ``memory`` with what speaks for it that busy times become known, or proved where that is enough.

    Only what was ``imported`` (a union) does: the platform knows its own bookings, those that no read has told yet, too.
    Of a busy time other parts are seen from poll to poll, as it goes by and bookings come and go; it is evidence once.
    """
    busy = union(pieces)
    waited = minus([(time.start, time.end) for time in before], (), longer_than=TOLERANCE_SECONDS)
    came = any(not minus([part], busy) and not minus([part], imported) for part in waited)
    brought = (piece for piece in pieces if not minus([piece], imported, longer_than=TOLERANCE_SECONDS))
    found = union([*memory.imports_evidence, *brought])
    if came or len(found) >= PROVING_BOOKINGS:
        return replace(memory, imports_proved=True, imports_evidence=())
    return replace(memory, imports_evidence=found)


def _told(missing: Sequence[Period], unknown: Sequence[UnknownTime]) -> tuple[BusyTime, ...]:
    """Return the ``missing`` times with since when they are unknown, each as a whole."""
    found = []
    for start, end in missing:
        if end - start > TOLERANCE_SECONDS:
            since = min(time.since for time in unknown if time.missing and time.start < end and start < time.end)
            found.append(BusyTime(start, end, since))
    return tuple(found)
