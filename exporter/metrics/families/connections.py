"""Families of the ``connections`` collector: the state of every external calendar connection (wix.md 3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from exporter.connection_checks import UnprotectedReason
from exporter.metrics.families.family import Gauge, Row, alike, all_but, gauge
from exporter.model import CalendarType, Connection, ConnectionsObservation, ConnectionStatus, ErrorReason

# Plain words beside the members: an enum is slow to walk through and to hash, and there are 12 of these per connection.
_STATUSES: Final = tuple((status, status.value) for status in ConnectionStatus)
_SAYING_NOTHING: Final = frozenset({ConnectionStatus.UNDEFINED, ConnectionStatus.UNKNOWN})
_REASONS: Final = tuple((reason, reason.value) for reason in ErrorReason)


def _status(observation: ConnectionsObservation) -> Iterator[Row]:
    for connection in observation.connections:
        for status, word in _STATUSES:
            yield (connection.key, word), connection.status is status


def _error(observation: ConnectionsObservation) -> Iterator[Row]:
    for connection in observation.connections:
        actual = connection.error_reason if connection.status is ConnectionStatus.ERROR else None
        for reason, word in _REASONS:
            yield (connection.key, word), actual is reason


def _info(observation: ConnectionsObservation) -> Iterator[Row]:
    for connection in observation.connections:
        yield (connection.key, connection.calendar_type, connection.provider, connection.schedule), 1


def _sync_enabled(observation: ConnectionsObservation) -> Iterator[Row]:
    for connection in observation.connections:
        yield (connection.key, "import"), connection.import_enabled
        yield (connection.key, "export"), connection.export_enabled


def _since(observation: ConnectionsObservation) -> Iterator[Row]:
    for connection in observation.connections:
        yield (connection.key,), connection.since


def _probe(observation: ConnectionsObservation) -> Iterator[Row]:
    for connection in observation.connections:
        if connection.probe is not None:
            yield (connection.key,), connection.probe.succeeded


def _import_calendars(observation: ConnectionsObservation) -> Iterator[Row]:
    for connection in observation.connections:
        if (calendars := connection.import_calendars) is not None:
            yield (connection.key, "present"), calendars.present
            yield (connection.key, "missing"), calendars.missing


def _sharing_account(observation: ConnectionsObservation) -> Iterator[Row]:
    if observation.sharing_account is not None:
        yield (), observation.sharing_account


def _staff(observation: ConnectionsObservation) -> Iterator[Row]:
    if (staff := observation.staff) is not None:
        yield ("protected",), staff.protected
        yield ("unprotected",), len(staff.unprotected)
        yield ("unknown",), staff.unknown


def _staff_unprotected(observation: ConnectionsObservation) -> Iterator[Row]:
    if observation.staff is not None:
        numbers = Counter(one.reason for one in observation.staff.unprotected)
        for reason in UnprotectedReason:
            yield (reason,), numbers[reason]


def _aggregate(observation: ConnectionsObservation) -> Iterator[Row]:
    numbers = observation.numbers
    # Of a target without connections every type says 0: absent would mean that nobody knows.
    listed = {calendar_type for (calendar_type, _), number in numbers.items() if number} or CalendarType
    for calendar_type in CalendarType:
        if calendar_type not in listed:
            continue
        for status in ConnectionStatus:
            number = numbers.get((calendar_type, status), 0)
            if number or status not in _SAYING_NOTHING:
                yield (calendar_type, status), number


def _providers(observation: ConnectionsObservation) -> Iterator[Row]:
    up: dict[str, bool] = {}
    for provider in observation.providers:
        # Two ids may share a label (OUTLOOK and OFFICE_365 are one calendar type): one that fails is a failure.
        up[provider.label] = up.get(provider.label, True) and provider.up
    for label, value in up.items():
        yield (label,), value


GAUGES: Final[tuple[Gauge[ConnectionsObservation], ...]] = (
    gauge(
        "connection_status",
        "State of a calendar connection: 1 for the present status, 0 for every other. Absent while there is no fresh data.",
        "connection",
        "status",
        read=_status,
    ),
    gauge(
        "connection_error",
        "Why a connection is in status error: 1 for the reason, 0 for every other; all 0 while the status is not error.",
        "connection",
        "reason",
        read=_error,
    ),
    gauge(
        "connection_info",
        "Always 1. Says what a connection is: calendar type, provider, and the schedule (alias or hash) that it belongs to.",
        "connection",
        "calendar_type",
        "provider",
        "schedule",
        read=_info,
    ),
    gauge(
        "connection_sync_enabled",
        "1 if the owner switched this direction on. Configuration, not health: it stays 1 while a connection is broken.",
        "connection",
        "direction",
        read=_sync_enabled,
    ),
    gauge(
        "connection_status_since_timestamp_seconds",
        "Unix time in seconds at which the present status was first seen. "
        "Without a state_file it counts from the start of the exporter.",
        "connection",
        read=_since,
    ),
    gauge(
        "connection_probe_success",
        "1 if Wix could read the calendars of the connection's account when it was last asked to, about once an hour by "
        "default; 0 if it could not, whatever the status says. Absent where that is not known, not supported or refused.",
        "connection",
        read=_probe,
    ),
    gauge(
        "connection_import_calendars",
        "Calendars that a connection is told to import: present or missing in its account. Absent where none are named, and "
        "while it is not known which there are.",
        "connection",
        "state",
        read=_import_calendars,
    ),
    gauge(
        "connections_sharing_account",
        "Connections whose external account is also connected to another schedule, without those that are accepted. Absent "
        "where no account is known.",
        read=_sharing_account,
    ),
    gauge(
        "staff",
        "Staff members who take bookings, by whether a working import lets their personal appointments block booking times; "
        "unknown where that cannot be said. Those that are accepted are left out. Absent where the staff is not known.",
        "protection",
        read=_staff,
    ),
    gauge(
        "staff_unprotected",
        "Staff members of staff who are unprotected, by reason. Absent where the staff is not known.",
        "reason",
        read=_staff_unprotected,
    ),
    gauge(
        "connections",
        "Connections by calendar type and status. Each calendar type that the target has shows every status, also at 0; "
        "without connections, all types do. undefined and unknown only above 0. Absent while there is no fresh data.",
        "calendar_type",
        "status",
        read=_aggregate,
    ),
    gauge(
        "provider_up",
        "1 if the last lookup at this calendar provider worked, 0 if the platform reported it as failed; "
        "its connections then keep their last known state.",
        "provider",
        read=_providers,
    ),
)


def is_same(left: ConnectionsObservation, right: ConnectionsObservation) -> bool:
    """Return whether :data:`GAUGES` show the same of both, though seen at another moment."""
    return (
        alike(left.connections, right.connections, _connection)
        and alike(left.others, right.others, _connection)
        and _observation(left) == _observation(right)
    )


_connection: Final = all_but(Connection, "observed_at", "changes")
_observation: Final = all_but(ConnectionsObservation, "at", "connections", "others", "gone")
