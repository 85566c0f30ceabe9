"""Supervisor of background tasks: a task that a bug ended is logged, counted and begun again after a back-off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from random import Random
from typing import Final

import structlog

from exporter.clock import Clock
from exporter.support.backoff import exponential

log = structlog.get_logger(__name__)

INITIAL_PAUSE_SECONDS: Final = 1.0
MAX_PAUSE_SECONDS: Final = 60.0


async def supervised(
    name: str,
    work: Callable[[], Coroutine[None, None, None]],
    *,
    clock: Clock,
    random: Random,
    died: Callable[[str], None],
    **facts: object,
) -> None:
    """Do ``work`` to its end; when a bug ends it, tell ``died`` its name and begin it again, later with each bug in a row.

    Bugs that lie more than a minute apart are not in a row. ``facts`` are for the log.
    """
    bugs = 0
    while True:
        began = clock.monotonic()
        try:
            await work()
        except (Exception, asyncio.CancelledError) as bug:
            stopping = _is_cancelled()
            if stopping and isinstance(bug, asyncio.CancelledError):
                raise  # meant for us; otherwise something inside was cancelled, which is a bug as any other
            bugs = bugs + 1 if clock.monotonic() - began <= MAX_PAUSE_SECONDS else 1
            pause = exponential(bugs - 1, initial_seconds=INITIAL_PAUSE_SECONDS, max_seconds=MAX_PAUSE_SECONDS, random=random)
            died(name)
            log.exception("task_died", task=name, **facts, again_in_seconds=round(pause, 1))
            if stopping:
                return  # the bug took the place of the end that was asked for
        else:
            return
        await clock.sleep(pause)


def _is_cancelled() -> bool:
    # Not in the frame above: one that knows its own task is a cycle, which only a garbage collection frees.
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
