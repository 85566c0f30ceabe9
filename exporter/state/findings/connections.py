"""What is found of the calendar connections of a target, one by one and all together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from exporter.model import CollectorName, Connection, ConnectionsObservation, ConnectionStatus, Message
from exporter.policy import Known
from exporter.state.advice import ALL_DOWN, for_connection
from exporter.state.findings.finding import Finding, is_in_force
from exporter.state.snapshot import TargetView
from exporter.state.verdict import (
    CONNECTION_ACCEPTED,
    CONNECTION_CUT,
    CONNECTION_CUT_BEFORE,
    CONNECTION_ERROR,
    CONNECTION_STUCK,
    CONNECTION_UNCLEAR,
    CONNECTIONS_DOWN,
    DOWN_CONNECTIONS,
    RECENT_SECONDS,
    STUCK_SECONDS,
    WORKING,
    Row,
    Verdict,
)

_TITLES: Final[Mapping[Row, str]] = MappingProxyType(
    {
        CONNECTION_ERROR: Message("calendar sync is broken"),
        CONNECTION_CUT: Message("calendar is disconnected"),
        CONNECTION_CUT_BEFORE: Message("calendar is disconnected"),
        CONNECTION_STUCK: Message("calendar sync does not finish"),
        CONNECTION_UNCLEAR: Message("state of calendar sync is not known"),
    }
)


def of_connections(target: TargetView, seen: ConnectionsObservation, now: float) -> Iterator[Finding]:
    """Yield what is found of the connections that ``seen`` shows of ``target`` at ``now``."""
    judged = [row for row in seen.connections if _known(target, row, now) is None]
    works = any(row.status in WORKING for row in seen.connections)  # also one that may be broken
    if not works and not seen.others and (down := _all_down(judged, now)):
        newest = max(row.since for row in down)
        yield Finding(
            CONNECTIONS_DOWN,
            target.name,
            "connections",
            Message("no calendar of the target works"),
            ALL_DOWN,
            since=newest,
            collector=CollectorName.CONNECTIONS,
        )
    for connection in seen.connections:
        row = _row(connection, now)
        if row is None:
            continue
        known = _known(target, connection, now)
        yield Finding(
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
        )


def is_broken(target: TargetView, connection: Connection, now: float) -> bool:
    """Return whether ``connection`` of ``target`` is among the problems at ``now``."""
    row = _row(connection, now)
    return row is not None and row.verdict is not Verdict.OK and _known(target, connection, now) is None


def _row(connection: Connection, now: float) -> Row | None:
    age = now - connection.since
    match connection.status:
        case ConnectionStatus.ERROR:
            return CONNECTION_ERROR
        case ConnectionStatus.DISCONNECTED:
            return CONNECTION_CUT if _was_cut(connection) and age < RECENT_SECONDS else CONNECTION_CUT_BEFORE
        case ConnectionStatus.SYNC_IN_PROGRESS if age > STUCK_SECONDS:
            return CONNECTION_STUCK
        # One that only imports stays `connected` for good.
        case ConnectionStatus.CONNECTED if connection.export_enabled and age > STUCK_SECONDS:
            return CONNECTION_STUCK
        case ConnectionStatus.UNDEFINED | ConnectionStatus.UNKNOWN if age > STUCK_SECONDS:
            return CONNECTION_UNCLEAR
        case _:
            return None


def _was_cut(connection: Connection) -> bool:
    """Return whether ``connection`` had another state before, also when it lost that while the exporter was away."""
    return connection.since_known or len(connection.changes) > 1


def _known(target: TargetView, connection: Connection, now: float) -> Known | None:
    accepted = target.policy.connections
    known = accepted.get(connection.key) or accepted.get(connection.schedule)
    return known if is_in_force(known, now) else None


def _all_down(connections: Iterable[Connection], now: float) -> list[Connection]:
    """Return those of ``connections`` that worked lately, if they are several."""
    down = [row for row in connections if _worked_lately(row, now)]
    return down if len(down) >= DOWN_CONNECTIONS else []


def _worked_lately(connection: Connection, now: float) -> bool:
    return any(before.state in WORKING and after.at > now - RECENT_SECONDS for before, after in pairwise(connection.changes))
