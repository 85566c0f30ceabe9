"""The shipped rules over samples that were written: what Prometheus would have recorded, and the alerts that it would raise."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import httpx

from exporter.fields.durations import parse_duration
from exporter.support.remote_write import Labels, Samples
from tests.monitoring.bundle import ALERT_GROUPS, RECORDING_GROUPS
from tests.monitoring.fleet_day import query
from tests.monitoring.remote_write import Found, remote_write, with_ends

_Evaluated: TypeAlias = tuple[list[float], Found]
_JOB: Final = 'job="booking-sync-exporter"'
_EVERY: Final = 30.0
_MAX_RANGE: Final = 300.0
"""What is evaluated once an hour had its turn five minutes ago at the latest: the worlds may be younger than an hour."""


def write_rules(client: httpx.Client, now: float, history: float, jobs: Sequence[str] = ()) -> None:
    """Evaluate every rule over the last ``history`` seconds, the last time five seconds before ``now``; write what it gave.

    Rules that name the job of the bundle are evaluated for ``jobs`` in its place.
    """
    ours = f'job=~"{"|".join(jobs)}"' if jobs else _JOB

    def evaluated(rule: Mapping[str, Any], step: float) -> _Evaluated:
        return _evaluate(client, rule["expr"].replace(_JOB, ours), now, min(step, history), history)

    made_of_alerts = [
        group for group in RECORDING_GROUPS if any(re.search(r"\bALERTS\b", rule["expr"]) for rule in group["rules"])
    ]
    for group in RECORDING_GROUPS:
        if group not in made_of_alerts:
            _record(client, group, evaluated)
    for group in ALERT_GROUPS:
        for rule in group["rules"]:
            _alert(client, rule, evaluated(rule, _EVERY))
    for group in made_of_alerts:
        _record(client, group, evaluated)


def moments_before(last: float, step: float, history: float) -> list[float]:
    """Return the moments of a history that ends with ``last``."""
    return [last - step * before for before in reversed(range(int(history // step)))]


def labels_of(name: str, /, **labels: str) -> Labels:
    """Return the labels of a series, its name among them."""
    return frozenset({"__name__": name, **labels}.items())


def _evaluate(client: httpx.Client, expression: str, now: float, step: float, history: float) -> _Evaluated:
    """Return the moments at which a rule was evaluated, five seconds after a scrape or more, and what it gave."""
    moments = moments_before(now - 5, step, history)
    answer = client.post(
        "/api/v1/query_range", data={"query": expression, "start": moments[0], "end": moments[-1], "step": step}
    ).json()
    assert "success" == answer["status"], f"{expression}: {answer}"
    return moments, {
        frozenset(series["metric"].items()): {float(at): float(value) for at, value in series["values"]}
        for series in answer["data"]["result"]
    }


def _record(
    client: httpx.Client, group: Mapping[str, Any], evaluated: Callable[[Mapping[str, Any], float], _Evaluated]
) -> None:
    step = min(_MAX_RANGE, parse_duration(group["interval"]))
    for rule in group["rules"]:
        moments, found = evaluated(rule, step)
        # Who goes on from what it said before can only be asked evaluation by evaluation, but not before it said anything.
        if rule["record"] in rule["expr"] and found:
            _record_one_by_one(client, rule, moments)
            continue
        recorded: Found = defaultdict(dict)
        for labels, values in found.items():  # the two sides of an `or` have two names until they are recorded
            recorded[_recorded(rule, labels)] |= values
        _write(client, moments, recorded)


def _record_one_by_one(client: httpx.Client, rule: Mapping[str, Any], moments: list[float]) -> None:
    before: set[Labels] = set()
    for moment in moments:
        result = query(client, rule["expr"], moment)["result"]
        values = {_recorded(rule, frozenset(one["metric"].items())): float(one["value"][1]) for one in result}
        samples: dict[Labels, Samples] = {labels: [(moment, None)] for labels in before - values.keys()}
        samples |= {labels: [(moment, value)] for labels, value in values.items()}
        if samples:
            remote_write(client, samples)
        before = set(values)


def _recorded(rule: Mapping[str, Any], labels: Labels) -> Labels:
    return _renamed(labels, {**rule.get("labels", {}), "__name__": rule["record"]})


def _alert(client: httpx.Client, rule: Mapping[str, Any], evaluated: _Evaluated) -> None:
    hold = parse_duration(rule.get("for", "0s"))
    moments, found = evaluated
    written: Found = defaultdict(dict)
    for labels, values in found.items():
        since = 0.0
        for moment in moments:
            since = (since or moment) if moment in values else 0.0
            if since:
                named = {**rule["labels"], "alertname": rule["alert"]}
                state = "firing" if moment - since >= hold else "pending"
                written[_renamed(labels, {**named, "__name__": "ALERTS", "alertstate": state})][moment] = 1.0
                written[_renamed(labels, {**named, "__name__": "ALERTS_FOR_STATE"})][moment] = since
    _write(client, moments, written)


def _renamed(labels: Labels, changes: Mapping[str, str]) -> Labels:
    return frozenset({**dict(labels), **changes}.items())


def _write(client: httpx.Client, moments: list[float], found: Found) -> None:
    if found:
        remote_write(client, with_ends(moments, found))
