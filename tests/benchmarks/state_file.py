"""How long the state file of a fleet holds the event loop: ``python -m tests.benchmarks.state_file [targets]``.

Each target has four connections and two collectors, some of which flap. A stretch is the processor time between two turns of a
task that sleeps 1 ms at a time; exit code 1 when the longest one exceeds 50 ms. At the cap of the whole file it is 250 ms, and
200 MiB of memory.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from exporter.limits import STATE_FILE
from exporter.model import Change
from exporter.state.status_history import FileStatusHistory
from tests.benchmarks.wix_connections import watch
from tests.harness.clock import ManualClock

MAX_SECONDS = 0.050
MAX_FULL_SECONDS = 0.250
MAX_MIB = 200
NOW = 1_790_000_000.123456


def poll(history: FileStatusHistory, target: int, now: float, state: str, *, all_of_them: bool = False) -> None:
    """Let a target be seen as its polls do; one of its connections, or all, are in ``state``."""
    name = f"site-{target:05}"
    for number in range(4):
        history.seen(name, f"{target:06x}{number:06x}", Change(now, state if all_of_them or number == 0 else "synced"), now)
    history.forget_oldest(name)
    for collector in ("connections", "bookings"):
        seen = {"error": "failing auth"}.get(state, "ok") if all_of_them else "ok"
        history.collector_seen(name, collector, Change(now, seen), now)


async def measured(what: str, work: Callable[[], None], history: FileStatusHistory) -> float:
    """Do ``work``, save, and say how long the loop was held at most."""
    stretches: list[float] = []
    watcher = asyncio.create_task(watch(stretches))
    await asyncio.sleep(0.01)
    work()
    await asyncio.sleep(0.01)
    stretches.clear()  # of the save alone
    began = time.perf_counter()
    await history.save()
    took = time.perf_counter() - began
    await asyncio.sleep(0.01)
    watcher.cancel()
    sys.stdout.write(f"{what}: {took * 1000:.0f} ms, the loop was held for {max(stretches) * 1000:.1f} ms at most\n")
    return max(stretches)


async def main(targets: int) -> int:
    """Measure the first write, one after a single change, one after a change at each target, one after a step of the clock."""
    with tempfile.TemporaryDirectory() as folder:
        clock = ManualClock(NOW)
        path = Path(folder) / "state.json"
        history = FileStatusHistory(path, clock)

        def all_polled(now: float, state: str) -> None:
            for target in range(targets):
                poll(history, target, now, state)

        for turn in range(40):
            for target in range(0, targets, 100):
                poll(history, target, NOW + turn, ("error", "synced")[turn % 2])
        worst = [
            await measured("first write", lambda: all_polled(NOW + 60, "synced"), history),
            await measured("one change", lambda: poll(history, 1, NOW + 120, "error"), history),
            await measured("a change at each target", lambda: all_polled(NOW + 180, "connected"), history),
        ]
        clock.set_by = 3_600.0
        worst.append(await measured("the clock was set", lambda: None, history))
        sys.stdout.write(f"{path.stat().st_size / 2**20:.1f} MiB\n")
        await history.aclose()
    return int(max(worst) > MAX_SECONDS)


async def at_the_cap(targets: int) -> int:
    """Measure the file when it is full: how long its write and its reading hold the loop, and how much memory they take."""
    with tempfile.TemporaryDirectory() as folder:
        path, clock = Path(folder) / "state.json", ManualClock(NOW)
        history = FileStatusHistory(path, clock)
        states = 2 * STATE_FILE.number // (targets * 6 * len(f'[{NOW},"disconnected"],'))
        for turn in range(min(49, states)):
            for target in range(targets):
                poll(history, target, NOW + 60 * turn + target / targets, ("error", "synced")[turn % 2], all_of_them=True)
        idle = peak()
        worst = [
            await measured("a file that became too large", lambda: None, history),
            await measured("a change in a full file", lambda: poll(history, 1, NOW + 9_000, "connected"), history),
        ]
        written = peak() - idle
        await history.aclose()
        sys.stdout.write(f"{path.stat().st_size / 2**20:.1f} MiB, written with {written:.0f} MiB above what stood in memory\n")
        stretches: list[float] = []
        watcher = asyncio.create_task(watch(stretches))
        await asyncio.sleep(0.01)
        again = await asyncio.to_thread(FileStatusHistory, path, clock)
        await asyncio.sleep(0.01)
        watcher.cancel()
        sys.stdout.write(f"read while the loop was held for {max(stretches) * 1000:.1f} ms at most\n")
        await again.aclose()
    return int(max(*worst, *stretches) > MAX_FULL_SECONDS or written > MAX_MIB)


def peak() -> float:
    """Return the most memory that this process had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    TARGETS = int(sys.argv[1]) if len(sys.argv) > 1 else 5_500
    sys.exit(asyncio.run(main(TARGETS)) or asyncio.run(at_the_cap(TARGETS)))
