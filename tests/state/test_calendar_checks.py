"""What the checks of connections find that no status tells, and how it is judged."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from exporter.connection_checks import CalendarProbe, ImportCalendars, StaffProtection, UnprotectedReason, UnprotectedStaff
from exporter.model import CollectorName, ConnectionsObservation, ConnectionStatus
from exporter.policy import AcceptedReason, TargetPolicy, WarningKind
from exporter.state.ages import observation_moved
from exporter.state.config_warnings import of_observation
from exporter.state.findings import findings, is_broken
from exporter.state.verdict_row import Kind
from tests.harness import verdict_scenes as scenes
from tests.harness import views
from tests.harness.views import NOW


def _checked(**of: object) -> list[Kind]:
    """Return what is found of a connection with these fields of its checks."""
    row = replace(views.connection("a"), **of)
    return [finding.kind for finding in findings(scenes.connected(row, views.connection("b")))]


FAILED = CalendarProbe(succeeded=False, at=NOW - 60, since=NOW - 3_600)


@pytest.mark.parametrize(
    ("of", "found"),
    [
        ({"probe": FAILED}, [Kind.CONNECTION_PROBE_FAILED]),
        ({"probe": replace(FAILED, succeeded=True)}, []),
        ({"probe": FAILED, "status": ConnectionStatus.CONNECTED, "export_enabled": False}, [Kind.CONNECTION_PROBE_FAILED]),
        ({"probe": FAILED, "status": ConnectionStatus.ERROR}, [Kind.CONNECTION_ERROR]),
        ({"import_calendars": ImportCalendars(1, 0)}, []),
        ({"import_calendars": ImportCalendars(1, 1)}, [Kind.IMPORT_CALENDAR_MISSING]),
        ({"import_calendars": ImportCalendars(0, 0)}, [Kind.IMPORT_CALENDAR_MISSING]),
        ({"import_calendars": ImportCalendars(0, 1), "status": ConnectionStatus.ERROR}, [Kind.CONNECTION_ERROR]),
        (
            {"probe": FAILED, "import_calendars": ImportCalendars(0, 0)},
            [Kind.CONNECTION_PROBE_FAILED, Kind.IMPORT_CALENDAR_MISSING],
        ),
        ({"shares_account": True}, []),
    ],
)
def test_what_a_check_finds_is_judged_while_the_status_says_that_the_connection_works(
    of: Mapping[str, object], found: list[Kind]
) -> None:
    assert found == _checked(**of)


def test_a_connection_that_is_accepted_is_listed_and_not_judged_for_its_checks() -> None:
    row = replace(views.connection("a"), probe=FAILED, import_calendars=ImportCalendars(0, 1))
    policy = TargetPolicy(connections={"a": AcceptedReason("on leave")})
    found = findings(scenes.connected(row, views.connection("b"), policy=policy))
    assert [Kind.CONNECTION_ACCEPTED] * 2 == [finding.kind for finding in found]


def test_of_what_only_the_newest_poll_shows_nobody_knows_since_when_it_is_so() -> None:
    gone = replace(views.connection("a"), import_calendars=ImportCalendars(0, 1))
    probed = replace(views.connection("a"), probe=replace(FAILED, since_known=True))
    scene = scenes.connected(gone, views.connection("b"))
    views_told = (scene, scenes.shared("a", "b"), scenes.staffed(UnprotectedReason.IMPORT_OFF))
    told = [finding for view in views_told for finding in findings(view)]
    assert [None] * 3 == [finding.since for finding in told]
    (known,) = findings(scenes.connected(probed, views.connection("b")))
    assert (NOW - 3_600, True) == (known.since, known.since_known)


def test_a_shared_account_names_its_connections() -> None:
    (finding,) = findings(scenes.shared("Chair 2", "Chair 1"))
    assert (Kind.ACCOUNT_SHARED, "Chair 1, Chair 2") == (finding.kind, finding.detail)


def test_a_connection_whose_check_fails_is_among_the_broken_ones() -> None:
    row = replace(views.connection("a"), probe=FAILED)
    (target,) = scenes.connected(row).targets
    assert (True, False) == (is_broken(target, row, NOW), is_broken(target, views.connection("b"), NOW))


def test_a_failed_probe_is_as_old_as_the_first_and_says_whether_that_was_the_first_ever() -> None:
    row = replace(views.connection("a"), probe=replace(FAILED, since_known=True))
    (finding,) = findings(scenes.connected(row, views.connection("b")))
    assert (NOW - 3_600, True) == (finding.since, finding.since_known)


def test_a_refusal_of_probes_is_one_warning_and_no_verdict() -> None:
    seen = replace(views.connections(views.connection("a")), probe_refused="Wix does not let this API key do list_calendars")
    (warning,) = of_observation("site", seen, TargetPolicy())
    assert (WarningKind.CHECK_REFUSED, True) == (warning.kind, "list_calendars" in warning.message)
    assert "probe: false" in warning.fix


def test_the_moments_of_a_probe_move_with_the_wall_clock() -> None:
    seen = views.connections(replace(views.connection("a"), probe=FAILED))
    moved = observation_moved(seen, 7.0)
    assert isinstance(moved, ConnectionsObservation)
    assert replace(FAILED, at=FAILED.at + 7, since=FAILED.since + 7) == moved.connections[0].probe


def test_who_takes_bookings_without_an_import_is_told_by_name_and_reason() -> None:
    found = findings(scenes.staffed(*UnprotectedReason))
    assert [Kind.STAFF_UNPROTECTED] * 5 == [finding.kind for finding in found]
    assert {"no_connection", "import_off", "invite_pending", "invite_expired", "user_disconnected"} == {
        finding.reason for finding in found
    }


def test_who_is_meant_to_have_no_import_is_listed() -> None:
    (finding,) = findings(scenes.staffed(accepted=UnprotectedReason.NO_CONNECTION))
    assert (Kind.CONNECTION_ACCEPTED, "Chair 9") == (finding.kind, finding.subject)


def test_of_a_site_without_connections_only_the_warning_of_the_configuration_tells() -> None:
    staff = StaffProtection(0, 0, (UnprotectedStaff("Chair 1", UnprotectedReason.NO_CONNECTION),))
    seen = replace(views.connections(), staff=staff)
    view = views.view_of(
        views.target_of("site", "wix", [views.succeeded(views.unpolled("site", "wix", CollectorName.CONNECTIONS), seen)])
    )
    assert () == findings(view)


def test_a_refusal_of_the_staff_is_one_warning_and_no_verdict() -> None:
    seen = replace(views.connections(views.connection("a")), staff_refused="Wix does not let this API key do query_staff")
    (warning,) = of_observation("site", seen, TargetPolicy())
    assert (WarningKind.CHECK_REFUSED, True) == (warning.kind, "staff: false" in warning.fix)


def test_a_staff_member_who_is_accepted_is_no_connection_that_is_missing() -> None:
    staff = StaffProtection(0, 0, (), (UnprotectedStaff("Chair 9", UnprotectedReason.NO_CONNECTION),))
    seen = replace(views.connections(views.connection("a")), staff=staff)
    policy = TargetPolicy(connections={"Chair 9": AcceptedReason("none"), "Chair 8": AcceptedReason("typo")})
    (warning,) = of_observation("site", seen, policy)
    assert (WarningKind.UNKNOWN_ACCEPTED, True, False) == (
        warning.kind,
        "Chair 8" in warning.message,
        "Chair 9" in warning.message,
    )
