"""Bookings of the resources that a pair names, to be compared with their owners' own calendars.

The list has no booking that was deleted, and a portal tells neither when one was made nor when it was changed. A recurring
booking is there with its first period only (bitrix24.md 2.2).
"""

from __future__ import annotations

from collections.abc import Mapping

from exporter.counting import Table
from exporter.paired_bookings import PairedBooking, PairedBookings, paired_range


def paired_bookings(
    resources: Mapping[str, frozenset[str]], rows: Table, now: float, *, complete: bool
) -> tuple[PairedBookings, ...]:
    """Return the bookings among ``rows`` of each of ``resources``, which pairs name, with its ids; ``now`` in Unix seconds."""
    if not resources:
        return ()
    start, end = paired_range(now)
    wanted = frozenset[str]().union(*resources.values())
    columns = enumerate(zip(rows.starts, rows.ends, rows.resources, strict=True))
    theirs = rows.rows(
        [
            position
            for position, (begin, over, ids) in columns
            if begin < end and over > start and over > begin and not wanted.isdisjoint(ids)
        ]
    )

    def of(ids: frozenset[str]) -> tuple[PairedBooking, ...]:
        found = [PairedBooking(row.id, row.start, row.end) for row in theirs if not ids.isdisjoint(row.resources)]
        return tuple(sorted(found, key=lambda booking: (booking.start, booking.end, booking.id)))

    return tuple(PairedBookings(resource, start, end, of(ids), complete, ids=ids) for resource, ids in resources.items())
