"""``/api/v1/status``: what the status board shows, as JSON with a published schema (``docs/status.schema.json``)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from exporter import __version__, model
from exporter.limits import BOARD_TARGETS, STATUS_ANSWER
from exporter.model import (
    BookingsObservation,
    Conflict,
    Connection,
    ConnectionsObservation,
    Known,
    LinksObservation,
    WarningKind,
)
from exporter.state.advice import for_connection, for_failure
from exporter.state.changes import DAY_SECONDS, WEEK_SECONDS, changed_times, is_flapping
from exporter.state.findings import Finding, brought_data, findings, is_broken
from exporter.state.places import overlap_minutes, resource_names
from exporter.state.snapshot import CollectorState, TargetView, View
from exporter.state.verdict import Verdict
from exporter.support.local_time import local
from exporter.web.judged import states_of, summary_of, verdict_of
from exporter.web.status_types import (
    VERSION,
    Acceptance,
    BookingConflict,
    Bookings,
    BookingsWindow,
    Budget,
    CalendarConnection,
    CalendarProvider,
    Change,
    Collector,
    CollectorCondition,
    ConfigWarning,
    Connections,
    EntityLinks,
    Failure,
    Links,
    LinksWindow,
    Listed,
    Missing,
    OperatingTime,
    Problem,
    Status,
    Target,
    TargetState,
)

T = TypeVar("T")

_LATEST = 253_402_300_799.0  # the last second of the year 9999


def encode_status(view: View, targets: frozenset[str] | None = None, page: int | None = None) -> bytes:
    """Return the JSON text of ``view``, narrowed to the named ``targets`` unless ``None``.

    Of those with a ``page``, counted from 1, only that one. Problems and targets that would make the text longer than
    :data:`~exporter.limits.STATUS_ANSWER` are left out, and it says so.
    """
    if targets is not None:
        view = _narrowed(_of_these_alone(view, targets), targets)
    found = findings(view)
    states = states_of(view, found)
    whole = head_of(view, found, states, page)
    if page is not None:
        view = _narrowed(view, frozenset(target.name for target in on_page(view.targets, page)))
    of_name = _by_name(view)
    of_these = [finding for finding in found if finding.target in of_name]
    broken = [finding for finding in of_these if finding.is_problem]
    listed = [finding for finding in of_these if finding.verdict is Verdict.OK]
    # One thing at a time: thousands in a single call would hold the interpreter, and with it the event loop.
    shown, problems_bytes = _written(
        STATUS_ANSWER.number // 2, (problem_document(problem, of_name[problem.target]) for problem in broken)
    )
    room = STATUS_ANSWER.number - problems_bytes
    listings, listed_bytes = _written(room // 2, (_listed(finding, of_name[finding.target]) for finding in listed))
    documents, _ = _written(
        room - listed_bytes, (target_document(target, view.at, states[target.name]) for target in view.targets)
    )
    truncated = len(shown) < len(broken) or len(listings) < len(listed) or len(documents) < len(view.targets)
    status = msgspec.structs.replace(whole, problems=shown, listed=listings, targets=documents, truncated=truncated)
    return msgspec.json.encode(status)


def pages_of(targets: int) -> int:
    """Return how many pages so many targets fill; none fill one."""
    return max(1, -(-targets // BOARD_TARGETS.number))


def on_page(targets: Sequence[T], page: int) -> Sequence[T]:
    """Return the part of ``targets`` that is on ``page``, counted from 1."""
    return targets[(page - 1) * BOARD_TARGETS.number : page * BOARD_TARGETS.number]


def schema_text(platforms: Iterable[str]) -> str:
    """Return the JSON Schema (2020-12) of the answer: the text of ``docs/status.schema.json``.

    ``platforms`` are those that there are.
    """
    about = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "booking-sync-exporter: GET /api/v1/status",
    }
    schema = msgspec.json.schema(Status)
    definitions = {}
    for name, definition in schema["$defs"].items():
        definitions[name] = definition
        if name == Target.__name__:
            definition["properties"]["platform"] = {"$ref": "#/$defs/Platform"}
        if name == EntityLinks.__name__:
            definitions["Platform"] = {"title": "Platform", "enum": sorted(platforms)}
    return json.dumps(about | {**schema, "$defs": definitions}, indent=2) + "\n"


def status_of(view: View, targets: frozenset[str] | None = None) -> Status:
    """Return the whole document for ``view``, narrowed to the named ``targets`` unless ``None``."""
    if targets is not None:
        view = _narrowed(_of_these_alone(view, targets), targets)
    found = findings(view)
    states = states_of(view, found)
    of_name = _by_name(view)
    return msgspec.structs.replace(
        head_of(view, found, states),
        problems=tuple(problem_document(finding, of_name[finding.target]) for finding in found if finding.is_problem),
        listed=tuple(_listed(finding, of_name[finding.target]) for finding in found if finding.verdict is Verdict.OK),
        targets=tuple(target_document(target, view.at, states[target.name]) for target in view.targets),
    )


def _of_these_alone(view: View, targets: frozenset[str]) -> View:
    """Return ``view`` without what its configuration says of others, or of the exporter as a whole."""
    own = tuple(warning for warning in view.config_warnings if warning.target in targets)
    return msgspec.structs.replace(view, config_warnings=own, rejected_config=None)


def _narrowed(view: View, targets: frozenset[str]) -> View:
    shown = tuple(target for target in view.targets if target.name in targets)
    missing = tuple(item for item in view.missing if item[0] in targets)
    warnings = tuple(row for row in view.config_warnings if row.target is None or row.target in targets)
    return msgspec.structs.replace(view, targets=shown, missing=missing, config_warnings=warnings)


def _written(room: int, documents: Iterable[msgspec.Struct]) -> tuple[tuple[Any, ...], int]:
    """Return the JSON texts of as many of ``documents`` as ``room`` (bytes) is for, and how many bytes they are."""
    found, size = [], 0
    for document in documents:
        text = msgspec.json.encode(document)
        if size + len(text) > room:
            break
        found.append(msgspec.Raw(text))
        size += len(text) + 1
    return tuple(found), size


def _by_name(view: View) -> Mapping[str, TargetView | None]:
    """Return the targets by name; the empty name is that of the exporter as a whole, which is none."""
    return {"": None, **{target.name: target for target in view.targets}}


def head_of(view: View, found: Sequence[Finding], states: Mapping[str, TargetState], page: int | None = None) -> Status:
    """Return the whole document but for its lists. ``found`` are the findings of ``view``, ``states`` those of its targets."""
    return Status(
        schema_version=VERSION,
        exporter_version=__version__,
        generated_at=_moment(view.at),
        ready=view.ready,
        standby=view.standby,
        page=page,
        pages=pages_of(len(view.targets)),
        truncated=False,
        missing=tuple(Missing(target=target, collector=collector) for target, collector in view.missing),
        verdict=verdict_of(view, found),
        summary=summary_of(states, found),
        config_warnings=tuple(
            ConfigWarning(kind=WarningKind(row.kind), target=row.target, message=row.message, fix=row.fix)
            for row in view.config_warnings
        ),
        problems=(),
        listed=(),
        targets=(),
    )


def problem_document(problem: Finding, target: TargetView | None) -> Problem:
    """Return one problem as it is shown; ``target`` is where, ``None`` for what concerns the exporter as a whole."""
    return Problem(
        severity=problem.severity,
        kind=problem.kind,
        target=problem.target,
        site=None if target is None else target.labels.get("site"),
        zone="UTC" if target is None else target.policy.zone,
        collector=problem.collector,
        subject=problem.subject,
        calendar_type=None if problem.connection is None else problem.connection.calendar_type,
        title=problem.title,
        since=_moment_or_none(problem.since),
        until=_moment_or_none(problem.until),
        reason=problem.reason or None,
        detail=problem.detail or None,
        meaning=problem.advice.meaning,
        fix=problem.advice.fix,
        conflict=_conflict(problem.conflict, target) if problem.conflict and target else None,
        since_known=problem.since_known,
    )


def _listed(finding: Finding, target: TargetView | None) -> Listed:
    return Listed(
        kind=finding.kind,
        target=finding.target,
        subject=finding.subject,
        title=finding.title,
        since=_moment_or_none(finding.since),
        until=_moment_or_none(finding.until),
        why=(finding.known.why or None) if finding.known else None,
        conflict=_conflict(finding.conflict, target) if finding.conflict and target else None,
    )


def target_document(target: TargetView, now: float, state: TargetState) -> Target:
    """Return all that is shown of one target; it costs more than all else, so it is made for what is shown only."""
    observations = [collector.observation for collector in target.collectors]
    return Target(
        name=target.name,
        platform=target.platform,
        labels=dict(target.labels),
        zone=target.policy.zone,
        resource_aliases=dict(target.policy.resource_aliases),
        state=state,
        paused=target.policy.paused is not None,
        closed=target.closed,
        collectors=tuple(_collector(collector, target, now) for collector in target.collectors),
        connections=next(
            (_connections(seen, target, now) for seen in observations if isinstance(seen, ConnectionsObservation)),
            None,
        ),
        bookings=next((_bookings(seen, target) for seen in observations if isinstance(seen, BookingsObservation)), None),
        links=next((_links(seen) for seen in observations if isinstance(seen, LinksObservation)), None),
        budgets=tuple(Budget(budget=row.name, limit=row.limit, remaining=row.remaining) for row in target.usage.budgets),
        operating=tuple(
            OperatingTime(operation=row.operation, seconds=row.seconds, reset_at=_moment_or_none(row.reset_at))
            for row in target.usage.operating
        ),
        credential_expiry=_moment_or_none(target.usage.credential_expiry),
    )


def _collector(state: CollectorState, target: TargetView, now: float) -> Collector:
    failure = state.failure
    advice = for_failure(target.platform, failure.reason, target.policy.sign_in) if failure else None
    data_at = state.observation.at if state.observation else None
    return Collector(
        name=state.collector,
        condition=_condition(state),
        up=state.up,
        interval_seconds=state.interval,
        max_age_seconds=state.max_age,
        finished_polls=state.finished_polls,
        last_poll=_moment_or_none(state.last_poll),
        last_poll_duration_seconds=state.last_duration,
        last_success=_moment_or_none(state.last_success),
        next_poll=_moment_or_none(state.next_poll),
        polling_since=_moment_or_none(target.polling.get(state.collector)),
        data_at=_moment_or_none(data_at),
        data_age_seconds=None if data_at is None else max(0.0, now - data_at),
        data_expired=state.expired,
        failure=Failure(
            reason=failure.reason,
            message=failure.message,
            meaning=advice.meaning,
            fix=advice.fix,
            at=_moment(failure.at),
            since=_moment_or_none(failure.since),
            count=failure.count,
            http_status=failure.status,
            code=failure.code,
            request_id=failure.request_id,
        )
        if failure and advice
        else None,
        since=_moment(state.changes[-1].at) if state.changes else None,
        since_known=bool(state.changes) and state.changes[-1].known,
        changes=tuple(map(_change, state.changes)),
        changed_times=changed_times(state.changes, now, WEEK_SECONDS),
        changed_times_24h=changed_times(state.changes, now, DAY_SECONDS),
        flapping=is_flapping(state.changes, now),
    )


def _change(change: model.Change) -> Change:
    state, _, reason = change.state.partition(" ")
    return Change(at=_moment(change.at), state=state, reason=reason or None, known=change.known)


def _condition(state: CollectorState) -> CollectorCondition:
    if state.expired:
        return "expired"
    if state.failure is not None:
        return "partial" if brought_data(state) else "failing"
    return "ok" if state.finished_polls else "waiting"


def _connections(seen: ConnectionsObservation, target: TargetView, now: float) -> Connections:
    return Connections(
        at=_moment(seen.at),
        connections=tuple(_connection(row, target, now) for row in seen.connections),
        providers=tuple(CalendarProvider(provider=row.label, up=row.up) for row in seen.providers),
        dropped_connections=seen.dropped_connections,
        dropped_providers=seen.dropped_providers,
    )


def _connection(row: Connection, target: TargetView, now: float) -> CalendarConnection:
    advice = for_connection(target.platform, row.status, row.error_reason)
    return CalendarConnection(
        connection=row.key,
        calendar_type=row.calendar_type,
        provider=row.provider,
        schedule=row.schedule,
        status=row.status,
        since=_moment(row.since),
        observed_at=_moment(row.observed_at),
        error_reason=row.error_reason,
        import_enabled=row.import_enabled,
        export_enabled=row.export_enabled,
        broken=is_broken(target, row, now),
        accepted=_acceptance(target.policy.accepted_connection(row)),
        meaning=advice.meaning,
        fix=advice.fix,
        since_known=row.since_known,
        changes=tuple(map(_change, row.changes)),
        changed_times=changed_times(row.changes, now, WEEK_SECONDS),
        changed_times_24h=changed_times(row.changes, now, DAY_SECONDS),
        flapping=is_flapping(row.changes, now),
    )


def _bookings(seen: BookingsObservation, target: TargetView) -> Bookings:
    return Bookings(
        at=_moment(seen.at),
        windows=tuple(
            BookingsWindow(
                window=row.window.name,
                start=_moment(row.window.start),
                end=_moment(row.window.end),
                complete=row.complete,
                bookings=row.bookings,
                conflicting=row.conflicting,
                accepted_conflicting=row.accepted,
                by_status=None if row.by_status is None else dict(row.by_status),
                by_resource=None if row.by_resource is None else dict(row.by_resource),
            )
            for row in seen.windows
        ),
        next_booking_measured=seen.measures_next,
        next_booking=_moment_or_none(seen.next_booking),
        next_conflict=_moment_or_none(seen.next_conflict),
        conflicts=tuple(_conflict(row, target) for row in seen.conflicts),
        resource_names=dict(seen.resource_names),
        dropped_resources=seen.dropped_resources,
    )


def _links(seen: LinksObservation) -> Links:
    return Links(
        at=_moment(seen.at),
        windows=tuple(
            LinksWindow(
                window=row.window.name,
                start=_moment(row.window.start),
                end=_moment(row.window.end),
                complete=row.complete,
                linked=row.linked,
                unlinked=row.unlinked,
                calendar_linked=row.calendar_linked,
                unverified=row.unverified,
                links=tuple(
                    EntityLinks(module=module, entity_type=entity_type, links=links)
                    for (module, entity_type), links in sorted(row.by_entity.items())
                ),
            )
            for row in seen.windows
        ),
    )


def _conflict(row: Conflict, target: TargetView) -> BookingConflict:
    return BookingConflict(
        resource=row.resource,
        resource_name=resource_names(target).get(row.resource),
        resource_alias=target.policy.resource_aliases.get(row.resource),
        first=row.first,
        second=row.second,
        start=_moment(row.start),
        end=_moment(row.end),
        local_start=local(row.start, target.policy.zone),
        local_end=local(row.end, target.policy.zone),
        overlap_minutes=overlap_minutes(row),
        accepted=_acceptance(target.policy.accepted_conflict(row)),
    )


def _acceptance(known: Known | None) -> Acceptance | None:
    return None if known is None else Acceptance(why=known.why, until=_moment_or_none(known.until))


def _moment(seconds: float) -> datetime:
    # Within what a calendar can say: one odd number of a portal must not cost the page of all targets.
    return datetime.fromtimestamp(int(min(max(seconds, 0.0), _LATEST)), UTC)


def _moment_or_none(seconds: float | None) -> datetime | None:
    return None if seconds is None else _moment(seconds)
