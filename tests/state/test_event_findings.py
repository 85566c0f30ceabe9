"""What is found in private events, where, and for whom."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from exporter.errors import Reason
from exporter.model import CollectorName, Window
from exporter.policy import AcceptedReason, TargetPolicy
from exporter.private_calendar import (
    Cause,
    EventsObservation,
    ExternalConflict,
    ImportedEvents,
    ImportFault,
    WindowEvents,
)
from exporter.state.findings import findings
from exporter.state.snapshot import View
from exporter.state.verdict import PROVIDER_FAILING, WINDOW_INCOMPLETE
from exporter.state.verdict_events import (
    BOOKED_OVER,
    EXTERNAL_CONFLICT_LATER,
    EXTERNAL_CONFLICT_SOON,
    HEARTBEAT_MISSING,
    IMPORT_SILENT,
)
from tests.harness import views
from tests.harness.views import NOW

HOUR = 3600.0
EVENTS = views.unpolled("salon", "wix", CollectorName.EVENTS)


def conflict(booking: str, hours: float, schedule: str = "Chair 1", cause: Cause = Cause.NOT_BLOCKED) -> ExternalConflict:
    start = NOW + hours * HOUR
    return ExternalConflict(booking, schedule, start, start + HOUR, cause)


def shown(
    *conflicts: ExternalConflict, policy: TargetPolicy | None = None, faults: dict[ImportFault, float] | None = None
) -> View:
    imports = (ImportedEvents("Chair 1", "Chair 1", {}, faults=faults or {}),)
    seen = EventsObservation(NOW - 30, (), imports, conflicts=conflicts)
    return views.view_of(views.target_of("salon", "wix", [views.succeeded(EVENTS, seen)], policy=policy))


def test_the_bookings_of_a_schedule_are_one_finding_for_each_row_the_soonest_first() -> None:
    found = findings(
        shown(
            conflict("a", 2),
            conflict("b", 3, "Chair 2"),
            conflict("c", 4, cause=Cause.UNKNOWN),
            conflict("d", 5, cause=Cause.BOOKED_OVER),
            conflict("e", 30),
        )
    )
    assert [
        (EXTERNAL_CONFLICT_SOON, "Chair 1", ["a", "c"]),
        (EXTERNAL_CONFLICT_SOON, "Chair 2", ["b"]),
        (EXTERNAL_CONFLICT_LATER, "Chair 1", ["e"]),
        (BOOKED_OVER, "Chair 1", ["d"]),
    ] == [(one.row, one.subject, [row.booking for row in one.external]) for one in found]


@pytest.mark.parametrize(
    ("hours", "row"), [(-0.5, EXTERNAL_CONFLICT_SOON), (23.99, EXTERNAL_CONFLICT_SOON), (24, EXTERNAL_CONFLICT_LATER)]
)
def test_what_begins_within_a_day_or_has_begun_cannot_wait(hours: float, row: object) -> None:
    assert [row] == [one.row for one in findings(shown(conflict("a", hours)))]


def test_what_is_over_is_no_longer_found() -> None:
    assert () == findings(shown(conflict("a", -1)))


def test_a_probe_that_remembers_nothing_leaves_out_what_needs_a_history() -> None:
    view = shown(conflict("a", 5, cause=Cause.BOOKED_OVER), faults={ImportFault.SILENT: NOW - HOUR})
    assert {BOOKED_OVER, IMPORT_SILENT} == {one.row for one in findings(view)}
    assert () == findings(replace(view, remembers=False))


def test_a_heartbeat_that_is_missing_is_found_by_a_probe_that_remembers_nothing() -> None:
    view = shown(faults={ImportFault.HEARTBEAT: NOW - 30})
    [one] = findings(replace(view, remembers=False))
    assert (HEARTBEAT_MISSING, "Chair 1", "the heartbeat is missing") == (one.row, one.subject, one.title)


def test_a_silent_import_is_told_since_it_last_had_events_unless_the_connection_is_accepted() -> None:
    faults = {ImportFault.SILENT: NOW - 2 * HOUR}
    [one] = findings(shown(faults=faults))
    assert (IMPORT_SILENT, "Chair 1", NOW - 2 * HOUR) == (one.row, one.subject, one.since)
    meant = TargetPolicy(connections={"Chair 1": AcceptedReason("on leave")})
    assert () == findings(shown(faults=faults, policy=meant))
    over = TargetPolicy(connections={"Chair 1": AcceptedReason("on leave", NOW - 1)})
    assert [IMPORT_SILENT] == [one.row for one in findings(shown(faults=faults, policy=over))]


def test_a_provider_whose_events_cannot_be_read_is_named() -> None:
    seen = EventsObservation(NOW - 30, (), providers={"google": True, "microsoft": False})
    state = views.failed(EVENTS, Reason.SERVER_ERROR, "Wix could not", at=NOW - 30, observation=seen)
    [one] = findings(views.view_of(views.target_of("salon", "wix", [state])))
    assert (PROVIDER_FAILING, "calendar provider failed: microsoft") == (one.row, one.title)


def test_a_window_that_a_failing_provider_leaves_open_is_told_by_the_provider_alone() -> None:
    window = WindowEvents(Window("next_24h", NOW, NOW + 86_400), {}, complete=False)
    seen = EventsObservation(NOW - 30, (window,), providers={"google": True, "microsoft": False})
    state = views.failed(EVENTS, Reason.SERVER_ERROR, "Wix could not", at=NOW - 30, observation=seen)
    assert [PROVIDER_FAILING] == [one.row for one in findings(views.view_of(views.target_of("salon", "wix", [state])))]


def test_a_window_of_which_not_all_was_read_is_incomplete() -> None:
    window = WindowEvents(Window("next_24h", NOW, NOW + 86_400), {}, complete=False)
    view = views.view_of(views.target_of("salon", "wix", [views.succeeded(EVENTS, EventsObservation(NOW - 30, (window,)))]))
    assert [WINDOW_INCOMPLETE] == [one.row for one in findings(view)]
