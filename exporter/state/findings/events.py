"""What is found in private events: bookings that they overlap, and imports that no longer bring anything.

Moments are Unix seconds (``float``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from exporter.model import Message
from exporter.platforms.advice import Advice
from exporter.private_calendar import Cause, EventsObservation, ExternalConflict, ImportedEvents, ImportFault
from exporter.state import advice
from exporter.state.findings.bookings import of_incomplete
from exporter.state.findings.finding import Finding, is_in_force
from exporter.state.snapshot import CollectorState, TargetView
from exporter.state.verdict_events import (
    BOOKED_OVER,
    EXTERNAL_CONFLICT_LATER,
    EXTERNAL_CONFLICT_SOON,
    HEARTBEAT_MISSING,
    IMPORT_FROZEN,
    IMPORT_SHORTENED,
    IMPORT_SILENT,
)
from exporter.state.verdict_row import VerdictRow

_NOT_BLOCKED: Final = Message("a private event does not block a booking")
_TITLES: Final[Mapping[VerdictRow, str]] = MappingProxyType(
    {
        EXTERNAL_CONFLICT_SOON: _NOT_BLOCKED,
        EXTERNAL_CONFLICT_LATER: _NOT_BLOCKED,
        BOOKED_OVER: Message("a private event lies over a booking"),
    }
)
_FAULTS: Final[Mapping[ImportFault, tuple[VerdictRow, str, Advice]]] = MappingProxyType(
    {
        ImportFault.SILENT: (IMPORT_SILENT, Message("no private events arrive any more"), advice.IMPORT_SILENT),
        ImportFault.FROZEN: (IMPORT_FROZEN, Message("private events no longer change"), advice.IMPORT_FROZEN),
        ImportFault.SHORTENED: (IMPORT_SHORTENED, Message("private events end sooner than they did"), advice.IMPORT_SHORTENED),
        ImportFault.HEARTBEAT: (HEARTBEAT_MISSING, Message("the heartbeat is missing"), advice.HEARTBEAT_MISSING),
    }
)


def of_events(target: TargetView, state: CollectorState, seen: EventsObservation, now: float) -> Iterator[Finding]:
    """Yield what is found in the private events that ``seen`` shows of ``target`` at ``now``."""
    groups: dict[tuple[VerdictRow, str], list[ExternalConflict]] = {}
    for conflict in seen.conflicts:
        if conflict.end > now:
            groups.setdefault((_row(target, conflict, now), conflict.schedule), []).append(conflict)
    last_groups = {place[0] is BOOKED_OVER: place for place in groups}
    for (row, schedule), group in groups.items():
        fix = advice.BOOKED_OVER if row is BOOKED_OVER else advice.EXTERNAL_CONFLICT
        last = (row, schedule) == last_groups[row is BOOKED_OVER]
        yield Finding(
            row,
            target.name,
            schedule,
            _TITLES[row],
            fix,
            collector=state.collector,
            external=tuple(group),
            more=_left_out(seen, booked_over=row is BOOKED_OVER) if last else 0,
        )
    for imported in seen.imports:
        if not is_in_force(target.policy.accepted_label(imported.connection, imported.schedule), now):
            yield from _of_import(target, state, imported)
    if all(seen.providers.values()):  # else the provider is what somebody has to look at
        yield from of_incomplete(target.name, state, seen.windows)


def _left_out(seen: EventsObservation, *, booked_over: bool) -> int:
    """Return how many overlapped bookings are counted and not among the conflicts that ``seen`` lists."""

    def is_meant(cause: Cause) -> bool:
        return (cause is Cause.BOOKED_OVER) == booked_over

    counted = (sum(number for cause, number in row.conflicts.items() if is_meant(cause)) for row in seen.windows)
    return max(0, max(counted, default=0) - sum(is_meant(conflict.cause) for conflict in seen.conflicts))


def _row(target: TargetView, conflict: ExternalConflict, now: float) -> VerdictRow:
    if conflict.cause is Cause.BOOKED_OVER:
        return BOOKED_OVER
    is_soon = conflict.start - now < target.thresholds.external_conflict_soon
    return EXTERNAL_CONFLICT_SOON if is_soon else EXTERNAL_CONFLICT_LATER


def _of_import(target: TargetView, state: CollectorState, imported: ImportedEvents) -> Iterator[Finding]:
    for fault, since in imported.faults.items():
        row, title, fix = _FAULTS[fault]
        # The first poll that misses a heartbeat cannot tell for how long it was missing before.
        known = fault is not ImportFault.HEARTBEAT
        name = imported.connection
        yield Finding(row, target.name, name, title, fix, since=since, since_known=known, collector=state.collector)
