"""What is found of the calendar connections of a target, one by one and all together.

Moments are Unix seconds (``float``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from msgspec.structs import replace

from exporter.model import (
    WORKING,
    CollectorName,
    Connection,
    ConnectionsObservation,
    ConnectionStatus,
    ErrorReason,
    GoneConnection,
    Message,
)
from exporter.policy import AcceptedReason, WarningKind
from exporter.state.advice import ALL_DOWN, ALL_GONE, for_connection
from exporter.state.findings.calendar_checks import is_check_failing, of_account, of_checks, of_staff
from exporter.state.findings.finding import Finding, accepted_connection, is_in_force
from exporter.state.snapshot import TargetView
from exporter.state.thresholds import Thresholds
from exporter.state.verdict import (
    CONNECTION_ACCEPTED,
    CONNECTION_CUT,
    CONNECTION_CUT_BEFORE,
    CONNECTION_ERROR,
    CONNECTION_STUCK,
    CONNECTION_UNCLEAR,
    CONNECTIONS_DOWN,
    verdict_by,
)
from exporter.state.verdict_row import Verdict, VerdictRow

_TITLES: Final[Mapping[VerdictRow, str]] = MappingProxyType(
    {
        CONNECTION_ERROR: Message("calendar sync is broken"),
        CONNECTION_CUT: Message("calendar is disconnected"),
        CONNECTION_CUT_BEFORE: Message("calendar is disconnected"),
        CONNECTION_STUCK: Message("calendar sync does not finish"),
        CONNECTION_UNCLEAR: Message("state of calendar sync is not known"),
    }
)


def of_connections(target: TargetView, seen: ConnectionsObservation, now: float) -> Iterator[Finding]:
    """Yield what is found of the connections that ``seen`` has of ``target`` at ``now``, those that are not listed included."""
    # One that may be broken, as it does not finish, works all the same.
    works = any(connection.status in WORKING for connection in (*seen.connections, *seen.others))
    down = None if works else _all_down(target, seen, now)
    if down is not None:
        yield down
    none_works = not works and down is None and _all_asked(seen)
    for connection in seen.connections:
        if (row := _row(connection, now, target.thresholds)) is not None:
            yield _of_connection(target, connection, row, now, none_works=none_works)
        yield from of_checks(target, connection, now)
    yield from of_account(target, seen)
    yield from of_staff(target, seen)
    yield from _of_others(target, seen.others, now, none_works=none_works)


def _of_connection(target: TargetView, connection: Connection, row: VerdictRow, now: float, *, none_works: bool) -> Finding:
    known = accepted_connection(target, connection, now)
    none_works = none_works and known is None and verdict_by(row, target.thresholds) is not Verdict.OK
    return Finding(
        row if known is None else CONNECTION_ACCEPTED,
        target.name,
        connection.key,
        _TITLES[row],
        for_connection(target.platform, connection.status, connection.error_reason),
        since=connection.since,
        since_known=connection.since_known,
        reason=str(connection.error_reason or ""),
        collector=CollectorName.CONNECTIONS,
        connection=connection,
        until=None if known is None else known.until,
        known=known,
        effect=Message("none of the calendars of %(target)s works", target=target.name) if none_works else "",
        none_works=none_works,
    )


def _of_others(target: TargetView, others: Iterable[Connection], now: float, *, none_works: bool) -> Iterator[Finding]:
    """Yield what is found of connections that are not listed: what is alike is one, since they may be thousands."""
    alike: dict[tuple[VerdictRow, ConnectionStatus, ErrorReason | None, AcceptedReason | None], list[Connection]] = {}
    for connection in others:
        if (row := _row(connection, now, target.thresholds)) is not None:
            kind = row, connection.status, connection.error_reason, accepted_connection(target, connection, now)
            alike.setdefault(kind, []).append(connection)
    for (row, *_), group in alike.items():
        found = _of_connection(target, min(group, key=lambda connection: connection.since), row, now, none_works=none_works)
        subject = Message(
            "%(number)s connection that is not listed", "%(number)s connections that are not listed", number=len(group)
        )
        yield replace(found, subject=subject, connection=None, detail=Message("raise `max_connections` to see which"))


def is_broken(target: TargetView, connection: Connection, now: float) -> bool:
    """Return whether ``connection`` of ``target`` is among the problems at ``now``."""
    row = _row(connection, now, target.thresholds)
    judged = Verdict.OK if row is None else verdict_by(row, target.thresholds)
    broken = judged is not Verdict.OK or is_check_failing(target, connection)
    return broken and accepted_connection(target, connection, now) is None


def _row(connection: Connection, now: float, thresholds: Thresholds) -> VerdictRow | None:
    age = now - connection.since
    match connection.status:
        case ConnectionStatus.ERROR:
            return CONNECTION_ERROR
        case ConnectionStatus.DISCONNECTED:
            is_recent = age < thresholds.connection_disconnected_within
            return CONNECTION_CUT if is_recent and _was_cut(connection) else CONNECTION_CUT_BEFORE
        case ConnectionStatus.SYNC_IN_PROGRESS if age > thresholds.connection_stuck_after:
            return CONNECTION_STUCK
        # One that only imports stays `connected` for good.
        case ConnectionStatus.CONNECTED if connection.export_enabled and age > thresholds.connection_stuck_after:
            return CONNECTION_STUCK
        case ConnectionStatus.UNDEFINED | ConnectionStatus.UNKNOWN if age > thresholds.connection_unclear_after:
            return CONNECTION_UNCLEAR
        case _:
            return None


def _was_cut(connection: Connection) -> bool:
    """Return whether ``connection`` had another state before, also when it lost that while the exporter was away."""
    return connection.since_known or len(connection.changes) > 1


def _all_down(target: TargetView, seen: ConnectionsObservation, now: float) -> Finding | None:
    """Return that several connections of ``target``, of which none works, did lately, or one did that has gone."""
    listed: tuple[Connection, ...] = (*seen.connections, *seen.others)
    known: tuple[Connection | GoneConnection, ...] = (*listed, *seen.gone)
    lately = [row for row in known if _worked_lately(row, target, now) and accepted_connection(target, row, now) is None]
    # A single one that is listed is told of by itself; of one that has gone nothing else tells.
    gone_counts = _all_asked(seen) and any(isinstance(row, GoneConnection) for row in lately)
    if not gone_counts and (not listed or len(lately) < target.thresholds.connections_down_least):
        return None
    if not listed and is_in_force(target.policy.warnings.get(WarningKind.NO_CONNECTIONS), now):
        return None
    return Finding(
        CONNECTIONS_DOWN,
        target.name,
        "connections",
        Message("no calendar of the target works") if listed else Message("the target has no calendar connection any more"),
        ALL_DOWN if listed else ALL_GONE,
        since=max(row.changes[-1].at for row in lately) + target.stepped,
        collector=CollectorName.CONNECTIONS,
    )


def _all_asked(seen: ConnectionsObservation) -> bool:
    """Return whether no connection is missing: those of a provider that cannot be asked are withdrawn in the end."""
    return all(provider.up for provider in seen.providers)


def _worked_lately(connection: Connection | GoneConnection, target: TargetView, now: float) -> bool:
    began = now - target.stepped - target.thresholds.connections_down_within
    return any(before.state in WORKING and after.at > began for before, after in pairwise(connection.changes))
