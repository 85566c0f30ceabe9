"""Targets that move to another process keep their ages, which it reads in the parts of the state file beside its own."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.model import Change
from exporter.state.status_history import open_status_history
from exporter.support.shard_files import shard_file, shard_files_newest_first
from tests.harness.clock import ManualClock

NOW = 1_790_000_000.0
DAY = 86_400.0
NAME = "state.json"
TARGETS = ("salon", "physio", "spa", "dentist")


async def lived(path: Path, since: Mapping[str, float], at: float = NOW) -> Mapping[str, float]:
    """Let a process with the state file ``path`` watch targets, each ``since`` a moment at the latest. Returns what it says."""

    async def life() -> Mapping[str, float]:
        clock = ManualClock(at)
        history = open_status_history(path, clock, frozenset(since))
        said = {}
        for target, moment in since.items():
            (change, *_) = history.seen(target, "abc", Change(moment, "synced", known=False), at)
            said[target] = change.at
        history.keep_targets(dict.fromkeys(since, ""))
        await history.save()
        await history.aclose()
        return said

    said = await life()
    if path.exists():
        os.utime(path, (at, at))
    return said


def known(path: Path) -> set[str]:
    return set(json.loads(path.read_bytes())["targets"])


WAYS = {
    "from one process to three": ([NAME], [f"{NAME}.shard-{i}-of-3" for i in range(3)]),
    "from three to one": ([f"{NAME}.shard-{i}-of-3" for i in range(3)], [NAME]),
    "from two to three": ([f"{NAME}.shard-{i}-of-2" for i in range(2)], [f"{NAME}.shard-{i}-of-3" for i in range(3)]),
    "from three to two": ([f"{NAME}.shard-{i}-of-3" for i in range(3)], [f"{NAME}.shard-{i}-of-2" for i in range(2)]),
    "from an earlier version": ([f"{NAME}.{i}-of-2" for i in range(2)], [f"{NAME}.shard-{i}-of-2" for i in range(2)]),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("turn", range(2))
async def test_however_the_targets_are_divided_anew_each_is_known_since_when_it_was(
    way: str, turn: int, tmp_path: Path
) -> None:
    before, after = WAYS[way]
    for number, name in enumerate(before):
        await lived(tmp_path / name, dict.fromkeys(TARGETS[number :: len(before)], NOW - 1000))
    for number, name in enumerate(after):  # one after the other: who comes first drops what it does not watch
        mine = TARGETS[(number + turn) % len(after) :: len(after)]
        said = await lived(tmp_path / name, dict.fromkeys(mine, NOW + 60), NOW + 60)
        assert dict.fromkeys(mine, NOW - 1000) == said
        assert set(mine) == known(tmp_path / name), "and it stands in its own file from then on, though nothing changed"


async def test_what_lies_beside_is_read_and_never_written(tmp_path: Path) -> None:
    old = tmp_path / NAME
    await lived(old, dict.fromkeys(TARGETS, NOW - 1000))
    seen = old.read_bytes(), old.stat().st_mtime_ns
    await lived(tmp_path / f"{NAME}.shard-0-of-2", {"salon": NOW + 60}, NOW + 60)
    assert seen == (old.read_bytes(), old.stat().st_mtime_ns)


async def test_a_part_that_another_process_has_in_use_is_read_all_the_same(tmp_path: Path) -> None:
    first = open_status_history(tmp_path / NAME, ManualClock(NOW))
    first.seen("salon", "abc", Change(NOW - 1000, "synced"), NOW)
    await first.save()
    second = open_status_history(shard_file(tmp_path / NAME, 0, 2), ManualClock(NOW), {"salon"})
    assert NOW - 1000 == second.seen("salon", "abc", Change(NOW, "synced"), NOW)[-1].at
    await asyncio.gather(first.aclose(), second.aclose())


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=10))
async def test_whoever_watches_a_target_by_turns_knows_all_of_its_states(processes: list[int]) -> None:
    async def life(path: Path, at: float, state: str) -> Sequence[Change]:
        history = open_status_history(path, ManualClock(at), {"salon"})
        changes = history.seen("salon", "abc", Change(at, state), at)
        await history.save()
        await history.aclose()
        os.utime(path, (at, at))
        return changes

    with TemporaryDirectory() as folder:
        whole = Path(folder) / NAME
        files = [whole, shard_file(whole, 0, 2), shard_file(whole, 1, 2), whole.with_name(f"{NAME}.1-of-2")]
        seen: list[tuple[float, str]] = []
        for turn, number in enumerate(processes):
            seen.append((NOW + turn, ("synced", "error")[turn % 2]))
            assert seen == [(row.at, row.state) for row in await life(files[number], *seen[-1])]


@pytest.mark.parametrize(("days", "taken"), [(6.9, True), (7.1, False)])
async def test_what_nobody_wrote_for_a_week_is_left_alone(days: float, taken: bool, tmp_path: Path) -> None:
    await lived(tmp_path / f"{NAME}.0-of-2", {"salon": NOW - DAY}, NOW)
    now = NOW + days * DAY
    assert {"salon": NOW - DAY if taken else now} == await lived(shard_file(tmp_path / NAME, 0, 2), {"salon": now}, now)


@pytest.mark.slow
@pytest.mark.parametrize("restarts", [False, True])
async def test_a_part_in_which_nothing_changes_is_not_taken_for_one_that_nobody_writes(restarts: bool, tmp_path: Path) -> None:
    mine, days = shard_file(tmp_path / NAME, 0, 2), 10

    clock = ManualClock(NOW)
    history = open_status_history(mine, clock, {"salon"})
    for _ in range(4 * days):
        history.seen("salon", "abc", Change(clock.time(), "error"), clock.time())
        written = mine.stat().st_mtime if mine.exists() else None
        await history.save()
        if mine.stat().st_mtime != written:
            os.utime(mine, (clock.time(), clock.time()))
        if restarts:
            await history.aclose()
        await clock.advance(DAY / 4)
        if restarts:
            history = open_status_history(mine, clock, {"salon"})
    await history.aclose()
    now = NOW + days * DAY
    assert {"salon": NOW} == await lived(shard_file(tmp_path / NAME, 2, 3), {"salon": now}, now)
    assert NOW + (days - 2) * DAY < mine.stat().st_mtime, "a write a day is enough"


async def test_targets_of_others_are_not_taken_and_a_broken_part_costs_nothing(tmp_path: Path) -> None:
    await lived(tmp_path / NAME, dict.fromkeys(TARGETS, NOW - 1000))
    (tmp_path / f"{NAME}.0-of-9").write_bytes(b"{")
    with structlog.testing.capture_logs() as logged:
        await lived(shard_file(tmp_path / NAME, 1, 2), {"spa": NOW}, NOW)
    assert {"spa"} == known(shard_file(tmp_path / NAME, 1, 2))
    assert [("state_file_ignored", 0), ("state_taken_over", 1)] == [(line["event"], line.get("targets", 0)) for line in logged]


def test_a_part_that_cannot_be_looked_at_hides_no_other(tmp_path: Path) -> None:
    links, parts = [f"{NAME}.{i}-of-9" for i in range(8)], [f"{NAME}.shard-{i}-of-8" for i in range(8)]
    for link, part in zip(links, parts, strict=True):  # in turns: a folder tells its entries in any order
        (tmp_path / link).symlink_to(tmp_path / "gone")
        (tmp_path / part).touch()
    assert {NAME, *parts} == {part.name for part in shard_files_newest_first(tmp_path / NAME)}


def test_only_parts_of_the_same_file_count(tmp_path: Path) -> None:
    mine = shard_file(tmp_path / NAME, 0, 2)
    others = [NAME, f"{NAME}.shard-1-of-2", f"{NAME}.0-of-3"]
    for name in [
        *others, mine.name, "other.json", f"{NAME}.lock", f"{NAME}.sites", f"{NAME}.shard-1-of-2.lock", f"x{NAME}",
        f"{NAME}.shard-1-of-2.sites", f"{NAME}.shard-1-of-2~", f"{NAME}.shard--1-of-2", f"{NAME}.bak",
    ]:  # fmt: skip
        (tmp_path / name).touch()
    assert {tmp_path / name for name in others} | {mine} == set(shard_files_newest_first(mine))
    sites = {f"{NAME}.sites", f"{NAME}.shard-1-of-2.sites", f"{mine.name}.sites"}
    assert {tmp_path / name for name in sites} == set(shard_files_newest_first(mine, ".sites"))
    assert (tmp_path / "missing" / NAME,) == shard_files_newest_first(tmp_path / "missing" / NAME)
