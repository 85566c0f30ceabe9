"""Writes what the rules cost, ``docs/rules-price.md``: ``python -m tools.rules_price docs/rules-price.md``.

The samples are those that ``tests/monitoring/test_price.py`` counted, the processor time is what
``tests.benchmarks.rules_cpu`` measured; both are committed. A test compares the committed file with :func:`render`.
"""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from tests.monitoring.prices import (
    AIM_CORES,
    FORTY,
    LARGE,
    MAX_CORES,
    Price,
    Rule,
    committed,
    cores,
    cpu,
    nanoseconds_a_sample,
    rules,
)

_INTRODUCTION: Final = f"""\
# What the rules cost

*Generated from counted samples and measured processor time by `python -m tools.rules_price docs/rules-price.md`.*

The cost of a rule in Prometheus grows with the number of samples that an evaluation reads. Prometheus counts them itself
(`totalQueryableSamples` of `/api/v1/query?stats=all`), and the number is the same on every machine.

- The test suite counts them for {FORTY.sites + FORTY.portals} targets with a day of data at one scrape a minute:
  {FORTY.sites} Wix sites with {FORTY.connections} connections each, one of them in error, and {FORTY.portals} Bitrix24 portals;
  every fourth site refuses requests for its bookings.
- Three smaller fleets show what a site, a connection and a portal add, and so how many samples a rule reads at {LARGE.sites:,}
  sites with {LARGE.sites * LARGE.connections:,} connections and {LARGE.portals} portals.
- A rule that reads more samples than before fails `tests/monitoring/test_price.py`.

A sample in a range costs some 50 to 100 ns; a sample that is looked up alone and recorded again costs a hundred times as
much. The cost of a sample is therefore measured for each group, with the texts of firing alerts; a group that was not measured
counts as the most expensive one. The goal is that all groups together need less than
{AIM_CORES:g} cores; the test fails above {MAX_CORES:g}. The goal is missed, mostly because of the groups of the
connections: a connection has 12 series for its status and reason, nearly all of them zero.
"""

_MEASURED: Final = """
## Processor time, measured

`make bench-rules` lets a real Prometheus with a day of data scrape a page of such targets every minute, first without rules,
then with the shipped ones, and takes the difference of its `process_cpu_seconds_total`. Data older than three hours is in
blocks on disk, as usual. *Before* are older rules that copied every connection and read whole days every
30 seconds; they were measured with all data in memory.
"""


def render() -> str:
    """Return the whole document as Markdown."""
    prices = committed()
    shipped = [(name, list(group)) for name, group in groupby(rules(), key=lambda rule: rule.group)]
    known = [(name, [rule for rule in group if rule.key in prices]) for name, group in shipped]
    return "".join([_INTRODUCTION, _groups(known, prices), _processor_time(), *(_rules(*one, prices) for one in known)])


def _groups(groups: list[tuple[str, list[Rule]]], prices: dict[str, Price]) -> str:
    rows = []
    total = 0.0
    for name, own in groups:
        needed = sum(cores(rule, prices[rule.key]) for rule in own)
        total += needed
        rows.append(
            f"| {name} | {own[0].every:g} s | {sum(prices[rule.key].at_forty for rule in own):,} "
            f"| {sum(prices[rule.key].at(LARGE) for rule in own):,.0f} | {nanoseconds_a_sample(name):,.0f} | {needed:.3f} |\n"
            if own
            else f"| {name} | - | - | - | - | - |\n"
        )
    return (
        f"\n## Groups\n\n| group | every | samples at {FORTY.sites + FORTY.portals} targets | at {LARGE.sites:,} sites "
        "| ns a sample | cores |\n|---|---:|---:|---:|---:|---:|\n"
        f"{''.join(rows)}| **together** | | | | | **{total:.3f}** |\n"
    )


def _processor_time() -> str:
    columns = [(title, found) for title, found in (("before", cpu("before")), ("now", cpu())) if found]
    rows: tuple[tuple[str, Any], ...] = (
        ("Prometheus", lambda found: found["prometheus"]),
        ("measured on", lambda found: found["date"]),
        ("sites x connections", lambda found: f"{found['sites']:,} x {found['connections']}"),
        ("portals", lambda found: f"{found['portals']:,}"),
        ("minutes", lambda found: f"{found['minutes']:g}"),
        ("evaluations that were skipped", lambda found: f"{found['missed_evaluations']:g}"),
        ("cores without rules", lambda found: f"{found['cores_without_rules']:.3f}"),
        ("cores with rules", lambda found: f"{found['cores_with_rules']:.3f}"),
        ("cores of the rules", lambda found: f"{_of_rules(found):.3f}"),
        (f"the same at {LARGE.sites:,} sites", lambda found: f"**{_of_rules(found) * LARGE.sites / found['sites']:.2f}**"),
    )
    table = "".join(f"| {name} | {' | '.join(cell(found) for _, found in columns)} |\n" for name, cell in rows)
    return f"{_MEASURED}\n| | {' | '.join(title for title, _ in columns)} |\n|---|{'---:|' * len(columns)}\n{table}"


def _of_rules(found: dict[str, Any]) -> float:
    return float(found["cores_with_rules"] - found["cores_without_rules"])


def _rules(name: str, own: list[Rule], prices: dict[str, Price]) -> str:
    rows = "".join(_row(rule, prices[rule.key]) for rule in own)
    return (
        f"\n## {name}\n\n| rule | samples at {FORTY.sites + FORTY.portals} targets | a site | a connection | a portal "
        f"| at {LARGE.sites:,} sites | cores |\n|---|---:|---:|---:|---:|---:|---:|\n{rows}"
    )


def _row(rule: Rule, price: Price) -> str:
    parts = " | ".join(f"{part:,.10g}" for part in (price.per_site, price.per_connection, price.per_portal))
    return f"| `{rule.key}` | {price.at_forty:,} | {parts} | {price.at(LARGE):,.0f} | {cores(rule, price):.4f} |\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")
