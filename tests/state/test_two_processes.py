"""Two exporters with one state file, the first held or killed before any file operation: one has it, and it stays whole."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest

from exporter.clock import SystemClock
from exporter.model import Change
from exporter.state.state_lock import StateFileInUseError
from exporter.state.status_history import StatusHistory, open_status_history
from tests.harness.file_operations import seen_files
from tests.harness.killable import Killable

OLD, NEW = 10.0, 20.0


async def opened(path: Path) -> StatusHistory:
    return await asyncio.to_thread(open_status_history, path, SystemClock())


async def life(path: Path) -> None:
    """Open the state file, learn of a change, save it, and let the file go."""
    history = await opened(path)
    history.seen("salon", "abc", Change(NEW, "error"), NEW)
    await history.save()
    await history.aclose()


async def before_that(path: Path) -> None:
    history = await opened(path)
    history.seen("salon", "abc", Change(OLD, "synced"), OLD)
    await history.save()
    await history.aclose()


async def what_is_known(path: Path) -> float:
    """Return since when the connection has the status of the old or of the new file, as a process that starts now reads it."""
    history = await opened(path)
    content = path.read_text()
    moment = history.seen("salon", "abc", Change(99.0, "error" if "error" in content else "synced"), 99.0)[-1].at
    history.seen("salon", "other", Change(30.0, "synced"), 30.0)
    await history.save()
    await history.aclose()
    return moment


@pytest.mark.slow
async def test_before_whatever_operation_a_process_is_killed_the_next_one_reads_a_whole_file_and_writes_it(
    tmp_path: Path,
) -> None:
    with seen_files():
        whole = Killable()
        await before_that(tmp_path / "whole.json")
        await whole.start(lambda: life(tmp_path / "whole.json"))
        assert {"flock", "ftruncate", "pwrite", "fsync", "replace"} <= set(whole.operations)
        known = set()
        for before in range(len(whole.operations)):
            path = tmp_path / f"{before}.json"
            await before_that(path)
            process = Killable(before=before)
            await asyncio.gather(process.start(partial(life, path)), return_exceptions=True)
            assert process.dead
            known.add(await what_is_known(path))
        assert {OLD, NEW} == known


@pytest.mark.slow
async def test_before_whatever_operation_the_first_is_held_the_second_has_the_file_or_says_who_has_it(tmp_path: Path) -> None:
    with seen_files():
        whole = Killable()
        await whole.start(lambda: life(tmp_path / "whole.json"))
        refused = []
        for before, _ in enumerate(whole.operations):
            path = tmp_path / f"{before}.json"
            first = Killable(before=before, held=True)
            task = first.start(partial(life, path))
            await first.done_or_held(task)
            try:
                second = await opened(path)
            except StateFileInUseError:
                refused.append(before)
                first.go_on.set()
                await task
            else:
                first.go_on.set()
                (ended,) = await asyncio.gather(task, return_exceptions=True)
                await second.aclose()
                assert ended is None or isinstance(ended, StateFileInUseError)
        locked, unlocked = whole.operations.index("flock") + 1, len(whole.operations)
        assert list(range(locked, unlocked)) == refused
