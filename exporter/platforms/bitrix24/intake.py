"""Which bookings of a portal are new and which are gone: what its ids and its answers add to two reads.

- *Discovered* is an unseen id above every id seen before, since ids only grow.
- A *missing* booking was deleted (which is also what a client's cancellation does, bitrix24.md 2.3) or moved out of the
  range; only asking tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from msgspec.structs import replace

from exporter.counting import Booking, CompleteRead, PackedRead, booking_changes, joined
from exporter.limits import GONE_BOOKINGS


class IntakeChanges(msgspec.Struct, frozen=True):
    """What a read tells: how many bookings are new, which should have been seen again, the largest id ever seen."""

    new: int
    gone: tuple[Booking, ...]
    largest_id: int


def compare(remembered: PackedRead | None, now: CompleteRead, largest: int, moment: float) -> IntakeChanges:
    """Return what ``now`` tells beside the read before, when ``largest`` was the largest id ever seen.

    ``moment`` is now in Unix seconds. The first read tells only what there is.
    """
    if remembered is None:
        return IntakeChanges(0, (), largest_id(now.bookings.ids, largest))
    found = booking_changes(remembered.seen(), now, moment)
    # What both reads showed is no larger than the largest of before.
    return IntakeChanges(
        sum(int(booking_id) > largest for booking_id in found.new), found.gone, largest_id(found.appeared.ids, largest)
    )


def largest_id(ids: Iterable[str], before: int = 0) -> int:
    """Return the largest id ever seen; ``before`` is what that was until now."""
    return max(before, max(map(int, ids), default=0))


def remember(now: CompleteRead, unanswered: Sequence[Booking]) -> PackedRead:
    """Return what the next read is to be compared with: ``now``, packed, and who is ``unanswered``."""
    return PackedRead.of(keep_unanswered(now, unanswered))


def keep_unanswered(now: CompleteRead, unanswered: Sequence[Booking]) -> CompleteRead:
    """Return ``now`` with bookings that nobody could be asked about yet, so that the next read misses them again.

    Of ``unanswered`` the first ones are kept: a portal that shows other bookings with every read must not fill the memory.
    """
    owed = unanswered[: GONE_BOOKINGS.number]
    return replace(now, bookings=joined([now.bookings, owed]).times()) if owed else now
