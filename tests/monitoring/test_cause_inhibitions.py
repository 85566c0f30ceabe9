"""What the recorded causes keep back is what a real Alertmanager keeps back: of alerts at random, and of those of storms.

Each world is a job of its own, which every inhibition keeps apart, so that one Alertmanager holds all of them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Final

import pytest

from exporter.monitoring.causes import ALIKE, CAUSE, TIERS, TOLD, TROUBLE
from exporter.monitoring.promql import TENANT_LABELS
from tests.monitoring.bundle import ALERT_NAMES, ALERTMANAGER, RECORDING_GROUPS
from tests.monitoring.outages import measured
from tests.monitoring.paging import told_of
from tests.monitoring.routes import Matcher, fits
from tests.monitoring.servers import alertmanager
from tests.monitoring.storms import Cause, Storm, published
from tests.monitoring.test_inhibitions import KINDS, RULES, keeps_back

pytestmark = pytest.mark.servers

Labels = Mapping[str, str]
Key = frozenset[tuple[str, str]]

TURNS: Final = 32
WORLDS: Final = TURNS * len(RULES)
BESIDES: Final = 4
AT_ONCE: Final = 40
"""Worlds that promtool is shown at once; it reads no more than 10,000 samples for a query."""
_SETTLES: Final = 30.0
FIRING, PENDING = "firing", "pending"
_VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "namespace": ("", "booking"),
    "platform": ("wix", "bitrix24"),
    "target": ("salon", "studio"),
    "collector": ("connections", "bookings", "links", "events", "slots", "busy"),
    "reason": ("auth", "permission", "network", "token_revoked"),
    "besides": ("", "495000", "495001"),
    "extent": ("", "part"),
    "slo": ("connections", "bookings"),
}
_TWO: Final = ("one", "other")
_KINDS: Final = [labels for _, labels in KINDS if labels["alertname"] != "Watchdog"]


def _world(number: int) -> dict[Key, str]:
    """Return alerts as they may be at one moment in one job, each with its state: two of an inhibition, and some besides.

    The two differ in none of the labels that must be equal, or in one of them.
    """
    random = Random(number)
    turn, at = divmod(number, len(RULES))
    rule = RULES[at]
    source, target = (_alert(random, side) for side in (rule.source, rule.target))
    target |= {label: source.get(label, "") for label in rule.equal}
    labels = sorted(rule.equal - {"job"})
    if turn % 2 and (differs := labels[turn // 2 % len(labels)]) in source:
        target[differs] = random.choice([one for one in _values(differs) if one != source[differs]])
    alerts = [(source, _state(random, turn)), (target, _state(random, turn))]
    place = {label: source.get(label, "") for label in TENANT_LABELS}
    alerts += [({**_alert(random), **place}, _state(random, turn)) for _ in range(BESIDES)]
    return {_key({**labels, "job": f"world {number}"}): state for labels, state in alerts}


def _state(random: Random, turn: int) -> str:
    return FIRING if turn < TURNS // 2 else random.choice((FIRING, PENDING))


def _values(label: str) -> tuple[str, ...]:
    return _VALUES.get(label, _TWO)


def _alert(random: Random, matchers: Sequence[Matcher] = ()) -> dict[str, str]:
    """Return one that matches."""
    fixed = [matcher for matcher in matchers if matcher[0] in {"alertname", "severity"}]
    kinds = [kind for kind in _KINDS if fits(kind, fixed)]
    while True:
        kind = random.choice(kinds)
        labels = {label: random.choice(_values(label)) for label in sorted(kind)}
        labels |= {label: kind[label] for label in ("alertname", "severity", "fixed_by")}
        if fits(labels, matchers):
            return labels


def _key(labels: Labels) -> Key:
    return frozenset((label, value) for label, value in labels.items() if value)


def _told(alerts: Iterable[Key], asked: set[Key], expected: set[Key], directory: Path) -> set[Key]:
    """Return those of ``asked`` that a real Alertmanager does not keep back while ``alerts`` fire, as the rules have them.

    It reads them one after the other, so that it is asked until it says what is expected.
    """
    posted = [{"labels": dict(key)} for key in alerts]
    seen: list[set[Key]] = []

    def as_expected() -> bool:
        found = client.get("/api/v2/alerts").raise_for_status().json()
        told = {_key(one["labels"]) for one in found if one["status"]["state"] != "suppressed"}
        seen.append(set(map(_as_recorded, told & asked)))
        return len(found) == len(posted) and seen[-1] == expected

    directory.mkdir()
    with alertmanager(directory, ALERTMANAGER / "alertmanager.demo.yml") as client:
        client.post("/api/v2/alerts", json=posted).raise_for_status()
        end = time.monotonic() + _SETTLES
        while not as_expected() and time.monotonic() < end:
            pass
    return seen[-1]


def _recorded(rows: Iterable[tuple[Labels, float]], name: str, *states: str) -> set[Key]:
    """Return the labels of a recorded series in some states."""
    return {
        _key({label: value for label, value in labels.items() if label not in {"__name__", "alertstate"}})
        for labels, _ in rows
        if labels["__name__"] == name and labels["alertstate"] in states
    }


def _as_recorded(alert: Key) -> Key:
    """Return an alert as the rules have it: in which state a connection is, is why."""
    labels = dict(alert)
    return _key({**labels, "reason": labels.get("status") or labels.get("reason", "")})


def _untiered(alert: Key) -> Key:
    return frozenset((label, value) for label, value in alert if label not in TIERS)


def causes_of_alerts() -> list[dict[str, object]]:
    """Return the rules by which alerts become causes."""
    [group] = [group for group in RECORDING_GROUPS if group["name"] == "booking-sync-causes"]
    names = (TROUBLE, TOLD, ALIKE, CAUSE)
    return [{**group, "rules": [rule for rule in group["rules"] if rule["record"] in names]}]


def _differ(expected: set[Key], found: set[Key]) -> tuple[list[list[tuple[str, str]]], list[list[tuple[str, str]]]]:
    """Return some of what is missing, and some of what is too much."""
    missing, more = (sorted(map(sorted, one))[:5] for one in (expected - found, found - expected))
    return missing, more


def test_the_worlds_ask_for_every_inhibition_and_each_of_its_labels() -> None:
    alone: set[tuple[int, str]] = set()
    for number in range(WORLDS):
        alerts = [dict(key) for key, state in _world(number).items() if state == FIRING]
        for target in alerts:
            kept = [at for at, rule in enumerate(RULES) if any(keeps_back(rule, source, target) for source in alerts)]
            if len(kept) == 1:
                alone.add((kept[0], ""))
            elif not kept:
                alone |= {
                    (at, label)
                    for at, rule in enumerate(RULES)
                    for label in rule.equal
                    if any(keeps_back(rule._replace(equal=rule.equal - {label}), source, target) for source in alerts)
                }
    assert {(at, label) for at, rule in enumerate(RULES) for label in {"", *rule.equal} - {"job"}} == alone


def test_of_alerts_at_random_those_are_causes_that_alertmanager_tells(tmp_path: Path) -> None:
    worlds: dict[Key, str] = {}
    rows: list[tuple[dict[str, str], float]] = []
    for begin in range(0, WORLDS, AT_ONCE):
        together = {key: state for number in range(begin, begin + AT_ONCE) for key, state in _world(number).items()}
        series = {_series(key, state): [1.0] * 4 for key, state in together.items()}
        rows += measured(series, [2], tmp_path, f"{TOLD} or {CAUSE}", (), bundle=causes_of_alerts())[2]
        worlds |= together
    firing = {key for key, state in worlds.items() if state == FIRING}
    recorded = {state: _recorded(rows, TOLD, state) for state in (FIRING, PENDING)}
    told = _told(firing, firing, recorded[FIRING], tmp_path / "firing")
    assert ([], []) == _differ(told, recorded[FIRING])
    assert ([], []) == _differ(set(map(_untiered, told)), _recorded(rows, CAUSE, FIRING))
    # Of what waits nothing is said that would be kept back if all of it fired now.
    waits = _told(worlds, worlds.keys() - firing, recorded[PENDING], tmp_path / "all")
    assert ([], []) == _differ(waits, recorded[PENDING])


def test_of_the_alerts_of_a_storm_those_are_causes_that_somebody_is_told_of(tmp_path: Path) -> None:
    storms = [Storm(cause, 5, 0.5) for cause in Cause]
    [worst] = {int(storm.end) for storm in storms}  # nothing is mended yet, and what waits longest fires
    page = {name: values[: worst + 1] for storm in storms for name, values in published(storm).items()}
    fires = f'ALERTS{{alertname!="Watchdog",alertstate="{FIRING}"}}'
    rows = measured(page, [worst], tmp_path, f"{fires} or {CAUSE}", (CAUSE, *ALERT_NAMES))[worst]
    names = {storm.name for storm in storms}
    # The rules ask whether the job of their own name is there, which none of these is.
    fired, causes = ({key for key in _recorded(rows, name, FIRING) if dict(key)["job"] in names} for name in ("ALERTS", CAUSE))
    assert names == {dict(key)["job"] for key in causes}
    assert len(fired) >= 70, "there is little to keep back"
    told = told_of(list(map(dict, fired)), len(causes), tmp_path)
    assert ([], []) == _differ({_untiered(_as_recorded(_key(labels))) for labels in told}, causes)


def _series(alert: Key, state: str) -> str:
    inside = ",".join(f'{label}="{value}"' for label, value in sorted(alert))
    return f'ALERTS{{{inside},alertstate="{state}"}}'
