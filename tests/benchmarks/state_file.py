"""How long the state file of a fleet holds the event loop: ``python -m tests.benchmarks.state_file [targets]``.

Each target has four connections and two collectors, some of which flap. A stretch is the processor time between two turns of a
task that sleeps 1 ms at a time; exit code 1 when the longest one exceeds 50 ms.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from exporter.model import Change
from exporter.state.status_history import FileStatusHistory
from tests.benchmarks.wix_connections import watch
from tests.harness.clock import ManualClock

MAX_SECONDS = 0.050
NOW = 1_790_000_000.123456


def poll(history: FileStatusHistory, target: int, now: float, state: str) -> None:
    """Let a target be seen as its polls do."""
    name = f"site-{target:05}"
    for number in range(4):
        history.seen(name, f"{target:06x}{number:06x}", Change(now, state if number == 0 else "synced"), now)
    history.forget_oldest(name)
    for collector in ("connections", "bookings"):
        history.collector_seen(name, collector, Change(now, "ok"), now)


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


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_500)))
