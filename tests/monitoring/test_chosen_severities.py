"""The bundle for a user's severities: what is no problem has no alert, a page is never kept back by a ticket."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any, Final, get_args

import pytest
from typer.testing import CliRunner

from exporter.cli import app
from exporter.config.verdicts import Verdicts
from exporter.monitoring.alerts import Alert, alert_groups
from exporter.monitoring.inhibitions import inhibitions
from exporter.monitoring.options import Options
from exporter.monitoring.prometheus import alerting_rules, recording_rules
from exporter.monitoring.render import files, render
from exporter.state.thresholds import Thresholds
from exporter.state.verdict import MOVABLE
from exporter.state.verdict_row import Kind
from exporter.texts import LANGUAGES
from tests.monitoring.libyaml import safe_load
from tests.monitoring.promql import labels_of_expression
from tests.monitoring.routes import parts_of
from tests.monitoring.servers import run

NO_PAGE: Final = {Kind.CONFLICT, Kind.EXTERNAL_CONFLICT, Kind.BUDGET_SPENT, Kind.POLL_OVERDUE}
PAGES: Final = {str(row.kind): "critical" for row in MOVABLE if row.kind not in NO_PAGE}
TOLD_BY: Final = {row.kind: set(row.alerts) for row in MOVABLE}


def alerts_for(severities: dict[str, str]) -> list[Alert]:
    return [alert for group in alert_groups(Options(thresholds=Thresholds(severities=severities))) for alert in group.alerts]


def told(alerts: list[Alert]) -> set[tuple[str, str]]:
    return {(alert.name, alert.severity.value) for alert in alerts}


SHIPPED: Final = told(alerts_for({}))
# What stands for many of a kind is as bad as one of them.
LEADS: Final = {
    Kind.CONNECTION_ERROR: {("BookingSyncManyConnectionsNeedOwner", "warning")},
    Kind.PROVIDER_FAILING: {("BookingSyncProviderOutage", "warning")},
    Kind.INTAKE_SILENT: {("BookingSyncManyCalendarsEmpty", "warning")},
}


@pytest.mark.parametrize("kind", TOLD_BY, ids=str)
def test_what_is_no_problem_to_a_user_has_no_alert_and_all_else_is_as_shipped(kind: Kind) -> None:
    gone = {(name, "warning") for name in TOLD_BY[kind]}
    assert gone <= SHIPPED
    assert SHIPPED - gone == told(alerts_for({kind: "ok"}))


@pytest.mark.parametrize("kind", sorted(PAGES))
def test_what_pages_a_user_is_critical_and_so_is_what_stands_for_many_of_it(kind: str) -> None:
    moved = {(name, "warning") for name in TOLD_BY[Kind(kind)]} | LEADS.get(Kind(kind), set())
    expected = SHIPPED - moved | {(name, "critical") for name, _ in moved}
    assert expected == told(alerts_for({kind: "critical"}))


def _may(alert: Alert, matchers: Any) -> bool:  # noqa: ANN401  a sequence of text
    labels: dict[str, str] = {"alertname": alert.name, **alert.all_labels()}
    known = labels.keys() | labels_of_expression(alert.expr)
    for label, operator, value in map(parts_of, matchers):
        if label in labels:
            equal = re.fullmatch(value, labels[label]) is not None if "~" in operator else value == labels[label]
            if equal == operator.startswith("!"):
                return False
        elif (operator, value) == ("!=", "") and label not in known:
            return False
    return True


@pytest.mark.parametrize("severities", [{}, PAGES, *({kind: "critical"} for kind in PAGES)], ids=",".join)
def test_no_page_of_a_user_is_kept_back_by_a_ticket(severities: dict[str, str]) -> None:
    alerts = alerts_for(severities)
    for inhibition in inhibitions(Options()):
        sources = [alert for alert in alerts if _may(alert, inhibition.source)]
        pages = [alert.name for alert in alerts if alert.severity == "critical" and _may(alert, inhibition.target)]
        tickets = [alert.name for alert in sources if alert.severity != "critical"]
        assert not (pages and tickets), f"{tickets} keep back {pages}"


@pytest.mark.parametrize(
    ("lead", "single"),
    [
        ("BookingSyncManyConnectionsNeedOwner", "BookingSyncConnectionError"),
        ("BookingSyncManyConnectionsNeedOwner", "BookingSyncConnectionDisconnected"),
        ("BookingSyncProviderOutage", "BookingSyncProviderDown"),
        ("BookingSyncManyCalendarsEmpty", "BookingSyncIntakeSilent"),
        ("BookingSyncAllConnectionsFailing", "BookingSyncConnectionNeedsOwner"),
        ("BookingSyncDataExpired", "BookingSyncWindowIncomplete"),
        ("BookingSyncDataExpired", "BookingSyncUnlinkedBookings"),
    ],
)
def test_many_pages_of_one_cause_stay_one_page(lead: str, single: str) -> None:
    alerts = alerts_for(PAGES)
    sources = [alert for alert in alerts if alert.name == lead and alert.severity == "critical"]
    [target] = [alert for alert in alerts if alert.name == single]
    assert "critical" == target.severity
    assert any(
        any(_may(source, inhibition.source) for source in sources) and _may(target, inhibition.target)
        for inhibition in inhibitions(Options())
    )


def test_the_texts_say_the_thresholds_of_the_user() -> None:
    chosen = Thresholds(
        conflict_soon=172_800,
        connections_down_within=10_800,
        connection_disconnected_within=172_800,
        connection_stuck_after=5_400,
        connection_unclear_after=7_200,
        intake_silent_least=25,
        poll_overdue_intervals=3,
    )
    bundle = files(Options(thresholds=chosen))
    rules = bundle["config/prometheus/alerting.rules.yml"]
    for text in (
        "within the next 7 days overlap",
        "worked within the last 3 hours, and none works now",
        "worked within the last 2 days and is now disconnected",
        "for over 90 minutes.",
        "for over 2 hours.",
        "it got at least 25.",
        "should have begun more than 3 intervals ago.",
    ):
        assert text in " ".join(rules.split()), text
    runbook = bundle["docs/runbooks/bookingsyncconnectionstuck.md"]
    assert "| warning | 1h30m | calendar owner |" in runbook


def test_the_command_reads_the_verdicts_of_a_configuration_without_its_secrets(tmp_path: Path) -> None:
    config = tmp_path / "exporter.yml"
    config.write_text("verdicts: {connection_stuck: {after: 20m, severity: critical}, links_unverified: {severity: ok}}\n")
    result = CliRunner().invoke(app, ["monitoring", "render", "--config.file", str(config), "--out", str(tmp_path)])
    assert 0 == result.exit_code, result.output
    text = (tmp_path / "config/prometheus/alerting.rules.yml").read_text()
    rules = {rule["alert"]: rule for group in safe_load(text)["groups"] for rule in group["rules"]}
    stuck = rules["BookingSyncConnectionStuck"]
    assert ("20m", "critical") == (stuck["for"], stuck["labels"]["severity"])
    assert "BookingSyncLinksUnverified" not in rules
    assert not (tmp_path / "docs/runbooks/bookingsynclinksunverified.md").exists()


@pytest.mark.parametrize("language", [*LANGUAGES])
@pytest.mark.parametrize("severities", [PAGES, {str(row.kind): "ok" for row in MOVABLE}], ids=["pages", "ok"])
@pytest.mark.servers
def test_the_servers_accept_what_a_user_chose_in_every_language(
    severities: dict[str, str], language: str, tmp_path: Path
) -> None:
    chosen = Thresholds(
        conflict_soon=1_800,
        connections_down_within=5_401,
        connection_disconnected_within=604_800,
        connection_stuck_after=61,
        credential_expiry_within=3_700,
        poll_overdue_intervals=1.5,
        severities=severities,
    )
    render(Options(thresholds=chosen, language=language), tmp_path)
    for tool, command, name in (
        ("promtool", ("check", "config"), "prometheus/prometheus.yml"),
        ("amtool", ("check-config",), "alertmanager/alertmanager.yml"),
    ):
        result = run(tool, *command, tmp_path / "config" / name)
        assert 0 == result.returncode, result.stdout + result.stderr


def test_a_check_reads_the_same_block(tmp_path: Path) -> None:
    config = tmp_path / "exporter.yml"
    config.write_text("verdicts:\n  connection_stuck: {after: 20}\n")
    asked = ["monitoring", "check", "--prometheus-url", "http://127.0.0.1:9", "--config.file", str(config)]
    result = CliRunner().invoke(app, asked)
    assert 2 == result.exit_code
    assert (
        f"{config}:2: verdicts.connection_stuck.after: has no unit (fix: write 20m for minutes or 20h for hours)"
        in result.stderr
    )


def test_the_command_says_what_is_wrong_with_the_verdicts_and_writes_nothing(tmp_path: Path) -> None:
    config, out = tmp_path / "exporter.yml", tmp_path / "out"
    config.write_text("verdicts:\n  connection_stuck: {after: 20}\n")
    result = CliRunner().invoke(app, ["monitoring", "render", "--config.file", str(config), "--out", str(out)])
    assert 2 == result.exit_code
    assert (
        f"{config}:2: verdicts.connection_stuck.after: has no unit (fix: write 20m for minutes or 20h for hours)"
        in result.stderr
    )
    assert not out.exists()


def test_the_page_about_many_connections_for_one_reason_keeps_back_theirs() -> None:
    alerts = alerts_for(PAGES)
    [lead] = [
        alert
        for alert in alerts
        if alert.name == "BookingSyncManyConnectionsNeedOwner" and "reason" in labels_of_expression(alert.expr)
    ]
    for single in (alert for alert in alerts if alert.name in TOLD_BY[Kind.CONNECTION_ERROR]):
        assert [
            inhibition.equal
            for inhibition in inhibitions(Options())
            if "reason" in inhibition.equal and _may(lead, inhibition.source) and _may(single, inhibition.target)
        ]


def _choices() -> Iterator[tuple[str, str]]:
    """Yield every severity that a user may write, with its kind."""
    for kind, field in Verdicts.model_fields.items():
        row: Any = field.annotation
        for severity in (key for key in ("severity", "later") if key in row.model_fields):
            yield from ((kind, value) for value in get_args(row.model_fields[severity].annotation))


CHOICES: Final = sorted(_choices())


def test_every_severity_that_may_move_is_a_choice() -> None:
    assert {str(row.kind) for row in MOVABLE} == {kind for kind, _ in CHOICES}
    assert len(CHOICES) >= 30


def test_alerts_of_one_name_differ_in_their_labels_whatever_two_severities_a_user_chose() -> None:
    # Equal rules are what promtool's lint calls duplicates; their alerts are told apart by nobody who routes or silences them.
    twice: dict[str, Mapping[str, str]] = {}
    for severities in (dict(pair) for pair in combinations(CHOICES, 2)):
        rules = Counter((alert.name, *sorted(alert.all_labels().items())) for alert in alerts_for(severities))
        twice |= {str(name): severities for (name, *_), number in rules.items() if number > 1}
    assert {} == twice


@pytest.mark.servers
def test_promtools_lint_has_nothing_to_say_about_any_severity_of_a_user(tmp_path: Path) -> None:
    every = [{kind: severity} for kind, severity in CHOICES]
    every += [{kind: word for kind, severity in CHOICES if severity == word} for word in ("critical", "ok")]
    files_ = [tmp_path / f"{number}.yml" for number in range(len(every))]
    for file, severities in zip(files_, every, strict=True):
        options = Options(thresholds=Thresholds(severities=severities))
        file.write_text(alerting_rules(options))
        file.with_suffix(".recordings").write_text(recording_rules(options))
    recordings = [file.with_suffix(".recordings") for file in files_]
    result = run("promtool", "check", "rules", "--lint=all", "--lint-fatal", *files_, *recordings)
    assert 0 == result.returncode, result.stdout + result.stderr
