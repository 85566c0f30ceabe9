"""The one table of verdicts: board, ``/api/v1/status`` and ``probe`` say the same of every row, and no alert says another."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from exporter.commands.probe import exit_code
from exporter.commands.probe_line import first_line
from exporter.commands.probe_running import verdict_of
from exporter.commands.probe_table import left_out, rows_of
from exporter.monitoring.alerts import alert_groups
from exporter.monitoring.options import Options
from exporter.policy import RejectedConfig
from exporter.state.alerts_only import ALERTS_ONLY
from exporter.state.findings import findings
from exporter.state.verdict import TABLE, worst
from exporter.state.verdict_row import Kind, Verdict, VerdictRow
from exporter.web import Status, encode_status, status_of
from exporter.web import status_page as board
from tests.harness import views
from tests.harness.verdict_scenes import SCENES, SITE
from tests.harness.views import NOW
from tools.verdicts_reference import render

ROOT = Path(__file__).parents[1]
WORDS = {Verdict.OK: "healthy", Verdict.WARNING: "warning", Verdict.CRITICAL: "critical", Verdict.UNKNOWN: "waiting"}


def name(row: VerdictRow) -> str:
    return f"{row.kind}-{row.verdict.name}"


EVERY_ROW = pytest.mark.parametrize("row", TABLE, ids=name)


def test_every_row_has_a_scene_and_a_name_of_its_own() -> None:
    assert set(TABLE) == set(SCENES)
    assert len(TABLE) == len({name(row) for row in TABLE})
    assert set(Kind) == {row.kind for row in TABLE}


def test_the_worst_rows_stand_above() -> None:
    order = [Verdict.UNKNOWN, Verdict.CRITICAL, Verdict.WARNING, Verdict.OK]
    verdicts = [row.verdict for row in TABLE]
    assert sorted(verdicts, key=order.index) == verdicts


@EVERY_ROW
def test_the_first_row_that_holds_in_its_scene_is_the_row(row: VerdictRow) -> None:
    assert name(row) == name(findings(SCENES[row])[0].row)


@EVERY_ROW
def test_the_json_says_the_verdict_of_the_row(row: VerdictRow) -> None:
    found = json.loads(encode_status(SCENES[row]))
    assert WORDS[row.verdict] == found["verdict"]
    kinds = {problem["kind"]: problem["severity"] for problem in reversed(found["problems"])}  # of one kind the worst is first
    listed = {entry["kind"] for entry in found["listed"]}
    assert (row.verdict.name.lower() if row.verdict in {Verdict.WARNING, Verdict.CRITICAL} else None) == kinds.get(row.kind)
    assert (row.verdict is Verdict.OK) == (row.kind in listed)
    [target] = found["targets"]
    # What is wrong with the exporter is wrong with no target.
    assert ("healthy" if row.kind is Kind.RELOAD_REFUSED else WORDS[row.verdict]) == target["state"]


@EVERY_ROW
def test_the_board_says_the_verdict_of_the_row(row: VerdictRow) -> None:
    page = board.render(SCENES[row]).decode()
    said = re.search(r'class="verdict (\w+)"', page)
    assert said is not None
    assert WORDS[row.verdict] == said[1]
    chip = re.search(rf'data-key="{SITE}".*?class="chip (\w+)"', page, re.DOTALL)
    assert chip is not None
    assert ("healthy" if row.kind is Kind.RELOAD_REFUSED else WORDS[row.verdict]) == chip[1]


@EVERY_ROW
def test_a_probe_ends_with_the_verdict_of_the_row_or_says_that_it_cannot_know(row: VerdictRow) -> None:
    seen = replace(SCENES[row], remembers=False)
    assert (Verdict.OK if row.history else row.verdict) == exit_code(seen)
    said = [finding.kind for finding in findings(seen)]
    assert (not row.history) == (row.kind in said) or row.kind is Kind.CONNECTION_DISCONNECTED
    assert row.history <= (row.kind.replace("_", " ") in left_out())
    status = status_of(seen)
    assert len(said) == len(status.problems) + len(status.listed) + status.summary.targets_waiting


@EVERY_ROW
@pytest.mark.parametrize("remembers", [True, False], ids=["running", "once"])
def test_the_first_line_and_the_table_of_a_probe_are_as_bad_as_the_row(row: VerdictRow, *, remembers: bool) -> None:
    status = msgspec.json.decode(encode_status(replace(SCENES[row], remembers=remembers)), type=Status)
    expected = row.verdict if remembers or not row.history else Verdict.OK
    assert expected is verdict_of(status)
    assert first_line(status, verdict_of(status)).startswith(f"{expected.name}: ")
    assert expected is worst(Verdict[judged] for _, _, judged, *_ in rows_of(status))


@pytest.mark.parametrize("refused", [False, True])
def test_of_a_standby_board_and_json_say_the_same(*, refused: bool) -> None:
    rejected = RejectedConfig(NOW - 60, "no platform", 1) if refused else None
    view = replace(views.standby(), rejected_config=rejected)
    expected = "warning" if refused else "waiting"
    assert expected == json.loads(encode_status(view))["verdict"]
    assert f'class="verdict {expected}"' in board.render(view).decode()


def test_an_alert_that_a_row_names_judges_as_the_row_does() -> None:
    rules = {(alert.name, alert.severity.name) for group in alert_groups(Options()) for alert in group.alerts}
    named = {(alert, row.verdict.name) for row in TABLE for alert in row.alerts if row.verdict is not Verdict.UNKNOWN}
    assert set() == named - rules


def test_every_alert_is_held_by_a_row_or_stands_among_those_that_judge_alone() -> None:
    rules = {alert.name for group in alert_groups(Options()) for alert in group.alerts}
    by_rows = {alert for row in TABLE for alert in row.alerts}
    alone = {alert for part in ALERTS_ONLY for alert in part.alerts}
    assert rules == by_rows | alone
    assert set() == by_rows & alone


def test_the_document_of_the_verdicts_is_what_the_table_says() -> None:
    assert render() == (ROOT / "docs" / "verdicts.md").read_text(), "run: python -m tools.verdicts_reference docs/verdicts.md"
