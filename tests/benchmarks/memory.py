"""The resident memory of a process at its peak, by the kernel, which can be told to begin anew."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeVar

T = TypeVar("T")

_FORGET_PEAK: Final = "5"  # proc(5), clear_refs


def resident_mib(pid: int | str = "self") -> tuple[float, float]:
    """Return what a process has now, and the most since :func:`forget_peak`."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    now, peak = (int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    return now, peak


def forget_peak(pid: int | str = "self") -> None:
    """Let the peak of a process begin at what it has now."""
    Path(f"/proc/{pid}/clear_refs").write_text(_FORGET_PEAK)


async def peak_of(work: Callable[[], Awaitable[T]]) -> tuple[T, float]:
    """Return what ``work`` does, and how many MiB more than before it there were at most."""
    forget_peak()
    before, _ = resident_mib()
    found = await work()
    return found, resident_mib()[1] - before
