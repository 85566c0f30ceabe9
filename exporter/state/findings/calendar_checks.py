"""What is found of connections that no status tells: their access, the calendars that they import, accounts that they share.

Moments are Unix seconds (``float``).
"""

from __future__ import annotations

from collections.abc import Iterator

from exporter.model import CollectorName, Connection, ConnectionsObservation, Message
from exporter.platforms.advice import Advice
from exporter.state import advice
from exporter.state.findings.finding import Finding, accepted_connection
from exporter.state.snapshot import TargetView
from exporter.state.verdict import (
    ACCOUNT_SHARED,
    CONNECTION_ACCEPTED,
    IMPORT_CALENDAR_MISSING,
    PROBE_FAILED,
    WORKING,
    verdict_by,
)
from exporter.state.verdict_row import Verdict, VerdictRow
from exporter.support.listing import first_names


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
            since=probe.since if probe else None,
            since_known=probe is None or probe.since_known,
            collector=CollectorName.CONNECTIONS,
            connection=connection,
            until=None if known is None else known.until,
            known=known,
        )


def is_check_failing(target: TargetView, connection: Connection) -> bool:
    """Return whether a check of ``connection`` finds what is a problem to those who watch ``target``."""
    return any(verdict_by(row, target.thresholds) is not Verdict.OK for row, _, _ in _failing(connection))


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
