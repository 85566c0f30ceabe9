"""What ``probe`` prints of what it found."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from exporter.booking_links import LinkAnswers, LinksObservation, UnlinkedBooking, WindowLinks
from exporter.calendar_copies import MismatchKind
from exporter.commands.probe_line import first_line
from exporter.commands.probe_running import verdict_of
from exporter.commands.probe_table import fixes, print_report, rows_of
from exporter.errors import Reason
from exporter.model import BookingsObservation, CollectorName, ConnectionStatus
from exporter.platforms.registry import PLATFORMS
from exporter.policy import AcceptedReason, ConfigWarning, TargetPolicy, WarningKind
from exporter.state.snapshot import View
from exporter.state.verdict_row import Verdict
from exporter.web import status_of
from tests.harness import views
from tests.harness.views import NEXT_24H, NOW, WIX


def said(view: View) -> str:
    status = status_of(view)
    return first_line(status, verdict_of(status))


def well() -> View:
    connections = views.unpolled("a", "wix", CollectorName.CONNECTIONS)
    bookings = views.unpolled("a", "wix", CollectorName.BOOKINGS)
    states = [
        views.succeeded(connections, views.connections(views.connection("Chair"))),
        views.succeeded(bookings, BookingsObservation(NOW - 30, ())),
    ]
    return views.view_of(views.target_of("a", "wix", states))


def broken_and_waiting() -> View:
    waiting = views.unpolled("b", "wix", CollectorName.CONNECTIONS)
    failed = views.failed(views.unpolled("a", "wix", CollectorName.CONNECTIONS), Reason.AUTH, "no")
    return views.view_of(views.target_of("a", "wix", [failed]), views.target_of("b", "wix", [waiting]))


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, "next_24h 9 linked, 3 not, 1 unverified"), (1, "next_24h 4 linked, 1 not, 8 unverified")]
)
def test_the_row_of_links_names_those_that_nobody_knows_about(seconds: float, expected: str) -> None:
    assert expected in [row[-1] for row in rows_of(status_of(views.with_old_link_answers(NOW + seconds)))]


def test_the_row_of_links_is_short_when_all_are_known() -> None:
    observation = LinksObservation(NOW, (WindowLinks(NEXT_24H, ()),))
    state = views.succeeded(views.unpolled(views.BITRIX24, "bitrix24", CollectorName.LINKS), observation)
    [row] = rows_of(status_of(views.view_of(views.target_of(views.BITRIX24, "bitrix24", [state]))))
    assert "next_24h 0 linked, 0 not" == row[-1]


def test_a_failed_collector_has_its_reason_and_what_was_said_in_its_row() -> None:
    state = views.failed(views.unpolled(WIX, "wix", CollectorName.CONNECTIONS), Reason.AUTH, "key was revoked")
    [row] = rows_of(status_of(views.view_of(views.target_of(WIX, "wix", [state]))))
    assert (WIX, "connections", "CRITICAL") == row[:3]
    assert "auth: key was revoked" == row[-1]


def test_the_first_line_has_the_verdict_the_counts_and_the_worst() -> None:
    assert "OK: 1 target (1 healthy)" == said(well())
    line = said(views.failing())
    assert line.startswith("CRITICAL: 2 targets (")
    assert f" - polls fail, older data shown (auth): {WIX} connections, {WIX} bookings - " in line
    problems = status_of(views.failing()).problems
    told = [problem for problem in problems if f"{problem.target or 'exporter'} {problem.subject}" in line]
    assert 3 <= len(told) < len(problems), "how many fit depends on the hour, which is longer on other days"
    assert line.endswith(f", and {len(problems) - len(told)} more")


def test_the_first_line_has_nothing_that_a_monitoring_system_takes_for_numbers() -> None:
    state = views.failed(views.unpolled("a|b\n", "wix", CollectorName.CONNECTIONS), Reason.AUTH, "no")
    line = said(views.view_of(views.target_of("a|b\n", "wix", [state])))
    assert "a/b" in line
    assert "|" not in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("view", "verdict"),
    [
        (well(), Verdict.OK),
        (views.healthy(), Verdict.CRITICAL),
        (views.failing(), Verdict.CRITICAL),
        (views.before_first_poll(), Verdict.UNKNOWN),
        (views.view_of(), Verdict.UNKNOWN),
        (broken_and_waiting(), Verdict.CRITICAL),
    ],
)
def test_what_is_known_to_be_broken_counts_more_than_what_is_not_known_yet(view: View, verdict: Verdict) -> None:
    assert verdict is verdict_of(status_of(view))


def test_a_fix_that_five_connections_need_is_printed_once_with_the_five_places(capsys: pytest.CaptureFixture[str]) -> None:
    rows = views.connections(*(views.connection(f"Chair {number}", ConnectionStatus.DISCONNECTED) for number in range(5)))
    state = views.succeeded(views.unpolled(WIX, "wix", CollectorName.CONNECTIONS), rows)
    status = status_of(views.view_of(views.target_of(WIX, "wix", [state])))
    head, *places = fixes(status)
    assert head.startswith("- warning: calendar is disconnected")
    assert [f"    {WIX} connection Chair {number} (google calendar)" for number in range(5)] == sorted(places)
    print_report(status, Verdict.WARNING, 0.5)
    assert [5] == [len(row) for row in rows_of(status)]
    assert 1 == capsys.readouterr().out.count(head)


def test_a_probe_names_site_calendar_and_when() -> None:
    lines = list(fixes(status_of(views.in_berlin())))
    assert "    salon-wix (site: salon-berlin) connection 60303ae22b99 (microsoft calendar)" in lines
    assert (
        "    salon-b24 (site: salon-berlin) Window seat: today 17:13 to 17:43 (30 min; 15:13 UTC): bookings 341 and 352"
        in lines
    )


def test_a_probe_names_the_next_bookings_without_a_link() -> None:
    coverage = WindowLinks(NEXT_24H, (LinkAnswers(0, 4, 8, 0, {}),))
    seen = LinksObservation(NOW - 30, (coverage,), (UnlinkedBooking("812", NOW + 3600), UnlinkedBooking("815", NOW + 7200)))
    state = views.succeeded(views.unpolled("b24", "bitrix24", CollectorName.LINKS), seen)
    view = views.view_of(views.target_of("b24", "bitrix24", [state], policy=TargetPolicy(zone="Europe/Berlin")))
    told = "the next ones: today 17:13 (15:13 UTC) booking 812, today 18:13 (16:13 UTC) booking 815"
    assert f"    b24 links: {told}" in list(fixes(status_of(view)))


def test_a_probe_names_the_next_bookings_that_the_staffs_calendar_shows_differently() -> None:
    seen = views.mismatched((3600, MismatchKind.MOVED), (7200, MismatchKind.MISSING))
    state = views.succeeded(views.unpolled("b24", "bitrix24", CollectorName.LINKS), seen)
    status = status_of(views.view_of(views.target_of("b24", "bitrix24", [state], policy=TargetPolicy(zone="Europe/Berlin"))))
    told = "the next ones: today 17:13 (15:13 UTC) booking 812 (moved), today 18:13 (16:13 UTC) booking 813 (missing)"
    assert f"    b24 links: {told}" in list(fixes(status))
    (row,) = rows_of(status)
    assert "next_7d 9 linked, 0 not, next_7d 1 missing in the staff's calendar, 1 moved in the staff's calendar" == row[-1]


def test_a_probe_tells_no_double_booking_that_is_over() -> None:
    later = replace(views.in_berlin(), at=NOW + 5_400)
    assert not any("bookings 341" in line for line in fixes(status_of(later)))


@pytest.mark.parametrize(
    ("kind", "rows"),
    [
        (WarningKind.NO_CONNECTIONS, ["WARNING", "OK"]),
        (WarningKind.UNKNOWN_SCHEDULE, ["WARNING", "OK"]),
        (WarningKind.UNKNOWN_ALIAS, ["WARNING", "OK"]),
        (WarningKind.CONFLICTS_OFF, ["OK", "WARNING"]),
        (WarningKind.UNKNOWN_RESOURCE, ["OK", "WARNING"]),
        (WarningKind.SAME_ACCOUNT, ["WARNING", "OK", "OK"]),
    ],
)
def test_a_row_is_not_ok_where_the_configuration_lets_it_see_less_than_it_seems(kind: WarningKind, rows: list[str]) -> None:
    view = replace(well(), config_warnings=(ConfigWarning(kind, "a", "less `than` it seems", "correct it"),))
    assert rows == [row[2] for row in rows_of(status_of(view))]
    assert [] == [line for line in fixes(status_of(view)) if "`" in line]


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("reason", Reason)
def test_a_probe_promises_no_further_try_and_an_exporter_does(platform: str, reason: Reason) -> None:
    state = views.failed(views.unpolled("a", platform, CollectorName.BOOKINGS), reason, "no")
    status = status_of(views.view_of(views.target_of("a", platform, [state])))
    assert not re.search(r"Wait:|exporter (tries|goes on)|next poll", "".join(fixes(status, once=True)))
    assert ("Wait:" in "".join(fixes(status))) == ("Try again in a few minutes." in "".join(fixes(status, once=True)))


@pytest.mark.parametrize("scene", views.SCENES)
def test_a_probe_says_nothing_in_back_quotes(scene: str) -> None:
    assert [] == [line for line in fixes(status_of(views.SCENES[scene]())) if "`" in line]


def test_what_is_listed_and_not_judged_is_printed_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    rows = views.connections(views.connection("Chair 1", ConnectionStatus.DISCONNECTED))
    state = views.succeeded(views.unpolled(WIX, "wix", CollectorName.CONNECTIONS), rows)
    policy = TargetPolicy(connections={"Chair 1": AcceptedReason("on leave")})
    print_report(status_of(views.view_of(views.target_of(WIX, "wix", [state], policy=policy))), Verdict.OK, 0.5, "more")
    *_, listed, more = capsys.readouterr().out.splitlines()
    assert "- listed, not judged: salon-wix Chair 1: calendar is disconnected, known: on leave" == listed
    assert "more" == more
