"""What a rule costs: the samples that one evaluation touches, as Prometheus counts them, and how they grow with the fleet."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import httpx

from tests.monitoring.bundle import ALERT_GROUPS, RECORDING_GROUPS
from tests.monitoring.fleet_day import HEAD, Fleet, interval_of, query, write_day
from tests.monitoring.servers import prometheus

GOLDEN: Final = Path(__file__).parent / "golden" / "rules_price.json"
CPU: Final = Path(__file__).parent / "golden" / "rules_cpu.json"
AT: Final = 1_790_000_000.0
FORTY: Final = Fleet(sites=32, portals=8, connections=5)
LARGE: Final = Fleet(sites=5_000, portals=500, connections=5)
AIM_CORES: Final = 0.2
MAX_CORES: Final = 0.48
"""What all groups together may need of Prometheus for :data:`LARGE`."""
# What a group with fewer samples needs has little to do with them.
_TELLING: Final = 1_000


@dataclass(frozen=True, slots=True)
class Price:
    """The samples of one evaluation at :data:`FORTY`, and the line through four fleets that says what they are at others."""

    at_forty: int
    fixed: float
    per_site: float
    per_connection: float
    per_portal: float

    def at(self, fleet: Fleet) -> float:
        """Return the samples of one evaluation for a fleet."""
        connections = fleet.sites * fleet.connections
        line = self.fixed + self.per_site * fleet.sites + self.per_connection * connections + self.per_portal * fleet.portals
        return max(0.0, line)  # what many have alike is fewer samples in a larger fleet


@dataclass(frozen=True, slots=True)
class Rule:
    """A shipped rule; ``key`` is its name, with a number where several have the same."""

    key: str
    group: str
    every: float
    expression: str


def rules() -> Iterator[Rule]:
    """Yield all shipped rules in the order of the files."""
    seen: Counter[str] = Counter()
    for group in (*RECORDING_GROUPS, *ALERT_GROUPS):
        for rule in group["rules"]:
            name = rule.get("record") or rule["alert"]
            seen[name] += 1
            key = name if seen[name] == 1 else f"{name} ({seen[name]})"
            yield Rule(key, group["name"], interval_of(group), rule["expr"])


def measured(folder: Path) -> dict[str, Price]:
    """Return the price of every shipped rule; runs a Prometheus for each of four fleets."""
    forty = samples(folder / "forty", FORTY)
    eight = samples(folder / "eight", Fleet(sites=8, portals=2, connections=5))
    portals = samples(folder / "portals", Fleet(sites=8, portals=4, connections=5))
    narrow = samples(folder / "narrow", Fleet(sites=8, portals=2, connections=3))
    found = {}
    for key in forty:
        per_portal = (portals[key] - eight[key]) / 2
        per_connection = (eight[key] - narrow[key]) / (8 * 2)
        # 24 sites, 120 connections and 6 portals lie between the two.
        per_site = (forty[key] - eight[key] - 120 * per_connection - 6 * per_portal) / 24
        fixed = eight[key] - 8 * per_site - 40 * per_connection - 2 * per_portal
        found[key] = Price(forty[key], *(round(part, 3) for part in (fixed, per_site, per_connection, per_portal)))
    return found


def committed() -> dict[str, Price]:
    """Return the committed prices."""
    return {key: Price(**parts) for key, parts in json.loads(GOLDEN.read_text()).items()} if GOLDEN.exists() else {}


def commit(prices: Mapping[str, Price]) -> None:
    """Write the prices, for the eyes of a reviewer."""
    GOLDEN.write_text(json.dumps({key: asdict(price) for key, price in prices.items()}, indent=1) + "\n")


def cpu(column: str = "now") -> dict[str, Any] | None:
    """Return what ``tests.benchmarks.rules_cpu`` measured last, ``now`` or ``before``; ``None`` if it never did."""
    found: dict[str, dict[str, Any]] = json.loads(CPU.read_text()) if CPU.exists() else {}
    return found.get(column)


def nanoseconds_a_sample(group: str) -> float:
    """Return the processor time that a group needs for a sample; for one that was not measured, that of the dearest."""
    found = cpu() or cpu("before")
    assert found is not None, "run: python -m tests.benchmarks.rules_cpu"
    known = {name: float(one["nanoseconds_a_sample"]) for name, one in found["groups"].items()}
    return known.get(group, max(known[name] for name, one in found["groups"].items() if one["samples"] >= _TELLING))


def cores(rule: Rule, price: Price) -> float:
    """Return how many cores a rule needs at :data:`LARGE`, by the samples it touches."""
    return price.at(LARGE) / rule.every * nanoseconds_a_sample(rule.group) * 1e-9


def cores_by_group() -> dict[str, float]:
    """Return how many cores the rules of each group need at :data:`LARGE`, by the committed prices."""
    known = committed()
    return {
        name: sum(cores(rule, known[rule.key]) for rule in own if rule.key in known)
        for name, own in groupby(rules(), key=lambda rule: rule.group)
    }


def touched(client: httpx.Client, rule: Rule, at: float) -> int:
    """Return how many samples an evaluation of a rule touches at a moment."""
    return int(query(client, rule.expression, at)["stats"]["samples"]["totalQueryableSamples"])


def samples(folder: Path, fleet: Fleet) -> dict[str, int]:
    """Return how many samples one evaluation of each shipped rule touches behind a day of a fleet."""
    folder.mkdir(exist_ok=True)
    with prometheus(folder, "global: {}\n", *HEAD) as client:
        client.timeout = httpx.Timeout(120)  # a busy machine takes its time over a month of samples
        write_day(client, fleet, AT)
        return {rule.key: touched(client, rule, AT) for rule in rules()}
