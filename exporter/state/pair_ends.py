"""What is read at both ends of a pair, with when it was read: a verdict against somebody needs reads in the right order.

Two polls never look at the same moment. Somebody who cancels between them looks as if a sync had lost a booking, and somebody
who books between them as if a private date had come. So what a poll did *not* find counts only where the other end was read
after it, from its beginning, and says the same as before.

Moments are Unix seconds (``float``) of the steady clock; when bookings and busy times begin and end they are of the wall clock.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

from exporter.calendar_busy import BusyObservation, Period
from exporter.model import Value
from exporter.paired_bookings import PairedBooking, PairedBookings
from exporter.private_calendar import PairedEvents
from exporter.proof import PairSpec

Told = TypeVar("Told", PairedBookings, BusyObservation, PairedEvents)


class Read(Value, Generic[Told], frozen=True, gc=False):
    """What a poll that began ``at`` and was over at ``done`` was told; it is withdrawn when it is older than ``max_age``."""

    told: Told
    at: float
    done: float
    max_age: float

    def is_fresh(self, now: float) -> bool:
        """Return whether it may still be shown at ``now``."""
        return now <= self.at + self.max_age


class Others(Value, frozen=True, gc=False):
    """The bookings of other pairs that share the calendar, and those that are ``gone``; all were read ``at`` or later.

    One of which nothing is known makes that moment minus infinity.
    """

    booked: tuple[Period, ...] = ()
    gone: tuple[Period, ...] = ()
    at: float = float("inf")


class Ends(Value, frozen=True, gc=False):
    """Both ends of a pair at ``now``, ``wall`` on the wall clock. ``events`` is what the platform knows, if it tells."""

    bookings: Read[PairedBookings]
    calendar: Read[BusyObservation]
    now: float
    wall: float
    events: Read[PairedEvents] | None = None
    others: Others = Others()

    @property
    def confirms_absence(self) -> bool:
        """Whether the bookings were read after the calendar, so that what is not in it was not just cancelled."""
        return self.bookings.at >= self.calendar.done

    @property
    def confirms_presence(self) -> bool:
        """Whether all bookings of the calendar were read after it, so that what is in it is not one that was just made."""
        return self.watched_at >= self.calendar.done

    @property
    def watched_at(self) -> float:
        """When all bookings of the calendar were read last, whole; minus infinity where some are not known."""
        return min(self.bookings.at, self.others.at) if self.bookings.told.complete else -math.inf


def booking_key(booking: PairedBooking) -> str:
    """Return the hash of a booking's id and times, by which it is remembered."""
    text = f"{booking.id} {booking.start:.0f} {booking.end:.0f}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def times_of(bookings: Sequence[PairedBooking]) -> tuple[Period, ...]:
    """Return when ``bookings`` begin and end, in their order."""
    return tuple((booking.start, booking.end) for booking in bookings)


def ends_hash(spec: PairSpec, accounts: Mapping[str, str]) -> str:
    """Return the hash of what a pair ties together; ``accounts`` has the hash of each target's account."""
    resource = "" if spec.ids else spec.resource  # a name may become another resource's, and a resource get another name
    ends = (spec.bookings, accounts.get(spec.bookings, ""), resource, spec.calendar, accounts.get(spec.calendar, ""))
    parts = (*ends, *sorted(spec.ids))
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:12]
