"""Counting over bookings that were read row by row; the same for every platform.

Two rules say when a booking belongs to a window ``[F, T)``:

- ``start``: it starts inside, ``F <= start < T``;
- ``overlap``: it starts inside, or it began earlier and still runs at ``F``. A booking of zero length belongs where it starts.
Moments are Unix seconds (``float``), intervals half-open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Literal, Protocol

from exporter.counting.table import Booking, Table, joined
from exporter.errors import TargetConfigError
from exporter.model import CollectorName, Window, WindowBookings

__all__ = [
    "Booking",
    "Rule",
    "Span",
    "count_windows",
    "in_any_window",
    "is_in_window",
    "next_start",
    "number_in",
    "positions_in",
    "positions_in_any",
    "reservations",
    "too_many_bookings",
    "unique",
    "with_ids",
]

Rule = Literal["start", "overlap"]


class Span(Protocol):
    """A half-open interval ``[start, end)`` in Unix seconds."""

    @property
    def start(self) -> float:
        """The first moment, in Unix seconds."""
        ...

    @property
    def end(self) -> float:
        """The moment after the last, in Unix seconds."""
        ...


def unique(bookings: Iterable[Booking]) -> Table:
    """Return each booking once, in the order of first sight.

    A row that was read twice, because it moved between two pages, counts as it was read last.
    """
    return joined([bookings])


def reservations(bookings: Sequence[Booking]) -> list[int]:
    """Return what each of ``bookings`` counts for against ``max_bookings``: once for each of its resources, and at least once.

    The id of a resource takes nearly as much memory as a booking, and a platform may send many with each.
    """
    return [len(resources) or 1 for resources in Table.of(bookings).resources]


def too_many_bookings(collector: CollectorName, max_bookings: int, instead: str = "") -> TargetConfigError:
    """Return the error of a poll that met more :func:`reservations` than ``max_bookings``: a part would read as fewer.

    ``instead`` is a further way out, in words that go on after a comma.
    """
    return TargetConfigError(
        f"the poll of {collector} has to read more than {max_bookings} bookings, and max_bookings of the collector "
        f"bookings allows no more: raise it, or choose narrower windows for {collector}{instead and f', {instead}'}"
    )


def is_in_window(booking: Booking, window: Span, rule: Rule) -> bool:
    """Return whether ``booking`` belongs to ``window`` by ``rule``."""
    if booking.start >= window.end:
        return False
    return booking.start >= window.start or (rule == "overlap" and booking.end > window.start)


def positions_in(bookings: Table, window: Span, rule: Rule) -> list[int]:
    """Return where in ``bookings`` those are that belong to ``window``: :func:`is_in_window`, a hundred thousand times."""
    low, high = window.start, window.end
    if rule == "start":
        return [position for position, start in enumerate(bookings.starts) if low <= start < high]
    times = enumerate(zip(bookings.starts, bookings.ends, strict=True))
    return [position for position, (start, end) in times if start < high and (start >= low or end > low)]


def number_in(bookings: Table, window: Span, rule: Rule) -> int:
    """Return how many of ``bookings`` belong to ``window``."""
    low, high = window.start, window.end
    if rule == "start":
        return len([None for start in bookings.starts if low <= start < high])
    return len(positions_in(bookings, window, rule))


def positions_in_any(bookings: Table, windows: Sequence[Window], rule: Rule) -> list[int]:
    """Return where in ``bookings`` those are that belong to at least one of ``windows``, in ascending order."""
    spans = _spans(windows)
    found = [positions_in(bookings, span, rule) for span in spans]
    return found[0] if len(found) == 1 else sorted(set().union(*found))


def in_any_window(bookings: Iterable[Booking], windows: Sequence[Window], rule: Rule) -> Table:
    """Return the bookings that belong to at least one of ``windows``."""
    table = Table.of(bookings)
    return table.rows(positions_in_any(table, windows, rule))


def with_ids(bookings: Table, ids: Collection[str]) -> Table:
    """Return those of ``bookings`` that ``ids`` name."""
    return bookings.rows([position for position, booking_id in enumerate(bookings.ids) if booking_id in ids])


def count_windows(
    bookings: Iterable[Booking],
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
    table = Table.of(bookings)
    clashing = None if conflicting is None else with_ids(table, conflicting)
    meant = None if conflicting is None else with_ids(table, accepted) if accepted else Table()

    def count(window: Window) -> WindowBookings:
        inside = None if statuses is None and resources is None else table.rows(positions_in(table, window, rule))
        return WindowBookings(
            window,
            number_in(table, window, rule) if inside is None else len(inside),
            conflicting=None if clashing is None else number_in(clashing, window, rule),
            accepted=None if meant is None else number_in(meant, window, rule),
            by_status=None if inside is None or statuses is None else _by_status(inside, statuses),
            by_resource=None if inside is None or resources is None else _by_resource(inside, resources),
            complete=complete,
        )

    return tuple(count(window) for window in windows)


def next_start(bookings: Iterable[Booking], after: float, before: float = float("inf")) -> float | None:
    """Return the earliest start in ``(after, before)``, Unix seconds; ``None`` when there is none."""
    return min([start for start in Table.of(bookings).starts if after < start < before], default=None)


def _by_status(bookings: Table, statuses: Sequence[str]) -> dict[str, int]:
    found = Counter(bookings.statuses)
    return {status: found[status] for status in statuses}


def _by_resource(bookings: Table, resources: Sequence[str]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for together, times in Counter(bookings.resources).items():  # bookings of a business share few sets of them
        for resource in set(together):
            found[resource] += times
    return {resource: found[resource] for resource in resources}


def _spans(windows: Sequence[Window]) -> list[Window]:
    """Return windows that cover what ``windows`` do, those that touch or overlap as one: by either rule they hold the same."""
    spans: list[Window] = []
    for window in sorted(windows, key=lambda window: window.start):
        if spans and window.start <= spans[-1].end:
            spans[-1] = Window("", spans[-1].start, max(spans[-1].end, window.end))
        else:
            spans.append(window)
    return spans
