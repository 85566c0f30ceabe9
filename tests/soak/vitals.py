"""The vitals of a process: what must not grow from one calm to the next."""

from __future__ import annotations

import signal
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median
from typing import Final

from tests.fleet.processes import cpu_seconds, memory_mib
from tests.harness.process import Exporter, until


@dataclass(frozen=True, slots=True)
class Vitals:
    """Memory is resident; objects are those that Python's garbage collector knows."""

    memory_mib: float
    objects: float
    tasks: float
    threads: float
    descriptors: float


ALLOWED: Final = Vitals(memory_mib=1.05, objects=1.03, tasks=1.05, threads=1.0, descriptors=1.10)
"""By how much the last quarter of a soak may be above the second one. Bookings come in all the while, and stay in memory."""

ROUNDING: Final = Vitals(memory_mib=1.0, objects=2000, tasks=2, threads=1, descriptors=3)


async def take(running: Exporter) -> Vitals:
    """Ask the process, and the system about it."""
    told = _told(running)
    running.send(signal.SIGUSR1)

    async def answered() -> bool:
        return _told(running) > told

    await until(answered, "the vitals")
    own = next(line for line in reversed(running.log) if line.get("event") == "vitals")
    proc = Path(f"/proc/{running.process.pid}")
    threads = len(list((proc / "task").iterdir()))
    return Vitals(memory_mib(running.process.pid)[0], own["objects"], own["tasks"], threads, len(list((proc / "fd").iterdir())))


def _told(running: Exporter) -> int:
    return sum(line.get("event") == "vitals" for line in running.log)


def processor_seconds(running: Exporter) -> float:
    return cpu_seconds(running.process.pid)


def grown(series: list[Vitals]) -> list[str]:
    """Return a line for each figure whose median grew from the second quarter to the last; of fewer than eight, none."""
    quarter = len(series) // 4
    if quarter < 2:
        return []
    lines = []
    for name in (field.name for field in fields(Vitals)):
        before = median(getattr(one, name) for one in series[quarter : 2 * quarter])
        after = median(getattr(one, name) for one in series[-quarter:])
        if after > before * getattr(ALLOWED, name) + getattr(ROUNDING, name):
            lines.append(f"{name} grew from {before:g} to {after:g}")
    return lines
