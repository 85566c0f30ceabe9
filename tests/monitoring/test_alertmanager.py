from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from exporter.monitoring.promql import TENANT_LABELS
from tests.monitoring.bundle import ALERT_NAMES, ALERTMANAGER, ALERTS
from tests.monitoring.promql import labels_of_expression
from tests.monitoring.routes import CONFIG_FILE, branch, every_route
from tests.monitoring.servers import run

CONFIG: dict[str, Any] = yaml.safe_load(CONFIG_FILE.read_text())

each_alert = pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
each_inhibition = pytest.mark.parametrize(
    "inhibition", CONFIG["inhibit_rules"], ids=lambda rule: rule["target_matchers"][0][:40]
)


def _matches(alert: dict[str, Any], matchers: list[str]) -> bool:
    """Whether an alert can match: its name and fixed labels must, labels of its series may."""
    labels = {"alertname": alert["alert"], **alert["labels"]}
    for matcher in matchers:
        name, operator, value = _parts(matcher)
        if name not in labels:
            continue
        equal = re.fullmatch(value, labels[name]) is not None if "~" in operator else value == labels[name]
        if equal == operator.startswith("!"):
            return False
    return True


def _parts(matcher: str) -> tuple[str, str, str]:
    parts = re.fullmatch(r'(\w+) (=|!=|=~|!~) "([^"]*)"', matcher)
    assert parts, f"{matcher} would be read by Alertmanager as something else"
    return parts[1], parts[2], parts[3]


def _all_labels(alert: dict[str, Any]) -> set[str]:
    return labels_of_expression(alert["expr"]) | set(alert["labels"]) | {"alertname"}


def _seconds(duration: str) -> int:
    return sum(int(n) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit] for n, unit in re.findall(r"(\d+)([smhd])", duration))


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
    assert all(_parts(matcher) for matcher in matchers)


def test_every_name_in_a_matcher_is_an_alert() -> None:
    for rule in CONFIG["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            label, _, value = _parts(matcher)
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
            assert {_parts(matcher)[0] for matcher in side} <= _all_labels(alert), alert["alert"]


@each_inhibition
def test_a_source_outlives_its_targets_by_more_than_a_group_wait(inhibition: dict[str, Any]) -> None:
    # The dead exporter is exempt: with it every series goes, so its targets end before it does.
    sources = [alert for alert in ALERTS if _matches(alert, inhibition["source_matchers"])]
    targets = [alert for alert in ALERTS if _matches(alert, inhibition["target_matchers"]) and alert not in sources]
    if [alert["alert"] for alert in sources] == ["BookingSyncExporterDown"]:
        return
    if inhibition["equal"][-1] == "slo":
        return  # two tiers of one alert: both end with the same series, the page first asks for two bad connections
    wait = {"critical": 30, "warning": _seconds(branch(CONFIG, 'alertname =~ "Watchdog|BookingSync.+"')["group_wait"])}
    for source in sources:
        for target in targets:
            if target["alert"] in {source["alert"] for source in ALERTS if source.get("keep_firing_for") == "15m"}:
                continue  # a source itself, one step down the chain: it was inhibited before it could be notified
            kept = _seconds(target.get("keep_firing_for", "0s")) + wait[target["labels"]["severity"]]
            assert _seconds(source["keep_firing_for"]) > kept, f"{source['alert']} and {target['alert']}"
