"""The rows that need more than one reading: several connections, links in numbers, limits, polls, and what is accepted."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from exporter.booking_links import LinkAnswers
from exporter.errors import Reason
from exporter.model import (
    ApiUsage,
    Budget,
    Change,
    CollectorName,
    Connection,
    ConnectionStatus,
    ErrorReason,
    GoneConnection,
    Moved,
    Provider,
)
from exporter.policy import AcceptedReason, ConfigWarning, RejectedConfig, TargetPolicy
from exporter.state.config_warnings import with_warnings
from exporter.state.findings import Finding, Kind, Severity, findings, problems
from exporter.state.snapshot import View
from exporter.state.verdict import CHECK_REFUSED, worst
from exporter.state.verdict_row import Verdict
from tests.harness import verdict_scenes as scenes
from tests.harness import views
from tests.harness.views import NOW

DAY = 86_400.0
GOOD = views.succeeded(views.unpolled("salon", "wix", CollectorName.BOOKINGS), views.wix_bookings())


def kinds(view: View) -> list[Kind]:
    return [finding.kind for finding in findings(view)]


def only(view: View, kind: Kind) -> Sequence[Finding]:
    return [finding for finding in findings(view) if finding.kind is kind]


def broke(key: str, at: float = NOW - 3_600.0, status: ConnectionStatus = ConnectionStatus.ERROR) -> Connection:
    changes = (Change(NOW - 9 * DAY, "connected"), Change(at, status.value))
    return replace(views.connection(key, status, since=at), changes=changes)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([broke("a"), broke("b")], True),
        ([broke("a"), broke("b", status=ConnectionStatus.UNDEFINED)], True),
        ([broke("a")], False),
        ([broke("a"), broke("b"), views.connection("c")], False),
        ([broke("a"), broke("b"), views.connection("c", ConnectionStatus.SYNC_IN_PROGRESS)], False),
        ([broke("a"), broke("b", NOW - DAY - 1)], False),
        ([broke("a", NOW - DAY + 1), broke("b", NOW - DAY + 1)], True),
        ([broke("a"), broke("b"), broke("c", NOW - 5 * DAY)], True),
        ([replace(broke("a"), changes=()), replace(broke("b"), changes=())], False),
    ],
    ids=[
        "two",
        "two in different states",
        "one",
        "one works",
        "one is at work",
        "one stopped long ago",
        "just within a day",
        "a third that was dead before",
        "no memory of it",
    ],
)
def test_a_target_is_down_when_several_connections_worked_within_a_day_and_none_does(
    rows: list[Connection], expected: bool
) -> None:
    found = only(scenes.connected(*rows), Kind.CONNECTIONS_DOWN)
    assert [Severity.CRITICAL] * expected == [finding.severity for finding in found]


LONG_AGO = replace(views.connection("old", ConnectionStatus.DISCONNECTED), since_known=False)


def went(key: str, at: float = NOW - 3_600.0, *before: str) -> GoneConnection:
    changes = (Change(NOW - 9 * DAY, "synced"), *(Change(at - 60, state) for state in before), Change(at, "gone"))
    return GoneConnection(key, "", changes)


@pytest.mark.parametrize(
    ("rows", "gone", "expected"),
    [
        ([], [went("a"), went("b")], True),
        ([], [went("a")], True),
        ([], [went("a", NOW - DAY + 1)], True),
        ([], [went("a", NOW - DAY)], False),
        ([], [went("a", NOW - 3_600.0, "error")], True),
        ([], [GoneConnection("a", "", (Change(NOW - 9 * DAY, "error"), Change(NOW - 60, "gone")))], False),
        ([], [], False),
        ([broke("c")], [went("a")], True),
        ([broke("c", NOW - 5 * DAY)], [went("a")], True),
        ([LONG_AGO], [went("a")], True),
        ([replace(broke("c", NOW - 9 * DAY, ConnectionStatus.DISCONNECTED), changes=())], [went("a")], True),
        ([LONG_AGO], [went("a", NOW - 3_600.0, "error")], True),
        ([LONG_AGO], [went("a", NOW - DAY)], False),
        ([LONG_AGO], [GoneConnection("a", "", (Change(NOW - 9 * DAY, "error"), Change(NOW - 60, "gone")))], False),
        ([broke("c")], [GoneConnection("a", "", (Change(NOW - 9 * DAY, "error"), Change(NOW - 60, "gone")))], False),
        ([broke("c", NOW - 5 * DAY)], [went("a"), went("b")], True),
        ([views.connection("c")], [went("a"), went("b")], False),
    ],
    ids=[
        "all",
        "the only one",
        "just within a day",
        "a day ago",
        "it broke just before",
        "it had not worked",
        "there never was one",
        "one went and the other broke",
        "one went and the other had been dead",
        "one went and the other was cut before the exporter looked",
        "one went and the other was cut nine days ago",
        "one broke, then went, and the other had been cut",
        "one went a day ago and the other had been cut",
        "one went that had not worked and the other had been cut",
        "one went that had not worked and the other broke",
        "two went and the other had been dead",
        "one works",
    ],
)
def test_a_target_whose_connections_went_within_a_day_is_down_unless_one_works(
    rows: list[Connection], gone: list[GoneConnection], expected: bool
) -> None:
    found = only(scenes.connected(*rows, gone=gone), Kind.CONNECTIONS_DOWN)
    assert [Severity.CRITICAL] * expected == [finding.severity for finding in found]


def test_connections_that_all_went_are_one_problem_and_accepted_as_what_it_is_else() -> None:
    shown = scenes.connected(gone=[went("a")])
    [found] = problems(with_warnings(shown))
    assert ("the target has no calendar connection any more", NOW - 3_600) == (found.title, found.since)
    fresh = replace(shown, remembers=False)  # of a probe
    [found] = problems(with_warnings(fresh))
    assert "no_connections" == found.reason
    meant = TargetPolicy(warnings={"no_connections": AcceptedReason("opens in March")})
    assert () == problems(scenes.connected(gone=[went("a")], policy=meant))
    assert 1 == len(only(scenes.connected(broke("b"), broke("c"), policy=meant), Kind.CONNECTIONS_DOWN)), "they are there"
    left = TargetPolicy(connections={"a": AcceptedReason("she left")})
    assert () == problems(scenes.connected(gone=[went("a")], policy=left))


@pytest.mark.parametrize("left", [LONG_AGO, replace(LONG_AGO, key="a"), broke("c")], ids=["cut", "accepted", "broken"])
def test_a_site_whose_only_working_calendar_was_removed_is_never_healthy_whatever_is_left(left: Connection) -> None:
    policy = TargetPolicy(connections={"old": AcceptedReason("she left")})
    [found] = only(scenes.connected(left, gone=[went("x")], policy=policy), Kind.CONNECTIONS_DOWN)
    assert ("no calendar of the target works", NOW - 3_600) == (found.title, found.since)
    assert "disconnected or gone" in found.advice.meaning
    meant = replace(policy, connections={"old": AcceptedReason("she left"), "x": AcceptedReason("he left")})
    shown = with_warnings(scenes.connected(left, gone=[went("x")], policy=meant))
    assert [] == [row for row in problems(shown) if row.kind is Kind.CONNECTIONS_DOWN or row.detail.endswith("here: x")]


@pytest.mark.parametrize(
    ("rows", "gone"),
    [([], "a"), ([], "ab"), ([LONG_AGO], "a")],
    ids=["none is left", "none of two is left", "one that was cut is left"],
)
def test_connections_of_a_provider_that_cannot_be_asked_have_not_gone(rows: list[Connection], gone: str) -> None:
    seen = replace(views.connections(*rows, providers=[Provider("google", up=False)]), gone=tuple(map(went, gone)))
    waiting = views.unpolled("salon", "wix", CollectorName.CONNECTIONS)
    failing = views.failed(waiting, Reason.SERVER_ERROR, "google", observation=seen)
    assert Kind.CONNECTIONS_DOWN not in kinds(scenes.view(failing, GOOD))


LEFT = TargetPolicy(connections={"a": AcceptedReason("she left"), "b": AcceptedReason("she left")})


@pytest.mark.parametrize(
    ("rows", "others", "policy", "expected"),
    [
        ([LONG_AGO], [broke("x")], None, [Kind.CONNECTION_ERROR]),
        ([LONG_AGO], [broke("x", NOW - 60, ConnectionStatus.DISCONNECTED)], None, [Kind.CONNECTION_DISCONNECTED]),
        ([LONG_AGO], [views.connection("x", ConnectionStatus.UNDEFINED)], None, [Kind.CONNECTION_UNCLEAR]),
        ([LONG_AGO], [views.connection("x", ConnectionStatus.SYNC_IN_PROGRESS)], None, [Kind.CONNECTION_STUCK]),
        ([LONG_AGO], [views.connection("x")], None, []),
        ([broke("a"), broke("b")], [broke("x")], LEFT, [Kind.CONNECTION_ERROR]),
        ([broke("a"), broke("b")], [views.connection("x")], None, [Kind.CONNECTION_ERROR] * 2),
        ([broke("a"), broke("b")], [broke("x")], None, [Kind.CONNECTIONS_DOWN] + [Kind.CONNECTION_ERROR] * 3),
        ([LONG_AGO], [broke("x"), broke("y")], None, [Kind.CONNECTIONS_DOWN, Kind.CONNECTION_ERROR]),
        ([views.connection("a")], [broke("b")], LEFT, []),
    ],
    ids=[
        "an error",
        "one that was cut",
        "an unclear one",
        "a stuck one",
        "one that works",
        "an error behind accepted ones",
        "one that works behind broken ones",
        "all broken",
        "two that worked lately",
        "one that is accepted",
    ],
)
def test_connections_beyond_those_that_are_listed_are_judged_as_they_are(
    rows: list[Connection], others: list[Connection], policy: TargetPolicy | None, expected: list[Kind]
) -> None:
    assert expected == [found.kind for found in problems(scenes.connected(*rows, others=others, policy=policy))]


def test_of_connections_that_are_not_listed_those_that_are_alike_are_one_finding_since_the_first_of_them() -> None:
    rows = [broke(f"x{number}", NOW - 60 - number) for number in range(600)]
    rows += [replace(broke("y"), error_reason=ErrorReason.TOKEN_REVOKED)]
    found = problems(scenes.connected(views.connection("works"), others=rows))
    assert [
        ("600 connections that are not listed", NOW - 659, "raise `max_connections` to see which"),
        ("1 connection that is not listed", NOW - 3_600, "raise `max_connections` to see which"),
    ] == [(row.subject, row.since, row.detail) for row in found]
    assert {"calendar sync is broken"} == {row.title for row in found}


def test_a_connection_that_went_through_another_state_still_worked_within_a_day() -> None:
    def row(key: str) -> Connection:
        seen = (Change(NOW - 9 * DAY, "synced"), Change(NOW - 7_200, "undefined"), Change(NOW - 3_600, "error"))
        return replace(views.connection(key, ConnectionStatus.ERROR, since=NOW - 3_600), changes=seen)

    assert Kind.CONNECTIONS_DOWN in kinds(scenes.connected(row("a"), row("b")))


def broken(key: str, status: ConnectionStatus = ConnectionStatus.ERROR) -> Connection:
    """Return a connection that has been so since before the exporter first looked."""
    return replace(views.connection(key, status, since=NOW - 7_200), since_known=False)


@pytest.mark.parametrize(
    ("rows", "others", "policy", "expected"),
    [
        ([broken("a"), broken("b"), broken("c")], [], None, 3),
        ([broken("a")], [], None, 1),
        ([broken("a"), broken("b", ConnectionStatus.UNDEFINED)], [], None, 2),
        ([broken("a"), LONG_AGO], [], None, 1),
        ([LONG_AGO], [], None, 0),
        ([broken("a"), broken("b")], [], TargetPolicy(connections={"a": AcceptedReason("she left")}), 1),
        ([broken("a")], [broken("x"), broken("y")], None, 2),
        ([broken("a")], [views.connection("x")], None, 0),
        ([broken("a"), views.connection("b")], [], None, 0),
        ([broken("a"), broken("b", ConnectionStatus.SYNC_IN_PROGRESS)], [], None, 0),
        ([broke("a"), broke("b")], [], None, 0),
    ],
    ids=[
        "three in error",
        "the only one",
        "in different states",
        "one was cut before",
        "all were cut before",
        "one is accepted",
        "not all are listed",
        "one that is not listed works",
        "one works",
        "one does not finish",
        "they worked lately, which is critical",
    ],
)
def test_warnings_say_that_none_of_the_calendars_of_a_target_works(
    rows: list[Connection], others: list[Connection], policy: TargetPolicy | None, expected: int
) -> None:
    found = findings(scenes.connected(*rows, others=others, policy=policy))
    told = [(row.effect, row.severity, row.none_works) for row in found if row.effect]
    assert [("none of the calendars of salon works", Severity.WARNING, True)] * expected == told


def test_nobody_knows_whether_none_works_while_a_provider_cannot_be_asked() -> None:
    seen = views.connections(broken("a"), providers=[Provider("google", up=True), Provider("apple", up=False)])
    waiting = views.unpolled("salon", "wix", CollectorName.CONNECTIONS)
    failing = views.failed(waiting, Reason.SERVER_ERROR, "apple", at=NOW - 30, observation=seen)
    assert [""] * 2 == [found.effect for found in findings(scenes.view(failing, GOOD))]


def test_warnings_of_a_target_none_of_whose_calendars_works_come_before_all_other_warnings() -> None:
    def target(name: str, *rows: Connection) -> views.Target:
        state = views.unpolled(name, "wix", CollectorName.CONNECTIONS)
        return views.target_of(name, "wix", [views.succeeded(state, views.connections(*rows))])

    dead = target("dead", broken("a"), broken("b", ConnectionStatus.UNDEFINED))
    refused = views.failed(views.unpolled("other", "wix", CollectorName.CONNECTIONS), Reason.AUTH, "refused")
    other = views.target_of("other", "wix", [refused, replace(GOOD, target="other")])
    down = target("down", broke("a"), broke("b"))
    half = target("half", broken("a"), views.connection("b"))
    found = [(row.target, row.kind) for row in problems(views.view_of(half, other, dead, down))]
    assert [
        ("down", Kind.CONNECTIONS_DOWN),
        ("dead", Kind.CONNECTION_ERROR),
        ("dead", Kind.CONNECTION_UNCLEAR),
        ("other", Kind.COLLECTOR_FAILING),
    ] == found[:4]


def test_connections_that_are_meant_to_be_off_neither_make_a_target_down_nor_keep_it_up() -> None:
    meant = TargetPolicy(connections={"a": AcceptedReason("she left")})
    assert [Kind.CONNECTION_ERROR, Kind.CONNECTION_ACCEPTED] == kinds(scenes.connected(broke("a"), broke("b"), policy=meant))


@pytest.mark.parametrize("name", ["a", "0a1b2c3d4e5f"])
@pytest.mark.parametrize("status", [ConnectionStatus.ERROR, ConnectionStatus.DISCONNECTED, ConnectionStatus.UNKNOWN])
def test_an_accepted_connection_is_listed_with_its_reason_by_its_own_name_or_that_of_its_schedule(
    name: str, status: ConnectionStatus
) -> None:
    known = AcceptedReason("she left", NOW + 60)
    [found] = findings(scenes.connected(broke("a", NOW - 3_601, status), policy=TargetPolicy(connections={name: known})))
    assert (Kind.CONNECTION_ACCEPTED, Verdict.OK, known, NOW + 60) == (found.kind, found.verdict, found.known, found.until)


def test_what_was_accepted_until_now_is_judged_again() -> None:
    over = AcceptedReason("she left", NOW)
    policy = TargetPolicy(paused=over, connections={"a": over}, bookings={"341": over})
    assert [Kind.CONNECTION_ERROR] == kinds(scenes.connected(broke("a"), policy=policy))
    assert [Kind.CONFLICT] == kinds(scenes.overlapping(NOW + 60, policy))


@pytest.mark.parametrize("booking", ["341", "352"])
def test_a_double_booking_is_accepted_by_either_of_its_bookings(booking: str) -> None:
    policy = TargetPolicy(bookings={booking: AcceptedReason("a couple")})
    assert [Kind.CONFLICT_ACCEPTED] == kinds(scenes.overlapping(NOW + 60, policy))
    assert [Kind.CONFLICT] == kinds(scenes.overlapping(NOW + 60, TargetPolicy(bookings={"7": AcceptedReason("a couple")})))


def test_of_a_paused_target_nothing_else_is_judged() -> None:
    policy = TargetPolicy(paused=AcceptedReason("moving house"))
    paused = scenes.view(views.failed(GOOD, Reason.AUTH, "refused"), policy=policy, usage=ApiUsage(credential_expiry=NOW))
    assert [Kind.TARGET_PAUSED] == kinds(paused)


@pytest.mark.parametrize(("marked", "own", "expected"), [(2, None, 1), (0, None, 0), (2, 0, 0), (2, 2, 0)])
def test_what_wix_marks_is_judged_only_where_the_bookings_are_not_compared(marked: int, own: int | None, expected: int) -> None:
    assert expected == len(only(scenes.marked(marked, own), Kind.CONFLICT_MARKED))


def test_marked_bookings_are_told_with_their_number_in_each_window_that_has_some() -> None:
    (finding,) = only(scenes.marked(3), Kind.CONFLICT_MARKED)
    assert "Wix marks bookings as double-booked, next_7d (3)" == finding.headline


def test_a_refused_check_is_listed_and_no_problem() -> None:
    shown = scenes.SCENES[CHECK_REFUSED]
    assert ([Kind.CONFIG_WARNING], ()) == (kinds(shown), tuple(problems(shown)))


@pytest.mark.parametrize(("start", "end", "expected"), [(0, 60, 1), (-60, 0, 0), (1, 60, 0)])
def test_a_closed_day_is_listed_while_it_lasts(start: float, end: float, expected: int) -> None:
    policy = TargetPolicy(closed=((NOW + start, NOW + end),))
    assert expected == len(only(scenes.view(GOOD, policy=policy), Kind.TARGET_CLOSED))


@pytest.mark.parametrize(
    ("start", "end", "expected"), [(-3 * DAY, -2 * DAY, 1), (-2 * DAY, -DAY, 1), (-2 * DAY, 1 - DAY, 0), (-60.0, 60.0, 0)]
)
def test_a_silence_is_no_problem_when_a_closed_day_is_part_of_it(start: float, end: float, expected: int) -> None:
    policy = TargetPolicy(closed=((NOW + start, NOW + end),))
    assert expected == len(only(scenes.view(GOOD, policy=policy, silent_since=NOW - 2 * DAY), Kind.INTAKE_SILENT))


@pytest.mark.parametrize(
    ("linked", "unlinked", "expected"), [(8, 2, 0), (7, 3, 1), (6, 3, 0), (0, 10, 1), (0, 9, 0), (80, 21, 1)]
)
def test_more_than_a_fifth_of_ten_bookings_without_a_link_is_a_warning(linked: int, unlinked: int, expected: int) -> None:
    found = only(scenes.linked(LinkAnswers(0, linked, unlinked, 0, {})), Kind.UNLINKED_BOOKINGS)
    assert expected == len(found)
    headlines = [f"many bookings have no CRM link, next_7d ({unlinked} of {linked + unlinked})"]
    assert headlines * expected == [finding.headline for finding in found]


def test_a_limit_that_a_collector_failed_for_is_told_once() -> None:
    usage = ApiUsage((Budget("operating", 240.0, 0.0),), paused_until=NOW + 20)
    assert [Kind.API_LIMITED, Kind.BUDGET_SPENT] == kinds(scenes.view(GOOD, usage=usage))
    failing = views.failed(GOOD, Reason.OPERATING_LIMIT, "used up")
    assert [Kind.COLLECTOR_FAILING] == kinds(scenes.view(failing, usage=usage))


def test_our_own_pace_is_no_problem_and_neither_is_a_pause_that_is_over() -> None:
    usage = ApiUsage((Budget("requests", 10.0, 0.0), Budget("operating", 240.0, 0.1)), paused_until=NOW)
    assert [] == kinds(scenes.view(GOOD, usage=usage))


def test_a_moved_account_says_what_to_change() -> None:
    [found] = findings(scenes.view(GOOD, usage=ApiUsage(moved=Moved("new.example", "webhook_url"))))
    assert "the account moved to new.example" == found.title
    assert "changes the host in `webhook_url` to `new.example`" in found.advice.fix


@pytest.mark.parametrize(("late", "expected"), [(60, 0), (61, 1)])
def test_a_poll_is_overdue_an_interval_after_its_time(late: float, expected: int) -> None:
    state = replace(GOOD, next_poll=NOW - late)
    assert expected == len(only(scenes.view(state), Kind.POLL_OVERDUE))
    assert [] == kinds(scenes.view(state, polling={CollectorName.BOOKINGS: NOW - late})), "one that runs is not overdue"


def test_data_that_is_withdrawn_because_no_poll_begins_is_one_problem() -> None:
    state = replace(views.succeeded(GOOD, views.wix_bookings(NOW - 3_600)), next_poll=NOW - 3_540)
    assert [Kind.DATA_EXPIRED] == kinds(scenes.view(state))


def test_a_warning_of_the_configuration_is_told_at_its_target_and_one_of_none_at_the_exporter() -> None:
    warnings = (
        ConfigWarning("unknown_schedule", "salon", "no such", "Remove it."),
        ConfigWarning("same_account", None, "two", "Mend."),
    )
    found = problems(replace(scenes.view(GOOD), config_warnings=warnings))
    assert [("salon", "unknown_schedule", "no such"), ("", "same_account", "two")] == [
        (finding.target, finding.reason, finding.detail) for finding in found
    ]


@pytest.mark.parametrize(("number", "detail"), [(1, "no platform"), (3, "no platform (and 2 more)")])
def test_a_refused_reload_quotes_its_first_problem_and_counts_the_rest(number: int, detail: str) -> None:
    [found] = findings(replace(scenes.view(GOOD), rejected_config=RejectedConfig(NOW - 60, "no platform", number)))
    assert (NOW - 60, detail) == (found.since, found.detail)


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([], Verdict.UNKNOWN),
        ([Verdict.OK, Verdict.UNKNOWN], Verdict.UNKNOWN),
        ([Verdict.UNKNOWN, Verdict.WARNING], Verdict.WARNING),
        ([Verdict.CRITICAL, Verdict.UNKNOWN, Verdict.WARNING], Verdict.CRITICAL),
    ],
)
def test_several_together_are_as_bad_as_the_worst(verdicts: list[Verdict], expected: Verdict) -> None:
    assert expected is worst(verdicts)
