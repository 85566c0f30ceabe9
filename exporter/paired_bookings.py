"""The frozen values about the bookings of a resource that a pair ties to its owner's own calendar.

Moments are Unix seconds (``float``). Of a booking nothing is kept but its id on the platform and its times.
"""

from __future__ import annotations

from typing import Final

from exporter.value import Value

BEFORE_SECONDS: Final = 86_400.0
AFTER_SECONDS: Final = 691_200.0
"""Bookings from a day ago until eight days ahead are compared with the calendar: judged are the next seven."""


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

    ``ids`` are those by which it was looked for: its name may have become another resource's while it was.
    ``waiting`` is the time of those that the merchant has yet to accept: they may be in a calendar and need not be. Unless it
    is ``complete``, one that is not among them may exist all the same.
    """

    resource: str
    start: float
    end: float
    bookings: tuple[PairedBooking, ...]
    complete: bool = True
    waiting: tuple[tuple[float, float], ...] = ()
    ids: frozenset[str] = frozenset()


def paired_range(now: float) -> tuple[float, float]:
    """Return from when to when bookings are compared with a calendar at ``now``."""
    return now - BEFORE_SECONDS, now + AFTER_SECONDS
