"""What it costs to save the state of 5,500 targets: ours, and the same document written with ``json`` on the event loop.

Each target has four connections and two collectors, some of which flap. The loop is held for as long as the processor time
between two turns of a task that sleeps a millisecond at a time. A file at its cap is the worst that can be.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final

from exporter.limits import STATE_FILE
from exporter.model import Change
from exporter.state.status_history import FileStatusHistory
from tests.benchmarks.figures import Figure, in_turns_async
from tests.benchmarks.goals import STATE_HELD, STATE_HELD_FULL, STATE_MEMORY
from tests.benchmarks.held_loop import longest_hold
from tests.benchmarks.memory import peak_of
from tests.benchmarks.report import main
from tests.harness.clock import ManualClock

TARGETS: Final = 5_500
NOW: Final = 1_790_000_000.123456


def poll(history: FileStatusHistory, target: int, now: float, state: str, *, all_of_them: bool = False) -> None:
    """Let a target be seen as its polls do; one of its connections, or all, are in ``state``."""
    name = f"site-{target:05}"
    for number in range(4):
        history.seen(name, f"{target:06x}{number:06x}", Change(now, state if all_of_them or number == 0 else "synced"), now)
    history.forget_oldest(name)
    for collector in ("connections", "bookings"):
        seen = {"error": "failing auth"}.get(state, "ok") if all_of_them else "ok"
        history.collector_seen(name, collector, Change(now, seen), now)


def all_polled(
    history: FileStatusHistory, now: float, state: str, *, targets: int = TARGETS, all_of_them: bool = False
) -> None:
    """Let every target be seen."""
    for target in range(targets):
        poll(history, target, now + target / targets, state, all_of_them=all_of_them)


def written_plainly(path: Path, document: object) -> None:
    """Write ``document`` durably, as a program does that thinks no further."""
    beside = path.with_suffix(".new")
    with beside.open("w") as file:
        json.dump(document, file)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


async def held(work: Callable[[], Awaitable[None]]) -> float:
    """Return for how many milliseconds the loop was held at most."""
    _, seconds = await longest_hold(work)
    return seconds * 1000


async def usual(folder: Path, rounds: int, targets: int = TARGETS) -> list[Figure]:
    """Measure a change at one target and one at each, beside the document in one piece."""
    history = FileStatusHistory(folder / "state.json", ManualClock(NOW))
    all_polled(history, NOW, "synced", targets=targets)
    await history.save()
    moments = iter(range(60, 10_000, 60))

    async def one() -> float:
        poll(history, 1, NOW + next(moments), "error")
        return await held(history.save)

    async def each() -> float:
        moment = next(moments)
        all_polled(history, NOW + moment, ("error", "synced")[moment // 60 % 2], targets=targets)
        return await held(history.save)

    async def plainly() -> float:
        document = json.loads((folder / "state.json").read_bytes())

        async def write() -> None:
            written_plainly(folder / "plain.json", document)

        return await held(write)

    taken = await in_turns_async(rounds, {"one": one, "each": each, "json on the loop": plainly})
    await history.aclose()
    beside = {"json on the loop": taken["json on the loop"]}
    what = "the loop held at most, a change at"
    return [
        Figure(f"{what} one target", "ms", taken["one"], beside),
        Figure(f"{what} each target", "ms", taken["each"], beside, goal=STATE_HELD, limited_by="the slice of 20 targets"),
    ]


async def full(folder: Path, rounds: int) -> list[Figure]:
    """Measure a file that is as large as it may be, when all of it changes."""
    history = FileStatusHistory(folder / "full.json", ManualClock(NOW))
    states = 2 * STATE_FILE.number // (TARGETS * 6 * len(f'[{NOW},"disconnected"],'))
    for turn in range(min(49, states)):
        all_polled(history, NOW + 60 * turn, ("error", "synced")[turn % 2], all_of_them=True)
    moments = iter(range(3_600, 100_000, 60))

    async def save() -> tuple[float, float]:
        moment = next(moments)
        all_polled(history, NOW + moment, ("error", "synced")[moment // 60 % 2], all_of_them=True)
        return await peak_of(partial(held, history.save))

    taken = (await in_turns_async(rounds, {"ours": save}))["ours"]
    await history.aclose()
    return [
        Figure("at its cap: the loop held at most", "ms", tuple(ms for ms, _ in taken), goal=STATE_HELD_FULL),
        Figure("at its cap: memory above what stood in it", "MiB", tuple(mib for _, mib in taken), goal=STATE_MEMORY),
    ]


def figures(rounds: int) -> list[Figure]:
    """Measure both."""
    with tempfile.TemporaryDirectory() as folder:
        return [*asyncio.run(usual(Path(folder), rounds)), *asyncio.run(full(Path(folder), rounds))]


if __name__ == "__main__":
    main("state_file", __doc__, figures)
