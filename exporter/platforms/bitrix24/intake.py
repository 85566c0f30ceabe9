"""Which bookings are new and which are gone, from two complete reads of a range that moves with time.

A booking can become visible without being new, because the range moved over it or because it was moved into the range; and it
can become invisible without being gone. So:

- *discovered* is an unknown id above every id seen before (ids only grow), in a place that the read before already covered;
- *missing* is an id whose start lies ahead, in a place that the read now covers, and that the read did not bring. It was
  deleted (which is also what a client's cancellation does, bitrix24.md 2.3) or moved out of the range; only asking tells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from exporter.counting.bookings import Booking


@dataclass(frozen=True, slots=True)
class Seen:
    """What a complete read of ``[low, high)`` (Unix seconds) saw. ``largest`` is the largest id ever seen."""

    low: float
    high: float
    bookings: Mapping[str, Booking] = field(default_factory=dict)
    largest: int = 0

    def covers(self, booking: Booking) -> bool:
        """Tell whether a read of this range brings ``booking``."""
        return booking.start < self.high and booking.end > self.low


def seen(before: Seen | None, bookings: Sequence[Booking], low: float, high: float) -> Seen:
    """Return what is known after a complete read of ``[low, high)``."""
    largest = max((int(booking.id) for booking in bookings), default=0)
    return Seen(low, high, {booking.id: booking for booking in bookings}, max(largest, before.largest if before else 0))


def discovered(before: Seen, now: Seen) -> int:
    """Return how many bookings are new since ``before``."""
    return sum(
        booking_id not in before.bookings and int(booking_id) > before.largest and before.covers(booking)
        for booking_id, booking in now.bookings.items()
    )


def missing(before: Seen, now: Seen, moment: float) -> tuple[Booking, ...]:
    """Return the bookings that should have been seen again, soonest first. ``moment`` is now in Unix seconds."""
    return tuple(
        sorted(
            (
                booking
                for booking_id, booking in before.bookings.items()
                if booking_id not in now.bookings and booking.start > moment and now.covers(booking)
            ),
            key=lambda booking: (booking.start, int(booking.id)),
        )
    )


def keep_unanswered(now: Seen, unanswered: Sequence[Booking], max_bookings: int) -> Seen:
    """Return ``now`` with bookings that nobody could be asked about yet, so that the next read misses them again.

    At most ``max_bookings`` in all, the first ones of ``unanswered`` before the others: a portal that shows other bookings
    with every read must not fill the memory.
    """
    owed = unanswered[: max(0, max_bookings - len(now.bookings))]
    return Seen(now.low, now.high, {**now.bookings, **{booking.id: booking for booking in owed}}, now.largest)
