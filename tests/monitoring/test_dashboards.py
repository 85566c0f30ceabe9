"""The dashboards pass the lint; an exception stands in ``dashboards/.lint`` with its reason."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from tests.monitoring.bundle import BOARDS, ROOT, load_board, panels
from tests.monitoring.libyaml import safe_load
from tests.monitoring.lint import CHECKS as OF_THE_FRAME
from tests.monitoring.lint import Board, Check
from tests.monitoring.lint_verdicts import VERDICT_CHECKS, panel_verdict_colours, target_verdict_numbers

CHECKS = (*OF_THE_FRAME, *VERDICT_CHECKS)
EXCEPTIONS: dict[str, dict[str, Any]] = safe_load((ROOT / "dashboards" / ".lint").read_text())["exclusions"]


def _name(check: Check) -> str:
    return check.__name__.replace("_", "-")


def _excepted(check: Check, board: Board, panel: str) -> bool:
    return any(
        entry["dashboard"] == board["title"] and entry.get("panel", panel) == panel
        for entry in EXCEPTIONS.get(_name(check), {}).get("entries", [])
    )


@pytest.mark.parametrize("check", CHECKS, ids=_name)
@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_a_dashboard_passes_the_lint(path: Path, check: Check) -> None:
    board = load_board(path)
    assert [] == [(panel, message) for panel, message in check(board) if not _excepted(check, board, panel)]


def test_every_exception_has_a_reason_and_is_needed() -> None:
    known = {_name(check): check for check in CHECKS}
    for name, exception in EXCEPTIONS.items():
        assert len(exception["reason"]) > 20, name
        for entry in exception["entries"]:
            board = next(board for board in map(load_board, BOARDS) if board["title"] == entry["dashboard"])
            found = {panel for panel, _ in known[name](board)}
            assert entry["panel"] in found if "panel" in entry else found, f"{name}: {entry}"


def _planted(board: Board, title: str, **changes: Any) -> Board:  # noqa: ANN401  whatever a panel has
    planted = copy.deepcopy(board)
    next(panel for panel in panels(planted) if panel["title"] == title).update(changes)
    return planted


def test_a_tile_that_judges_by_itself_is_seen() -> None:
    board = load_board(next(path for path in BOARDS if path.stem == "fleet"))
    steps = {"mode": "absolute", "steps": [{"value": None, "color": "green"}, {"value": 1, "color": "red"}]}
    config = {"defaults": {"thresholds": steps, "mappings": []}, "overrides": []}
    assert [] == list(panel_verdict_colours(board))
    assert ["In error"] == [title for title, _ in panel_verdict_colours(_planted(board, "In error", fieldConfig=config))]


@pytest.mark.parametrize("query", ["count(booking_sync_x > 0.2)", "booking_sync_x > 1", "booking_sync_x < 14 * 24 * 60 * 60"])
def test_a_number_of_a_verdict_that_does_not_move_with_it_is_seen(query: str) -> None:
    board = load_board(next(path for path in BOARDS if path.stem == "internals"))
    planted = _planted(board, "Event loop lag", targets=[{"expr": query}])
    assert [] == list(target_verdict_numbers(board))
    assert "Event loop lag" in {title for title, _ in target_verdict_numbers(planted, moved=planted)}


def test_uids_and_titles_are_unique_and_the_files_are_small_enough_for_a_configmap() -> None:
    boards = [load_board(path) for path in BOARDS]
    assert len(boards) == len({board["uid"] for board in boards}) == len({board["title"] for board in boards}) == 3
    assert all(path.stat().st_size < 260_000 for path in BOARDS)


def test_a_target_with_four_connections_and_two_collectors_is_shown_without_scrolling() -> None:
    target = load_board(next(path for path in BOARDS if path.stem == "target"))
    heights = {panel["title"]: 38 * panel["gridPos"]["h"] - 8 for panel in panels(target)}
    title, heading, row = 54, 36, 36  # pixels, paddings included
    for panel, rows in (("Calendar connections (Wix)", 4), ("Polls", 2)):
        assert title + heading + rows * row <= heights[panel], panel


def test_on_a_telephone_the_exporters_board_says_on_its_first_screen_what_is_wrong() -> None:
    board = load_board(next(path for path in BOARDS if path.stem == "internals"))
    titles = [panel["title"] for panel in panels(board)]
    assert panels(board)[0]["gridPos"]["w"] <= 6, "a wider tile has larger letters, and its words have two lines"
    above = [panel["gridPos"]["h"] for panel in panels(board)[: titles.index("What is wrong with it and what to do")]]
    assert 38 * (1 + sum(above)) + 120 <= 844 - 250, "the menu of the board takes 250"
    # At 1440x900 pixels, which are 21 rows, the processes are on the first screen, too.
    assert all(panel["gridPos"]["y"] + panel["gridPos"]["h"] <= 21 for panel in panels(board)[: titles.index("Processes") + 1])


@pytest.mark.filterwarnings("ignore:Prefer using dashboardv2:DeprecationWarning")
@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_grafanas_own_model_reads_a_dashboard(path: Path) -> None:
    # Its import warns of the newer schema, which Grafana before 12 cannot read.
    from grafana_foundation_sdk.cog.encoder import JSONEncoder  # noqa: PLC0415  see above
    from grafana_foundation_sdk.models.dashboard import Dashboard  # noqa: PLC0415  see above

    board = load_board(path)
    model = Dashboard.from_json(board)
    text = JSONEncoder(sort_keys=True).encode(model)
    assert board["uid"] == model.uid
    assert all(f'"{panel["title"]}"' in text for panel in panels(board))


def test_the_fleet_board_shows_what_is_broken_and_who_fixes_it_on_the_first_screen() -> None:
    fleet = load_board(next(path for path in BOARDS if path.stem == "fleet"))
    broken = next(panel for panel in panels(fleet) if panel["title"] == "What is broken and who fixes it")
    headings = broken["transformations"][2]["options"]["renameByName"]
    shown = ["Severity", "Who", "Targets", "What", "Where", "Why", "Since", "For", "Fixed by", "Alert"]
    assert shown == list(headings.values())[: len(shown)]
    assert broken["gridPos"]["y"] + broken["gridPos"]["h"] <= 20
    widths = [
        one["value"]
        for column in broken["fieldConfig"]["overrides"]
        for one in column["properties"]
        if one["id"] == "custom.width"
    ]
    assert len(shown) == len(widths)
    assert sum(widths) <= 1_389, "a screen of 1,440 pixels has so many for a table"
    # On a telephone panels stand below each other, 38 pixels a row: the first name is on the first of its screens.
    above = [panel["gridPos"]["h"] for panel in panels(fleet)[:3]]
    assert 38 * (1 + sum(above)) + 120 <= 844 - 250, "the menu of the board takes 250"
