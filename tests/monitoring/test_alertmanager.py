from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from exporter.fields.durations import parse_duration
from exporter.monitoring.promql import TENANT_LABELS
from exporter.polling.scheduler import MAX_DENIED_SECONDS
from tests.monitoring.bundle import ALERT_NAMES, ALERTMANAGER, ALERTS
from tests.monitoring.libyaml import safe_load
from tests.monitoring.promql import labels_of_expression
from tests.monitoring.routes import CONFIG_FILE, every_route, parts_of
from tests.monitoring.servers import alertmanager, run, wait_for

CONFIG: dict[str, Any] = safe_load(CONFIG_FILE.read_text())

SHARED = {
    "BookingSyncNothingAnswers",
    "BookingSyncCredentialRefused",
    "BookingSyncPlatformDown",
    "BookingSyncManyTargetsFailing",
    "BookingSyncProviderOutage",
    "BookingSyncPlatformLimited",
}
"""What is found by polls, so that it ends for each target at its own next one."""

each_alert = pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
each_inhibition = pytest.mark.parametrize(
    "inhibition", CONFIG["inhibit_rules"], ids=lambda rule: rule["target_matchers"][0][:40]
)


def _matches(alert: dict[str, Any], matchers: list[str]) -> bool:
    """Whether an alert can match: its name and fixed labels must, labels that its series have may."""
    labels = {"alertname": alert["alert"], **alert["labels"]}
    for matcher in matchers:
        name, operator, value = parts_of(matcher)
        if name not in labels:
            if (operator, value) == ("!=", "") and name not in _all_labels(alert):
                return False
            continue
        equal = re.fullmatch(value, labels[name]) is not None if "~" in operator else value == labels[name]
        if equal == operator.startswith("!"):
            return False
    return True


def _all_labels(alert: dict[str, Any]) -> set[str]:
    return _labels_of(alert["expr"]) | set(alert["labels"]) | {"alertname"}


_labels_of = cache(labels_of_expression)


@pytest.mark.servers
@pytest.mark.parametrize("file", ["alertmanager.yml", "alertmanager.demo.yml"])
def test_alertmanager_accepts_the_configuration(file: str) -> None:
    result = run("amtool", "check-config", ALERTMANAGER / file)
    assert 0 == result.returncode, result.stdout + result.stderr
    assert "1 templates" in result.stdout


def test_every_matcher_is_quoted() -> None:
    matchers = [matcher for route in every_route(CONFIG) for matcher in route.get("matchers", [])]
    for rule in CONFIG["inhibit_rules"]:
        matchers += [*rule["source_matchers"], *rule["target_matchers"]]
    assert all(parts_of(matcher) for matcher in matchers)


def test_every_name_in_a_matcher_is_an_alert() -> None:
    for rule in CONFIG["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            label, _, value = parts_of(matcher)
            if label == "alertname":
                for word in value.split("|"):
                    assert any(re.fullmatch(word, name) for name in ALERT_NAMES), word


@each_inhibition
def test_labels_that_must_be_equal_exist_on_both_sides(inhibition: dict[str, Any]) -> None:
    # A missing label equals a missing label and would silence strangers. Tenant labels come with the scrape, on both sides.
    equal = set(inhibition["equal"]) - set(TENANT_LABELS)
    sides = (inhibition["source_matchers"], inhibition["target_matchers"])
    for alert in (alert for side in sides for alert in ALERTS if _matches(alert, side)):
        # The heartbeat and alerts without a target are no target of a rule about targets; the exporter's own names only job.
        missing = equal - _all_labels(alert)
        assert not missing, f"{alert['alert']} has no {missing}"


@each_inhibition
def test_a_label_in_a_matcher_exists_on_the_alerts_that_it_means(inhibition: dict[str, Any]) -> None:
    for side in (inhibition["source_matchers"], inhibition["target_matchers"]):
        for alert in (alert for alert in ALERTS if _matches(alert, side)):
            asked = {label for label, operator, value in map(parts_of, side) if (operator, value) != ("=", "")}
            forms = set().union(*(_all_labels(one) for one in ALERTS if one["alert"] == alert["alert"]))
            assert asked <= forms | set(TENANT_LABELS), alert["alert"]


@each_inhibition
def test_what_many_targets_share_outlives_what_it_keeps_back_by_more_than_the_longest_back_off(
    inhibition: dict[str, Any],
) -> None:
    # Each target is well at its own next poll, the last one 15 minutes after the repair. What a single target keeps back ends
    # with the same poll; with the dead exporter every series goes, so its targets end before it does.
    for source in _that_match(inhibition["source_matchers"]):
        for target in _that_match(inhibition["target_matchers"]):
            if source["alert"] in SHARED and target["alert"] not in SHARED | {"BookingSyncPlatformUnsteady"}:
                kept = parse_duration(source["keep_firing_for"]) - parse_duration(target.get("keep_firing_for", "0s"))
                assert kept >= MAX_DENIED_SECONDS + 300, f"{source['alert']} and {target['alert']}"


@each_inhibition
def test_no_page_is_kept_back_by_a_ticket(inhibition: dict[str, Any]) -> None:
    severities = {alert["labels"]["severity"] for alert in _that_match(inhibition["source_matchers"])}
    kept_back = {alert["labels"]["severity"] for alert in _that_match(inhibition["target_matchers"])}
    assert "critical" not in kept_back or {"critical"} == severities


_BOTH = sorted(
    {alert["alert"] for alert in ALERTS if alert["labels"]["severity"] == "critical"}
    & {alert["alert"] for alert in ALERTS if alert["labels"]["severity"] == "warning"}
)


@pytest.mark.parametrize("name", _BOTH)
def test_the_page_of_an_alert_keeps_back_the_ticket_of_the_same_name(name: str) -> None:
    pages, tickets = (
        [alert for alert in ALERTS if alert["alert"] == name and alert["labels"]["severity"] == severity]
        for severity in ("critical", "warning")
    )
    assert [
        inhibition
        for inhibition in CONFIG["inhibit_rules"]
        if any(_matches(page, inhibition["source_matchers"]) for page in pages)
        and all(_matches(ticket, inhibition["target_matchers"]) for ticket in tickets)
    ]


@pytest.mark.servers
def test_a_cause_keeps_back_its_own_consequences_and_nobody_elses(tmp_path: Path) -> None:
    pairs = list(_pairs())
    with alertmanager(tmp_path, ALERTMANAGER / "alertmanager.demo.yml") as client:
        for alerts in ([pair.source for pair in pairs], [pair.target for pair in pairs]):
            client.post("/api/v2/alerts", json=[{"labels": labels} for labels in alerts]).raise_for_status()
        expected = {pair.number: pair.kept_back for pair in pairs}
        wait_for("the inhibitions", lambda: _kept_back(client) == {number for number, kept in expected.items() if kept})


@pytest.mark.servers
def test_a_dead_exporter_keeps_back_nothing_of_another_namespace_unless_there_is_none_anywhere(tmp_path: Path) -> None:
    down, double = {"alertname": "BookingSyncExporterDown"}, {"alertname": "BookingSyncDoubleBooking", "target": "x"}
    page = {"severity": "critical", "fixed_by": "exporter operator", "cluster": "eu"}
    alerts = [
        down | page | {"job": "one", "namespace": "staging", "pair": "0", "side": "source"},
        double | page | {"job": "one", "namespace": "staging", "pair": "1", "side": "target"},
        double | page | {"job": "one", "namespace": "production", "pair": "2", "side": "target"},
        down | page | {"job": "two", "pair": "0", "side": "source"},
        double | page | {"job": "two", "namespace": "production", "pair": "3", "side": "target"},
    ]
    with alertmanager(tmp_path, ALERTMANAGER / "alertmanager.demo.yml") as client:
        client.post("/api/v2/alerts", json=[{"labels": labels} for labels in alerts]).raise_for_status()
        wait_for("the inhibitions", lambda: _kept_back(client) == {"1", "3"})


@pytest.mark.servers
def test_no_target_that_began_to_fail_long_after_others_is_kept_back_but_by_its_own_page_or_the_network(
    tmp_path: Path,
) -> None:
    page = {"severity": "critical", "fixed_by": "exporter operator", "platform": "wix"}
    causes = ("BookingSyncPlatformDown", "BookingSyncManyTargetsFailing", "BookingSyncNothingAnswers")
    alerts = [
        page | {"alertname": name, "job": cause, "target": "x", "pair": f"{cause} {name} {besides}", "side": "target"} | besides
        for cause in causes
        for name in ("BookingSyncAccessDenied", "BookingSyncDataExpired")
        for besides in ({}, {"besides": "495000"}, {"besides": "495001"})
    ]
    shared = [page | {"alertname": cause, "job": cause, "pair": cause, "side": "source"} for cause in causes]
    shared.append(shared[1] | {"besides": "495000"})
    told = {
        one["pair"]
        for one in alerts
        if (one["job"] == causes[0] and "besides" in one) or (one["job"] == causes[1] and one.get("besides") == "495001")
    }
    with alertmanager(tmp_path, ALERTMANAGER / "alertmanager.demo.yml") as client:
        client.post("/api/v2/alerts", json=[{"labels": labels} for labels in (*shared, *alerts)]).raise_for_status()
        wait_for("the inhibitions", lambda: _kept_back(client) == {one["pair"] for one in alerts} - told)


@pytest.mark.servers
def test_calendars_that_broke_long_after_others_are_kept_back_by_the_page_of_their_own_hour_alone(tmp_path: Path) -> None:
    page = {"severity": "critical", "fixed_by": "calendar owner", "platform": "wix", "job": "x"}
    cause = page | {"alertname": "BookingSyncManyConnectionsNeedOwner", "pair": "cause", "side": "source"}
    alerts = [
        page | {"alertname": name, "target": f"{name} {besides}", "pair": f"{name} {besides}", "side": "target"} | besides
        for name in ("BookingSyncAllConnectionsFailing", "BookingSyncErrorBudgetBurn")
        for besides in ({}, {"besides": "495000"}, {"besides": "495001"})
    ]
    with alertmanager(tmp_path, ALERTMANAGER / "alertmanager.demo.yml") as client:
        for causes, told in (([cause], {"495000", "495001"}), ([cause, cause | {"besides": "495000"}], {"495001"})):
            client.post("/api/v2/alerts", json=[{"labels": labels} for labels in (*causes, *alerts)]).raise_for_status()
            kept = {one["pair"] for one in alerts if one.get("besides") not in told}
            wait_for("the inhibitions", partial(_keeps_back, client, kept))


class Pair(NamedTuple):
    """Two alerts of which the first keeps the second one back, or does not because one label differs."""

    number: str
    source: dict[str, str]
    target: dict[str, str]
    kept_back: bool


def _kept_back(client: httpx.Client) -> set[str]:
    alerts = client.get("/api/v2/alerts").raise_for_status().json()
    return {
        alert["labels"]["pair"]
        for alert in alerts
        if alert["labels"]["side"] == "target" and alert["status"]["state"] == "suppressed"
    }


def _keeps_back(client: httpx.Client, pairs: set[str]) -> bool:
    return _kept_back(client) == pairs


def _pairs() -> Iterator[Pair]:
    """Yield for each inhibition each of its targets with a source, and each neighbour that differs in one of ``equal``."""
    number = 0
    for rule in CONFIG["inhibit_rules"]:
        source = next(iter(_that_match(rule["source_matchers"])))
        for target in _that_match(rule["target_matchers"]):
            for differs in (None, *rule["equal"]):
                number += 1
                # Each pair is a job of its own, so that no other one meddles.
                sides = [
                    {**_example(alert, matchers), "job": f"job-{number}", "pair": str(number), "side": side}
                    for alert, matchers, side in (
                        (source, rule["source_matchers"], "source"),
                        (target, rule["target_matchers"], "target"),
                    )
                ]
                if differs is not None:
                    sides[1][differs] += "-other"
                yield Pair(str(number), sides[0], sides[1], differs is None)


def _example(alert: dict[str, Any], matchers: list[str]) -> dict[str, str]:
    """Return labels that such an alert may have."""
    named = {label: value.split("|")[0] for label, operator, value in map(parts_of, matchers) if operator in {"=", "=~"}}
    unknown = dict.fromkeys((_all_labels(alert) | set(TENANT_LABELS)) - {"instance"}, "x")
    fixed = {label: value for label, value in alert["labels"].items() if "{{" not in value}
    return {**unknown, **named, **fixed, "alertname": alert["alert"]}


def _that_match(matchers: list[str]) -> list[dict[str, Any]]:
    return [alert for alert in ALERTS if _matches(alert, matchers)]
