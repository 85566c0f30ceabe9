"""A user's thresholds and severities: board, API and ``probe`` say the same on either side of each edge."""

from __future__ import annotations

import json
import re
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from exporter.commands.probe import exit_code
from exporter.state.findings import findings, verdicts
from exporter.state.snapshot import View
from exporter.state.verdict import MOVABLE
from exporter.state.verdict_row import Kind, Verdict, VerdictRow
from exporter.web import encode_status
from exporter.web import status_page as board
from tests.harness.chosen_verdicts import EDGES, Edge, judged_by, thresholds_of
from tests.harness.verdict_scenes import SCENES, SITE

WORDS: Final = {Verdict.OK: "healthy", Verdict.WARNING: "warning", Verdict.CRITICAL: "critical", Verdict.UNKNOWN: "waiting"}

BY_START: Final = frozenset({Kind.CONFLICT, Kind.EXTERNAL_CONFLICT})
NO_PAGE: Final = BY_START | {Kind.BUDGET_SPENT, Kind.POLL_OVERDUE}
CHOICES: Final = [
    (row, severity)
    for row in MOVABLE
    for severity in ("critical", "warning", "ok")
    if severity != "critical" or row.kind not in NO_PAGE
]


def _told(shown: View) -> set[str]:
    """Return the verdict on the one target, in the words of everybody who tells it."""
    document = json.loads(encode_status(shown))
    page = board.render(shown).decode()
    chip = re.search(rf'data-key="{SITE}".*?class="chip (\w+)"', page, re.DOTALL)
    assert chip is not None
    found = findings(shown)
    told = {WORDS[verdicts(shown, found)[SITE]], chip[1], document["targets"][0]["state"], document["verdict"]}
    if not any(finding.row.history for finding in found):
        told.add(WORDS[Verdict(exit_code(replace(shown, remembers=False)))])
    return told


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: f"{edge.kind}-{edge.key}")
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_all_who_judge_say_the_same_just_below_and_just_above_every_threshold(edge: Edge, data: st.DataObject) -> None:
    number = data.draw(st.integers(*edge.range))
    for shown, expected in edge.sides(edge.written(number), number):
        assert {WORDS[expected]} == _told(shown)


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: f"{edge.kind}-{edge.key}")
def test_every_threshold_of_the_block_has_an_edge(edge: Edge) -> None:
    assert thresholds_of(edge.written(edge.range[0])) != thresholds_of(edge.written(edge.range[1]))


@pytest.mark.parametrize(("row", "severity"), CHOICES, ids=[f"{row.kind}-{severity}" for row, severity in CHOICES])
def test_a_warning_is_as_bad_as_its_user_says_to_all_who_judge(row: VerdictRow, severity: str) -> None:
    written: dict[str, dict[str, object]] = {row.kind: {"later" if row.kind in BY_START else "severity": severity}}
    shown = judged_by(SCENES[row], thresholds_of(written))
    assert {WORDS[Verdict[severity.upper()]]} == _told(shown)
    document = json.loads(encode_status(shown))
    assert (severity == "ok") == (row.kind in {entry["kind"] for entry in document["listed"]})
    assert ({severity} - {"ok"}) == {problem["severity"] for problem in document["problems"] if problem["kind"] == row.kind}


def test_a_critical_row_stays_critical_where_its_kind_is_no_problem() -> None:
    shown = judged_by(
        SCENES[next(row for row in SCENES if row.verdict is Verdict.CRITICAL and row.kind is Kind.CONFLICT)],
        thresholds_of({"conflict": {"later": "ok"}}),
    )
    assert {"critical"} == _told(shown)
