"""New and gone bookings: the difference of two complete reads of a range that moves with time.

A booking can become visible without being new, because the range moved over it or because it was moved into the range; and it
can become invisible without being gone. So:

- *new* can only be an id that the read before did not bring, in a place that it covered;
- *gone* can only be an id whose start lies ahead, in a place that the read now covers, and that it did not bring.

Platforms add what their ids and their API tell beyond that.
"""

from __future__ import annotations

from array import array
from typing import Final

import msgspec

from exporter.counting.bookings import Rule, is_in_window
from exporter.counting.table import Booking, Table, apart
from exporter.model import Value


class CompleteRead(msgspec.Struct, frozen=True):
    """The bookings that a complete read of ``[start, end)`` (Unix seconds) brought; ``rule`` says which ones it could bring."""

    start: float
    end: float
    rule: Rule
    bookings: Table = msgspec.field(default_factory=Table)

    def covers(self, booking: Booking) -> bool:
        """Tell whether a read of this range brings ``booking``."""
        return is_in_window(booking, self, self.rule)


class PackedRead(Value, frozen=True, gc=False):
    """A :class:`CompleteRead` packed from poll to poll: a hundred thousand bookings take 2.5 MiB instead of nine.

    And what is gone with the next poll does not lie between what stays.
    """

    start: float
    end: float
    rule: Rule
    ids: bytes
    starts: array[float]
    ends: array[float]

    @classmethod
    def of(cls, seen: CompleteRead) -> PackedRead:
        """Pack what was ``seen``: which bookings, and when each is."""
        rows = seen.bookings
        return cls(seen.start, seen.end, seen.rule, msgspec.msgpack.encode(rows.ids), rows.starts, rows.ends)

    def seen(self) -> CompleteRead:
        """Return what was packed."""
        return CompleteRead(self.start, self.end, self.rule, Table(_ids.decode(self.ids), self.starts, self.ends))


_ids: Final = msgspec.msgpack.Decoder(list[str])


class BookingChanges(msgspec.Struct, frozen=True):
    """The difference of two complete reads.

    ``appeared`` are bookings that only the newer read brought; ``new`` are the ids of those that the older one would have
    brought had they existed; ``gone`` are those that the newer one should have brought and did not, the soonest first.
    """

    appeared: Table
    new: frozenset[str]
    gone: tuple[Booking, ...]


def booking_changes(before: CompleteRead, now: CompleteRead, moment: float) -> BookingChanges:
    """Return the difference of the complete reads ``before`` and ``now``. ``moment`` is the present in Unix seconds."""
    appeared, went = apart(now.bookings, before.bookings)
    gone = [booking for booking in went if booking.start > moment and now.covers(booking)]
    return BookingChanges(
        appeared,
        frozenset(booking.id for booking in appeared if before.covers(booking)),
        tuple(sorted(gone, key=lambda booking: (booking.start, len(booking.id), booking.id))),
    )


def new_ids(before: CompleteRead, now: CompleteRead) -> frozenset[str]:
    """Return the ids that ``now`` brought and ``before`` would have brought, had the bookings existed."""
    return booking_changes(before, now, float("inf")).new


def gone_bookings(before: CompleteRead, now: CompleteRead, moment: float) -> tuple[Booking, ...]:
    """Return the bookings that ``now`` should have brought and did not, soonest first. ``moment`` is in Unix seconds."""
    return booking_changes(before, now, moment).gone
