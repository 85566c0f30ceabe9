"""What the texts of every alert have: a headline, what, since when, how it is mended, what happens until morning, and links."""

from __future__ import annotations

import re

import pytest

from exporter.monitoring.alerts import Alert, AlertSeverity, alert_groups
from exporter.monitoring.alerts.alert import Choice, Text
from exporter.monitoring.alerts.wording import last_answer, once_it_lasts
from exporter.monitoring.language import MOMENT, counted, said
from exporter.monitoring.options import Options

LINKED = Options(grafana_url="https://grafana.example", runbook_url="https://wiki.example", board_url="https://sync.example")
ALERTS = [alert for group in alert_groups(LINKED) for alert in group.alerts]
CALLING = [alert for alert in ALERTS if alert.severity in {AlertSeverity.CRITICAL, AlertSeverity.WARNING}]
ABOUT_A_DEAD_EXPORTER = {
    "BookingSyncExporterDown",
    "BookingSyncInstanceDown",
    "BookingSyncScrapesFailing",
    "BookingSyncShardMissing",
}
# A whole number before what may be a plural; "series" has none.
BARE_NUMBER = re.compile(r'{{ \$value (?:\| printf "%.0f" )?}} (?!of |series)(?:[a-z]+ )?[a-z]+s\b')
NEVER_ONE = {
    "BookingSyncDoubleBooking": "two overlap",
    "BookingSyncConnectionsFlapping": "six changes",
    "BookingSyncDataStale": "more than five intervals",
    "BookingSyncRestartsOften": "more than three starts",
    "BookingSyncBookingsVanished": "more than half of many",
}
NO_STATUS = {
    "BookingSyncConnectionsFlapping": "it is the change",
    "BookingSyncConnectionProbeFailed": "its status is not what is wrong",
    "BookingSyncConnectionCalendarMissing": "its status is not what is wrong",
    "BookingSyncImportSilent": "the status is good; it says when the events changed",
    "BookingSyncImportShortened": "the status is good; it says when the events changed",
    "BookingSyncImportFrozen": "the status is good; it says when the events changed",
    "BookingSyncHeartbeatMissing": "the status is good, and the configuration says when the event should be there",
    "BookingSyncExportSwitchedOff": "a connection that is switched off keeps its status",
}
NO_ANSWER = {"BookingSyncAccessDenied", "BookingSyncDataExpired", "BookingSyncDataStale", "BookingSyncPollOverdue"}
TEXTS = {"summary", "description", "since", "fix", "until_morning", "first_steps", "runbook_url", "dashboard_url", "board"}


def _each(alerts: list[Alert]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("alert", alerts, ids=lambda alert: f"{alert.name}-{alert.severity}")


def texts_of(text: Text) -> list[str]:
    return [text] if isinstance(text, str) else list(text.cases().values())


@_each(ALERTS)
def test_texts_are_complete_and_one_headline_serves_all_alerts_of_a_name(alert: Alert) -> None:
    annotations = alert.annotations(LINKED)
    assert {"summary", "description", "fix", "runbook_url", "dashboard_url", "board"} <= set(annotations) <= TEXTS
    assert {alert.summary} == {other.summary for other in ALERTS if other.name == alert.name}
    assert re.fullmatch(r"[A-Z][^{}]+\.", alert.summary)
    assert annotations["description"].endswith((".", ".{{ end }}"))


@_each(CALLING)
def test_whoever_is_called_reads_what_happens_if_nobody_acts_until_morning(alert: Alert) -> None:
    for text in texts_of(alert.until_morning):
        assert re.fullmatch(r"[A-Z].+\.", text), "one sentence"


@_each([alert for alert in CALLING if alert.severity is AlertSeverity.CRITICAL])
def test_no_page_says_that_nothing_happens_until_morning(alert: Alert) -> None:
    for text in texts_of(alert.until_morning):
        assert not re.search(r"\bNothing (?!(is known )?of\b|is known about\b)", text)


@_each([alert for alert in CALLING if alert.name in NO_ANSWER and alert.severity is AlertSeverity.CRITICAL])
def test_of_an_owners_calendar_no_page_says_what_happens_to_its_bookings(alert: Alert) -> None:
    assert isinstance(alert.until_morning, Choice)
    of_calendar, of_others = (alert.until_morning.cases()[platform] for platform in ("calendar", "other"))
    assert ("Nobody sees whether bookings arrive in this calendar", True) == (
        of_calendar[: len("Nobody sees whether bookings arrive in this calendar")],
        "bookings of this target" in of_others,
    )


@_each([alert for alert in CALLING if alert.name in {"BookingSyncAccessDenied", "BookingSyncApiLimited"}])
def test_a_headline_about_any_target_names_calendars_beside_platforms(alert: Alert) -> None:
    assert "platform or a calendar" in alert.summary


@_each(CALLING)
def test_nobody_who_is_called_is_told_to_wait_and_see_whether_it_lasts(alert: Alert) -> None:
    assert not re.search(r"\bWait: |\blasts\b", alert.annotations(LINKED)["fix"])


def test_of_a_fix_that_begins_with_waiting_the_rest_is_left() -> None:
    assert "The owner reconnects. Then looks." == once_it_lasts(
        "Wait: it goes on. If it lasts longer than an hour, the owner reconnects. Then looks."
    )
    assert "The owner reconnects." == once_it_lasts("The owner reconnects.")
    assert "If it is, the owner reconnects." == once_it_lasts(
        "If it is, and it lasts longer than an hour, the owner reconnects."
    )


@_each([alert for alert in ALERTS if "connection" in alert.link and alert.name not in NO_STATUS])
def test_an_alert_about_the_status_of_a_connection_says_since_when_it_is_so(alert: Alert) -> None:
    assert "status_since" in alert.since


@_each([alert for alert in ALERTS if alert.name in NO_ANSWER])
def test_an_alert_about_answers_that_do_not_come_says_when_the_last_one_came(alert: Alert) -> None:
    of_one = () if alert.severity is AlertSeverity.CRITICAL else ("collector",)
    assert last_answer(*of_one) == alert.since


@_each([alert for alert in ALERTS if alert.name in ABOUT_A_DEAD_EXPORTER])
def test_the_message_itself_has_the_first_steps_where_the_runbook_may_be_down(alert: Alert) -> None:
    assert re.fullmatch(r"1\. .+ 2\. .+ 3\. .+", alert.annotations(LINKED)["first_steps"])


@_each([alert for alert in ALERTS if alert.name not in ABOUT_A_DEAD_EXPORTER])
def test_the_first_steps_of_other_alerts_stand_in_the_runbook_alone(alert: Alert) -> None:
    assert "first_steps" not in alert.annotations(LINKED)


@_each(ALERTS)
def test_no_text_says_1_polls(alert: Alert) -> None:
    assert alert.name in NEVER_ONE or not BARE_NUMBER.search(alert.annotations(LINKED)["description"]), (
        "write the number with counted()"
    )


@_each(ALERTS)
def test_moments_are_local_and_name_their_zone(alert: Alert) -> None:
    for text in alert.annotations(LINKED).values():
        assert text.count(".Format") == text.count(f'.Local.Format "{MOMENT}"')


def test_what_would_say_1_polls_is_found() -> None:
    for text in ("{{ $value }} polls", '{{ $value | printf "%.0f" }} poll intervals'):
        assert BARE_NUMBER.search(text)
    for text in (
        said(counted("%(count)s poll", "%(count)s polls"), "en"),
        "{{ $value | humanizePercentage }} of the polls",
        "{{ $value }} series",
    ):
        assert not BARE_NUMBER.search(text)


@_each(ALERTS)
def test_links_lead_to_the_runbook_and_quote_label_values(alert: Alert) -> None:
    annotations = alert.annotations(LINKED)
    assert LINKED.runbook(alert.name) == annotations["runbook_url"]
    for name in ("dashboard_url", "board"):
        assert all("urlquery" in part for part in re.findall(r"{{[^}]*}}", annotations[name]))


@_each(ALERTS)
def test_without_an_address_there_is_no_link(alert: Alert) -> None:
    assert not {"runbook_url", "dashboard_url", "board"} & set(alert.annotations(Options()))
