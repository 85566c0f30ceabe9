"""Families of the ``busy`` collector: how much of a window an owner's own calendar says is taken (calendar.md 2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from exporter.calendar_busy import BusyObservation
from exporter.metrics.families.family import Gauge, Row, gauge


def _busy(observation: BusyObservation) -> Iterator[Row]:
    for row in observation.windows:
        yield (row.window.name,), row.seconds


GAUGES: Final[tuple[Gauge[BusyObservation], ...]] = (
    gauge(
        "calendar_busy_seconds",
        "Seconds of this window in which the owner's own calendar says that they are busy; times that overlap count once, "
        "whole days not at all. Absent while there is no fresh data.",
        "window",
        read=_busy,
    ),
)


def is_same(left: BusyObservation, right: BusyObservation) -> bool:
    """Return whether :data:`GAUGES` show the same of both."""
    return [(row.window.name, row.seconds) for row in left.windows] == [(row.window.name, row.seconds) for row in right.windows]
