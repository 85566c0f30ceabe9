"""Bookable slots against private events: which slots are offered although the person they name is busy.

Moments are Unix seconds (``float``), intervals half-open, as in :mod:`exporter.counting.private_events`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import accumulate

from exporter.counting.private_events import Busy
from exporter.model import Value


class Offered(Value, frozen=True, gc=False):
    """One slot that a customer can book: from ``start`` to ``end``, with any of the named ``resources`` (ids in lower case)."""

    start: float
    end: float
    resources: tuple[str, ...] = ()


class _Calendar:
    """The events of one schedule, so that one look tells whether any of them lies over something."""

    def __init__(self, events: Iterable[Busy]) -> None:
        rows = sorted((event.start, event.end) for event in events)
        self._starts = [start for start, _ in rows]
        self._ends = list(accumulate((end for _, end in rows), max))  # the latest of all that began by then

    def is_busy(self, start: float, end: float) -> bool:
        began = bisect_left(self._starts, end)
        return began > 0 and self._ends[began - 1] > start


def offered_over(
    offered: Iterable[Offered], schedules: Mapping[str, str], events: Iterable[Busy]
) -> Mapping[str, tuple[Offered, ...]]:
    """Return for each schedule of which a slot names the resource those of the ``offered`` slots that its ``events`` overlap.

    ``schedules`` has the schedule (id in lower case) of each resource that has one. Of others nothing is said.
    """
    by_schedule: defaultdict[str, list[Busy]] = defaultdict(list)
    for event in events:
        by_schedule[event.schedule].append(event)
    calendars = {schedule: _Calendar(rows) for schedule, rows in by_schedule.items()}
    found: dict[str, list[Offered]] = {}
    for slot in offered:
        for schedule in {schedules[resource] for resource in slot.resources if resource in schedules}:
            over = found.setdefault(schedule, [])
            if schedule in calendars and calendars[schedule].is_busy(slot.start, slot.end):
                over.append(slot)
    return {schedule: tuple(rows) for schedule, rows in found.items()}
