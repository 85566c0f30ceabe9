"""How long the event loop is held, by its own processor time, so that a busy machine does not blur it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def longest_hold(work: Callable[[], Awaitable[T]]) -> tuple[T, float]:
    """Return what ``work`` does, and the most processor time in seconds between two turns of a task beside it.

    The time is that of the loop's thread: what runs in other threads, and takes turns with it, does not count.
    """
    longest, before = 0.0, time.thread_time()

    async def watch() -> None:
        nonlocal longest, before
        while True:
            await asyncio.sleep(0.001)
            now = time.thread_time()
            longest, before = max(longest, now - before), now

    watcher = asyncio.create_task(watch())
    await asyncio.sleep(0.01)  # its own start is no part of the work
    longest, before = 0.0, time.thread_time()
    found = await work()
    longest = max(longest, time.thread_time() - before)
    watcher.cancel()
    return found, longest
