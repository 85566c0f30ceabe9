"""What the recorded causes keep back is what a real Alertmanager keeps back: of alerts at random, and of those of storms.

Each world is a job of its own, which every inhibition keeps apart, so that one Alertmanager holds all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Final

import httpx
import pytest

from exporter.monitoring.causes import ALIKE, CAUSE, CODES, TIERS, TOLD, TROUBLE
from tests.monitoring.bundle import ALERTMANAGER, RECORDING_GROUPS
from tests.monitoring.outages import measured
from tests.monitoring.servers import alertmanager, wait_for
from tests.monitoring.test_inhibitions import KINDS

pytestmark = pytest.mark.servers

Labels = Mapping[str, str]
Key = frozenset[tuple[str, str]]

WORLDS: Final = 200
ALERTS_EACH: Final = 12
AT_ONCE: Final = 25
"""Worlds that promtool is shown at once; it reads no more than 10,000 samples for a query."""
FIRING, PENDING = "firing", "pending"
_VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "cluster": ("eu",),
    "namespace": ("", "booking"),
    "platform": ("wix", "bitrix24"),
    "target": ("salon", "studio"),
    "collector": ("connections", "bookings", "links"),
    "reason": ("auth", "permission", "network", "token_revoked"),
    "besides": ("", "495000", "495001"),
    "extent": ("", "part"),
    "slo": ("connections", "bookings"),
}
_TWO: Final = ("one", "other")
_KINDS: Final = [labels for _, labels in KINDS if labels["alertname"] != "Watchdog"]


def _world(number: int) -> dict[Key, str]:
    """Return alerts as they may be at one moment in one job, each with its state."""
    random = Random(number)
    found: dict[Key, str] = {}
    for kind in random.choices(_KINDS, k=ALERTS_EACH):
        labels = {
            label: random.choice(_VALUES.get(label, _TWO)) if value in {"x", "", "yes"} or label in _VALUES else value
            for label, value in kind.items()
        }
        found[_key({**labels, "job": f"world {number}"})] = random.choice((FIRING, FIRING, PENDING))
    return found


def _key(labels: Labels) -> Key:
    return frozenset((label, value) for label, value in labels.items() if value)


def _told(alerts: Iterable[Key], directory: Path) -> set[Key]:
    """Return those of alerts that fire which a real Alertmanager does not keep back."""
    posted = set(alerts)
    with alertmanager(directory, ALERTMANAGER / "alertmanager.demo.yml") as client:
        client.post("/api/v2/alerts", json=[{"labels": dict(key)} for key in posted], timeout=60).raise_for_status()
        return wait_for("the inhibitions", lambda: _settled(client, len(posted)), 60)


def _settled(client: httpx.Client, number: int) -> set[Key]:
    """Return what is told once all alerts are there and nothing changes any more; it reads them one after the other."""
    first, second = (client.get("/api/v2/alerts", timeout=60).raise_for_status().json() for _ in range(2))
    states = [{_key(one["labels"]): one["status"]["state"] == "suppressed" for one in found} for found in (first, second)]
    return {key for key, kept in states[0].items() if not kept} if states[0] == states[1] and len(states[0]) == number else set()


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


def _causes_of_alerts() -> list[dict[str, object]]:
    """Return the rules by which alerts become causes."""
    [group] = [group for group in RECORDING_GROUPS if group["name"] == "booking-sync-causes"]
    names = (TROUBLE, TOLD, ALIKE, CAUSE)
    return [{**group, "rules": [rule for rule in group["rules"] if rule["record"] in names]}]


def _differ(expected: set[Key], found: set[Key]) -> tuple[list[list[tuple[str, str]]], list[list[tuple[str, str]]]]:
    """Return some of what is missing, and some of what is too much."""
    missing, more = (sorted(map(sorted, one))[:5] for one in (expected - found, found - expected))
    return missing, more


def test_of_alerts_at_random_those_are_causes_that_alertmanager_tells(tmp_path: Path) -> None:
    worlds: dict[Key, str] = {}
    rows: list[tuple[dict[str, str], float]] = []
    for begin in range(0, WORLDS, AT_ONCE):
        together = {key: state for number in range(begin, begin + AT_ONCE) for key, state in _world(number).items()}
        series = {_series(key, state): [1.0] * 4 for key, state in together.items()}
        rows += measured(series, [2], tmp_path, f"{TOLD} or {CAUSE}", (), bundle=_causes_of_alerts())[2]
        worlds |= together
    firing = {key for key, state in worlds.items() if state == FIRING}
    (tmp_path / "firing").mkdir()
    told = set(map(_as_recorded, _told(firing, tmp_path / "firing")))
    assert 0.3 * len(firing) < len(told) < 0.9 * len(firing), "there is something to keep back, and something that is told"
    assert ([], []) == _differ(told, _recorded(rows, TOLD, FIRING))
    assert ([], []) == _differ(set(map(_untiered, told)), _recorded(rows, CAUSE, FIRING))
    # Of what waits nothing is said that would be kept back if all of it fired now.
    (tmp_path / "all").mkdir()
    waits = set(map(_as_recorded, _told(worlds, tmp_path / "all") - firing))
    assert ([], []) == _differ(waits, _recorded(rows, TOLD, PENDING))


def _series(alert: Key, state: str) -> str:
    inside = ",".join(f'{label}="{value}"' for label, value in sorted(alert))
    return f'ALERTS{{{inside},alertstate="{state}"}}'
