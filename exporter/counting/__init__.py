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
from exporter.counting.cover import (
    HALF_HOUR,
    MAINLY,
    TOLERANCE_SECONDS,
    booked_share,
    clipped,
    covering,
    has_exact,
    minus,
    parts_left,
    shift_of,
    union,
)
from exporter.counting.heartbeats import Heard, Heartbeat, beat_of, listen
from exporter.counting.open_slots import Offered, offered_over
from exporter.counting.private_events import MAX_BUFFER_SECONDS, Busy, Taken, overlapped, sort_events
from exporter.counting.table import Table, apart, joined
from exporter.counting.wall_clock import wall_clock_form
from exporter.counting.windows import WindowError, WindowSpec, day_start, hull, parse, resolve_all

__all__ = [
    "HALF_HOUR",
    "MAINLY",
    "MAX_BUFFER_SECONDS",
    "TOLERANCE_SECONDS",
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
    "booked_share",
    "booking_changes",
    "clipped",
    "conflict_reach",
    "count_windows",
    "covering",
    "day_start",
    "find_conflicts",
    "gone_bookings",
    "has_exact",
    "hull",
    "in_any_window",
    "is_in_window",
    "joined",
    "listen",
    "minus",
    "new_ids",
    "next_start",
    "offered_over",
    "overlapped",
    "parse",
    "parts_left",
    "reservations",
    "resolve_all",
    "shift_of",
    "sort_events",
    "too_many_bookings",
    "union",
    "unique",
    "wall_clock_form",
]
