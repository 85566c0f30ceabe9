"""What counts as broken, how badly, since when."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from exporter.booking_links import LinkAnswers, LinksObservation, UnlinkedBooking, WindowLinks
from exporter.errors import Reason
from exporter.model import (
    ApiUsage,
    BookingsObservation,
    Change,
    CollectorName,
    Conflict,
    Connection,
    ConnectionStatus,
    ErrorReason,
    Message,
    Provider,
    WindowBookings,
)
from exporter.policy import AcceptedReason, TargetPolicy
from exporter.state.findings import Finding, Kind, Severity, findings, overall, problems
from exporter.state.snapshot import CollectorState, View
from exporter.state.verdict_row import Verdict
from tests.harness import views
from tests.harness.views import NEXT_24H, NOW, TODAY

CONNECTIONS = views.unpolled("site", "wix", CollectorName.CONNECTIONS)
BOOKINGS = views.unpolled("site", "bitrix24", CollectorName.BOOKINGS)
LINKS = views.unpolled("site", "bitrix24", CollectorName.LINKS)


def view(*states: CollectorState, usage: ApiUsage | None = None) -> View:
    return views.view_of(views.target_of("site", states[0].platform, states, usage=usage))


def of_connections(*rows: Connection) -> tuple[Finding, ...]:
    return problems(view(views.succeeded(CONNECTIONS, views.connections(*rows))))


def of_conflicts(*conflicts: Conflict) -> tuple[Finding, ...]:
    seen = BookingsObservation(NOW - 30, (), conflicts=conflicts, resource_names={"7": "Chair 1"})
    return problems(view(views.succeeded(BOOKINGS, seen)))


def kinds(found: Sequence[Finding]) -> list[tuple[Severity, Kind]]:
    return [(problem.severity, problem.kind) for problem in found]


def test_nothing_is_broken_when_all_is_well() -> None:
    rows = views.connections(views.connection("Chair 1"))
    assert () == problems(view(views.succeeded(CONNECTIONS, rows)))


def test_nothing_is_broken_before_the_first_poll() -> None:
    assert () == problems(views.before_first_poll())


GOOD = views.succeeded(views.unpolled("site", "wix", CollectorName.BOOKINGS), views.wix_bookings())


def test_a_failed_poll_is_critical_since_its_first_failure() -> None:
    [problem] = problems(view(views.failed(CONNECTIONS, Reason.AUTH, "refused", count=5)))
    assert (Severity.CRITICAL, Kind.COLLECTOR_FAILING) == (problem.severity, problem.kind)
    assert ("site", "connections", "auth", "refused") == (problem.target, problem.subject, problem.reason, problem.detail)
    assert NOW - 4 * 60 == problem.since
    assert "polls fail, no data" == problem.headline
    assert "API key" in problem.advice.fix


def test_without_a_first_failure_the_last_success_tells_since_when() -> None:
    state = views.failed(views.succeeded(CONNECTIONS, views.connections()), Reason.AUTH, "refused")
    assert state.failure is not None
    [problem] = problems(view(replace(state, failure=replace(state.failure, since=None))))
    assert NOW - 30 == problem.since
    assert "polls fail, older data shown" == problem.headline


def test_failing_until_the_data_is_gone_is_one_problem_not_two() -> None:
    old = views.succeeded(CONNECTIONS, views.connections(at=NOW - 3_600))
    [problem] = problems(view(views.failed(old, Reason.NETWORK, "lost", count=60)))
    assert (Kind.DATA_EXPIRED, "polls fail, data withdrawn", "network") == (problem.kind, problem.headline, problem.reason)


def limited(reason: Reason) -> list[tuple[Severity, Kind]]:
    old = views.succeeded(CONNECTIONS, views.connections())
    return kinds(problems(view(views.failed(old, reason, "refused"), views.failed(GOOD, reason, "refused"))))


LIMITS = [Reason.RATE_LIMITED, Reason.OPERATING_LIMIT, Reason.OVERLOAD]


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason not in LIMITS])
def test_a_target_of_which_nothing_can_be_learnt_is_critical_though_its_data_is_fresh(reason: Reason) -> None:
    assert [(Severity.CRITICAL, Kind.COLLECTOR_FAILING)] * 2 == limited(reason)


@pytest.mark.parametrize("reason", LIMITS)
def test_a_target_that_asks_too_much_is_a_warning_while_its_data_is_fresh(reason: Reason) -> None:
    assert [(Severity.WARNING, Kind.COLLECTOR_FAILING)] * 2 == limited(reason)


def test_a_limit_is_critical_once_no_data_is_fresh() -> None:
    old = views.succeeded(CONNECTIONS, views.connections(at=NOW - 3_600))
    found = problems(view(views.failed(old, Reason.RATE_LIMITED, "refused")))
    assert [(Severity.CRITICAL, Kind.DATA_EXPIRED)] == kinds(found)


@pytest.mark.parametrize("at", [NOW - 30, NOW - 3_600])
def test_one_collector_that_fails_beside_one_with_fresh_data_is_a_warning(at: float) -> None:
    before = views.succeeded(CONNECTIONS, views.connections(at=at))
    found = problems(view(views.failed(before, Reason.PERMISSION, "refused"), GOOD))
    expected = Kind.COLLECTOR_FAILING if at == NOW - 30 else Kind.DATA_EXPIRED
    assert [(Severity.WARNING, expected)] == kinds(found)


@pytest.mark.parametrize("before", [CONNECTIONS, views.succeeded(CONNECTIONS, views.connections())], ids=["no data", "data"])
def test_a_failed_collector_is_judged_alone_while_the_others_wait_for_their_first_poll(before: CollectorState) -> None:
    found = findings(view(views.failed(before, Reason.TIMEOUT, "late"), BOOKINGS))
    assert [(Severity.CRITICAL, Kind.COLLECTOR_FAILING)] == kinds(found)


def test_data_that_grew_old_without_a_failure_is_critical_since_it_was_withdrawn() -> None:
    [problem] = problems(view(views.succeeded(CONNECTIONS, views.connections(at=NOW - 400))))
    assert (Severity.CRITICAL, Kind.DATA_EXPIRED) == (problem.severity, problem.kind)
    assert NOW - 400 + 300 == problem.since


def test_a_collector_after_one_whose_data_grew_old_is_judged_as_well() -> None:
    found = problems(
        view(views.succeeded(CONNECTIONS, views.connections(at=NOW - 400)), views.failed(LINKS, Reason.AUTH, "no"))
    )
    assert ["links", "connections"] == [problem.subject for problem in found]


def test_a_partial_failure_names_the_provider() -> None:
    seen = views.connections(views.connection("a"), providers=[Provider("google", up=True), Provider("apple", up=False)])
    [problem] = problems(view(views.failed(CONNECTIONS, Reason.SERVER_ERROR, "1 of 2", at=NOW - 30, observation=seen)))
    assert (Severity.WARNING, Kind.PROVIDER_FAILING) == (problem.severity, problem.kind)
    assert "calendar provider failed: apple" == problem.headline


@pytest.mark.parametrize("reason", list(Reason))
def test_a_poll_that_fails_as_a_whole_is_not_the_fault_of_a_provider_that_failed_before(reason: Reason) -> None:
    seen = views.connections(views.connection("a"), at=NOW - 90, providers=[Provider("apple", up=False)])
    before = views.failed(CONNECTIONS, Reason.SERVER_ERROR, "1 of 1", at=NOW - 90, observation=seen)
    severity = Severity.WARNING if reason in LIMITS else Severity.CRITICAL
    assert [(severity, Kind.COLLECTOR_FAILING)] == kinds(problems(view(views.failed(before, reason, "refused"))))


def test_a_partial_failure_names_the_calendars_that_are_shown_as_last_known() -> None:
    seen = views.connections(
        views.connection("Chair 2", provider="apple", observed_at=NOW - 90),
        views.connection("Chair 1", provider="google"),
        views.connection("Chair 10", provider="apple", observed_at=NOW - 90),
        providers=[Provider("google", up=True), Provider("apple", up=False)],
    )
    [problem] = problems(view(views.failed(CONNECTIONS, Reason.SERVER_ERROR, "said", at=NOW - 30, observation=seen)))
    assert "calendars whose state is not known now: Chair 2, Chair 10" == problem.detail
    assert isinstance(problem.detail, Message), "it is said in the language of the page"


def test_a_partial_failure_of_which_no_calendar_is_known_says_what_the_platform_said() -> None:
    seen = views.connections(providers=[Provider("apple", up=False)])
    [problem] = problems(view(views.failed(CONNECTIONS, Reason.SERVER_ERROR, "said", at=NOW - 30, observation=seen)))
    assert "said" == problem.detail


def of_links(rows: WindowLinks, *unlinked: UnlinkedBooking) -> Finding:
    [problem] = problems(view(views.succeeded(LINKS, LinksObservation(NOW - 30, (rows,), unlinked))))
    return problem


def test_bookings_that_somebody_has_to_link_are_named_until_they_have_begun() -> None:
    coverage = WindowLinks(NEXT_24H, (LinkAnswers(0, 4, 8, 0, {}),))
    ahead = UnlinkedBooking("812", NOW + 60)
    assert (ahead,) == of_links(coverage, UnlinkedBooking("811", NOW - 60), ahead).unlinked


@pytest.mark.parametrize(
    "coverage",
    [
        WindowLinks(NEXT_24H, (LinkAnswers(0, 4, 8, 0, {}),)),
        WindowLinks(NEXT_24H, (LinkAnswers(0, 4, 1, 0, {}),), complete=False),
        WindowLinks(NEXT_24H, (LinkAnswers(0, 4, 1, 0, {}),), unverified=8),
    ],
    ids=["unlinked", "incomplete", "unverified"],
)
def test_of_what_only_the_newest_poll_is_asked_about_nobody_knows_since_when_it_is_so(coverage: WindowLinks) -> None:
    assert of_links(coverage).since is None


def test_a_partial_failure_names_five_providers_at_most() -> None:
    seen = views.connections(providers=[Provider(f"p{number}", up=False) for number in range(50)])
    [problem] = problems(view(views.failed(CONNECTIONS, Reason.SERVER_ERROR, "1 of 2", at=NOW - 30, observation=seen)))
    assert "calendar provider failed: p0, p1, p2, p3, p4 and 45 more" == problem.headline


FIRST_SEEN_CUT = replace(views.connection("a", ConnectionStatus.DISCONNECTED, since=NOW - 60), since_known=False)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (views.connection("a"), []),
        (views.connection("a", ConnectionStatus.UNDEFINED, since=NOW - 3_600), []),
        (views.connection("a", ConnectionStatus.UNDEFINED, since=NOW - 3_601), [Kind.CONNECTION_UNCLEAR]),
        (views.connection("a", ConnectionStatus.UNKNOWN, since=NOW - 3_601), [Kind.CONNECTION_UNCLEAR]),
        (views.connection("a", ConnectionStatus.ERROR), [Kind.CONNECTION_ERROR]),
        (views.connection("a", ConnectionStatus.DISCONNECTED, since=NOW - 86_399), [Kind.CONNECTION_DISCONNECTED]),
        (views.connection("a", ConnectionStatus.DISCONNECTED, since=NOW - 86_400), []),
        (replace(views.connection("a", ConnectionStatus.DISCONNECTED), since_known=False), []),
        (replace(FIRST_SEEN_CUT, changes=(Change(NOW - 60, "disconnected", known=False),)), []),
        (views.connection("a", ConnectionStatus.SYNC_IN_PROGRESS, since=NOW - 3_600), []),
        (views.connection("a", ConnectionStatus.SYNC_IN_PROGRESS, since=NOW - 3_601), [Kind.CONNECTION_STUCK]),
        (views.connection("a", ConnectionStatus.CONNECTED, since=NOW - 3_600), []),
        (views.connection("a", ConnectionStatus.CONNECTED, since=NOW - 3_601), [Kind.CONNECTION_STUCK]),
        (views.connection("a", ConnectionStatus.CONNECTED, since=NOW - 3_601, export_enabled=False), []),
    ],
)
def test_a_connection_is_a_warning_when_a_person_must_act(row: Connection, expected: list[Kind]) -> None:
    assert [(Severity.WARNING, kind) for kind in expected] == kinds(of_connections(row))


@pytest.mark.parametrize("before", [status.value for status in ConnectionStatus if status is not ConnectionStatus.DISCONNECTED])
def test_a_connection_that_was_cut_while_the_exporter_was_away_is_a_warning(before: str) -> None:
    row = views.connection("a", ConnectionStatus.DISCONNECTED, since=NOW - 60)
    changes = (Change(NOW - 9_000, before), Change(NOW - 60, "disconnected", known=False))
    found = of_connections(replace(row, since_known=False, changes=changes), views.connection("b"))
    assert [(Severity.WARNING, Kind.CONNECTION_DISCONNECTED)] == kinds(found)


def test_while_one_calendar_works_that_is_accepted_as_it_is_they_are_not_all_down() -> None:
    def lost(key: str) -> Connection:
        changes = (Change(NOW - 9_000, "synced"), Change(NOW - 60, "error"))
        return replace(views.connection(key, ConnectionStatus.ERROR, since=NOW - 60), changes=changes)

    def found(works: ConnectionStatus) -> set[Kind]:
        rows = views.connections(lost("a"), lost("b"), views.connection("c", works))
        policy = TargetPolicy(connections={"c": AcceptedReason("on leave")})
        target = views.target_of("site", "wix", [views.succeeded(CONNECTIONS, rows)], policy=policy)
        return {problem.kind for problem in problems(views.view_of(target))}

    assert {Kind.CONNECTION_ERROR} == found(ConnectionStatus.SYNCED)
    assert {Kind.CONNECTION_ERROR, Kind.CONNECTIONS_DOWN} == found(ConnectionStatus.DISCONNECTED)


def test_nothing_is_in_order_as_a_whole_before_each_collector_was_polled() -> None:
    rows = views.connections(views.connection("Chair 1"))
    seen = view(views.succeeded(CONNECTIONS, rows), views.unpolled("site", "wix", CollectorName.BOOKINGS))
    assert Verdict.UNKNOWN is overall(seen, findings(seen))
    broken = view(views.failed(CONNECTIONS, Reason.AUTH, "no"), views.unpolled("site", "wix", CollectorName.BOOKINGS))
    assert Verdict.CRITICAL is overall(broken, findings(broken))


def test_a_broken_connection_says_since_when_why_and_how_to_mend_it() -> None:
    row = views.connection("Chair 1", ConnectionStatus.ERROR, error_reason=ErrorReason.TOKEN_REVOKED, since=NOW - 600)
    [problem] = of_connections(row)
    assert ("Chair 1", NOW - 600, "token_revoked") == (problem.subject, problem.since, problem.reason)
    assert "signs in again" in problem.advice.fix
    [problem] = of_connections(views.connection("Chair 1", ConnectionStatus.ERROR))
    assert "" == problem.reason


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (NOW + 60, NOW + 120, [Severity.CRITICAL]),
        (NOW - 60, NOW + 60, [Severity.CRITICAL]),
        (NOW + 86_399, NOW + 90_000, [Severity.CRITICAL]),
        (NOW + 86_400, NOW + 90_000, [Severity.WARNING]),
        (NOW - 120, NOW, []),
    ],
)
def test_a_double_booking_is_critical_within_a_day_and_nothing_once_it_is_over(
    start: float, end: float, expected: list[Severity]
) -> None:
    found = of_conflicts(Conflict("7", "341", "352", start, end))
    assert [(severity, Kind.CONFLICT) for severity in expected] == kinds(found)


def test_a_double_booking_is_named_by_its_resource_and_its_ids() -> None:
    [problem] = of_conflicts(Conflict("7", "341", "352", NOW + 60, NOW + 120))
    assert "Chair 1" == problem.subject
    assert problem.conflict is not None
    assert ("341", "352") == (problem.conflict.first, problem.conflict.second)


def test_an_incomplete_window_is_a_warning() -> None:
    bookings = BookingsObservation(NOW - 30, (WindowBookings(TODAY, 9), WindowBookings(NEXT_24H, 1, complete=False)))
    links = LinksObservation(NOW - 30, (WindowLinks(NEXT_24H, (LinkAnswers(0, 4, 1, 0, {}),), complete=False),))
    found = problems(view(views.succeeded(BOOKINGS, bookings), views.succeeded(LINKS, links)))
    assert ["incomplete: next_24h", "incomplete: next_24h"] == [problem.headline for problem in found]
    assert [(Severity.WARNING, Kind.WINDOW_INCOMPLETE)] * 2 == kinds(found)


@pytest.mark.parametrize(("unverified", "expected"), [(0, []), (5, []), (6, [(Severity.WARNING, Kind.LINKS_UNVERIFIED)])])
def test_a_window_with_more_unverified_than_verified_links_is_a_warning(
    unverified: int, expected: list[tuple[Severity, Kind]]
) -> None:
    links = LinksObservation(NOW - 30, (WindowLinks(NEXT_24H, (LinkAnswers(0, 4, 1, 0, {}),), unverified),))
    found = problems(view(views.succeeded(LINKS, links)))
    assert expected == kinds(found)
    assert ["links not verified: next_24h"] * len(expected) == [problem.headline for problem in found]


@pytest.mark.parametrize(
    ("expiry", "expected"),
    [
        (None, []),
        (NOW + 30 * 86_400, []),
        (NOW + 13 * 86_400, [Severity.WARNING]),
        (NOW - 1, [Severity.WARNING]),
    ],
)
def test_a_credential_that_a_person_must_renew_is_announced(expiry: float | None, expected: list[Severity]) -> None:
    found = problems(view(GOOD, usage=ApiUsage(credential_expiry=expiry)))
    assert [(severity, Kind.CREDENTIAL_EXPIRY) for severity in expected] == kinds(found)


def test_critical_comes_first_then_the_kind_then_the_newest() -> None:
    rows = [
        views.connection("old", ConnectionStatus.ERROR, since=NOW - 9_000),
        views.connection("cut", ConnectionStatus.DISCONNECTED, since=NOW - 10),
        views.connection("new", ConnectionStatus.ERROR, since=NOW - 60),
    ]
    seen = BookingsObservation(NOW - 30, (), conflicts=(Conflict("7", "341", "352", NOW + 60, NOW + 120),))
    found = problems(view(views.succeeded(CONNECTIONS, views.connections(*rows)), views.succeeded(BOOKINGS, seen)))
    assert ["7", "new", "old", "cut"] == [problem.subject for problem in found]


def test_double_bookings_come_soonest_first() -> None:
    found = of_conflicts(Conflict("7", "3", "4", NOW + 7_200, NOW + 9_000), Conflict("7", "1", "2", NOW + 60, NOW + 120))
    assert ["1", "3"] == [problem.conflict.first for problem in found if problem.conflict]
