"""How much more memory some work takes at its peak, by the kernel, which can be told to begin anew."""

from __future__ import annotations

import ctypes
import gc
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeVar

from tests.fleet.processes import memory_mib

T = TypeVar("T")

_FORGET_PEAK: Final = "5"  # proc(5), clear_refs


def forget_peak(pid: int) -> None:
    """Let the peak of a process begin at what it has now."""
    Path(f"/proc/{pid}/clear_refs").write_text(_FORGET_PEAK)


async def peak_of(work: Callable[[], Awaitable[T]]) -> tuple[T, float]:
    """Return what ``work`` does, and how many MiB more than before it this process had at most."""
    pid = os.getpid()
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what glibc holds for later would make room for the work, and it would seem to take none
    forget_peak(pid)
    before, _ = memory_mib(pid)
    found = await work()
    return found, memory_mib(pid)[1] - before
