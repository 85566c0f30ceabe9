"""What the state file remembers of pairs, beside targets and private events, and in whose part of a divided file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import structlog.testing
from msgspec.structs import replace

from exporter.limits import STATE_FILE, STATE_FILE_PAIR
from exporter.model import Change
from exporter.private_calendar import EventMemory
from exporter.proof import ProofState
from exporter.state.pair_memory import GoneBooking, KnownBooking, PairMemory, UnknownTime
from exporter.state.pair_text import pair_text
from exporter.state.state_file import read_pairs, state_file
from exporter.state.status_history import (
    EVENTS_SAVE_SECONDS,
    VERDICTS_SAVE_SECONDS,
    FileStatusHistory,
    StatusHistory,
    open_status_history,
)
from tests.harness.clock import ManualClock

NOW = 1_790_000_000.0
HOUR = 3600.0
DAY = 86_400.0


def memory(number: int = 0) -> PairMemory:
    return PairMemory("0a1b2c3d4e5f", NOW - 60, ProofState.PROVED, NOW - 3600, arrived_in_all=41 + number)


async def kept(path: Path, *pairs: str, at: float = NOW, number: int = 0) -> None:
    """Let a process with the state file ``path`` remember ``pairs``."""
    history = open_status_history(path, ManualClock(at))
    for pair in pairs:
        history.keep_pair(pair, memory(number))
    await history.aclose()
    os.utime(path, (at, at))


def known(path: Path) -> dict[str, int]:
    return {pair: one["arrived_in_all"] for pair, one in json.loads(path.read_bytes()).get("pairs", {}).items()}


async def test_a_pair_is_remembered_over_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    await kept(path, "anna")
    again = open_status_history(path, ManualClock(NOW + 60))
    assert (memory(), None) == (again.pair("anna"), again.pair("ben"))
    await again.aclose()


async def test_what_a_poll_brings_is_written_with_what_else_is_or_every_ten_minutes(tmp_path: Path) -> None:
    path, clock = tmp_path / "state.json", ManualClock(NOW)
    os.utime(path.parent)
    history = FileStatusHistory(path, clock)
    history.seen("salon", "abc", Change(NOW, "synced"), NOW)
    await history.save()
    history.keep_pair("anna", memory())
    clock.now += EVENTS_SAVE_SECONDS - 1
    await history.save()
    assert {} == known(path)
    clock.now += 2
    await history.save()
    assert {"anna": 41} == known(path)
    await history.aclose()


async def test_pairs_that_are_no_longer_configured_are_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    await kept(path, "anna", "ben")
    history = open_status_history(path, ManualClock(NOW + 60))
    history.keep_pairs(frozenset({"ben", "cleo"}), {})
    await history.save()
    assert {"ben": 41} == known(path)
    await history.aclose()


def test_pairs_that_change_their_names_keep_what_is_known_of_their_ends() -> None:
    history = StatusHistory()
    for number, pair in enumerate(("anna", "ben", "cleo")):
        history.keep_pair(pair, replace(memory(number), ends=pair))
    ends = {"anna": "ben", "ben": "anna", "dora": "cleo", "emma": "new"}
    history.keep_pairs(frozenset(ends), ends)
    assert ["ben", "anna", None, "cleo", None] == [
        found and found.ends for found in map(history.pair, ("anna", "ben", "cleo", "dora", "emma"))
    ]


def test_of_two_pairs_of_the_same_ends_each_keeps_its_own() -> None:
    history = StatusHistory()
    for number, pair in enumerate(("anna", "twin")):
        history.keep_pair(pair, memory(number))
    history.keep_pairs(frozenset({"anna", "twin"}), dict.fromkeys(("anna", "twin"), memory().ends))
    assert [memory(0), memory(1)] == [history.pair("anna"), history.pair("twin")]


async def test_another_state_file_takes_over_the_pairs_that_are_known(tmp_path: Path) -> None:
    before = StatusHistory()
    before.keep_pair("anna", memory())
    history = open_status_history(tmp_path / "state.json", ManualClock(NOW))
    history.take_over(before)
    assert memory() == history.pair("anna")
    await history.aclose()


async def test_a_pair_that_falls_to_another_process_is_known_there_as_who_judged_it_last_knew_it(tmp_path: Path) -> None:
    first, second = (tmp_path / f"state.json.shard-{index}-of-2" for index in range(2))
    await kept(first, "anna", at=NOW - 600, number=1)
    await kept(second, "anna", "ben", at=NOW, number=2)
    history = open_status_history(first, ManualClock(NOW + 60))
    assert [43, 43] == [one.arrived_in_all for pair in ("anna", "ben") if (one := history.pair(pair))]
    history.keep_pairs(frozenset({"anna"}), {})
    await history.save()
    await history.aclose()
    assert {"anna": 43} == known(first)
    assert {"anna": 43, "ben": 43} == known(second)


@pytest.mark.parametrize("content", ["", "[]", '{"version": 2, "pairs": []}', '{"version": 3, "pairs": {"anna": {}}}', "\xff"])
def test_a_part_that_is_not_ours_hides_no_other(tmp_path: Path, content: str) -> None:
    odd, ours, missing = tmp_path / "odd", tmp_path / "ours", tmp_path / "missing"
    odd.write_text(content, encoding="latin-1")
    ours.write_bytes(b'{"version": 2, "pairs": {"anna": {"at": 1, "no": "pair"}, "ben": 7}}')
    assert {} == read_pairs([odd, missing, ours])


def test_what_is_spoilt_of_a_pair_is_told_by_its_name_and_costs_no_other(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    spoilt = b'{"ends": "x", "at": 1, "state": "well"}'
    path.write_bytes(state_file({}, pairs={"anna": spoilt, "ben": pair_text(memory(), 0.0)}))
    with structlog.testing.capture_logs() as logged:
        assert {"ben": memory()} == read_pairs([path])
    assert [("state_of_pair_ignored", "anna")] == [(line["event"], line["pair"]) for line in logged]


def test_where_there_is_not_room_enough_pairs_come_before_private_events() -> None:
    text = b'"' + b"p" * STATE_FILE_PAIR.number + b'"'
    pairs = {f"pair-{number}": text for number in range(STATE_FILE.number // len(text) + 10)}
    whole = state_file({"salon": b"{}"}, {"salon": text + b" " * len(text)}, pairs)
    assert len(whole) <= STATE_FILE.number
    read = json.loads(whole)
    assert (False, True) == ("events" in read, STATE_FILE.number // len(text) - 1 <= len(read["pairs"]))


def test_an_account_that_is_another_one_forgets_private_events_and_leaves_pairs_to_judge_it_themselves() -> None:
    history = StatusHistory()
    history.keep_targets({"salon": "one"})
    history.keep_events("salon", EventMemory(NOW, NOW, {}, {}))
    history.keep_pair("anna", memory())
    history.keep_targets({"salon": "another"})
    assert (None, memory()) == (history.events("salon"), history.pair("anna"))


@pytest.mark.parametrize("seconds", [-8 * DAY, -HOUR, HOUR, 8 * DAY])
async def test_a_wall_clock_that_is_set_before_a_pair_is_judged_moves_what_the_file_says_of_it(
    tmp_path: Path, seconds: float
) -> None:
    path, clock = tmp_path / "state.json", ManualClock(NOW + 60 - seconds)
    await kept(path, "anna")
    history = open_status_history(path, clock)  # of a machine whose clock is not yet set
    clock.set_by = seconds
    found = history.pair("anna")
    assert found == memory().moved_by(-seconds)
    history.keep_pairs(frozenset({"anna"}), {})
    await history.save()  # before both ends were read
    assert {"anna": memory()} == read_pairs([path])
    history.keep_pair("anna", found)
    clock.set_by += HOUR
    await history.save()
    assert {"anna": memory().moved_by(HOUR)} == read_pairs([path])
    await history.aclose()


async def test_a_standby_takes_over_what_was_written_by_a_clock_that_was_set_since_it_began(tmp_path: Path) -> None:
    path, clock = tmp_path / "state.json", ManualClock(NOW + 60 - HOUR)
    await kept(path, "anna")
    clock.set_by = HOUR
    history = open_status_history(path, clock)
    assert memory().moved_by(-HOUR) == history.pair("anna")
    await history.aclose()


async def test_another_state_file_has_what_was_not_judged_yet_with_the_moments_of_its_clock(tmp_path: Path) -> None:
    path, clock = tmp_path / "state.json", ManualClock(NOW + 60)
    await kept(path, "anna", "ben")
    before = open_status_history(path, clock)
    before.keep_pair("ben", memory())
    history = open_status_history(tmp_path / "other.json", clock)
    history.take_over(before)
    clock.set_by = HOUR
    assert [memory().moved_by(-HOUR), memory()] == [history.pair("anna"), history.pair("ben")]
    await history.aclose()
    await before.aclose()


@pytest.mark.parametrize(
    "told",
    [
        {"proved": True},
        {"imports_proved": True},
        {"bookings": {"5f4e3d2c1b0a": KnownBooking(NOW, NOW + HOUR, NOW, missing=True)}},
        {"gone": (GoneBooking(NOW, NOW + HOUR, NOW, left=True),)},
        {"unknown": (UnknownTime(NOW, NOW + HOUR, NOW, missing=True),)},
    ],
    ids=lambda told: next(iter(told)),
)
async def test_a_verdict_is_written_within_a_minute_so_that_a_kill_does_not_take_it_back(
    tmp_path: Path, told: dict[str, Any]
) -> None:
    path, clock = tmp_path / "state.json", ManualClock(NOW)
    await kept(path, "anna")
    history = open_status_history(path, clock)
    clock.now += VERDICTS_SAVE_SECONDS - 1
    history.keep_pair("anna", replace(memory(), **told))
    await history.save()
    assert {"anna": memory()} == read_pairs([path])
    clock.now += 2
    await history.save()
    assert {"anna": replace(memory(), **told)} == read_pairs([path])
    await history.aclose()


async def test_a_file_of_a_moment_that_lies_ahead_is_written_anew(tmp_path: Path) -> None:
    path, clock = tmp_path / "state.json", ManualClock(NOW)
    await kept(path, "anna", at=NOW + DAY)
    history = open_status_history(path, clock)
    history.keep_pair("anna", memory(number=1))
    await history.save()
    assert {"anna": 42} == known(path)
    await history.aclose()
