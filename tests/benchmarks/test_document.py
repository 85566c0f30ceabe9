"""docs/benchmarks.md says of every goal what was measured, and nothing that was not."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Final

import pytest

from tests.benchmarks.__main__ import FOLDER, LONG, benchmarks
from tests.benchmarks.figures import Figure, Goal
from tests.benchmarks.goals import GOALS
from tests.benchmarks.report import ROUNDS, Machine, Report
from tools.benchmarks import BEGIN, DOCUMENT, END, goals, reports, written

MACHINE: Final = Machine("a processor", 2, "3.11.7", 0.1, 0.2)
# Goals whose benchmark does not report yet; their rows say "not run".
OWED: Final[frozenset[str]] = frozenset()
PAGE: Final = f"# Benchmarks\n\n{BEGIN}\n{END}\n"


def report(*figures: Figure, benchmark: str = "metrics_page", not_run: str = "") -> Report:
    return Report(benchmark, "2026-09-22", 5, MACHINE, {"booking-sync-exporter": "1.0"}, "What it is.", figures, not_run)


def row(found: Mapping[str, Report], goal: Goal) -> list[str]:
    [line] = [line for line in goals(found).splitlines() if line.startswith(f"| {goal.says} |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_committed_document_is_what_its_reports_and_goals_say() -> None:
    assert written(DOCUMENT.read_text()) == DOCUMENT.read_text(), "run: python -m tools.benchmarks docs/benchmarks.md"


def test_every_goal_has_a_row_and_words_of_its_own() -> None:
    assert [goal.says for goal in GOALS] == list(dict.fromkeys(goal.says for goal in GOALS))
    rows = DOCUMENT.read_text().split("## Goals")[1].split("## Figures")[0].splitlines()
    assert [goal.says for goal in GOALS] == [line.split(" | ")[0].removeprefix("| ") for line in rows if line.startswith("| ")][
        2:
    ]


def test_every_goal_names_a_benchmark_that_is_there() -> None:
    assert {goal.benchmark for goal in GOALS} - {*benchmarks()} <= OWED


def test_a_verdict_is_worked_out_from_the_values_and_not_read() -> None:
    [goal] = [goal for goal in GOALS if goal.says.startswith("gzip scrape, 100k series, nothing")]
    for ours, verdict in ((0.5, "**met**"), (0.6, "**missed**")):
        figure = Figure("unchanged", "ms", (ours,), {"make_asgi_app": (250.0,)}, goal, limited_by="the walk")
        cells = row({"metrics_page": report(figure)}, goal)
        assert cells[5:] == [verdict, "the walk", "[2026-09-22](#metrics_page)"]
        assert cells[1:3] == [f"{ours} ms", "make_asgi_app: 250 ms"]


def test_a_softer_goal_in_a_report_changes_no_verdict() -> None:
    [goal] = [goal for goal in GOALS if goal.says.startswith("gzip scrape, 100k series, nothing")]
    softer = Goal(goal.says, goal.benchmark, 2, of=goal.of)
    figure = Figure("unchanged", "ms", (200.0,), {"make_asgi_app": (250.0,)}, softer)
    assert ["at most 0.2 % of make_asgi_app: 80 %", "**missed**"] == row({"metrics_page": report(figure)}, goal)[4:6]


def test_what_did_not_run_has_a_row_that_says_why() -> None:
    goal = GOALS[0]
    found = {goal.benchmark: report(benchmark=goal.benchmark, not_run="nginx is not installed")}
    assert ["not run", ""] == row({}, goal)[5:7]
    assert ["not run", "nginx is not installed"] == row(found, goal)[5:7]
    assert "Not run: nginx is not installed." in written(PAGE, found)


def test_a_section_says_how_often_and_where_it_was_measured() -> None:
    figure = Figure("a scrape", "ms", (1.0, 2.0, 4.0))
    text = written(PAGE, {"metrics_page": report(figure)})
    where = "2 cores of a processor, Python 3.11.7, load 0.1 before and 0.2 after"
    assert "### metrics_page\n\nWhat it is.\n\n| figure | ours | goal | verdict |" in text
    assert f"2026-09-22, medians of 5 rounds; {where}; booking-sync-exporter 1.0." in text


def test_a_kept_report_is_of_a_benchmark_that_is_there_and_of_all_its_goals_and_rounds() -> None:
    for name, kept in reports().items():
        promised = {goal.says for goal in GOALS if goal.benchmark == name}
        measured = {figure.goal.says for figure in kept.figures if figure.goal}
        assert kept.benchmark == name
        assert name in benchmarks()
        assert kept.rounds >= ROUNDS or name in LONG
        assert measured == (set() if kept.not_run else promised)


@pytest.mark.parametrize("name", benchmarks())
def test_a_benchmark_says_in_its_first_line_what_it_measures_and_reports_under_its_name(name: str) -> None:
    tree = ast.parse((FOLDER / f"{name}.py").read_text())
    assert re.search(r"[.?:]$", (ast.get_docstring(tree) or "").partition("\n")[0])
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    reports_of = [call.args[0] for call in calls if ast.unparse(call.func) in {"main", "measured"}]
    assert [ast.literal_eval(argument) for argument in reports_of if isinstance(argument, ast.Constant)] == [name]
