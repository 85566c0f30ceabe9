"""`monitoring check` on a real Prometheus and Alertmanager: all is well with the bundle, each fault is told by its own line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.monitoring import Options
from exporter.state.thresholds import Thresholds
from tests.monitoring.libyaml import safe_dump, safe_load
from tests.monitoring.servers import wait_for
from tests.monitoring.stacks import RULES, Stack, bare, bundle, healthy, not_ok

pytestmark = pytest.mark.servers

_CONFIG = "config/alertmanager/alertmanager.yml"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with healthy(tmp_path_factory.mktemp("healthy")) as found:
        wait_for("a stack that is well", lambda: not not_ok(found.checks()), 90)
        yield found


def test_all_is_well_with_the_bundle(stack: Stack) -> None:
    found = stack.checks()
    assert {} == not_ok(found)
    assert 30 == len(found)
    rules = sum(len(group["rules"]) for name in RULES for group in safe_load(stack.wanted[name])["groups"])
    assert f"{rules} are those of this render" == found["Prometheus rules equal"].seen
    assert "31d" == found["Prometheus retention"].seen
    assert "goes to heartbeat" == found["Alertmanager Watchdog arrived"].seen


Change = Callable[[dict[str, Any]], object]


def _edited(stack: Stack, name: str, change: Change) -> dict[str, str]:
    document = safe_load(stack.wanted[name])
    change(document)
    return {name: safe_dump(document)}


def _rule(name: str, **parts: object) -> Change:
    def change(document: dict[str, Any]) -> None:
        rule = next(rule for group in document["groups"] for rule in group["rules"] if rule["alert"] == name)
        rule.update(parts)

    return change


# What was rendered is edited, not what runs: that the two differ is all that can be seen from here.
_NAME = "BookingSyncDataExpired"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_rule(_NAME, expr="vector(1) > 2"), f"{_NAME} (expr)"),
        (_rule(_NAME, **{"for": "1h"}), f"{_NAME} (for)"),
        (_rule(_NAME, keep_firing_for="1h"), f"{_NAME} (keep_firing_for)"),
        (_rule(_NAME, labels={"severity": "info"}), f"{_NAME} (labels)"),
        (_rule(_NAME, annotations={"summary": "other"}), f"{_NAME} (annotations)"),
        (lambda document: document["groups"][0].update(interval="7s"), "(interval 1 s, not 7 s)"),
        (lambda document: document["groups"][0]["rules"].append({"alert": "New", "expr": "vector(1)"}), "New (not loaded)"),
        (lambda document: document["groups"][0]["rules"].pop(), "(not of this render)"),
    ],
    ids=["expr", "for", "keep", "labels", "annotations", "interval", "more", "less"],
)
def test_an_edited_rule_is_told_with_what_differs(stack: Stack, change: Change, told: str) -> None:
    found = stack.checks(changed=_edited(stack, RULES[1], change))
    assert {"Prometheus rules equal"} == {*not_ok(found)}
    assert "1 differ: " in found["Prometheus rules equal"].seen
    assert told in found["Prometheus rules equal"].seen


def test_rules_of_other_thresholds_than_the_exporters_are_told(stack: Stack) -> None:
    chosen = Thresholds(connection_stuck_after=1_200, poll_overdue_intervals=3, severities={"provider_failing": "ok"})
    other = bundle(Options(thresholds=chosen))
    found = stack.checks(changed={name: other[name] for name in RULES})
    assert {"Prometheus rules equal"} == {*not_ok(found)}
    equal = found["Prometheus rules equal"]
    # Two alerts differ besides those that are named, and one of them is not of this render.
    for told in ("6 differ: ", "connection:booking_sync_health:code (expr)", "BookingSyncPollOverdue (annotations, expr)"):
        assert told in equal.seen
    assert "--config.file" in equal.fix


def test_an_expression_that_is_only_written_otherwise_is_the_same(stack: Stack) -> None:
    def spaced(document: dict[str, Any]) -> None:
        for group in document["groups"]:
            for rule in group["rules"]:
                rule["expr"] = f"  {rule['expr']} # as somebody wrote it"

    assert {} == not_ok(stack.checks(changed={**_edited(stack, RULES[0], spaced), **_edited(stack, RULES[1], spaced)}))


def test_a_group_that_is_not_loaded_is_told(stack: Stack) -> None:
    group = {"name": "booking-sync-new", "interval": "1s", "rules": [{"alert": "New", "expr": "vector(1)"}]}
    found = stack.checks(changed=_edited(stack, RULES[1], lambda document: document["groups"].append(group)))
    assert {"Prometheus rules loaded"} == {*not_ok(found)}
    assert found["Prometheus rules loaded"].seen.endswith("are not loaded: booking-sync-new")


def test_exporters_under_another_job_are_named(stack: Stack) -> None:
    found = stack.checks(options=Options(jobs=("sync",)))
    assert "no target in job sync, but exporters in booking-sync-exporter" == found["Prometheus job scraped"].seen
    of_the_job = {"job scraped", "scraped once", "labels kept", "families kept", "shards complete", "windows"}
    assert of_the_job == {name.partition(" ")[2] for name in not_ok(found)}


def _subtree(document: dict[str, Any]) -> dict[str, Any]:
    route: dict[str, Any] = document["route"]["routes"][0]
    return route


@pytest.mark.parametrize(
    ("change", "red", "told"),
    [
        (
            lambda document: _subtree(document).update(matchers=['alertname = "Other"']),
            {"routes"},
            "the route of the bundle is not there",
        ),
        (
            lambda document: _subtree(document)["routes"][0].update(repeat_interval="4m"),
            {"routes"},
            "alertname=Watchdog: repeat_interval",
        ),
        (lambda document: _subtree(document).update(group_by=["job"]), {"routes"}, "bundle: group_by"),
        (lambda document: _subtree(document)["routes"].reverse(), {"routes"}, "is not there, or not in its place"),
        (
            lambda document: _subtree(document)["routes"][-1].update(receiver="pager"),
            {"routes"},
            "severity=warning leads to tickets, not pager",
        ),
        (
            lambda document: document["inhibit_rules"][0].update(equal=["job"]),
            {"inhibitions"},
            "1 of",
        ),
    ],
    ids=["elsewhere", "wait", "grouping", "order", "receiver", "inhibition"],
)
def test_another_configuration_of_alertmanager_is_told(stack: Stack, change: Change, red: set[str], told: str) -> None:
    found = stack.checks(changed=_edited(stack, _CONFIG, change))
    assert red <= {name.partition(" ")[2] for name in not_ok(found)}
    assert told in " ".join(not_ok(found).values())


_BARE = {
    "Prometheus rules loaded": "are not loaded: ",
    "Prometheus rules equal": "none is loaded",
    "Prometheus rules healthy": "none is loaded",
    "Prometheus rules evaluated": "none is loaded",
    "Prometheus job scraped": "1 of 1 are down, 127.0.0.1:1: ",
    "Prometheus labels kept": "not yet, so soon after a start or a reload: the job has no series of a target",
    "Prometheus shards complete": "not yet, so soon after a start or a reload: no exporter says its shard",
    "Prometheus windows": "not yet, so soon after a start or a reload: no exporter says",
    "Prometheus retention": "15d is too short for BookingSyncIntakeSilent, the average of 30 days",
    "Prometheus ALERTS written": "not yet, so soon after a start",
    "Prometheus Watchdog fires": "it is not loaded",
    "Prometheus scrapes itself": "not yet, so soon after a start",
    "Prometheus knows Alertmanager": "none yet, so soon after a start",
    "Prometheus delivers alerts": "it does not scrape itself",
    "Alertmanager routes": "the route of the bundle is not there",
    "Alertmanager inhibitions": "are not there: one incident becomes many pages",
    "Alertmanager templates": "none is named",
    "Alertmanager receivers": "the routes lead to none of ours",
    "Alertmanager pages arrive": "the one of all leads to nobody, which reaches nobody (",
    "Alertmanager tickets arrive": "the one of all leads to nobody, which reaches nobody (",
    "Alertmanager Watchdog arrived": "not yet, so soon after its start",
    "Alertmanager heartbeat delivered": "its receiver reaches nobody",
    "Alertmanager messages delivered": "no message is sent",
}


def test_servers_without_the_bundle_are_told_so_line_by_line(tmp_path: Path) -> None:
    with bare(tmp_path) as stack:
        wait_for("a scrape", lambda: "are down" in stack.checks()["Prometheus job scraped"].seen)
        found = stack.checks()
    others = ("scraped once", "families kept", "changes no alert")
    fine = {f"Alertmanager {name}" for name in ("answers", "other inhibitions", "silences")}
    assert {"Prometheus answers", *(f"Prometheus {name}" for name in others), *fine} == {
        name for name, check in found.items() if check.state == "ok"
    }
    too_soon = ("labels kept", "shards complete", "windows", "ALERTS written", "scrapes itself", "knows Alertmanager")
    unknown = {*(f"Prometheus {name}" for name in (*too_soon, "delivers alerts")), "Alertmanager Watchdog arrived"}
    assert unknown == {name for name, check in found.items() if check.state == "UNKNOWN"}
    assert _BARE.keys() == not_ok(found).keys()
    for name, text in _BARE.items():
        assert text in found[name].seen, name
        assert found[name].fix, name


def test_the_shipped_receivers_are_told_to_be_examples(tmp_path: Path) -> None:
    with bare(tmp_path, shipped=True) as stack:
        found = stack.checks()
    told = found["Alertmanager receivers"].seen.removeprefix("the bundle's example addresses in ")
    # Newer Alertmanagers than 0.25 hide the address of the heartbeat, as one that may hold a secret.
    assert {"tickets", "tickets-without-all-clear"} == {*told.split(", ")} - {"heartbeat"}
    assert {"routes", "inhibitions", "templates"}.isdisjoint(name.partition(" ")[2] for name in not_ok(found))


def test_receivers_that_reach_nobody_are_told(tmp_path: Path) -> None:
    with bare(tmp_path, shipped=True, demo=True) as other:
        found = other.checks()
    assert "nobody behind tickets, heartbeat, pager, pager-without-all-clear and 1 more" == found["Alertmanager receivers"].seen
    assert "MISSING" == found["Alertmanager heartbeat delivered"].state
