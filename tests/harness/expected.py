"""What a target can count, as its session would say it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from exporter.errors import Reason
from exporter.model import CollectorName, ExpectedSeries
from exporter.platforms.base import RETRIED

FIELDS: Final[Mapping[CollectorName, tuple[str, ...]]] = {
    CollectorName.CONNECTIONS: ("status", "error_reason", "calendar_type", "sync_config"),
    CollectorName.BOOKINGS: ("booked_entity", "end_date"),
    CollectorName.EVENTS: ("calendar_type", "all_day", "schedule", "booked_entity", "end_date"),
    CollectorName.SLOTS: ("calendar_type", "all_day", "booked_entity", "end_date", "staff_identity"),
    CollectorName.BUSY: ("fbtype",),
    CollectorName.LINKS: ("module", "entity_type"),
}


def expected(collectors: Iterable[CollectorName], operations: Iterable[str], *, reads_bookings: bool) -> ExpectedSeries:
    fields = {collector: FIELDS[collector] for collector in collectors}
    return ExpectedSeries(tuple(operations), RETRIED, tuple(Reason), fields, reads_bookings)
