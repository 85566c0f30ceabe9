"""The documents of ``/api/v1/status``: one problem, one thing that is listed, one target, each made of values of the state."""

from __future__ import annotations

from collections.abc import Iterable

from exporter import calendar_copies, connection_checks, model
from exporter.booking_links import LinksObservation
from exporter.calendar_busy import BusyObservation
from exporter.calendar_copies import CalendarCopies
from exporter.model import BookingsObservation, Conflict, Connection, ConnectionsObservation
from exporter.open_slots import SlotsObservation
from exporter.policy import AcceptedReason
from exporter.private_calendar import EventsObservation
from exporter.state.advice import for_connection, for_failure
from exporter.state.changes import DAY_SECONDS, WEEK_SECONDS, changed_times, is_flapping
from exporter.state.findings import Finding, brought_data, failed_check, is_broken
from exporter.state.places import overlap_minutes, resource_name, resource_names
from exporter.state.snapshot import CollectorState, TargetView
from exporter.support.local_time import local
from exporter.web.account_types import Budget, OperatingTime
from exporter.web.busy_documents import busy_document
from exporter.web.check_types import CalendarProbe, ImportCalendars, Probes, Staff, UnprotectedStaff
from exporter.web.events_documents import events_document, overlapped_documents
from exporter.web.moments import moment_of, moment_or_none
from exporter.web.proof_documents import busy_documents, missing_documents, pair_documents, silent_documents
from exporter.web.slots_documents import slots_document
from exporter.web.status_copies import CopiesWindow, MismatchedBooking
from exporter.web.status_types import (
    Acceptance,
    BookingConflict,
    Bookings,
    BookingsWindow,
    CalendarConnection,
    CalendarProvider,
    Change,
    Collector,
    CollectorCondition,
    Connections,
    EntityLinks,
    Failure,
    Links,
    LinksWindow,
    Listed,
    Problem,
    Target,
    TargetState,
    UnlinkedBooking,
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
        subject=str(problem.subject),
        calendar_type=None if problem.connection is None else problem.connection.calendar_type,
        title=problem.headline,
        since=moment_or_none(problem.since),
        until=moment_or_none(problem.until),
        reason=problem.reason or None,
        detail=str(problem.detail) or None,
        meaning=str(problem.advice.meaning),
        fix=str(problem.advice.fix),
        conflict=_conflict(problem.conflict, target) if problem.conflict and target else None,
        since_known=problem.since is not None and problem.since_known,
        unlinked=tuple(
            UnlinkedBooking(booking=row.booking, start=moment_of(row.start), local_start=local(row.start, target.policy.zone))
            for row in problem.unlinked
        )
        if target
        else (),
        overlapped=overlapped_documents(problem.external, target.policy.zone) if target else (),
        mismatched=_mismatched(problem.mismatched, target) if target else (),
        first=moment_or_none(problem.first),
        more=problem.more,
        not_in_calendar=missing_documents(problem.missing, target.policy.zone) if target else (),
        busy_times=busy_documents(problem.busy, target.policy.zone) if target else (),
    )


def listed_document(finding: Finding, target: TargetView | None) -> Listed:
    """Return one thing as it is listed that is not judged; ``target`` is where."""
    return Listed(
        kind=finding.kind,
        target=finding.target,
        subject=str(finding.subject),
        title=finding.headline,
        since=moment_or_none(finding.since),
        until=moment_or_none(finding.until),
        why=(finding.known.why or None) if finding.known else None,
        conflict=_conflict(finding.conflict, target) if finding.conflict and target else None,
        message=str(finding.detail) or None,
        fix=(str(finding.advice.fix) or None) if finding.known is None else None,
    )


def target_document(target: TargetView, now: float, state: TargetState) -> Target:
    """Return all that is shown of one target; it costs more than all else, so it is made for what is shown only.

    ``now`` is in Unix seconds.
    """
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
        links=next((_links(seen, target) for seen in observations if isinstance(seen, LinksObservation)), None),
        budgets=tuple(Budget(budget=row.name, limit=row.limit, remaining=row.remaining) for row in target.usage.budgets),
        operating=tuple(
            OperatingTime(operation=row.operation, seconds=row.seconds, reset_at=moment_or_none(row.reset_at))
            for row in target.usage.operating
        ),
        credential_expiry=moment_or_none(target.usage.credential_expiry),
        events=next(
            (events_document(seen, target.policy.zone) for seen in observations if isinstance(seen, EventsObservation)), None
        ),
        slots=next((slots_document(seen) for seen in observations if isinstance(seen, SlotsObservation)), None),
        busy=next((busy_document(seen) for seen in observations if isinstance(seen, BusyObservation)), None),
        pairs=pair_documents(target.pairs, target.policy.zone),
        silent_pairs=silent_documents(target.silent_pairs),
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
        last_poll=moment_or_none(state.last_poll),
        last_poll_duration_seconds=state.last_duration,
        last_success=moment_or_none(state.last_success),
        next_poll=moment_or_none(state.next_poll),
        polling_since=moment_or_none(target.polling.get(state.collector)),
        data_at=moment_or_none(data_at),
        data_age_seconds=None if data_at is None else max(0.0, now - data_at),
        data_expired=state.expired,
        failure=Failure(
            reason=failure.reason,
            message=failure.message,
            meaning=advice.meaning,
            fix=advice.fix,
            at=moment_of(failure.at),
            since=moment_or_none(failure.since),
            count=failure.count,
            http_status=failure.status,
            code=failure.code,
            request_id=failure.request_id,
        )
        if failure and advice
        else None,
        since=moment_of(state.changes[-1].at + target.stepped) if state.changes else None,
        since_known=bool(state.changes) and state.changes[-1].known,
        changes=_changes(state.changes, target.stepped),
        changed_times=changed_times(state.changes, now - target.stepped, WEEK_SECONDS),
        changed_times_24h=changed_times(state.changes, now - target.stepped, DAY_SECONDS),
        flapping=is_flapping(state.changes, now - target.stepped),
    )


def _changes(changes: Iterable[model.Change], stepped: float) -> tuple[Change, ...]:
    return tuple(_change(change, stepped) for change in changes)


def _change(change: model.Change, stepped: float) -> Change:
    state, _, reason = change.state.partition(" ")
    return Change(at=moment_of(change.at + stepped), state=state, reason=reason or None, known=change.known)


def _condition(state: CollectorState) -> CollectorCondition:
    if state.expired:
        return "expired"
    if state.failure is not None:
        return "partial" if brought_data(state) else "failing"
    return "ok" if state.finished_polls else "waiting"


def _connections(seen: ConnectionsObservation, target: TargetView, now: float) -> Connections:
    return Connections(
        at=moment_of(seen.at),
        connections=tuple(_connection(row, target, now) for row in seen.connections),
        providers=tuple(CalendarProvider(provider=row.label, up=row.up) for row in seen.providers),
        dropped_connections=seen.dropped_connections,
        dropped_providers=seen.dropped_providers,
        sharing_account=seen.sharing_account,
        staff=_staff(seen.staff) if seen.staff else None,
        probes=_probes(seen.probes) if seen.probes else None,
        staff_awaited=seen.staff_awaited,
    )


def _connection(row: Connection, target: TargetView, now: float) -> CalendarConnection:
    advice = failed_check(row) or for_connection(target.platform, row.status, row.error_reason)
    calendars = row.import_calendars
    return CalendarConnection(
        connection=row.key,
        calendar_type=row.calendar_type,
        provider=row.provider,
        schedule=row.schedule,
        status=row.status,
        since=moment_of(row.since),
        observed_at=moment_of(row.observed_at),
        error_reason=row.error_reason,
        import_enabled=row.import_enabled,
        export_enabled=row.export_enabled,
        broken=is_broken(target, row, now),
        accepted=_acceptance(target.policy.accepted_connection(row)),
        meaning=advice.meaning,
        fix=advice.fix,
        since_known=row.since_known,
        changes=_changes(row.changes, target.stepped),
        changed_times=changed_times(row.changes, now - target.stepped, WEEK_SECONDS),
        changed_times_24h=changed_times(row.changes, now - target.stepped, DAY_SECONDS),
        flapping=is_flapping(row.changes, now - target.stepped),
        probe=_probe(row.probe) if row.probe else None,
        import_calendars=ImportCalendars(present=calendars.present, missing=calendars.missing) if calendars else None,
        shares_account=row.shares_account,
        probe_awaited=row.probe_awaited,
    )


def _staff(seen: connection_checks.StaffProtection) -> Staff:
    unprotected, accepted = (
        tuple(UnprotectedStaff(schedule=one.schedule, reason=one.reason) for one in members)
        for members in (seen.unprotected, seen.accepted)
    )
    return Staff(protected=seen.protected, unknown=seen.unknown, unprotected=unprotected, accepted=accepted)


def _probes(seen: connection_checks.ProbesAsked) -> Probes:
    return Probes(asked=seen.asked, connections=seen.connections, cannot_be_probed=seen.cannot_be_probed)


def _probe(seen: connection_checks.CalendarProbe) -> CalendarProbe:
    return CalendarProbe(
        succeeded=seen.succeeded, at=moment_of(seen.at), since=moment_of(seen.since), since_known=seen.since_known
    )


def _bookings(seen: BookingsObservation, target: TargetView) -> Bookings:
    return Bookings(
        at=moment_of(seen.at),
        windows=tuple(
            BookingsWindow(
                window=row.window.name,
                start=moment_of(row.window.start),
                end=moment_of(row.window.end),
                complete=row.complete,
                bookings=row.bookings,
                conflicting=row.conflicting,
                accepted_conflicting=row.accepted,
                by_status=None if row.by_status is None else dict(row.by_status),
                by_resource=None if row.by_resource is None else dict(row.by_resource),
            )
            for row in seen.windows
        ),
        platform_conflicting=dict(seen.platform_conflicts),
        next_booking_measured=seen.measures_next,
        next_booking=moment_or_none(seen.next_booking),
        next_conflict=moment_or_none(seen.next_conflict),
        conflicts=tuple(_conflict(row, target) for row in seen.conflicts),
        resource_names=dict(seen.resource_names),
        dropped_resources=seen.dropped_resources,
    )


def _mismatched(rows: Iterable[calendar_copies.MismatchedBooking], target: TargetView) -> tuple[MismatchedBooking, ...]:
    zone = target.policy.zone
    return tuple(
        MismatchedBooking(
            booking=row.booking,
            kind=row.kind,
            start=moment_of(row.start),
            local_start=local(row.start, zone),
            resources=tuple(resource_name(target, resource) for resource in row.resources),
        )
        for row in rows
    )


def _copies(seen: CalendarCopies) -> tuple[CopiesWindow, ...]:
    return tuple(
        CopiesWindow(window=row.window, compared=row.compared, mismatches=row.mismatches, unverified=row.unverified)
        for row in seen.windows
    )


def _links(seen: LinksObservation, target: TargetView) -> Links:
    return Links(
        at=moment_of(seen.at),
        windows=tuple(
            LinksWindow(
                window=row.window.name,
                start=moment_of(row.window.start),
                end=moment_of(row.window.end),
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
        copies=None if seen.copies is None else _copies(seen.copies),
        mismatched=_mismatched(seen.copies.mismatched if seen.copies else (), target),
    )


def _conflict(row: Conflict, target: TargetView) -> BookingConflict:
    return BookingConflict(
        resource=row.resource,
        resource_name=resource_names(target).get(row.resource),
        resource_alias=target.policy.resource_aliases.get(row.resource),
        first=row.first,
        second=row.second,
        start=moment_of(row.start),
        end=moment_of(row.end),
        local_start=local(row.start, target.policy.zone),
        local_end=local(row.end, target.policy.zone),
        overlap_minutes=overlap_minutes(row),
        accepted=_acceptance(target.policy.accepted_conflict(row)),
    )


def _acceptance(known: AcceptedReason | None) -> Acceptance | None:
    return None if known is None else Acceptance(why=known.why, until=moment_or_none(known.until))
