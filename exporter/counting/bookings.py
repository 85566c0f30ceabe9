"""Counting over bookings that were read row by row; the same for every platform.

Two rules say when a booking belongs to a window ``[F, T)``:

- ``start``: it starts inside, ``F <= start < T``;
- ``overlap``: it starts inside, or it began earlier and still runs at ``F``. A booking of zero length belongs where it starts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Literal, Protocol

from exporter.errors import TargetConfigError
from exporter.model import CollectorName, Value, Window, WindowBookings

Rule = Literal["start", "overlap"]


class Span(Protocol):
    """A half-open interval ``[start, end)`` in Unix seconds."""

    @property
    def start(self) -> float: ...

    @property
    def end(self) -> float: ...


class Booking(Value, frozen=True, gc=False):
    """The part of a booking that counting needs. ``start``/``end`` are Unix seconds, ``resources`` the API's ids as text.

    ``status`` is lower case where the platform has one, else ``None``. Nothing personal.
    """

    id: str
    start: float
    end: float
    resources: tuple[str, ...] = ()
    status: str | None = None


def unique(bookings: Iterable[Booking]) -> tuple[Booking, ...]:
    """Return each booking once, in the order of first sight.

    A row that was read twice, because it moved between two pages, counts as it was read last.
    """
    return tuple({booking.id: booking for booking in bookings}.values())


def reservations(booking: Booking) -> int:
    """Return what ``booking`` counts for against ``max_bookings``: once for each of its resources, and at least once.

    The id of a resource takes nearly as much memory as a booking, and a platform may send many with each.
    """
    return len(booking.resources) or 1


def too_many(collector: CollectorName, max_bookings: int, instead: str = "") -> TargetConfigError:
    """Return the error of a poll that met more :func:`reservations` than ``max_bookings``: a part would read as fewer.

    ``instead`` is a further way out, in words that go on after a comma.
    """
    return TargetConfigError(
        f"the poll of {collector} has to read more than {max_bookings} bookings, and max_bookings of the collector "
        f"bookings allows no more: raise it, or choose narrower windows for {collector}{instead and f', {instead}'}"
    )


def lies_in(booking: Booking, window: Span, rule: Rule) -> bool:
    """Return whether ``booking`` belongs to ``window`` by ``rule``."""
    if booking.start >= window.end:
        return False
    return booking.start >= window.start or (rule == "overlap" and booking.end > window.start)


def in_any(bookings: Iterable[Booking], windows: Sequence[Window], rule: Rule) -> list[Booking]:
    """Return the bookings that belong to at least one of ``windows``."""
    return [booking for booking in bookings if any(lies_in(booking, window, rule) for window in windows)]


def count_windows(
    bookings: Sequence[Booking],
    windows: Sequence[Window],
    rule: Rule,
    *,
    conflicting: Collection[str] | None = None,
    accepted: Collection[str] = (),
    statuses: Sequence[str] | None = None,
    resources: Sequence[str] | None = None,
    complete: bool = True,
) -> tuple[WindowBookings, ...]:
    """Count ``bookings`` (each id once, see :func:`unique`) per window.

    ``conflicting``, ``statuses`` and ``resources`` switch on the further counts: ids of bookings that conflict (with those that
    are ``accepted`` among them), and statuses and resources that get a number, which is 0 where there is no booking. ``None``
    leaves a count out. Without ``complete`` some rows could not be read, and the counts are a lower bound.
    """

    def count(window: Window) -> WindowBookings:
        inside = [booking for booking in bookings if lies_in(booking, window, rule)]
        by_status = Counter(booking.status for booking in inside)
        by_resource = Counter(resource for booking in inside for resource in set(booking.resources))
        return WindowBookings(
            window,
            len(inside),
            conflicting=None if conflicting is None else sum(booking.id in conflicting for booking in inside),
            accepted=None if conflicting is None else sum(booking.id in accepted for booking in inside),
            by_status=None if statuses is None else {status: by_status[status] for status in statuses},
            by_resource=None if resources is None else {resource: by_resource[resource] for resource in resources},
            complete=complete,
        )

    return tuple(count(window) for window in windows)


def next_start(bookings: Iterable[Booking], after: float, before: float = float("inf")) -> float | None:
    """Return the earliest start in ``(after, before)``, Unix seconds; ``None`` when there is none."""
    return min((booking.start for booking in bookings if after < booking.start < before), default=None)
