"""Pure functions over values: windows in time, how many bookings are in them, which conflict, which are new or gone.

It leans on the model and the errors alone, so that a count can be checked by brute force.
"""

from exporter.counting.bookings import (
    Booking,
    Rule,
    count_windows,
    in_any_window,
    is_in_window,
    next_start,
    reservations,
    too_many_bookings,
    unique,
)
from exporter.counting.changes import BookingChanges, CompleteRead, PackedRead, booking_changes, gone_bookings, new_ids
from exporter.counting.conflicts import Conflicts, conflict_reach, find_conflicts
from exporter.counting.heartbeats import Heard, Heartbeat, beat_of, listen
from exporter.counting.open_slots import Offered, offered_over
from exporter.counting.private_events import Busy, Taken, overlapped, sort_events
from exporter.counting.table import Table, apart, joined
from exporter.counting.wall_clock import wall_clock_form
from exporter.counting.windows import WindowError, WindowSpec, day_start, hull, parse, resolve_all

__all__ = [
    "Booking",
    "BookingChanges",
    "Busy",
    "CompleteRead",
    "Conflicts",
    "Heard",
    "Heartbeat",
    "Offered",
    "PackedRead",
    "Rule",
    "Table",
    "Taken",
    "WindowError",
    "WindowSpec",
    "apart",
    "beat_of",
    "booking_changes",
    "conflict_reach",
    "count_windows",
    "day_start",
    "find_conflicts",
    "gone_bookings",
    "hull",
    "in_any_window",
    "is_in_window",
    "joined",
    "listen",
    "new_ids",
    "next_start",
    "offered_over",
    "overlapped",
    "parse",
    "reservations",
    "resolve_all",
    "sort_events",
    "too_many_bookings",
    "unique",
    "wall_clock_form",
]
