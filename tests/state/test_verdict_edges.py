"""The table of verdicts as it was promised, and the moments and numbers at which its rows begin and end to hold."""

from __future__ import annotations

from dataclasses import fields

import pytest
from msgspec.structs import replace

from exporter.booking_links import LinkAnswers, LinksObservation, UnlinkedBooking, WindowLinks
from exporter.errors import Reason
from exporter.model import (
    WORKING,
    ApiUsage,
    BookingsObservation,
    Budget,
    Change,
    CollectorName,
    Conflict,
    Connection,
    ConnectionStatus,
)
from exporter.policy import AcceptedReason, ConfigWarning, RejectedConfig, TargetPolicy
from exporter.state import verdict
from exporter.state.findings import Kind, findings, is_broken, overall, verdicts
from exporter.state.findings.collectors import brought_data
from exporter.state.snapshot import CollectorState, View
from exporter.state.thresholds import Thresholds
from exporter.state.verdict import MOVABLE, TABLE, verdict_of, worst
from exporter.state.verdict_row import Verdict, VerdictRow
from tests.harness import views
from tests.harness.verdict_scenes import SITE, connected, view, went_down
from tests.harness.views import NEXT_24H, NOW

HOUR, DAY = 3_600.0, 86_400.0
BOOKINGS = views.unpolled(SITE, "bitrix24", CollectorName.BOOKINGS)
LINKS = views.unpolled(SITE, "bitrix24", CollectorName.LINKS)
GOOD = views.succeeded(BOOKINGS, views.wix_bookings())
GOOD_LINKS = views.succeeded(LINKS, LinksObservation(NOW - 30, ()))

# Worst first: the row, how bad it is, whether only a running exporter can know, whether a user may move it.
PROMISED = """
NOT_POLLED UNKNOWN
TARGET_FAILING CRITICAL
TARGET_EXPIRED CRITICAL
CONNECTIONS_DOWN CRITICAL history
CONFLICT_SOON CRITICAL
EXTERNAL_CONFLICT_SOON CRITICAL
SLOTS_OVER_BUSY CRITICAL
NOT_IN_CALENDAR_SOON CRITICAL history
COLLECTOR_FAILING WARNING
DATA_EXPIRED WARNING
PROVIDER_FAILING WARNING movable
CONFLICT_LATER WARNING movable
CONFLICT_MARKED WARNING movable
EXTERNAL_CONFLICT_LATER WARNING movable
BOOKED_OVER WARNING history movable
NO_OPEN_SLOTS WARNING movable
CALENDAR_SHIFTED WARNING history movable
NOT_IN_CALENDAR_LATER WARNING history movable
CALENDAR_NOT_BLOCKING WARNING history movable
CANCELLED_IN_CALENDAR WARNING history movable
CALENDAR_MISMATCH WARNING movable
CONNECTION_ERROR WARNING movable
CONNECTION_CUT WARNING history movable
CONNECTION_STUCK WARNING history movable
CONNECTION_UNCLEAR WARNING history movable
PROBE_FAILED WARNING movable
IMPORT_CALENDAR_MISSING WARNING movable
ACCOUNT_SHARED WARNING movable
STAFF_UNPROTECTED WARNING movable
IMPORT_SILENT WARNING history movable
IMPORT_FROZEN WARNING history movable
IMPORT_SHORTENED WARNING history movable
HEARTBEAT_MISSING WARNING movable
API_LIMITED WARNING
BUDGET_SPENT WARNING movable
CREDENTIAL_EXPIRY WARNING movable
PORTAL_MOVED WARNING
UNLINKED_BOOKINGS WARNING movable
INTAKE_SILENT WARNING history movable
WINDOW_INCOMPLETE WARNING movable
LINKS_UNVERIFIED WARNING history movable
POLL_OVERDUE WARNING history movable
CONFIG_WARNING WARNING
RELOAD_REFUSED WARNING history
TARGET_PAUSED OK
TARGET_CLOSED OK
CHECK_REFUSED OK
CONNECTION_ACCEPTED OK
CONFLICT_ACCEPTED OK
WARNING_ACCEPTED OK
CALENDAR_MISMATCH_LATER OK
PROOF_NEVER_LEARNT OK history
CONNECTION_CUT_BEFORE OK
"""


def test_the_table_has_the_rows_verdicts_and_order_that_were_promised() -> None:
    names = {row: name for name, row in vars(verdict).items() if isinstance(row, VerdictRow)}
    rows = [f"{names[row]} {row.verdict.name}{' history' * row.history}{' movable' * (row in MOVABLE)}" for row in TABLE]
    assert PROMISED.split("\n")[1:-1] == rows


def test_codes_and_words_are_those_of_monitoring_plugins() -> None:
    assert [("OK", 0), ("WARNING", 1), ("CRITICAL", 2), ("UNKNOWN", 3)] == [(one.name, one.value) for one in Verdict]


def test_the_states_of_a_connection_that_works_and_the_failures_that_say_that_we_ask_too_much() -> None:
    assert {"synced", "sync_in_progress", "connected"} == {status.value for status in WORKING}
    assert {"rate_limited", "operating_limit", "overload"} == {reason.value for reason in verdict.LIMITS}
    assert (DAY, 7 * DAY) == (verdict.SILENT_SECONDS, verdict.USUAL_BEFORE_SECONDS)


def test_thresholds_are_those_that_the_documents_name() -> None:
    defaults = Thresholds()
    assert {field.name: getattr(defaults, field.name) for field in fields(defaults) if field.name != "severities"} == {
        "conflict_soon": DAY,
        "external_conflict_soon": DAY,
        "connections_down_least": 2,
        "connections_down_within": DAY,
        "connection_disconnected_within": DAY,
        "connection_stuck_after": HOUR,
        "connection_unclear_after": HOUR,
        "credential_expiry_within": 14 * DAY,
        "unlinked_bookings_share": 0.2,
        "unlinked_bookings_least": 10,
        "links_unverified_share": 0.5,
        "intake_silent_least": 10,
        "poll_overdue_intervals": 1.0,
    }
    assert "warning" == defaults.severity("conflict")


def test_conditions_say_the_hours_the_days_and_which_failures_are_limits() -> None:
    assert "beginning within 24 h or already." in verdict.CONFLICT_SOON.condition
    assert "ends within 14 days, or has ended." in verdict.CREDENTIAL_EXPIRY.condition
    assert "than a limit (`rate_limited`, `operating_limit`, `overload`)." in verdict.TARGET_FAILING.condition


OK, WARNING, CRITICAL, UNKNOWN = Verdict.OK, Verdict.WARNING, Verdict.CRITICAL, Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("found", "of_one", "of_several"),
    [
        ([], OK, UNKNOWN),
        ([OK], OK, OK),
        ([OK, WARNING], WARNING, WARNING),
        ([WARNING, CRITICAL, OK], CRITICAL, CRITICAL),
        ([UNKNOWN, OK], UNKNOWN, UNKNOWN),
        ([UNKNOWN, WARNING], UNKNOWN, WARNING),
        ([UNKNOWN, CRITICAL], UNKNOWN, CRITICAL),
    ],
)
def test_of_one_target_what_is_not_known_comes_first_and_of_several_what_is_broken(
    found: list[Verdict], of_one: Verdict, of_several: Verdict
) -> None:
    assert (of_one, of_several) == (verdict_of(found), worst(found))
    assert (of_one, of_several) == (verdict_of(found[::-1]), worst(found[::-1]))


def kinds(shown: View) -> list[Kind]:
    return [finding.kind for finding in findings(shown)]


def spent(usage: ApiUsage) -> list[tuple[Kind, str]]:
    return [(finding.kind, finding.title) for finding in findings(view(GOOD, usage=usage))]


@pytest.mark.parametrize(
    ("expiry", "title"),
    [
        (NOW + 14 * DAY, None),
        (NOW + 14 * DAY - 1, "credential ends soon"),
        (NOW + 1, "credential ends soon"),
        (NOW, "credential has ended"),
    ],
)
def test_a_credential_that_ends_in_less_than_14_days_is_announced_and_has_ended_at_that_moment(
    expiry: float, title: str | None
) -> None:
    assert [(Kind.CREDENTIAL_EXPIRY, title)] * (title is not None) == spent(ApiUsage(credential_expiry=expiry))


@pytest.mark.parametrize(
    ("name", "left", "is_told"), [("operating", 0.0, True), ("operating", 0.5, False), ("requests", 0.0, False)]
)
def test_a_budget_is_spent_when_nothing_is_left_of_the_operating_time(name: str, left: float, is_told: bool) -> None:
    usage = ApiUsage(budgets=(Budget(name, 240.0, left),))
    assert [Kind.BUDGET_SPENT] * is_told == [kind for kind, _ in spent(usage)]


@pytest.mark.parametrize(("until", "is_told"), [(NOW + 1, True), (NOW, False), (NOW - 1, False)])
def test_a_platform_that_asked_to_wait_is_told_of_until_that_moment(until: float, is_told: bool) -> None:
    assert [Kind.API_LIMITED] * is_told == [kind for kind, _ in spent(ApiUsage(paused_until=until))]


def test_a_collector_that_failed_for_the_limit_says_so_for_pause_and_budget() -> None:
    usage = ApiUsage(paused_until=NOW + 60, budgets=(Budget("operating", 240.0, 0.0),))
    limited = views.failed(GOOD, Reason.OPERATING_LIMIT, "used up")
    assert [Kind.COLLECTOR_FAILING] == kinds(view(limited, usage=usage))
    assert [Kind.COLLECTOR_FAILING] == kinds(view(limited, GOOD_LINKS, usage=usage))
    refused = views.failed(GOOD, Reason.AUTH, "refused")
    assert [Kind.COLLECTOR_FAILING, Kind.API_LIMITED, Kind.BUDGET_SPENT] == kinds(view(refused, usage=usage))


@pytest.mark.parametrize(("number", "detail"), [(1, "bad key"), (2, "bad key (and 1 more)"), (5, "bad key (and 4 more)")])
def test_a_refused_configuration_tells_its_first_problem_and_how_many_more_there_are(number: int, detail: str) -> None:
    shown = replace(view(GOOD), rejected_config=RejectedConfig(NOW - 60, "bad key", number))
    [found] = findings(shown)
    assert (Kind.RELOAD_REFUSED, detail, NOW - 60, True) == (found.kind, found.detail, found.since, found.since_known)
    assert [] == kinds(replace(shown, remembers=False)), "a probe remembers no configuration before this one"


def of_the_configuration(shown: View, *kinds: str) -> list[str]:
    warnings = tuple(ConfigWarning(kind, SITE, "less is watched", "Change it.") for kind in kinds)
    found = findings(replace(shown, config_warnings=warnings))
    return [finding.reason for finding in found if finding.kind is Kind.CONFIG_WARNING]


def test_what_a_refused_collector_or_a_target_without_calendars_says_is_no_warning_of_the_configuration() -> None:
    down = connected(went_down("a"), went_down("b"))
    assert ["conflicts_off"] == of_the_configuration(down, "missing_right", "no_connections", "conflicts_off")
    waits = view(GOOD, usage=ApiUsage(paused_until=NOW + 60))
    assert ["no_connections"] == of_the_configuration(waits, "no_connections"), "another problem does not say so"


def linked(linked: int, unlinked: int, unverified: int = 0, *bookings: UnlinkedBooking) -> View:
    rows = (WindowLinks(NEXT_24H, (LinkAnswers(0, linked, unlinked, 0, {}),), unverified),)
    return view(views.succeeded(LINKS, LinksObservation(NOW - 30, rows, bookings)))


@pytest.mark.parametrize(
    ("with_link", "without", "expected"),
    [(8, 2, False), (7, 3, True), (7, 2, False), (0, 9, False), (0, 10, True), (80, 20, False)],
)
def test_bookings_have_too_few_links_when_more_than_a_fifth_of_ten_or_more_has_none(
    with_link: int, without: int, expected: bool
) -> None:
    assert [Kind.UNLINKED_BOOKINGS] * expected == kinds(linked(with_link, without))


def test_a_booking_that_begins_now_is_nobodys_to_link_any_more_and_the_share_is_told() -> None:
    [found] = findings(linked(7, 3, 0, UnlinkedBooking("1", NOW), UnlinkedBooking("2", NOW + 1)))
    assert ["2"] == [row.booking for row in found.unlinked]
    assert "next_24h (3 of 10)" == found.effect


@pytest.mark.parametrize(
    ("closed", "is_silent"),
    [
        ((), True),
        ((NOW - 3 * DAY, NOW - DAY), True),
        ((NOW - 3 * DAY, NOW - DAY + 1), False),
        ((NOW - 1, NOW + DAY), False),
        ((NOW, NOW + DAY), True),
    ],
)
def test_a_silent_intake_is_told_unless_the_last_24_hours_touch_a_closed_day(
    closed: tuple[float, float] | tuple[()], is_silent: bool
) -> None:
    policy = TargetPolicy(closed=(closed,) if closed else ())
    found = kinds(view(GOOD, policy=policy, silent_since=NOW - DAY))
    assert is_silent is (Kind.INTAKE_SILENT in found)


@pytest.mark.parametrize(
    ("start", "end", "is_closed"), [(NOW, NOW + 1, True), (NOW - 1, NOW, False), (NOW + 1, NOW + 2, False)]
)
def test_a_closed_day_is_told_from_its_first_moment_to_its_last(start: float, end: float, is_closed: bool) -> None:
    assert [Kind.TARGET_CLOSED] * is_closed == kinds(view(GOOD, policy=TargetPolicy(closed=((start, end),))))


@pytest.mark.parametrize(("until", "expected"), [(NOW + 1, [Kind.TARGET_PAUSED]), (NOW, [])])
def test_a_pause_of_a_target_ends_at_its_moment_and_hides_all_else_until_then(until: float, expected: list[Kind]) -> None:
    policy = TargetPolicy(paused=AcceptedReason("moves", until))
    assert expected == kinds(view(GOOD, policy=policy))
    broken = views.failed(GOOD, Reason.AUTH, "refused")
    assert (expected or [Kind.COLLECTOR_FAILING]) == kinds(view(broken, policy=policy))


@pytest.mark.parametrize(("late", "is_told"), [(60.0, False), (60.5, True)])
def test_a_poll_is_overdue_when_it_is_more_than_its_interval_late_and_none_runs(late: float, is_told: bool) -> None:
    state = replace(GOOD, next_poll=NOW - late)
    assert [Kind.POLL_OVERDUE] * is_told == kinds(view(state))
    assert [] == kinds(view(state, polling={CollectorName.BOOKINGS: NOW - 1}))
    assert [] == kinds(view(replace(state, next_poll=None)))


def asked(before_poll: float, duration: float | None) -> CollectorState:
    return replace(GOOD, last_poll=NOW, last_duration=duration, observation=BookingsObservation(NOW - before_poll, ()))


@pytest.mark.parametrize(
    ("before_poll", "duration", "is_of_it"),
    [(2.0, 1.5, True), (2.01, 1.5, False), (0.5, None, True), (0.51, None, False), (0.0, 0.0, True)],
)
def test_data_is_of_the_newest_poll_when_it_is_no_older_than_its_beginning_by_half_a_second(
    before_poll: float, duration: float | None, is_of_it: bool
) -> None:
    assert is_of_it is brought_data(asked(before_poll, duration))
    assert not brought_data(replace(asked(before_poll, duration), last_poll=None))
    assert not brought_data(replace(asked(before_poll, duration), observation=None))


@pytest.mark.parametrize(("end", "is_told"), [(NOW, False), (NOW + 1, True)])
def test_an_overlap_is_told_until_it_is_over_and_of_several_the_soonest_comes_first(end: float, is_told: bool) -> None:
    rows = (Conflict("7", "3", "4", NOW + 60, NOW + 120), Conflict("7", "1", "2", NOW - 60, end))
    seen = BookingsObservation(NOW - 30, (), conflicts=rows)
    found = [finding.conflict.first for finding in findings(view(views.succeeded(BOOKINGS, seen))) if finding.conflict]
    assert ["1"] * is_told + ["3"] == found


def stopped(key: str, at: float, *before: float) -> Connection:
    """Return a connection that worked until the first of these moments, and is in error since ``at``."""
    changes = (Change(NOW - 9 * DAY, "connected"), *(Change(moment, "undefined") for moment in before), Change(at, "error"))
    return replace(views.connection(key, ConnectionStatus.ERROR, since=at), changes=changes)


def on_a_clock_set_by(seconds: float, shown: View) -> View:
    """Return ``shown`` as it is when the moments of its changes lie so far before those of the wall clock."""
    return replace(shown, targets=tuple(replace(target, stepped=seconds) for target in shown.targets))


@pytest.mark.parametrize("step", [0.0, 600.0, -600.0])
def test_calendars_that_stopped_to_work_24_hours_ago_are_down_no_more(step: float) -> None:
    def shown(at: float) -> View:
        return on_a_clock_set_by(step, connected(stopped("a", at - step), stopped("b", at - step)))

    assert Kind.CONNECTIONS_DOWN not in kinds(shown(NOW - DAY))
    assert Kind.CONNECTIONS_DOWN in kinds(shown(NOW - DAY + 0.5))


def test_calendars_are_down_since_the_last_of_them_came_to_its_present_state() -> None:
    rows = stopped("a", NOW - HOUR, NOW - 3 * HOUR), stopped("b", NOW - 2 * HOUR)
    found = findings(on_a_clock_set_by(600.0, connected(*rows)))
    assert [NOW - HOUR + 600] == [finding.since for finding in found if finding.kind is Kind.CONNECTIONS_DOWN]


BROKEN = views.connection("a", ConnectionStatus.ERROR)
CUT_LONG_AGO = views.connection("a", ConnectionStatus.DISCONNECTED, since=NOW - 2 * DAY)
LEFT = TargetPolicy(connections={"a": AcceptedReason("she left")})


@pytest.mark.parametrize(
    ("row", "policy", "expected"),
    [
        (BROKEN, None, True),
        (BROKEN, LEFT, False),
        (CUT_LONG_AGO, None, False),
        (CUT_LONG_AGO, LEFT, False),
        (views.connection("a"), None, False),
        (views.connection("a"), LEFT, False),
    ],
)
def test_a_connection_is_broken_when_it_is_a_problem_that_nobody_accepts(
    row: Connection, policy: TargetPolicy | None, expected: bool
) -> None:
    [target] = connected(row, policy=policy).targets
    assert expected is is_broken(target, row, NOW)


@pytest.mark.parametrize("known", [True, False])
def test_since_when_a_collector_fails_is_known_when_it_was_seen_to_begin(known: bool) -> None:
    changes = (Change(NOW - DAY, "ok"), Change(NOW - 600, "failing auth", known=known))
    [found] = findings(view(replace(views.failed(GOOD, Reason.AUTH, "refused"), changes=changes)))
    assert (NOW - 600, known) == (found.since, found.since_known)
    [found] = findings(view(replace(views.failed(GOOD, Reason.AUTH, "refused"), changes=changes), stepped=60.0))
    assert NOW - 540 == found.since, "the clock was set a minute forward"
    [found] = findings(view(replace(views.failed(GOOD, Reason.AUTH, "refused"), changes=())))
    assert (NOW, True) == (found.since, found.since_known)


@pytest.mark.parametrize("reason", [Reason.SERVER_ERROR, Reason.AUTH])
def test_bookings_that_came_in_part_are_no_matter_of_a_calendar_provider(reason: Reason) -> None:
    partly = views.failed(GOOD, reason, "half", observation=views.wix_bookings(NOW))
    [found] = findings(view(partly))
    assert (Kind.COLLECTOR_FAILING, "poll only partly succeeded", WARNING) == (found.kind, found.headline, found.verdict)


def test_of_a_target_that_was_not_polled_yet_nothing_is_known_whatever_is_said_of_its_configuration() -> None:
    warning = ConfigWarning("conflicts_off", SITE, "not looked for", "Switch it on.")
    shown = replace(view(BOOKINGS), config_warnings=(warning,), missing=())
    found = findings(shown)
    assert [Kind.NOT_POLLED, Kind.CONFIG_WARNING] == [finding.kind for finding in found]
    assert (UNKNOWN, UNKNOWN) == (verdicts(shown, found)[SITE], overall(shown, found))
    of_nobody = replace(shown, config_warnings=(replace(warning, target=None),))
    assert WARNING is overall(of_nobody, findings(of_nobody))


@pytest.mark.parametrize(("kind", "is_listed"), [("conflicts_off", True), ("missing_right", False)])
def test_a_warning_that_is_accepted_is_listed_with_its_reason_unless_a_collector_is_judged_for_it(
    kind: str, is_listed: bool
) -> None:
    why = AcceptedReason("never two at once", NOW + DAY)
    warning = ConfigWarning(kind, SITE, "not looked for", "Switch it on.")
    shown = replace(view(GOOD, policy=TargetPolicy(warnings={kind: why})), accepted_warnings=(warning,))
    found = findings(shown)
    expected = [(Kind.WARNING_ACCEPTED, SITE, why, NOW + DAY)]
    assert expected * is_listed == [(row.kind, row.target, row.known, row.until) for row in found]
    assert [] == kinds(replace(shown, targets=view(GOOD).targets)), "it is accepted no longer"
