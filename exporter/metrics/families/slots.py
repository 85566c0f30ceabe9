"""Families of the ``slots`` collector: what customers can book, and what of it lies over private events (wix.md 7.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from exporter.metrics.families.family import Gauge, Row, all_but, gauge
from exporter.open_slots import SlotsObservation


def _open(observation: SlotsObservation) -> Iterator[Row]:
    for row in observation.services:
        if row.open is not None:
            yield (row.service,), row.open


def _next_open(observation: SlotsObservation) -> Iterator[Row]:
    for row in observation.services:
        if row.open is not None and row.first is not None:
            yield (row.service,), row.first


def _over_busy(observation: SlotsObservation) -> Iterator[Row]:
    for row in observation.schedules:
        yield (row.schedule,), row.over_busy


GAUGES: Final[tuple[Gauge[SlotsObservation], ...]] = (
    gauge(
        "open_slots",
        "Slots of this service within 48 hours that a customer can book. Absent where they could not be read, and where the "
        "next 7 days have none and three or more of them are `closed`.",
        "service",
        read=_open,
    ),
    gauge(
        "next_open_slot_timestamp_seconds",
        "Unix time in seconds at which the first slot of this service begins that a customer can book, as of the last poll. "
        "Absent where the next 7 days have none, or could not be read.",
        "service",
        read=_next_open,
    ),
    gauge(
        "slots_over_busy",
        "Bookable slots within 48 hours that name the staff member of this schedule and overlap an event of the member's "
        "private calendar. Absent where no slot names the member, where it is not known, and for accepted schedules.",
        "schedule",
        read=_over_busy,
    ),
)


def is_same(left: SlotsObservation, right: SlotsObservation) -> bool:
    """Return whether :data:`GAUGES` show the same of both."""
    return _shown(left) == _shown(right)


_shown: Final = all_but(SlotsObservation, "at", "refused", "unknown_services", "dropped_schedules")
