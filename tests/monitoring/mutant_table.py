"""Puts every mutant of the alerts before the shipped cases and writes what lives: ``make mutants``, half an hour.

``python -m tests.monitoring.mutant_table docs/rules-mutants.md recorded`` does so with the recorded series that a case asks for
by name, and writes their part of the document.

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

`make mutants ARGS=BookingSyncDataStale` tries those of one alert and prints what lives; a recorded series is tried by its name
too, such as `ARGS=target:booking_sync_connections_down:sum`. `make mutants ARGS=recorded` tries the recorded series that a case
asks for by name, each by these cases only: nearly all cases stand on some of them, so all would take hours.
"""
_RECORDED: Final = "## Recorded series"

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
    ("", r"last_success_timestamp_seconds\)?\)? > 0`: 0 -> 1", "it is a moment, and so never 1"),
    ("data_available", "max without .__type__.*max -> min", "only the types of series are folded"),
    ("", r"max without \(.*(== 1|failing|credential_info|:failing:info)\)?: max -> min", "the value is always 1"),
    ("", r"max without .*reason.*(overload|not_entitled)\"\}(\[10m\])?\)*: max -> min", "the value is always 1"),
    ("", r"max without .status..connection_sta.*max -> min", "the value is always 1"),
    (
        "failing:",
        r"max without .collector..(collector_r|max without.*imited).*(overload|not_entitled)\"\}\)*: max -> min",
        "the value is always 1",
    ),
    ("refused", "count > 0`: 0 -> 1", "at one target the number that is asked for is not reached"),
    ("status:", r"\^ 0`: 0 -> 1", "the value is always 1"),
    ("ErrorBudgetBurn", r"\^ 0`: 0 -> 1", "only the labels are told, not the value"),
    (
        "lost_in_gap",
        "without `unless connection_status.* offset 10m",
        "what is broken is known: it only makes the query cheaper",
    ),
    ("target_failing:max", "0 . target:target_dark:max`: 0 -> 1", "what is dark is told before"),
    ("api_budget", "> 0`: 0 -> 1", "nobody has a budget of a single request"),
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


def recorded() -> list[Outcome]:
    """Try the mutants of the recorded series that a case asks for by name, by these cases."""
    with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(2) as pool:
        field = Field(Path(directory))
        tried = [one for one in mutants("record") if field.asks(one.name)]
        killers = pool.map(lambda one: field.killer(one, named=True), tried)
        return [Outcome(one.name, one.change, killer) for one, killer in zip(tried, killers, strict=True)]


def why(outcome: Outcome) -> str:
    """Return why a mutant is no fault, ``""`` when nobody knows."""
    return next((text for name, change, text in NO_FAULT if name in outcome.name and re.search(change, outcome.change)), "")


def render(found: Sequence[Outcome]) -> str:
    """Return the part of the document about the alerts."""
    return f"{_INTRODUCTION}\n## Last figures\n\n{_figures(found)}"


def _figures(found: Sequence[Outcome]) -> str:
    alive = [one for one in found if not one.killer]
    known = sum(bool(why(one)) for one in alive)
    return (
        f"{len(found)} mutants: {len(found) - len(alive)} are dead and {len(alive)} live; {known} of these are no fault.\n\n"
        f"| rule | change | times | why it cannot be noticed |\n|---|---|---:|---|\n{_rows(found)}"
    )


def _rows(found: Iterable[Outcome]) -> str:
    alive = Counter(one for one in found if not one.killer)
    return "".join(
        f"| `{one.name}` | {one.change.replace('|', '&#124;')} | {times} | {why(one)} |\n" for one, times in alive.items()
    )


def _main(path: Path, part: str) -> None:
    alerts, head, series = path.read_text(encoding="utf-8").partition(f"\n{_RECORDED}\n")
    if part == "recorded":
        path.write_text(f"{alerts}\n{_RECORDED}\n\n{_figures(recorded())}", encoding="utf-8")
    elif part:
        print(_rows(outcomes(part)) or "all are dead")
    else:
        path.write_text(f"{render(outcomes())}{head}{series}", encoding="utf-8")


if __name__ == "__main__":
    _main(Path(sys.argv[1]), "".join(sys.argv[2:]))
