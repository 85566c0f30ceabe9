"""The frozen values about the bookings of a resource that a pair ties to its owner's own calendar.

Moments are Unix seconds (``float``). Of a booking nothing is kept but its id on the platform and its times.
"""

from __future__ import annotations

from exporter.value import Value


class PairedBooking(Value, frozen=True, gc=False):
    """A booking that takes time on the calendar.

    ``created`` and ``changed`` (when anything of it was changed last) are ``None`` where the platform does not tell them.
    """

    id: str
    start: float
    end: float
    created: float | None = None
    changed: float | None = None


class PairedBookings(Value, frozen=True, gc=False):
    """The bookings of a ``resource`` (as the configuration names it) that take time in ``[start, end)``, soonest first.

    Unless it is ``complete``, one that is not among them may exist all the same.
    """

    resource: str
    start: float
    end: float
    bookings: tuple[PairedBooking, ...]
    complete: bool = True
