"""What ``/api/v1/status`` says of bookable slots, made of values of the state."""

from __future__ import annotations

from exporter.open_slots import SlotsObservation
from exporter.web.moments import moment_of, moment_or_none
from exporter.web.slots_types import ScheduleSlots, ServiceSlots, Slots


def slots_document(seen: SlotsObservation) -> Slots:
    """Return what ``seen`` shows of a target."""
    return Slots(
        at=moment_of(seen.at),
        services=tuple(
            ServiceSlots(service=row.service, open=row.open, first=moment_or_none(row.first)) for row in seen.services
        ),
        schedules=tuple(
            ScheduleSlots(schedule=row.schedule, over_busy=row.over_busy, first=moment_or_none(row.first))
            for row in seen.schedules
        ),
        dropped_schedules=seen.dropped_schedules,
    )
