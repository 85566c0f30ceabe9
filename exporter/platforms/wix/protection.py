"""Who takes bookings without a working import: staff members joined with the connections of their schedules (wix.md 7.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from exporter.connection_checks import StaffProtection, UnprotectedReason, UnprotectedStaff
from exporter.model import WORKING, Connection, ConnectionStatus
from exporter.platforms.wix.staff_rows import StaffRow

_UNCLEAR: Final = frozenset({ConnectionStatus.UNDEFINED, ConnectionStatus.UNKNOWN})


def protection(
    staff: Iterable[StaffRow],
    connections: Iterable[Connection],
    *,
    unreadable: int,
    whole: bool,
    label: Callable[[str], str],
    is_accepted: Callable[[str], bool],
) -> StaffProtection:
    """Return how ``staff`` is protected by those of ``connections`` that are linked to its schedules.

    ``unreadable`` further members are unknown. Without ``whole`` some connections are missing, so of a schedule that has none
    nothing is known. ``label`` names a schedule as the connections do, ``is_accepted`` tells by that name whether its staff
    member is meant to have no import.
    """
    linked: dict[str, list[Connection]] = {}
    for connection in connections:
        linked.setdefault(connection.schedule, []).append(connection)
    protected, unknown = 0, unreadable
    unprotected: list[UnprotectedStaff] = []
    accepted: list[UnprotectedStaff] = []
    for member in staff:
        if not member.takes_bookings:
            continue
        schedule = label(member.schedule_id)
        own = linked.get(schedule, []) if member.schedule_id else []
        reason = _unprotected(member, own)
        if not member.schedule_id or (reason is not None and _is_unclear(own, whole=whole)):
            unknown += 1
        elif reason is None:
            protected += 1
        else:
            (accepted if is_accepted(schedule) else unprotected).append(UnprotectedStaff(schedule, reason))
    return StaffProtection(protected, unknown, tuple(unprotected), tuple(accepted))


def _unprotected(member: StaffRow, connections: Iterable[Connection]) -> UnprotectedReason | None:
    """Return why no connection protects ``member``; the reason that is nearest to be mended comes first."""
    live = [connection for connection in connections if connection.status is not ConnectionStatus.DISCONNECTED]
    if not live:
        return member.identity or UnprotectedReason.NO_CONNECTION
    working = [connection for connection in live if connection.status in WORKING and not _probe_failed(connection)]
    importing = [connection for connection in working if connection.import_enabled]
    if any(not _imports_nothing(connection) for connection in importing):
        return None
    if importing:
        return UnprotectedReason.NO_CALENDAR_CHOSEN
    return UnprotectedReason.IMPORT_OFF if working else UnprotectedReason.CONNECTION_ERROR


def _is_unclear(connections: Iterable[Connection], *, whole: bool) -> bool:
    statuses = {connection.status for connection in connections}
    return bool(statuses & _UNCLEAR) or not (statuses or whole)


def _probe_failed(connection: Connection) -> bool:
    return connection.probe is not None and not connection.probe.succeeded


def _imports_nothing(connection: Connection) -> bool:
    calendars = connection.import_calendars
    return calendars is not None and not calendars.present
