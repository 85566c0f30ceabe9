"""Sessions and state files that are being closed: side by side, with some time, and none of them fails a reload."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection

import structlog

from exporter.clock import Clock, wall_deadline
from exporter.runtime.targets import LiveTarget
from exporter.state.status_history import StatusHistory

log = structlog.get_logger(__name__)


class Closing:
    """What leaves. The loop itself holds tasks only weakly, so they are held here until they end."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def begin(self, targets: Collection[LiveTarget], *histories: StatusHistory) -> set[asyncio.Task[None]]:
        """Begin to close the sessions of ``targets``, side by side, and ``histories``."""
        closing = {asyncio.create_task(live.session.aclose(), name=f"close {live.config.name}") for live in targets}
        closing |= {asyncio.create_task(history.aclose(), name="close the state file") for history in histories}
        for task in closing:
            task.add_done_callback(self._closed)
        self._tasks |= closing
        return closing

    async def wait_for(self, closing: Collection[asyncio.Task[None]], seconds: float) -> None:
        """Wait for sessions that close. One that saves a new token gets its time, but not all the time."""
        if closing:
            with contextlib.suppress(TimeoutError):
                async with wall_deadline(self._clock, seconds):
                    await asyncio.wait(closing)
        for task in closing:
            if not task.done():
                log.warning("session_closes_slowly", task=task.get_name())

    async def wait_for_all(self, seconds: float) -> None:
        """Wait as :meth:`wait_for` does, for all that has begun to close."""
        await self.wait_for(tuple(self._tasks), seconds)

    def _closed(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (bug := task.exception()) is not None:
            log.error("session_close_crashed", task=task.get_name(), exc_info=bug)
