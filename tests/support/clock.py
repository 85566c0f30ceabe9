"""A clock that only moves when it is told to, or that jumps over every sleep."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager


class ManualClock:
    """Implements :class:`exporter.clock.Clock`.

    With ``auto`` a sleep moves the time itself and returns after one turn of the loop: right for a single task. Without it
    sleepers wait for :meth:`advance`: right for a scheduler with many tasks.
    """

    def __init__(self, start: float = 1_790_000_000.0, *, auto: bool = False) -> None:
        self.now = start
        self.slept: list[float] = []
        self._auto = auto
        self._start = start
        self._order = itertools.count()
        self._alarms: list[tuple[float, int, asyncio.Future[None] | asyncio.Timeout]] = []

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now - self._start

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if seconds <= 0 or self._auto:
            self.now += max(0.0, seconds)
            self._ring()
            await asyncio.sleep(0)
            return
        alarm: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._alarms, (self.now + seconds, next(self._order), alarm))
        await alarm

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        return self._timeout(seconds)

    @asynccontextmanager
    async def _timeout(self, seconds: float) -> AsyncIterator[None]:
        async with asyncio.timeout(None) as timeout:
            heapq.heappush(self._alarms, (self.now + seconds, next(self._order), timeout))
            yield

    async def advance(self, seconds: float) -> None:
        """Move the time in steps from alarm to alarm; after each the loop runs until everybody waits again."""
        end = self.now + seconds
        await self.settle()
        while self._alarms and self._alarms[0][0] <= end:
            self.now = max(self.now, self._alarms[0][0])
            self._ring()
            await self.settle()
        self.now = end

    async def settle(self, turns: int = 50) -> None:
        """Let every ready task run."""
        for _ in range(turns):
            await asyncio.sleep(0)

    def _ring(self) -> None:
        while self._alarms and self._alarms[0][0] <= self.now:
            _, _, alarm = heapq.heappop(self._alarms)
            if isinstance(alarm, asyncio.Timeout):
                try:
                    alarm.reschedule(asyncio.get_running_loop().time())
                except RuntimeError:
                    continue  # its block ended long ago
            elif not alarm.done():
                alarm.set_result(None)
