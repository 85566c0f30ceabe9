"""What comes and goes while an end of a pair is not read is seen by nobody, so graces begin anew behind such a gap.

A booking may be made and cancelled in it, and its copy wait for the sync; one may be moved away and back; a private date may be
deleted and entered again. All this looks as if nothing had happened since the reads before.
"""

from __future__ import annotations

from msgspec.structs import replace

from exporter.state.pair_ends import Ends
from exporter.state.pair_memory import GoneBooking, KnownBooking, PairMemory, UnknownTime


def with_new_graces(before: PairMemory, ends: Ends, grace: float) -> PairMemory:
    """Return ``before`` as it may be used at ``ends``: what is no verdict yet waits for the whole ``grace`` behind a gap.

    ``grace`` is in seconds. A gap is longer than both what was read may be shown for and half the grace. Verdicts stay: each
    was true before it.
    """
    bookings, calendar = ends.bookings, ends.calendar
    watched_at = max(before.watched_at, ends.watched_at)
    longest_of_bookings, longest_of_calendar = max(bookings.max_age, grace / 2), max(calendar.max_age, grace / 2)
    is_unread = calendar.at - before.calendar_at > longest_of_calendar
    is_unwatched = watched_at - before.watched_at > longest_of_bookings
    memory = replace(before, bookings_at=bookings.at, watched_at=watched_at)
    behind = max(bookings.done, calendar.done)
    if is_unread or bookings.at - before.bookings_at > longest_of_bookings:
        memory = replace(memory, bookings={key: _of_booking(one, behind) for key, one in before.bookings.items()})
    if is_unread or is_unwatched:
        memory = replace(memory, gone=tuple(_of_gone(one, behind) for one in before.gone))
    if is_unwatched or calendar.at - before.compared_at > longest_of_calendar:
        return replace(memory, unknown=tuple(_of_time(one, behind) for one in before.unknown))
    # a booking that was cancelled before the first read that can tell it has its copy for a while after it
    unknown = (_of_time(one, watched_at) if before.watched_at < one.since <= watched_at else one for one in before.unknown)
    return replace(memory, unknown=tuple(unknown))


def _of_booking(booking: KnownBooking, behind: float) -> KnownBooking:
    if booking.missing:
        return booking
    vanished = None if booking.vanished is None else max(booking.vanished, behind)
    return replace(booking, seen=max(booking.seen, behind), vanished=vanished)


def _of_gone(booking: GoneBooking, behind: float) -> GoneBooking:
    return booking if booking.left else replace(booking, since=max(booking.since, behind))


def _of_time(time: UnknownTime, behind: float) -> UnknownTime:
    return time if time.missing else replace(time, since=max(time.since, behind))
