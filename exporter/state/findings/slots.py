"""What is found in bookable slots: those that lie over private events, and services without any.

Moments are Unix seconds (``float``).
"""

from __future__ import annotations

from collections.abc import Iterator

from exporter.model import Message
from exporter.open_slots import SlotsObservation
from exporter.state import advice
from exporter.state.findings.finding import Finding, is_in_force
from exporter.state.snapshot import CollectorState, TargetView
from exporter.state.verdict_events import NO_OPEN_SLOTS, SLOTS_OVER_BUSY


def of_slots(target: TargetView, state: CollectorState, seen: SlotsObservation, now: float) -> Iterator[Finding]:
    """Yield what is found in the slots that ``seen`` shows of ``target`` at ``now``."""
    for row in seen.schedules:
        if row.over_busy and not is_in_force(target.policy.connections.get(row.schedule), now):
            yield Finding(
                SLOTS_OVER_BUSY,
                target.name,
                row.schedule,
                Message("slots are offered over private events"),
                advice.SLOTS_OVER_BUSY,
                collector=state.collector,
                effect=Message(
                    "%(number)s slot of the next 48 hours", "%(number)s slots of the next 48 hours", number=row.over_busy
                ),
                first=row.first,
            )
    for service in seen.services:
        if service.has_none:
            yield Finding(
                NO_OPEN_SLOTS,
                target.name,
                service.service,
                Message("customers cannot book"),
                advice.NO_OPEN_SLOTS,
                collector=state.collector,
            )
