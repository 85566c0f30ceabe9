"""Families of the copies of bookings in the staff's calendar (bitrix24.md 16), a part of the collector ``links``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from exporter.calendar_copies import CalendarCopies, WindowCopies
from exporter.metrics.families.family import Gauge, Row, alike, gauge


def _mismatches(copies: CalendarCopies) -> Iterator[Row]:
    for row in copies.windows:
        for kind, number in (row.mismatches or {}).items():
            yield (row.window, kind), number


def _unverified(copies: CalendarCopies) -> Iterator[Row]:
    for row in copies.windows:
        yield (row.window,), row.unverified


def _next_mismatch(copies: CalendarCopies) -> Iterator[Row]:
    if copies.next_mismatch is not None:
        yield (), copies.next_mismatch


GAUGES: Final[tuple[Gauge[CalendarCopies], ...]] = (
    gauge(
        "calendar_mismatches",
        "Bookings of the window whose copy in the staff's calendar is missing, has moved, or was declined, each counted once. "
        "0 is good. Absent where the portal makes no copies or none could be compared.",
        "window",
        "kind",
        read=_mismatches,
    ),
    gauge(
        "calendar_unverified_bookings",
        "Bookings of the window of whose copy it is not known whether it says the same: hidden, of another kind, repeating, or "
        "read longer ago than max_age. In none of calendar_mismatches.",
        "window",
        read=_unverified,
    ),
    gauge(
        "next_calendar_mismatch_timestamp_seconds",
        "Unix time in seconds at which the next booking begins that differs from its copy in the staff's calendar. As of the "
        "last poll. Absent when none does.",
        read=_next_mismatch,
    ),
)


def is_same(left: CalendarCopies, right: CalendarCopies) -> bool:
    """Return whether :data:`GAUGES` show the same of both, though answers have grown older."""
    return alike(left.windows, right.windows, _window) and left.next_mismatch == right.next_mismatch


def _window(row: WindowCopies) -> tuple[object, ...]:
    return row.window, row.mismatches, row.unverified
