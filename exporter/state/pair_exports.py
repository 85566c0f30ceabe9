"""The way from the platform to the calendar: which bookings are in it, and which cancelled ones still are.

A verdict that accuses a sync is only made of reads in the right order (:mod:`exporter.state.pair_ends`), after the grace, and
where the calendar was read whole. What speaks for a sync counts at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from exporter.calendar_busy import Period
from exporter.counting import MAINLY, TOLERANCE_SECONDS, booked_share, clipped, covering, has_exact, minus, union
from exporter.paired_bookings import PairedBooking
from exporter.state.pair_ends import Ends, booking_key, times_of
from exporter.state.pair_memory import Evidence, GoneBooking, KnownBooking, PairMemory

MIN_GRACE_SECONDS: Final = 60.0
"""A booking that is younger is never missing, whatever is configured: the clocks of others differ from ours."""

WHOLE_DAY_SECONDS: Final = 23 * 3600.0
"""The copy of a booking that lasts as long as the shortest day may be one of a whole day, which no reader tells as busy."""

PROVING_BOOKINGS: Final = 5
"""So many bookings at different times, ..."""

PROVING_PERIODS: Final = 2
"""... in so many busy times, do not lie in private dates by chance."""

CLEARLY: Final = 0.75
"""A busy time that comes where a booking was just made, and is of bookings to so large a part, was put there for it."""


class Exports(NamedTuple):
    """What is remembered of the bookings after a poll, and what the poll showed of those that are listed.

    ``free`` are the keys of those whose copies are marked as free; ``lags`` are new, in seconds.
    """

    memory: PairMemory
    listed: Mapping[str, PairedBooking]
    free: frozenset[str] = frozenset()
    lags: tuple[float, ...] = ()


def followed(before: PairMemory, ends: Ends, grace: float) -> Exports:
    """Return what is known of the bookings at ``ends`` once ``before`` was, with a ``grace`` in seconds."""
    listed = {booking_key(booking): booking for booking in ends.bookings.told.bookings}
    known, gone = _known(before, listed, ends)
    memory = replace(before, bookings=known, gone=(*before.gone, *gone))
    told = ends.bookings.told
    if told.complete and ends.bookings.at >= before.whole_at:
        memory = replace(memory, whole_at=ends.bookings.at, whole_start=told.start, whole_end=told.end)
    grace = max(grace, MIN_GRACE_SECONDS)
    found = _arrivals(memory, listed, ends, grace)
    booked = union([*times_of(told.bookings), *told.waiting, *ends.others.booked, *_unlisted(memory, listed)])
    return found._replace(memory=replace(found.memory, gone=_left(found.memory.gone, booked, ends, grace)))


def _known(
    before: PairMemory, listed: Mapping[str, PairedBooking], ends: Ends
) -> tuple[dict[str, KnownBooking], tuple[GoneBooking, ...]]:
    """Return all bookings that are known now, and those that had arrived and are gone."""
    told = ends.bookings.told
    known: dict[str, KnownBooking] = {}
    gone = []
    for key, booking in before.bookings.items():
        if key in listed:
            known[key] = booking
        elif booking.end <= told.start:
            continue  # over for so long that nobody asks for it any more
        elif not told.complete or booking.start >= told.end:
            known[key] = booking
        elif booking.arrived is not None and booking.vanished is None and booking.end > ends.wall:
            gone.append(GoneBooking(booking.start, booking.end, ends.bookings.done))
    for key, listed_booking in listed.items():
        if key not in known:
            known[key] = _new(listed_booking, before, ends)
    return known, tuple(gone)


def _new(booking: PairedBooking, before: PairMemory, ends: Ends) -> KnownBooking:
    """Return a booking that was not known with these times.

    Where a whole read looked for it before, it was made or moved since. Where none did, it has been as it is for as long as
    the platform says that nothing of it changed; that it was created long ago says nothing, for it may just have been moved.
    """
    read, stepped = ends.bookings, ends.wall - ends.now
    told = booking.created if booking.changed is None else booking.changed
    made = None if told is None else min(told - stepped, read.done)
    if before.whole_at and before.whole_start <= booking.start < before.whole_end:
        if made is None or made <= before.whole_at - MIN_GRACE_SECONDS:
            made = read.at if read.at - before.whole_at <= read.max_age else None
        return KnownBooking(booking.start, booking.end, read.done, made)
    seen = read.done if booking.changed is None or made is None else made
    return KnownBooking(booking.start, booking.end, seen, None if booking.changed is None else made)


def _arrivals(memory: PairMemory, listed: Mapping[str, PairedBooking], ends: Ends, grace: float) -> Exports:
    calendar, told = ends.calendar, ends.calendar.told
    bookings = dict(memory.bookings)
    unclear = union(told.unclear)
    is_gap = calendar.at - memory.calendar_at > calendar.max_age
    free, lags, arrived, turned = [], [], [], []
    for key in listed:
        booking = bookings[key]
        if booking.start < told.start or booking.end > told.end:
            continue  # the calendar was not asked for all of it
        place = covering(booking.start, booking.end, told.periods)
        if place is not None:
            if booking.arrived is None:
                arrived.append(key)
                if booking.looked:
                    turned.append(key)
                    if booking.made is not None and not is_gap:
                        lags.append(max(0.0, calendar.at - booking.made))
            if booking.arrived is None or booking.vanished is not None or booking.missing:
                first = calendar.at if booking.arrived is None else booking.arrived
                bookings[key] = replace(booking, arrived=first, vanished=None, missing=False)
            continue
        if not _can_be_seen(booking, unclear):
            continue
        is_free = told.free is not None and has_exact(booking.start, booking.end, told.free)
        if is_free:
            free.append(key)
        bookings[key] = _absent(booking, ends, grace, is_free=is_free)
    memory = replace(memory, bookings=bookings, calendar_at=calendar.at, arrived_in_all=memory.arrived_in_all + len(arrived))
    covered = [key for key in listed if (held := bookings[key]).arrived is not None and held.vanished is None]
    memory = _with_evidence(memory, [bookings[key] for key in covered], [bookings[key] for key in turned], ends)
    return Exports(memory, listed, frozenset(free), tuple(lags))


def _absent(booking: KnownBooking, ends: Ends, grace: float, *, is_free: bool) -> KnownBooking:
    """Return a booking that is not busy in the calendar, with the verdict where there is one: it may be marked as free."""
    calendar, is_missing = ends.calendar, booking.missing
    if is_free:
        is_missing = False
    elif ends.confirms_absence and not calendar.told.unread:
        is_missing = _is_due(booking, calendar.at, grace)
    vanished = calendar.done if booking.arrived is not None and booking.vanished is None else booking.vanished
    looked = booking.looked or calendar.at >= (booking.seen if booking.made is None else booking.made)
    if (vanished, looked, is_missing) == (booking.vanished, booking.looked, booking.missing):
        return booking
    return replace(booking, vanished=vanished, looked=looked, missing=is_missing)


def _can_be_seen(booking: KnownBooking | GoneBooking, unclear: Sequence[Period]) -> bool:
    """Return whether a copy would show: not on a day that is taken out of what is busy, nor as such a day itself."""
    times = booking.start, booking.end
    return booking.end - booking.start < WHOLE_DAY_SECONDS and minus([times], unclear) == (times,)


def _is_due(booking: KnownBooking, read_at: float, grace: float) -> bool:
    """Return whether a booking that is not in the calendar at ``read_at`` had its time to come, or to come back."""
    if booking.vanished is not None:
        return read_at >= booking.vanished + grace
    return booking.arrived is None and read_at >= booking.seen + grace


def _with_evidence(
    memory: PairMemory, covered: Sequence[KnownBooking], turned: Sequence[KnownBooking], ends: Ends
) -> PairMemory:
    """Return ``memory`` with what speaks for it that bookings arrive, or proved where that is enough.

    A private date may cover a booking by chance; the busy time is not mainly of bookings then.
    """
    if memory.proved:
        return memory
    told = ends.calendar.told
    booked = union([*times_of(ends.bookings.told.bookings), *ends.others.booked])
    evidence: list[Evidence] = list(memory.evidence)
    for booking in covered:
        times = booking.start, booking.end
        place = covering(*times, told.periods)
        if place is None or any(known[:2] == times for known in evidence) or not _is_its(times, place, booked, told.entries):
            continue
        same = next((number for start, end, number in evidence if place[0] <= start < place[1] and end > place[0]), None)
        number = same if same is not None else 1 + max((known[2] for known in evidence), default=0)
        evidence.append((*times, number))
    came = any(
        _is_its((booking.start, booking.end), place, booked, told.entries, CLEARLY)
        for booking in turned
        if (place := covering(booking.start, booking.end, told.periods)) is not None
    )
    enough = len(evidence) >= PROVING_BOOKINGS and len({number for _, _, number in evidence}) >= PROVING_PERIODS
    return replace(memory, proved=came or enough, evidence=() if came or enough else _enough_of(evidence, told.start))


def _enough_of(evidence: Sequence[Evidence], start: float) -> tuple[Evidence, ...]:
    """Return ``evidence``, of what was over before ``start`` no more than would prove the pair: it is kept for months.

    What is ahead stays, or it would be counted anew once its busy time falls apart.
    """
    places: dict[int, list[Evidence]] = {}
    for one in sorted(evidence, reverse=True):
        of_place = places.setdefault(one[2], [])
        if one[1] > start or len(of_place) < PROVING_BOOKINGS:
            of_place.append(one)
    return tuple(sorted(one for of_place in places.values() for one in of_place))


def _is_its(
    times: Period, place: Period, booked: Sequence[Period], entries: Sequence[Period] | None, share: float = MAINLY
) -> bool:
    if entries is not None:
        return has_exact(*times, entries)
    return booked_share(place, booked) >= share


def _unlisted(memory: PairMemory, listed: Mapping[str, PairedBooking]) -> Iterable[Period]:
    """Yield the times of bookings that may exist although the last read did not tell them."""
    return ((booking.start, booking.end) for key, booking in memory.bookings.items() if key not in listed)


def _left(gone: Sequence[GoneBooking], booked: Sequence[Period], ends: Ends, grace: float) -> tuple[GoneBooking, ...]:
    """Return those of ``gone`` that are still to be watched, with the verdict whether they are left behind.

    ``booked`` is the union of the bookings that there are.
    """
    calendar, told = ends.calendar, ends.calendar.told
    unclear = union(told.unclear)
    whose = union([*((booking.start, booking.end) for booking in gone), *ends.others.gone])
    found = []
    for booking in gone:
        rest = minus([(booking.start, booking.end)], booked, longer_than=TOLERANCE_SECONDS)
        if booking.end <= ends.wall:
            continue
        if booking.start < told.start or booking.end > told.end or not _can_be_seen(booking, unclear):
            found.append(booking)  # the calendar was not asked for all of it, or hides it
        elif not rest:  # another booking took its place: from then on what is busy is that one's
            found.append(replace(booking, since=max(booking.since, ends.bookings.done), left=False))
        elif calendar.at < booking.since:
            found.append(booking)
        elif all(covering(*part, told.periods) for part in rest):
            is_left = booking.left
            if ends.confirms_presence:
                is_its = all(_is_only_of(part, whose, booked, told.periods) for part in rest)
                if told.entries is not None:
                    is_its = has_exact(booking.start, booking.end, told.entries)
                is_left = is_its and calendar.at >= booking.since + grace
            found.append(booking if is_left == booking.left else replace(booking, left=is_left))
    return tuple(found)


def _is_only_of(part: Period, whose: Sequence[Period], booked: Sequence[Period], busy: Sequence[Period]) -> bool:
    """Return whether the busy time around ``part`` that is of no booking is of cancelled ones (``whose``) alone."""
    place = covering(*part, busy)
    around = () if place is None else minus([place], booked)
    near = [one for one in around if one[0] < part[1] and part[0] < one[1]]
    return not minus(near, whose, longer_than=TOLERANCE_SECONDS)


def ahead(listed: Mapping[str, PairedBooking], ends: Ends, seconds: float) -> list[str]:
    """Return the keys of bookings that begin within ``seconds`` from now."""
    return [key for key, booking in listed.items() if ends.wall <= booking.start < ends.wall + seconds]


def left_times(gone: Sequence[GoneBooking], wall: float) -> tuple[Period, ...]:
    """Return the times of cancelled bookings that may still be busy because of them, from ``wall`` on."""
    return clipped(((booking.start, booking.end) for booking in gone), wall, float("inf"))
