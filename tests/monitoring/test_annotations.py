"""What the texts of every alert have: a headline, what, since when, how it is mended, what happens until morning, and links."""

from __future__ import annotations

import re

import pytest

from exporter.monitoring.alerts import Alert, Severity, alert_groups
from exporter.monitoring.alerts.wording import counted
from exporter.monitoring.options import Options

LINKED = Options(grafana_url="https://grafana.example", runbook_url="https://wiki.example", board_url="https://sync.example")
ALERTS = [alert for group in alert_groups(LINKED) for alert in group.alerts]
CALLING = [alert for alert in ALERTS if alert.severity in {Severity.CRITICAL, Severity.WARNING}]
TEXTS = {"summary", "description", "since", "fix", "until_morning", "first_steps", "runbook_url", "dashboard_url", "board"}


def _each(alerts: list[Alert]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("alert", alerts, ids=lambda alert: f"{alert.name}-{alert.severity}")


@_each(ALERTS)
def test_texts_are_complete_and_one_headline_serves_all_alerts_of_a_name(alert: Alert) -> None:
    annotations = alert.annotations(LINKED)
    assert {"summary", "description", "fix", "runbook_url", "dashboard_url", "board"} <= set(annotations) <= TEXTS
    assert {alert.summary} == {other.summary for other in ALERTS if other.name == alert.name}
    assert re.fullmatch(r"[A-Z][^{}]+\.", alert.summary)
    assert alert.description.endswith((".", ".{{ end }}"))


@_each(CALLING)
def test_whoever_is_called_reads_what_happens_if_nobody_acts_until_morning(alert: Alert) -> None:
    assert re.fullmatch(r"[A-Z].+\.", alert.until_morning), "one sentence"


@_each([alert for alert in ALERTS if "connection" in alert.link])
def test_an_alert_about_one_connection_says_since_when_it_is_so(alert: Alert) -> None:
    assert "status_since" in alert.since


@_each(ALERTS)
def test_no_text_says_1_polls(alert: Alert) -> None:
    bare = re.findall(r"{{ \$value[^}]*}} (?:[a-z]+ )?[a-z]+s\b", alert.description)
    shares = [words for words in bare if "humanize" in words]
    assert shares == bare, "write the number with counted()"


def test_what_would_say_1_polls_is_found() -> None:
    for text in ("{{ $value }} polls", '{{ $value | printf "%.0f" }} poll intervals'):
        assert re.findall(r"{{ \$value[^}]*}} (?:[a-z]+ )?[a-z]+s\b", text)
    assert not re.findall(r"{{ \$value[^}]*}} (?:[a-z]+ )?[a-z]+s\b", counted("poll", "polls"))


@_each(ALERTS)
def test_links_lead_to_the_runbook_and_quote_label_values(alert: Alert) -> None:
    annotations = alert.annotations(LINKED)
    assert LINKED.runbook(alert.name) == annotations["runbook_url"]
    for name in ("dashboard_url", "board"):
        assert all("urlquery" in part for part in re.findall(r"{{[^}]*}}", annotations[name]))


@_each(ALERTS)
def test_without_an_address_there_is_no_link(alert: Alert) -> None:
    assert not {"runbook_url", "dashboard_url", "board"} & set(alert.annotations(Options()))
