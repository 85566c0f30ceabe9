"""Pure functions over values: windows in time, how many bookings are in them, which conflict, which are new or gone.

It leans on the model and the errors alone, so that a count can be checked by brute force.
"""

from exporter.counting.bookings import (
    Booking,
    Rule,
    count_windows,
    in_any,
    lies_in,
    next_start,
    reservations,
    too_many,
    unique,
)
from exporter.counting.changes import Changes, Remembered, Seen, changes, missing, unseen
from exporter.counting.conflicts import Conflicts, conflict_reach, find_conflicts
from exporter.counting.table import Table, apart, joined
from exporter.counting.wall_clock import wall_clock_form
from exporter.counting.windows import WindowError, WindowSpec, day_start, hull, parse, resolve_all

__all__ = [
    "Booking",
    "Changes",
    "Conflicts",
    "Remembered",
    "Rule",
    "Seen",
    "Table",
    "WindowError",
    "WindowSpec",
    "apart",
    "changes",
    "conflict_reach",
    "count_windows",
    "day_start",
    "find_conflicts",
    "hull",
    "in_any",
    "joined",
    "lies_in",
    "missing",
    "next_start",
    "parse",
    "reservations",
    "resolve_all",
    "too_many",
    "unique",
    "unseen",
    "wall_clock_form",
]
