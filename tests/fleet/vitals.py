"""Processor time and memory of the processes of a run, once a second."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass

from tests.fleet.processes import cpu_seconds, memory_mib


@dataclass(frozen=True, slots=True)
class Process:
    """One process: its processor time in all, its resident memory now."""

    cpu_seconds: float
    memory_mib: float


@dataclass(frozen=True, slots=True)
class Vitals:
    """One look. ``at`` is in seconds since the exporter began to listen; without Prometheus there is none."""

    at: float
    exporter: Process
    fake: Process
    prometheus: Process | None


async def watch_vitals(seen: list[Vitals], began: float, *, exporter: int, fake: int, prometheus: int | None) -> None:
    """Look at the processes of these ids once a second, until cancelled or one of them has ended."""
    # A process that has died leaves less and less in /proc, and nothing to see.
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, KeyError):
        while True:
            found = [
                None if pid is None else Process(cpu_seconds(pid), memory_mib(pid)[0]) for pid in (exporter, fake, prometheus)
            ]
            at = time.monotonic() - began
            assert found[0] is not None
            assert found[1] is not None
            seen.append(Vitals(at, found[0], found[1], found[2]))
            await asyncio.sleep(1.0 - (time.monotonic() - began) % 1.0)
