"""The state file of a whole fleet has an end: what is written is read, the newest is kept, and the loop goes on meanwhile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from exporter.limits import STATE_FILE, STATE_FILE_TARGET, Cap
from exporter.model import Change
from exporter.state import state_file, status_history
from exporter.state.status_history import FileStatusHistory
from tests.harness.clock import ManualClock

NOW = 1_790_000_000.0


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> int:
    """Let the whole file have 64 KiB, which makes what takes a fleet and minutes the matter of a moment."""
    cap = Cap("", 64 * 1024, "bytes", "")
    for module in (state_file, status_history):
        monkeypatch.setattr(module, "STATE_FILE", cap)
    return cap.number


def filled(history: FileStatusHistory, targets: int, states: int, connections: int = 2) -> None:
    """Let each target have states one after the other, target 0 the oldest and each further one a minute newer."""
    for target in range(targets):
        for turn in range(states):
            at = NOW + 60 * target + 600 * turn
            for connection in range(connections):
                present = Change(at + connection, ("error", "synced")[turn % 2])
                history.seen(f"site-{target:03}", f"connection-{connection:04}", present, at + connection)


async def saved(path: Path, targets: int, states: int, connections: int = 2) -> tuple[FileStatusHistory, ManualClock]:
    clock = ManualClock(NOW)
    history = FileStatusHistory(path, clock)
    filled(history, targets, states, connections)
    await history.save()
    return history, clock


def test_what_5500_targets_may_write_can_be_read() -> None:
    assert 5_500 * STATE_FILE_TARGET.number > STATE_FILE.number
    assert 32 * 1024 * 1024 == STATE_FILE.number
    assert STATE_FILE.number < state_file._MAX_BYTES


@pytest.mark.parametrize(
    ("targets", "states", "connections"), [(60, 40, 2), (300, 3, 1), (60, 1, 100), (700, 1, 3), (1, 50, 20)]
)
async def test_whatever_there_is_the_file_is_no_larger_than_it_may_be_and_has_each_target(
    small: int, tmp_path: Path, targets: int, states: int, connections: int
) -> None:
    path = tmp_path / "state.json"
    await saved(path, targets, states, connections)
    assert path.stat().st_size <= small
    assert targets == len(json.loads(path.read_bytes())["targets"])
    assert targets == len(state_file.read_state_file(path))


async def test_the_oldest_states_go_first_over_the_whole_file_and_the_present_ones_stay(small: int, tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    await saved(path, 60, 40)
    targets = json.loads(path.read_bytes())["targets"]
    tracks = [track for target in targets.values() for track in target["connections"].values()]
    assert 120 == len(tracks)
    assert all(track[-1][0] >= NOW + 39 * 600 for track in tracks)
    oldest = min(row[0] for track in tracks for row in track[:-1])
    gone = {
        (f"site-{target:03}", turn)
        for target in range(60)
        for turn in range(39)
        if NOW + 60 * target + 600 * turn >= oldest + 120
        and NOW + 60 * target + 600 * turn
        not in {row[0] for row in targets[f"site-{target:03}"]["connections"]["connection-0000"]}
    }
    assert set() == gone  # of what is newer than the oldest that was kept
    assert path.stat().st_size > small * 6 // 8  # no more than there was no room for


@pytest.mark.usefixtures("small")
async def test_one_more_state_in_a_full_file_forgets_nothing_further(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    history, _ = await saved(path, 60, 40)
    before = json.loads(path.read_bytes())["targets"]
    history.seen("site-000", "connection-0000", Change(NOW + 90_000, "disconnected"), NOW + 90_000)
    await history.save()
    after = json.loads(path.read_bytes())["targets"]
    assert [NOW + 90_000, "disconnected"] == after["site-000"]["connections"]["connection-0000"].pop()
    assert before == after


@pytest.mark.usefixtures("small")
async def test_a_full_file_is_known_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    await saved(path, 60, 40)
    again = FileStatusHistory(path, ManualClock(NOW + 40_000))
    changes = again.seen("site-059", "connection-0001", Change(NOW + 40_000, "synced"), NOW + 40_000)
    assert (NOW + 60 * 59 + 600 * 39 + 1, "synced") == (changes[-1].at, changes[-1].state)
    assert 1 < len(changes)


async def test_a_clock_that_is_set_moves_no_more_than_the_target_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.json"
    await saved(path, 60, 40)
    clock = ManualClock(NOW + 40_000)
    history = FileStatusHistory(path, clock)
    moved: list[int] = []
    move = state_file.earlier_moved

    def counted(changes: tuple[Change, ...], seconds: float) -> tuple[Change, ...]:
        moved.append(len(changes))
        return move(changes, seconds)

    monkeypatch.setattr(status_history, "earlier_moved", counted)
    clock.set_by = 3_600.0
    history.seen("site-007", "connection-0000", Change(NOW + 40_000, "synced"), NOW + 40_000)
    assert 2 == len(moved)  # both connections of one target, not the 120 of all
    await history.save()
    assert 120 == len(moved)
