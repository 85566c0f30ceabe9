"""Families of the ``events`` collector: private events against bookings, and whether an import lives (wix.md 5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from exporter.metrics.families.family import Gauge, Row, alike, all_but, gauge
from exporter.private_calendar import EventsObservation, ImportedEvents, WindowEvents


def _conflicts(observation: EventsObservation) -> Iterator[Row]:
    for row in observation.windows:
        for cause, number in row.conflicts.items():
            yield (row.window.name, cause), number


def _next_conflict(observation: EventsObservation) -> Iterator[Row]:
    if observation.next_conflict is not None:
        yield (), observation.next_conflict


def _copies(observation: EventsObservation) -> Iterator[Row]:
    for row in observation.windows:
        if row.copies is not None:
            yield (row.window.name,), row.copies


def _events(observation: EventsObservation) -> Iterator[Row]:
    for row in observation.imports:
        for window, number in row.events.items():
            yield (row.connection, window), number


def _changed(observation: EventsObservation) -> Iterator[Row]:
    for row in observation.imports:
        if row.changed is not None:
            yield (row.connection,), row.changed


def _farthest(observation: EventsObservation) -> Iterator[Row]:
    for row in observation.imports:
        if row.farthest is not None:
            yield (row.connection,), row.farthest


def _failing(observation: EventsObservation) -> Iterator[Row]:
    for row in observation.imports:
        for fault in row.faults:
            yield (row.connection, fault), 1


def _heartbeats(observation: EventsObservation) -> Iterator[Row]:
    for row in observation.imports:
        if row.heartbeat is not None:
            yield (row.connection,), row.heartbeat.arrives


def _lags(observation: EventsObservation) -> Iterator[Row]:
    for row in observation.imports:
        if row.heartbeat is not None and row.heartbeat.lag is not None:
            yield (row.connection,), row.heartbeat.lag


def _providers(observation: EventsObservation) -> Iterator[Row]:
    for provider, up in observation.providers.items():
        yield (provider,), up


GAUGES: Final[tuple[Gauge[EventsObservation], ...]] = (
    gauge(
        "external_conflicts",
        "Bookings starting within 24 hours (next_24h) or 7 days (next_7d) that a private event of their staff overlaps, "
        "without accepted ones. The cause is not_blocked if the event was there first, booked_over if the booking was, else "
        "unknown.",
        "window",
        "cause",
        read=_conflicts,
    ),
    gauge(
        "next_external_conflict_timestamp_seconds",
        "Unix time in seconds at which the next booking starts, or started if it still lasts, that a private event overlaps. "
        "Without those booked over. As of the last poll; absent when there is none.",
        read=_next_conflict,
    ),
    gauge(
        "export_echoes",
        "Events of private calendars that are copies of bookings: they were exported and came back. Absent until the first "
        "one was seen.",
        "window",
        read=_copies,
    ),
    gauge(
        "external_events",
        "Private events that came through this connection, by the window that they overlap, copies of bookings included. "
        "Absent for connections that do not import or are disconnected, and without the collector connections.",
        "connection",
        "window",
        read=_events,
    ),
    gauge(
        "external_events_up",
        "1 if the events of this calendar provider could be read, 0 if the platform reported it as failed; its events then "
        "stay as last known.",
        "provider",
        read=_providers,
    ),
    gauge(
        "external_events_last_change_timestamp_seconds",
        "Unix time in seconds at which the events of this connection were last seen to change, or first seen. Time that "
        "passes is no change.",
        "connection",
        read=_changed,
    ),
    gauge(
        "external_events_horizon_timestamp_seconds",
        "Unix time in seconds at which the last event of this connection starts, of those within 7 days. Absent when there is "
        "none.",
        "connection",
        read=_farthest,
    ),
    gauge(
        "connection_import_failing",
        "Always 1. The label reason says why the import of a connection with a good status is suspect: silent if it had events "
        "for a week and has none, frozen if they no longer change, shortened if they end sooner, heartbeat if that is missing.",
        "connection",
        "reason",
        read=_failing,
    ),
    gauge(
        "external_events_heartbeat_up",
        "1 if the heartbeat that the configuration expects in the calendar of this connection is among its private events, 0 "
        "if it is missing or was written too long ago. As of the last poll that could read all calendars.",
        "connection",
        read=_heartbeats,
    ),
    gauge(
        "external_events_heartbeat_lag_seconds",
        "Seconds from the hour in which a script wrote the newest heartbeat of this connection until a poll saw it: at most "
        "so late are private events. Absent if no script writes it, and if no poll looked within the hour before it came.",
        "connection",
        read=_lags,
    ),
)


def is_same(left: EventsObservation, right: EventsObservation) -> bool:
    """Return whether :data:`GAUGES` show the same of both, though windows have moved."""
    return (
        alike(left.windows, right.windows, _window)
        and alike(left.imports, right.imports, _import)
        and _observation(left) == _observation(right)
    )


_numbers: Final = all_but(WindowEvents, "window", "complete")
_shown: Final = all_but(ImportedEvents, "faults", "schedule")
_observation: Final = all_but(EventsObservation, "at", "windows", "imports", "conflicts")


def _window(row: WindowEvents) -> tuple[object, ...]:
    return row.window.name, _numbers(row)


def _import(row: ImportedEvents) -> tuple[object, ...]:
    return tuple(row.faults), _shown(row)
