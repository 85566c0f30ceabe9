"""Puts every mutant of the alerts before the shipped cases and writes what lives: ``make mutants``, half an hour.

``python -m tests.monitoring.mutant_table docs/rules-mutants.md [NAME]``; with a part of a rule's name only its mutants are
tried, and the result is printed instead.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.monitoring.mutants import Field, mutants

_INTRODUCTION: Final = """\
# What the cases of the rules notice

*Written by `make mutants`.*

A mutant is one alert of the bundle with one small fault: a threshold or a hold halved or doubled, a comparison turned round, a
clause left out or turned into its contrary, a label that is not matched, `max` for `min`, an offset or a long range halved or
doubled. It is dead when one of the cases in `config/prometheus/tests` fails with it. Ranges below half an hour are left as they
are: they bridge failed scrapes. Mutants that are the same rule in other words cannot die; where that is known it is said.

`make mutants ARGS=BookingSyncDataStale` tries those of one alert and prints what lives. A recorded series is tried by its name
only, such as `ARGS=target:booking_sync_connections_down:sum`: nearly all cases stand on some of them, so all take hours.
"""

NO_FAULT: Final = (
    ("ExporterDown", "max -> min", "only the labels are told, not the value"),
    ("ShardMissing", "max -> min", "the value is always 1"),
    ("ScrapesFailing", r"on \(\.\., job\)", "the selector names one job"),
    ("ScrapesFailing", "< 0.5`: 0.5 -> 1", "an exporter that answers more often is excluded as one that helps itself"),
    ("ReplicaBlind", "instance", "what is folded after that is matched without the label anyway"),
    ("", "max without .direction.*max -> min", "the selector names one direction"),
    ("", "targets_with_.* > 0`: 0 -> 1", "at one target the number that is asked for is not reached"),
    ("PlatformDrift", "count|0 -> 1", "one platform alone does not differ, and not by five where there is one booking"),
    ("PollsLate", "0 -> 1", "extrapolated, a single poll is more than one"),
)
"""Part of a rule's name, part of the change, and why it cannot be noticed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mutant; ``killer`` is the case that failed, ``""`` when it lives."""

    name: str
    change: str
    killer: str


def outcomes(part: str = "") -> list[Outcome]:
    """Try the mutants of all alerts, or those of the rules with ``part`` in their names."""
    with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(2) as pool:
        field = Field(Path(directory))
        tried = [one for one in mutants("" if part else "alert") if part in one.name]
        killers = pool.map(field.killer, tried)
        return [Outcome(one.name, one.change, killer) for one, killer in zip(tried, killers, strict=True)]


def why(outcome: Outcome) -> str:
    """Return why a mutant is no fault, ``""`` when nobody knows."""
    return next((text for name, change, text in NO_FAULT if name in outcome.name and re.search(change, outcome.change)), "")


def render(found: Sequence[Outcome]) -> str:
    """Return the document."""
    alive = [one for one in found if not one.killer]
    known = sum(bool(why(one)) for one in alive)
    return (
        f"{_INTRODUCTION}\n## Last figures\n\n"
        f"{len(found)} mutants: {len(found) - len(alive)} are dead and {len(alive)} live; {known} of these are no fault.\n\n"
        f"| rule | change | times | why it cannot be noticed |\n|---|---|---:|---|\n{_rows(found)}"
    )


def _rows(found: Iterable[Outcome]) -> str:
    alive = Counter(one for one in found if not one.killer)
    return "".join(
        f"| `{one.name}` | {one.change.replace('|', '&#124;')} | {times} | {why(one)} |\n" for one, times in alive.items()
    )


if __name__ == "__main__":
    if part := "".join(sys.argv[2:]):
        print(_rows(outcomes(part)) or "all are dead")
    else:
        Path(sys.argv[1]).write_text(render(outcomes()), encoding="utf-8")
