"""What is remembered of private events in the state file, and across which changes it stays."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from exporter.model import Window
from exporter.private_calendar import (
    Cause,
    EventMemory,
    EventsObservation,
    ImportedEvents,
    ImportFault,
    ImportLife,
    WindowEvents,
)
from exporter.state.ages import observation_moved
from exporter.state.events_state import events_of, events_text, within_room
from exporter.state.status_history import FileStatusHistory, StatusHistory
from tests.harness.clock import ManualClock

NOW = 1_790_000_000.0
MEMORY = EventMemory(
    NOW,
    NOW + 604_800,
    {"0a1b2c3d4e5f": (NOW - 900, 600.0), "1a1b2c3d4e5f": (NOW - 300, 0.0)},
    {
        "5f4e3d2c1b0a": ImportLife(NOW - 900, NOW, NOW - 300, 600.0, NOW + 9, NOW - 900, NOW + 99, NOW - 60, 3),
        "6f4e3d2c1b0a": ImportLife(None, None, NOW - 300),
    },
    copies=True,
)


def history(path: Path, clock: ManualClock) -> FileStatusHistory:
    return FileStatusHistory(path, clock)


async def saved(path: Path, clock: ManualClock, memory: EventMemory = MEMORY) -> FileStatusHistory:
    found = history(path, clock)
    found.keep_targets({"salon": "account"})
    found.keep_events("salon", memory)
    await found.save()
    return found


async def test_a_new_process_remembers_what_the_file_says(tmp_path: Path) -> None:
    path, clock = tmp_path / "state.json", ManualClock(NOW, auto=True)
    await saved(path, clock)
    assert MEMORY == history(path, clock).events("salon")


def test_the_moments_in_the_file_are_those_of_the_wall_clock() -> None:
    text = json.loads(events_text(MEMORY, 3600.0))
    assert (NOW + 3600, NOW + 604_800) == (text["at"], text["until"])
    assert [NOW + 9, NOW + 2700, NOW + 99, NOW + 3540, 3] == text["lives"]["5f4e3d2c1b0a"][4:]
    assert [NOW + 2700, 600] == text["seen"]["0a1b2c3d4e5f"]
    assert [None, None, NOW + 3300, 0, 0, 0, 0, 0, 0] == text["lives"]["6f4e3d2c1b0a"]
    assert MEMORY == events_of(msgspec.Raw(events_text(MEMORY, 0.0)))


async def test_the_file_is_written_for_events_every_ten_minutes_at_most_and_at_the_end(tmp_path: Path) -> None:
    path, clock = tmp_path / "state.json", ManualClock(NOW, auto=True)
    found = await saved(path, clock)
    written = path.stat().st_mtime_ns
    found.keep_events("salon", EventMemory(NOW + 60, NOW))
    clock.now += 599
    await found.save()
    assert written == path.stat().st_mtime_ns
    await found.aclose()
    remembered = history(path, clock).events("salon")
    assert remembered is not None
    assert NOW + 60 == remembered.at


async def test_a_target_of_another_account_by_now_has_no_memory_of_events(tmp_path: Path) -> None:
    path, clock = tmp_path / "state.json", ManualClock(NOW, auto=True)
    found = await saved(path, clock)
    found.keep_targets({"salon": "another"})
    assert found.events("salon") is None


async def test_a_history_that_takes_over_remembers_events_as_well(tmp_path: Path) -> None:
    before = StatusHistory()
    before.keep_events("salon", MEMORY)
    after = history(tmp_path / "state.json", ManualClock(NOW, auto=True))
    after.take_over(before)
    assert MEMORY == after.events("salon")


@pytest.mark.parametrize(
    "text",
    [
        "7",
        '{"at": "x", "until": 1}',
        '{"at": -5, "until": 1}',
        '{"at": 5, "until": 1, "seen": {"a": [1]}}',
        '{"at": 5, "until": 1, "seen": {"a": ["1", 2]}}',
        '{"at": 5, "until": 1, "lives": {"a": [1, 2, 3, 1e99]}}',
    ],
)
async def test_what_was_not_written_by_us_costs_the_events_alone(tmp_path: Path, text: str) -> None:
    path, clock = tmp_path / "state.json", ManualClock(NOW, auto=True)
    path.write_text(f'{{"version": 2, "targets": {{"salon": {{"account": "a"}}}}, "events": {{"salon": {text}}}}}')
    found = history(path, clock)
    assert found.events("salon") is None
    assert {"salon"} == found._targets.keys()


def test_the_most_that_is_kept_of_a_target_takes_64_kib() -> None:
    seen = {f"{number:012x}": (NOW, 86_400.0) for number in range(1_000)}
    lives = {f"{number:012x}": ImportLife(NOW, NOW, NOW, 604_800.0, NOW, NOW, NOW, NOW, 3) for number in range(200)}
    assert len(events_text(EventMemory(NOW, NOW, seen, lives, copies=True), 0.0)) <= 65_536


def test_where_the_file_has_no_room_for_all_the_smallest_are_kept() -> None:
    full = 32 * 1024 * 1024
    memories = {"large": b"x" * 500, "small": b"x" * 100, "medium": b"x" * 300}
    assert ["small", "medium"] == list(within_room(memories, full - 600))
    assert [] == list(within_room(memories, full))


def test_a_wall_clock_that_was_set_moves_what_was_noticed_and_not_what_lies_in_the_calendar() -> None:
    windows = (WindowEvents(Window("next_24h", NOW, NOW + 86_400), {Cause.UNKNOWN: 1}),)
    row = ImportedEvents("a", "a", {}, changed=NOW - 60, farthest=NOW + 600, faults={ImportFault.SILENT: NOW - 90})
    moved = observation_moved(EventsObservation(NOW, windows, (row,), next_conflict=NOW + 60), 3600.0)
    assert isinstance(moved, EventsObservation)
    [there] = moved.imports
    assert (NOW + 3540, NOW + 600, {ImportFault.SILENT: NOW + 3510}) == (there.changed, there.farthest, there.faults)
    assert (NOW + 3600, windows, NOW + 60) == (moved.at, moved.windows, moved.next_conflict)
