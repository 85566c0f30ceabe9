"""Writes the goals and figures into ``docs/benchmarks.md``: ``python -m tools.benchmarks docs/benchmarks.md``.

They come from the reports that ``make bench`` keeps in ``docs/benchmarks/``; a verdict is worked out from the values of a
report and the goal as ``tests/benchmarks/goals.py`` has it, so nobody writes "met" by hand. A test compares the committed
document with :func:`written`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from tests.benchmarks.figures import NOT_RUN, Figure, Goal
from tests.benchmarks.goals import GOALS
from tests.benchmarks.report import Report, decoded, in_words, ratio, shown, table
from tools.marked import put

ROOT: Final = Path(__file__).parents[1]
DOCUMENT: Final = ROOT / "docs" / "benchmarks.md"
RESULTS: Final = ROOT / "docs" / "benchmarks"
BEGIN: Final = "<!-- written by `make bench`: begin -->"
END: Final = "<!-- written by `make bench`: end -->"


def reports(folder: Path = RESULTS) -> dict[str, Report]:
    """Return what was measured, by benchmark."""
    return {path.stem: decoded(path.read_bytes()) for path in sorted(folder.glob("*.json"))}


def written(page: str, found: Mapping[str, Report] | None = None) -> str:
    """Return the document with the goals and figures of all reports."""
    found = reports() if found is None else found
    figures = "\n\n".join(_section(report) for report in found.values())
    return put(page, BEGIN, END, f"## Goals\n\n{goals(found)}\n\n## Figures\n\n{figures}\n")


def goals(found: Mapping[str, Report]) -> str:
    """Return a row for each goal: what was found, what it is held against, and what keeps it from being smaller."""
    head = ("goal", "ours", "peer", "least possible", "held to", "verdict", "limited by", "measured")
    rows = [head, ("---", "---:", "---:", "---:", "---", "---", "---", "---"), *(_row(goal, found) for goal in GOALS)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(goal: Goal, found: Mapping[str, Report]) -> tuple[str, ...]:
    report = found.get(goal.benchmark)
    figure = next((one for one in report.figures if one.goal and one.goal.says == goal.says), None) if report else None
    if report is None or figure is None:
        why = report.not_run if report else ""
        return (goal.says, "-", "-", "-", in_words(goal), NOT_RUN, why, f"`{goal.benchmark}`")
    figure = replace(figure, goal=goal)
    where = f"[{report.date}](#{goal.benchmark})"
    return (
        goal.says,
        f"{shown(figure.ours)} {figure.unit}",
        _peer(figure, goal.of),
        _peer(figure, figure.limit),
        f"{in_words(goal)}{f': {ratio(figure.held)}' if goal.of and figure.held is not None else ''}",
        f"**{figure.verdict}**",
        figure.limited_by,
        where,
    )


def _peer(figure: Figure, name: str) -> str:
    return f"{name}: {shown(figure.peers.get(name, ()))} {figure.unit}" if name else ""


def _section(report: Report) -> str:
    text = re.sub(r"``([^`]+)``", r"`\1`", report.describes)
    text = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text)
    machine = report.machine
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    where = f"{machine.cores} cores of {machine.cpu}, Python {machine.python}"
    load = f"load {machine.load_before} before and {machine.load_after} after"
    rounds = "once" if report.rounds == 1 else f"medians of {report.rounds} rounds"
    return f"### {report.benchmark}\n\n{text}\n\n{table(report)}\n\n{report.date}, {rounds}; {where}, {load}; {versions}."


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(written(path.read_text(encoding="utf-8")), encoding="utf-8")
