"""What ``/api/v1/status`` says of private events, made of values of the state."""

from __future__ import annotations

from collections.abc import Iterable

from exporter.private_calendar import EventsObservation, ExternalConflict, ImportHeartbeat
from exporter.support.local_time import local
from exporter.web.events_types import Events, EventsWindow, Heartbeat, ImportedCalendar, OverlappedBooking
from exporter.web.moments import moment_of, moment_or_none


def events_document(seen: EventsObservation, zone: str) -> Events:
    """Return what ``seen`` shows of a target whose people live in ``zone``."""
    return Events(
        at=moment_of(seen.at),
        windows=tuple(
            EventsWindow(
                window=row.window.name,
                start=moment_of(row.window.start),
                end=moment_of(row.window.end),
                complete=row.complete,
                conflicts=dict(row.conflicts),
                export_echoes=row.copies,
            )
            for row in seen.windows
        ),
        imports=tuple(
            ImportedCalendar(
                connection=row.connection,
                schedule=row.schedule,
                events=dict(row.events),
                last_change=moment_or_none(row.changed),
                horizon=moment_or_none(row.farthest),
                failing={fault: moment_of(since) for fault, since in row.faults.items()},
                heartbeat=_heartbeat(row.heartbeat),
            )
            for row in seen.imports
        ),
        providers=dict(seen.providers),
        next_conflict=moment_or_none(seen.next_conflict),
        conflicts=overlapped_documents(seen.conflicts, zone),
    )


def _heartbeat(heard: ImportHeartbeat | None) -> Heartbeat | None:
    if heard is None:
        return None
    return Heartbeat(arrives=heard.arrives, written=moment_or_none(heard.written), lag_seconds=heard.lag)


def overlapped_documents(conflicts: Iterable[ExternalConflict], zone: str) -> tuple[OverlappedBooking, ...]:
    """Return the bookings of ``conflicts`` as they are shown to people in ``zone``."""
    return tuple(
        OverlappedBooking(
            booking=row.booking,
            schedule=row.schedule,
            start=moment_of(row.start),
            local_start=local(row.start, zone),
            cause=row.cause,
        )
        for row in conflicts
    )
