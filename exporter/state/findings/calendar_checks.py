"""What is found of connections that no status tells: their access, the calendars that they import, accounts that they share.

Moments are Unix seconds (``float``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from exporter.connection_checks import UnprotectedReason
from exporter.model import WORKING, CollectorName, Connection, ConnectionsObservation, Message
from exporter.platforms.advice import Advice
from exporter.state import advice
from exporter.state.findings.finding import Finding, accepted_connection
from exporter.state.snapshot import TargetView
from exporter.state.verdict import (
    ACCOUNT_SHARED,
    CONNECTION_ACCEPTED,
    IMPORT_CALENDAR_MISSING,
    PROBE_FAILED,
    STAFF_UNPROTECTED,
    verdict_by,
)
from exporter.state.verdict_row import Verdict, VerdictRow
from exporter.support.listing import first_names

_TITLES: Final[Mapping[UnprotectedReason, str]] = MappingProxyType(
    {
        UnprotectedReason.NO_CONNECTION: Message("takes bookings without a calendar"),
        UnprotectedReason.IMPORT_OFF: Message("takes bookings, but imports no appointments"),
        UnprotectedReason.INVITE_PENDING: Message("takes bookings, but has not accepted the invitation"),
        UnprotectedReason.INVITE_EXPIRED: Message("takes bookings, but the invitation has expired"),
        UnprotectedReason.USER_DISCONNECTED: Message("takes bookings, but the Wix account was removed"),
    }
)


def of_checks(target: TargetView, connection: Connection, now: float) -> Iterator[Finding]:
    """Yield what is wrong at ``now`` with one ``connection`` of ``target`` whose status says that it works."""
    known = accepted_connection(target, connection, now)
    for row, title, fix in _failing(connection):
        probe = connection.probe if row is PROBE_FAILED else None
        yield Finding(
            row if known is None else CONNECTION_ACCEPTED,
            target.name,
            connection.key,
            title,
            fix,
            since=probe.since if probe else None,  # of what else is found nobody remembers when it began
            since_known=probe is not None and probe.since_known,
            collector=CollectorName.CONNECTIONS,
            connection=connection,
            until=None if known is None else known.until,
            known=known,
        )


def is_check_failing(target: TargetView, connection: Connection) -> bool:
    """Return whether a check of ``connection`` finds what is a problem to those who watch ``target``."""
    return any(verdict_by(row, target.thresholds) is not Verdict.OK for row, _, _ in _failing(connection))


def failed_check(connection: Connection) -> Advice | None:
    """Return what the first check of ``connection`` that fails means, and who mends it; ``None`` where all is well."""
    return next((fix for _, _, fix in _failing(connection)), None)


def of_account(target: TargetView, seen: ConnectionsObservation) -> Iterator[Finding]:
    """Yield that connections of ``target`` share an external account, unless all of them are accepted."""
    if seen.sharing_account:
        names = sorted({connection.key for connection in seen.connections if connection.shares_account})
        yield Finding(
            ACCOUNT_SHARED,
            target.name,
            "connections",
            Message("schedules share one calendar account"),
            advice.ACCOUNT_SHARED,
            detail=first_names(names),
            collector=CollectorName.CONNECTIONS,
        )


def of_staff(target: TargetView, seen: ConnectionsObservation) -> Iterator[Finding]:
    """Yield who takes bookings on ``target`` without a working import; of a site without connections another warning tells."""
    if seen.staff is None or not (seen.connections or seen.others):
        return
    for row, members in ((STAFF_UNPROTECTED, seen.staff.unprotected), (CONNECTION_ACCEPTED, seen.staff.accepted)):
        for member in members:
            if (fix := advice.UNPROTECTED.get(member.reason)) is not None:
                yield Finding(
                    row,
                    target.name,
                    member.schedule,
                    _TITLES[member.reason],
                    fix,
                    reason=member.reason,
                    collector=CollectorName.CONNECTIONS,
                    known=target.policy.connections.get(member.schedule) if row is CONNECTION_ACCEPTED else None,
                )


def _failing(connection: Connection) -> Iterator[tuple[VerdictRow, str, Advice]]:
    if connection.status not in WORKING:
        return
    if connection.probe is not None and not connection.probe.succeeded:
        yield PROBE_FAILED, Message("status is good, but calendar cannot be read"), advice.PROBE_FAILED
    calendars = connection.import_calendars
    if calendars is None:
        return
    if calendars.missing:
        yield IMPORT_CALENDAR_MISSING, Message("a calendar to import is gone"), advice.CHOSEN_CALENDAR_GONE
    elif not calendars.present:
        yield IMPORT_CALENDAR_MISSING, Message("imports no calendar"), advice.NO_CALENDAR_CHOSEN
