"""`monitoring render --hurry N`: the same rules and routes, every wait divided by N, and nothing that real servers refuse."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from exporter.errors import ConfigError
from exporter.fields.durations import parse_duration
from exporter.monitoring import Options, render
from exporter.monitoring.hurry import LABEL
from exporter.monitoring.rules import recording_groups
from exporter.state.thresholds import DEFAULTS, Thresholds
from tests.monitoring.libyaml import safe_load
from tests.monitoring.rendered_files import files
from tests.monitoring.routes import every_route
from tests.monitoring.servers import run

RULES = ("config/prometheus/recording.rules.yml", "config/prometheus/alerting.rules.yml")
ROUTES = ("config/alertmanager/alertmanager.yml", "config/alertmanager/alertmanager.demo.yml")
FACTORS = (60, 120)
SHORTEST_RANGE = 2.0
SHORTEST_GROUP_WAIT = 2.0
SHORTEST_HOLD = {"BookingSyncExporterDown": 30.0}
"""Prometheus reads its targets five seconds after its start, and an exporter starts while it does."""


ODD = Thresholds(
    conflict_soon=90 * 60.0,
    connections_down_within=36 * 3_600.0,
    connection_disconnected_within=2 * 86_400 + 43_200.0,
    connection_stuck_after=65 * 60.0,
    connection_unclear_after=307.0,
    credential_expiry_within=90_061.0,
)
"""Times that have more than one unit."""


def rules(hurry: int, thresholds: Thresholds = DEFAULTS) -> dict[tuple[str, int], tuple[dict[str, Any], dict[str, Any]]]:
    """Return each rule with its group, by its place."""
    texts = files(Options(hurry=hurry, thresholds=thresholds))
    return {
        (group["name"], place): (group, rule)
        for name in RULES
        for group in safe_load(texts[name])["groups"]
        for place, rule in enumerate(group["rules"])
    }


def waits(expression: str) -> list[tuple[float, bool]]:
    """Return the durations of an expression in order, and whether each is a range of samples."""
    return [
        (parse_duration(duration), bool(re.fullmatch(r"\[\w+\]", found[0])))
        for found in re.finditer(r"\[[^\]]+\]|offset \w+", expression)
        for duration in re.findall(r"(?:\d+(?:ms|s|m|h|d|w))+", found[0])
    ]


@pytest.mark.parametrize("thresholds", [DEFAULTS, ODD], ids=["usual", "odd"])
@pytest.mark.parametrize("by", FACTORS)
def test_each_wait_of_each_rule_is_divided_and_none_is_left_out(by: int, thresholds: Thresholds) -> None:
    life, hurried = rules(1, thresholds), rules(by, thresholds)
    assert life.keys() == hurried.keys()
    for place, (group, rule) in life.items():
        faster_group, faster = hurried[place]
        assert parse_duration(faster_group["interval"]) == pytest.approx(parse_duration(group["interval"]) / by, abs=0.001)
        for key in ("for", "keep_firing_for"):
            assert (key in rule) == (key in faster)
            least = SHORTEST_HOLD.get(rule.get("alert", ""), 0.0) if key == "for" else 0.0
            if key in rule:
                assert parse_duration(faster[key]) == pytest.approx(max(least, parse_duration(rule[key]) / by), abs=0.001)
        expected = [max(SHORTEST_RANGE if samples else 0.0, wait / by) for wait, samples in waits(rule["expr"])]
        assert [wait for wait, _ in waits(faster["expr"])] == pytest.approx(expected, abs=0.001)
        assert all(wait > 0 for wait, _ in waits(faster["expr"]))
        assert faster.get("labels") == rule.get("labels")


@pytest.mark.parametrize("by", FACTORS)
def test_a_rule_that_counts_seconds_of_its_own_says_which(by: int) -> None:
    life = {rule.record: rule for group in recording_groups(Options()) for rule in group.rules if "time()" in rule.expr}
    hurried = {rule.record: rule for group in recording_groups(Options(hurry=by)) for rule in group.rules}
    assert life
    for name, rule in life.items():
        assert rule.seconds
        assert hurried[name].expr.count(f"{rule.seconds} / {by}") == rule.expr.count(rule.seconds) > 0


@pytest.mark.parametrize("by", FACTORS)
@pytest.mark.parametrize("name", ROUTES)
def test_each_wait_of_the_routes_is_divided(name: str, by: int) -> None:
    life, hurried = (safe_load(files(Options(hurry=hurry))[name]) for hurry in (1, by))
    for route, faster in zip(every_route(life), every_route(hurried), strict=True):
        for key in ("group_wait", "group_interval", "repeat_interval"):
            assert (key in route) == (key in faster)
            if key in route:
                wait = parse_duration(route[key])
                least = SHORTEST_GROUP_WAIT if key == "group_wait" and wait else 0.0
                assert parse_duration(faster[key]) == pytest.approx(max(least, wait / by), abs=0.001)
    assert life["inhibit_rules"] == hurried["inhibit_rules"]


def test_a_minute_is_a_second_at_60_and_alerts_say_that_they_are_a_drill() -> None:
    config = safe_load(files(Options(hurry=60))["config/prometheus/prometheus.yml"])
    assert config["global"] == {"scrape_interval": "500ms", "evaluation_interval": "1s", "external_labels": dict(LABEL)}


@pytest.mark.parametrize("name", [*RULES, *ROUTES, "config/prometheus/prometheus.yml"])
def test_a_hurried_file_says_so_before_anything_else(name: str) -> None:
    assert "divided by 60 (`--hurry 60`)" in files(Options(hurry=60))[name].split("\n", 4)[2]
    assert "hurry" not in files(Options())[name].casefold()


@pytest.mark.parametrize("hurry", [-1, 0, 121, 10_000])
def test_a_hurry_that_servers_cannot_keep_is_refused_in_one_line(hurry: int) -> None:
    with pytest.raises(ConfigError) as refused:
        Options(hurry=hurry)
    assert [str(problem) for problem in refused.value.problems] == [
        f"--hurry: {hurry} is not between 1 and 120 (fix: write 60 for a minute in a second)"
    ]


@pytest.mark.servers
@pytest.mark.parametrize("thresholds", [DEFAULTS, ODD], ids=["usual", "odd"])
@pytest.mark.parametrize("by", [2, *FACTORS])
def test_real_servers_take_the_hurried_bundle(tmp_path: Path, by: int, thresholds: Thresholds) -> None:
    render(Options(hurry=by, thresholds=thresholds), tmp_path)
    for name in RULES:
        checked = run("promtool", "check", "rules", tmp_path / name)
        assert 0 == checked.returncode, checked.stdout + checked.stderr
    config = tmp_path / "config/prometheus/prometheus.yml"
    config.write_text(re.sub(r"password_file: \S+", "password: p", config.read_text()))
    checked = run("promtool", "check", "config", config)
    assert 0 == checked.returncode, checked.stdout + checked.stderr
    for name in ROUTES:
        checked = run("amtool", "check-config", tmp_path / name)
        assert 0 == checked.returncode, checked.stdout + checked.stderr
