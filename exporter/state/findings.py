"""What is broken, where, since when and who mends it: the list that the status board and ``/api/v1/status`` begin with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from exporter.model import BookingsObservation, Conflict, Connection, ConnectionsObservation, ConnectionStatus, LinksObservation
from exporter.platforms.advice import Advice
from exporter.state.advice import (
    CREDENTIAL_ENDS,
    DATA_WITHDRAWN,
    DOUBLE_BOOKING,
    LINKS_UNVERIFIED,
    WINDOW_INCOMPLETE,
    for_connection,
    for_failure,
)
from exporter.state.changes import failing_since
from exporter.state.snapshot import CollectorState, TargetView, View
from exporter.support.listing import first_few

STUCK_SECONDS: Final = 3600.0  # a sync ends within minutes; the advice for these states says an hour
_SOON_SECONDS: Final = 24 * 3600.0
_CLOCK_SLACK_SECONDS: Final = 0.5  # duration is monotonic, moments are not
_RENEW_SECONDS: Final = 14 * 24 * 3600.0


class Severity(StrEnum):
    """``critical`` wakes somebody, ``warning`` can wait for the morning; the words of the alert rules."""

    CRITICAL = "critical"
    WARNING = "warning"


class Kind(StrEnum):
    """What is wrong. The order is the order in which problems of one severity are listed."""

    COLLECTOR_FAILING = "collector_failing"
    DATA_EXPIRED = "data_expired"
    CONFLICT = "conflict"
    CONNECTION_ERROR = "connection_error"
    CONNECTION_DISCONNECTED = "connection_disconnected"
    CONNECTION_STUCK = "connection_stuck"
    WINDOW_INCOMPLETE = "window_incomplete"
    LINKS_UNVERIFIED = "links_unverified"
    CREDENTIAL_EXPIRY = "credential_expiry"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is broken. Moments are Unix seconds.

    ``subject`` is the collector, connection, resource or window. ``since`` is ``None`` for what lies ahead, and when we
    cannot know; without ``since_known`` it is that long at least. ``until`` is the day that a credential ends. ``detail``
    quotes the failed poll.
    """

    severity: Severity
    kind: Kind
    target: str
    subject: str
    title: str
    advice: Advice
    since: float | None = None
    detail: str = ""
    reason: str = ""
    conflict: Conflict | None = None
    until: float | None = None
    since_known: bool = True


def problems(view: View) -> tuple[Problem, ...]:
    """Return everything that is broken: critical first, by kind, the newest first, conflicts by their start."""
    found = [problem for target in view.targets for problem in of_target(target, view.at)]
    severities, kinds = list(Severity), list(Kind)

    def order(problem: Problem) -> tuple[int, int, float]:
        moment = problem.conflict.start if problem.conflict else -(problem.since or 0.0)
        return severities.index(problem.severity), kinds.index(problem.kind), moment

    return tuple(sorted(found, key=order))


def of_target(target: TargetView, now: float) -> Iterator[Problem]:
    """Yield what is broken at one target at ``now`` (Unix seconds)."""
    for collector in target.collectors:
        yield from _of_collector(target, collector)
        match collector.observation:
            case ConnectionsObservation(connections=connections):
                for connection in connections:
                    yield from _of_connection(target, connection, now)
            case BookingsObservation(windows=bookings, conflicts=conflicts, resource_names=names):
                for conflict in conflicts:
                    yield from _of_conflict(target.name, conflict, names.get(conflict.resource, conflict.resource), now)
                incomplete = [row.window.name for row in bookings if not row.complete]
                yield from _of_windows(target.name, collector, incomplete, [])
            case LinksObservation(windows=links):
                incomplete = [row.window.name for row in links if not row.complete]
                unverified = [row.window.name for row in links if row.mostly_unverified]
                yield from _of_windows(target.name, collector, incomplete, unverified)
    expiry = target.usage.credential_expiry
    if expiry is not None and expiry - now < _RENEW_SECONDS:
        severity, title = (
            (Severity.WARNING, "credential ends soon") if expiry > now else (Severity.CRITICAL, "credential has ended")
        )
        yield Problem(severity, Kind.CREDENTIAL_EXPIRY, target.name, "credential", title, CREDENTIAL_ENDS, until=expiry)


def is_broken(connection: Connection, now: float) -> bool:
    """Return whether ``connection`` is among the problems at ``now``."""
    return _connection_kind(connection, now) is not None


def brought_data(state: CollectorState) -> bool:
    """Return whether the last finished poll is where the data comes from, although it may have failed in part."""
    if state.observation is None or state.last_poll is None:
        return False
    # An observation bears the moment at which its poll began to ask.
    return state.observation.at >= state.last_poll - (state.last_duration or 0.0) - _CLOCK_SLACK_SECONDS


def resource_names(target: TargetView) -> Mapping[str, str]:
    """Return the names of the resources of ``target`` by their id."""
    for collector in target.collectors:
        if isinstance(collector.observation, BookingsObservation):
            return collector.observation.resource_names
    return {}


def _of_collector(target: TargetView, state: CollectorState) -> Iterator[Problem]:
    failure = state.failure
    if failure is not None:
        kind, title = (
            (Kind.DATA_EXPIRED, "polls fail, data withdrawn") if state.expired else (Kind.COLLECTOR_FAILING, _failing(state))
        )
        began = failing_since(state.changes)
        yield Problem(
            Severity.CRITICAL,
            kind,
            target.name,
            str(state.collector),
            title,
            for_failure(target.platform, failure.reason),
            since=began.at if began is not None else failure.since if failure.since is not None else state.last_success,
            detail=failure.message,
            reason=str(failure.reason),
            since_known=began is None or began.known,
        )
    elif state.expired:
        since = None if state.last_success is None else state.last_success + state.max_age
        yield Problem(
            Severity.CRITICAL,
            Kind.DATA_EXPIRED,
            target.name,
            str(state.collector),
            "data withdrawn: too old",
            DATA_WITHDRAWN,
            since=since,
        )


def _failing(state: CollectorState) -> str:
    observation = state.observation
    if observation is None:
        return "polls fail, no data"
    if isinstance(observation, ConnectionsObservation) and (
        down := [provider.label for provider in observation.providers if not provider.up]
    ):
        return f"calendar provider failed: {first_few(down)}"
    return "poll only partly succeeded" if brought_data(state) else "polls fail, older data shown"


def _connection_kind(connection: Connection, now: float) -> Kind | None:
    # A connection that only imports stays `connected` for good (wix.md 3.4).
    syncing = connection.status is ConnectionStatus.SYNC_IN_PROGRESS or (
        connection.status is ConnectionStatus.CONNECTED and connection.export_enabled
    )
    if connection.status is ConnectionStatus.ERROR:
        return Kind.CONNECTION_ERROR
    if connection.status is ConnectionStatus.DISCONNECTED:
        return Kind.CONNECTION_DISCONNECTED
    return Kind.CONNECTION_STUCK if syncing and now - connection.since > STUCK_SECONDS else None


def _of_connection(target: TargetView, connection: Connection, now: float) -> Iterator[Problem]:
    kind = _connection_kind(connection, now)
    if kind is None:
        return
    title = {
        Kind.CONNECTION_ERROR: "calendar sync is broken",
        Kind.CONNECTION_DISCONNECTED: "calendar is disconnected",
        Kind.CONNECTION_STUCK: "calendar sync does not finish",
    }[kind]
    yield Problem(
        Severity.WARNING,
        kind,
        target.name,
        connection.key,
        title,
        for_connection(target.platform, connection.status, connection.error_reason),
        since=connection.since,
        reason=str(connection.error_reason or ""),
        since_known=connection.since_known,
    )


def _of_conflict(target: str, conflict: Conflict, resource: str, now: float) -> Iterator[Problem]:
    if conflict.end <= now:
        return
    severity = Severity.CRITICAL if conflict.start - now < _SOON_SECONDS else Severity.WARNING
    yield Problem(severity, Kind.CONFLICT, target, resource, "double booking", DOUBLE_BOOKING, conflict=conflict)


def _of_windows(target: str, state: CollectorState, incomplete: list[str], unverified: list[str]) -> Iterator[Problem]:
    for names, kind, title, advice in (
        (incomplete, Kind.WINDOW_INCOMPLETE, "incomplete", WINDOW_INCOMPLETE),
        (unverified, Kind.LINKS_UNVERIFIED, "links not verified", LINKS_UNVERIFIED),
    ):
        if names:
            what = (Severity.WARNING, kind, target, str(state.collector), f"{title}: {', '.join(names)}", advice)
            yield Problem(*what, since=state.last_poll)
