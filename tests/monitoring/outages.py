"""Fleets through an outage, as promtool sees them: what the exporter would publish each minute, and what fires when."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from random import Random
from typing import Any, Final

import yaml

from exporter.errors import PollError
from exporter.polling.scheduler import retry_delay
from tests.monitoring.bundle import ALERT_NAMES
from tests.monitoring.cases import standing_on
from tests.monitoring.libyaml import safe_dump
from tests.monitoring.servers import run

START: Final = 0.0
"""What all clocks show when a run begins, as promtool has it."""

_SECONDS: Final = 3_600
"""How long a thousand targets may take on a busy machine."""

COLLECTORS: Final = {
    "wix": {"connections": 60.0, "bookings": 300.0},
    "bitrix24": {"bookings": 300.0, "links": 900.0},
    "quarterly": {"bookings": 900.0, "links": 900.0},
    "hourly": {"bookings": 3_600.0},
}
"""The intervals of the collectors in seconds: by default, and where somebody asks seldom."""


@dataclass(frozen=True, slots=True)
class Outage:
    """Polls that begin between two minutes fail: all of them, or those in the first ``down`` minutes of each ``period``."""

    begin: float
    end: float
    error: PollError
    down: float = inf
    period: float = inf

    def hits(self, minute: float) -> bool:
        """Return whether a poll at that minute fails."""
        return self.begin <= minute < self.end and (minute - self.begin) % self.period < self.down


@dataclass(frozen=True, slots=True)
class Site:
    """A target: ``phase`` is the minute of the first poll of each collector, ``outages`` what each one goes through.

    It is there, and is not paused, from the minute ``begin`` until ``end``: else nothing is published of it.
    """

    name: str
    platform: str
    phases: Mapping[str, float]
    credential: str = ""
    outages: Mapping[str, Sequence[Outage]] = field(default_factory=dict)
    begin: int = 0
    end: float = inf


def fleet(
    number: int,
    platform: str,
    phase: Callable[[int], float],
    outage: Outage | Sequence[Outage] = (),
    *,
    hit: Collection[int] | None = None,
    collectors: Collection[str] = (),
    credential: str = "",
) -> list[Site]:
    """Return sites whose slow polls are at ``phase`` (minutes) of each; ``outage`` hits all of them, or those of ``hit``."""
    names = COLLECTORS[platform]
    outages = (outage,) if isinstance(outage, Outage) else outage
    return [
        Site(
            f"{platform}-{at:02}",
            platform,
            # The fast collector has its own place within its interval.
            {name: phase(at) % (seconds / 60) for name, seconds in names.items()},
            credential or f"inline:{platform}-{at:02}",
            {} if hit is not None and at not in hit else dict.fromkeys(collectors or names, outages),
        )
        for at in range(number)
    ]


def polls(site: Site, name: str, end: float) -> Iterator[tuple[float, PollError | None]]:
    """Yield the minute of each poll of a collector and how it ended, as the scheduler asks."""
    minute, failures, interval = site.phases[name], 0, COLLECTORS[site.platform][name]
    outages, random = site.outages.get(name, ()), Random(f"{site.name} {name}")
    while minute < end:
        error = next((outage.error for outage in outages if outage.hits(minute)), None)
        failures = failures + 1 if error else 0
        yield minute, error
        minute += (retry_delay(interval, error, failures, random) if error else interval) / 60


def own_labels(job: str, instance: str = "a:10888") -> str:
    """Return what a scrape adds to each series of the exporter ``job``."""
    return f'job="{job}",instance="{instance}"'


def series_of(
    job: str, sites: Sequence[Site], minutes: int, *, instance: str = "a:10888", clock: Callable[[int], float] = float
) -> dict[str, list[float | None]]:
    """Return what the exporter ``job`` publishes of ``sites`` at each full minute, ``None`` where a series is absent.

    ``clock`` is what its wall clock shows at a minute, in minutes: after a step all moments are those that it has now.
    """
    own = own_labels(job, instance)
    page: dict[str, list[float | None]] = {f"up{{{own}}}": [1.0] * (minutes + 1)}
    page[f"booking_sync_time_seconds{{{own}}}"] = [START + 60 * clock(minute) for minute in range(minutes + 1)]
    for site in sites:
        target = f'{own},target="{site.name}",platform="{site.platform}"'
        shown: dict[str, list[float | None]] = {}
        shown[f'booking_sync_credential_info{{{target},credential="{site.credential}"}}'] = [1.0] * (minutes + 1)
        for name, interval in COLLECTORS[site.platform].items():
            done = list(polls(site, name, minutes + 1))
            _collector(shown, f'{target},collector="{name}"', done, interval, [clock(minute) for minute in range(minutes + 1)])
        for name, values in shown.items():
            page[name] = [value if site.begin <= minute < site.end else None for minute, value in enumerate(values)]
    return page


def _collector(
    page: dict[str, list[float | None]],
    labels: str,
    done: Sequence[tuple[float, PollError | None]],
    interval: float,
    clock: Sequence[float],
) -> None:
    minutes = len(clock) - 1

    def put(name: str, minute: int, value: float, more: str = "") -> None:
        row = page.setdefault(f"booking_sync_collector_{name}{{{labels}{more}}}", [None] * (minutes + 1))
        row[minute] = value

    max_age = max(3 * interval, 300.0)
    for minute in range(minutes + 1):
        before = [poll for poll in done if poll[0] <= minute]
        good = max((at for at, error in before if error is None), default=None)
        error = before[-1][1] if before else None
        put("up", minute, float(bool(before) and error is None))
        put("polls_total", minute, len(before))
        put("interval_seconds", minute, interval)
        # A moment is kept as an age, and shown as the clock has it.
        put("last_success_timestamp_seconds", minute, 0.0 if good is None else START + 60 * (good + clock[minute] - minute))
        put("data_expired", minute, float(good is not None and 60 * (minute - good) > max_age))
        put("max_age_seconds", minute, max_age)
        for reason in {error.reason for _, error in before if error is not None}:
            put(
                "failures_total",
                minute,
                sum(error is not None and error.reason is reason for _, error in before),
                f',reason="{reason}"',
            )
        if error is not None:
            put("failing", minute, 1.0, f',reason="{error.reason}"')


def firing(
    series: Mapping[str, Sequence[float | None]],
    minutes: Sequence[int],
    folder: Path,
    alerts: Collection[str] = ALERT_NAMES,
    bundle: Sequence[dict[str, Any]] | None = None,
) -> dict[int, list[dict[str, str]]]:
    """Return the labels of those of ``alerts`` that fire at each of ``minutes``, the heartbeat left out.

    ``bundle`` are the groups of another one than the shipped.
    """
    found = measured(series, minutes, folder, 'ALERTS{alertstate="firing",alertname!="Watchdog"}', alerts, bundle=bundle)
    own = ("__name__", "alertstate")
    return {
        minute: [{label: word for label, word in labels.items() if label not in own} for labels, _ in rows]
        for minute, rows in found.items()
    }


def measured(
    series: Mapping[str, Sequence[float | None]],
    minutes: Sequence[int],
    folder: Path,
    expression: str,
    rules_of: Collection[str],
    *,
    bundle: Sequence[dict[str, Any]] | None = None,
    every: int = 1,
) -> dict[int, list[tuple[dict[str, str], float]]]:
    """Return the labels and values of ``expression`` at each of ``minutes``; the rules named evaluate, and those they need.

    The values of ``series`` lie ``every`` so many minutes, and so do the evaluations.
    """
    groups = _without_texts(standing_on(rules_of) if bundle is None else bundle)
    rules = folder / "rules.yml"
    rules.write_text(safe_dump({"groups": groups}))
    case = {
        "rule_files": [rules.name],
        "evaluation_interval": f"{every}m",
        "group_eval_order": [group["name"] for group in groups],
        "tests": [
            {
                "interval": f"{every}m",
                "input_series": [{"series": name, "values": _written(values)} for name, values in series.items()],
                "promql_expr_test": [{"expr": expression, "eval_time": f"{minute}m"} for minute in minutes],
            }
        ],
    }
    file = folder / "outage.yml"
    file.write_text(yaml.dump(case, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), width=10_000))
    result = run("promtool", "test", "rules", file, timeout=_SECONDS)
    found: dict[int, list[tuple[dict[str, str], float]]] = {minute: [] for minute in minutes}
    for time, got in re.findall(r"time: (\w+),\n\s+exp: nil\n\s+got: (.*)", result.stdout + result.stderr):
        found[_minutes(time)] = [
            (dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels)), float(value))
            for labels, value in re.findall(r"\{([^}]*)\} (\S+?)(?:,|$)", got)
        ]
    assert "SUCCESS" in result.stdout or any(found.values()), result.stdout + result.stderr
    return found


def _without_texts(groups: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rule groups without the texts of their alerts, which nobody reads here and promtool would fill in each minute."""
    return [
        {**group, "rules": [{key: value for key, value in rule.items() if key != "annotations"} for rule in group["rules"]]}
        for group in groups
    ]


def _written(values: Sequence[float | None]) -> str:
    """Return the values as promtool reads them; a series that ends is marked as over, as a scrape does it."""
    before = (None, *values)
    return " ".join(
        ("_" if last is None else "stale") if value is None else f"{value:.10g}"
        for last, value in zip(before, values, strict=False)
    )


def _minutes(duration: str) -> int:
    units = {"w": 10_080, "d": 1_440, "h": 60, "m": 1}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([wdhm])", duration))
