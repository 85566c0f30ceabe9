from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from promql_parser import BinaryExpr, MatrixSelector, SubqueryExpr

from exporter.monitoring.alerts import AlertSeverity, FixedBy
from exporter.monitoring.promql import TENANT_LABELS
from tests.monitoring.bundle import (
    ABOUT_A_PROCESS,
    ALERT_GROUPS,
    ALERT_NAMES,
    ALERTS,
    FROM_PROMETHEUS,
    PROMETHEUS,
    RECORDING_GROUPS,
    RECORDINGS,
    REPLICA_LABELS,
)
from tests.monitoring.cases import CASES, load, parted, standing_on
from tests.monitoring.promql import aggregations, calls, family_of, labels_of, labels_of_expression, parse, selectors, walk
from tests.monitoring.servers import run

EXPRESSIONS = [*RECORDINGS.items(), *((alert["alert"], alert["expr"]) for alert in ALERTS)]

# What these record may lie a minute behind what it is made of: every rule on it waits longer.
RECORDED_SELDOM = "connection:booking_sync_connection_status:lost_in_gap"
"""Is recorded every five minutes from what it is added to; its newest sample is used."""

ACROSS_GROUPS = {
    "booking-sync-connections-gap",
    "booking-sync-slo",
    "booking-sync-slo-long",
    "booking-sync-slo-month",
    "booking-sync-shared",
    "booking-sync-bookings",
    "booking-sync-intake",
    "booking-sync-many",
    "booking-sync-unsteady",
    "booking-sync-health",
    "booking-sync-causes",
}

each_expression = pytest.mark.parametrize(("name", "expression"), EXPRESSIONS)
each_alert = pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])


@pytest.mark.servers
def test_the_example_configuration_and_the_rules_load_without_a_lint() -> None:
    config = run("promtool", "check", "config", PROMETHEUS / "prometheus.yml")
    rules = run("promtool", "check", "rules", "--lint=all", "--lint-fatal", *sorted(PROMETHEUS.glob("*.rules.yml")))
    assert (0, 0) == (config.returncode, rules.returncode), config.stderr + rules.stderr


@pytest.mark.servers
@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_rules_give_the_values_and_alerts_that_promtool_expects(file: Path, tmp_path: Path) -> None:
    result = run("promtool", "test", "rules", *parted(load(file), tmp_path))
    assert 0 == result.returncode, result.stdout + result.stderr


# One file as it is shipped; that the others name the same groups in the same order is read.
@pytest.mark.servers
def test_a_shipped_file_of_cases_runs_where_it_lies() -> None:
    result = run("promtool", "test", "rules", PROMETHEUS / "tests" / "recording.yml")
    assert 0 == result.returncode, result.stdout + result.stderr


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_a_file_of_cases_names_every_group_in_its_order(file: Path) -> None:
    cases = load(file)
    assert {"../recording.rules.yml", "../alerting.rules.yml"} >= set(cases["rule_files"])
    assert [group["name"] for group in (*RECORDING_GROUPS, *ALERT_GROUPS)] == cases["group_eval_order"]


def test_every_alert_is_tested_silent_and_firing_with_its_annotations() -> None:
    text = "".join(file.read_text() for file in CASES)
    silent = set(re.findall(r"alertname: (\w+)\n\s+exp_alerts: \[\]", text))
    firing = set(re.findall(r"alertname: (\w+)\n\s+exp_alerts:\n", text))
    untested = (set(ALERT_NAMES) - firing, set(ALERT_NAMES) - silent)
    assert (set(), {"Watchdog"}) == untested, "write both cases into config/prometheus/tests/"


@each_alert
def test_a_case_gets_every_recorded_series_that_its_rules_read(alert: dict[str, Any]) -> None:
    rules = [rule for group in standing_on({alert["alert"]}) for rule in group["rules"]]
    read = {metric for rule in rules for metric, _, _ in selectors(rule["expr"])}
    assert read & set(RECORDINGS) <= {rule.get("record") for rule in rules}


@each_expression
def test_a_rule_asks_only_for_metrics_and_labels_that_exist(name: str, expression: str) -> None:
    for metric, matchers, _ in selectors(expression):
        assert set(matchers) <= labels_of(metric), f"{name}: {metric}"


@each_expression
def test_a_rule_uses_a_recorded_series_only_after_it_was_recorded(name: str, expression: str) -> None:
    names = list(RECORDINGS)
    used = [metric for metric, _, _ in selectors(expression) if metric in RECORDINGS]
    if name in RECORDINGS:
        groups = {rule["record"]: group["name"] for group in RECORDING_GROUPS for rule in group["rules"]}
        for metric in used:
            if metric == RECORDED_SELDOM:
                continue
            assert names.index(metric) <= names.index(name)  # its own past is there, too
            if groups[name] not in ACROSS_GROUPS:
                assert groups[metric] == groups[name], f"{name}: {metric} is in another group"


@each_expression
def test_replicas_are_folded_into_one_before_anything_else(name: str, expression: str) -> None:
    if name in ABOUT_A_PROCESS:
        return
    for metric, _, above in selectors(expression):
        if metric in RECORDINGS or metric in FROM_PROMETHEUS:
            continue
        assert family_of(metric), metric
        assert aggregations(above), f"{name}: fold replicas by newest() or total(), or add it to ABOUT_A_PROCESS"
        # What only drops the labels of a type is no fold yet.
        operator, kind, labels = [one for one in aggregations(above) if one[2] != {"__type__", "__unit__"}][-1]
        folded = labels >= REPLICA_LABELS if kind == "without" else not labels & REPLICA_LABELS
        assert folded, f"{name}: {metric}"
        assert operator in {"max", "min"} | ({"sum"} if metric.endswith("_total") else set()), f"{name}: {metric}"


@each_expression
def test_division_is_safe_where_the_denominator_can_be_zero(name: str, expression: str) -> None:
    for node, _ in walk(parse(expression)):
        if isinstance(node, BinaryExpr) and str(node.op) == "/":
            below = str(node.rhs)
            assert "> 0" in below or "interval_seconds" in below, f"{name}: {below}"


@each_expression
def test_expressions_hold_no_seconds(name: str, expression: str) -> None:
    outside = re.sub(r'"[^"]*"|\[[^\]]*\]|offset \S+', "", expression)
    numbers = [float(number) for number in re.findall(r"(?<![\w.:])\d+(?:\.\d+)?(?![\w.:])", outside)]
    exceptions = {"BookingSyncScrapeGrew": {1000.0}}  # which counts series
    assert {number for number in numbers if number > 60} <= exceptions.get(name, set())


@each_expression
def test_nothing_newer_than_prometheus_2_42_is_used(name: str, expression: str) -> None:
    new = {"info", "limitk", "limit_ratio", "sort_by_label", "sort_by_label_desc", "mad_over_time", "histogram_avg"}
    assert not calls(tuple(node for node, _ in walk(parse(expression)))) & new, name


def test_groups_use_only_keys_that_prometheus_2_42_knows() -> None:
    assert {"name", "interval", "rules"} >= {key for group in (*RECORDING_GROUPS, *ALERT_GROUPS) for key in group}


@each_alert
def test_an_alert_says_how_bad_it_is_and_who_fixes_it(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in set(AlertSeverity)
    assert alert["labels"]["fixed_by"] in set(FixedBy)
    assert re.fullmatch(r"BookingSync[A-Z]\w+|Watchdog", alert["alert"])


@each_alert
def test_an_alert_waits_unless_it_is_the_heartbeat(alert: dict[str, Any]) -> None:
    # By its hold, or because it asks in how many minutes its cause was there.
    waits = "for" in alert or re.search(r"count_over_time\(\([^\[]+\)\[\w+:1m\]\) > [4-9]$", alert["expr"])
    assert bool(waits) == (alert["alert"] != "Watchdog")


@each_alert
def test_texts_use_only_labels_that_the_series_has(alert: dict[str, Any]) -> None:
    used = set(re.findall(r"\$labels\.(\w+)", " ".join(alert["annotations"].values())))
    assert used - set(TENANT_LABELS) <= labels_of_expression(alert["expr"])  # those come with the scrape, or are empty


@each_alert
def test_an_alert_names_a_replica_only_if_it_is_about_one(alert: dict[str, Any]) -> None:
    names_one = bool(labels_of_expression(alert["expr"]) & REPLICA_LABELS)
    assert names_one == (alert["alert"] in ABOUT_A_PROCESS), "is it about one process? then add it to ABOUT_A_PROCESS"


@each_alert
def test_one_failed_scrape_cannot_end_an_alert(alert: dict[str, Any]) -> None:
    # Every selector reaches back: a range, or a past moment of a range. What is exempt says why.
    exempt = {
        "Watchdog": "vector(1)",
        "BookingSyncExporterDown": "the failed scrape is its subject",
        "BookingSyncInstanceDown": "the failed scrape is its subject",
    }
    if alert["alert"] in exempt:
        return
    for metric, _, above in selectors(alert["expr"]):
        inside_range = any(isinstance(node, MatrixSelector | SubqueryExpr) for node in above)
        averaged = re.search(r"_avg\d+[mhd]$|:increase1d$", metric)  # recorded over a range, so they bridge the gap themselves
        assert inside_range or averaged, metric
