"""A clock that only moves when it is told to, or that jumps over every sleep."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable

from exporter.clock.deadlines import Deadline


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
        self._alarms: list[tuple[float, int, Callable[[], None]]] = []
        self.late = self.stood_still = 0.0
        self.set_by = 0.0

    def time(self) -> float:
        return self.now + self.set_by

    def steady(self) -> float:
        return self.now

    def steady_at(self, moment: float) -> float:
        return moment + self._start

    def stepped(self) -> float:
        """Return what somebody said in ``set_by``: the wall clock alone is moved by that."""
        return self.set_by

    def monotonic(self) -> float:
        return self.now - self._start

    def quiet_for(self) -> float:
        """Return in how many seconds the next sleeper wakes; 0 where nobody sleeps."""
        return self._alarms[0][0] - self.now if self._alarms else 0.0

    def lost(self) -> float:
        """Return how much of the time the loop is to have been late: what :meth:`stall` said."""
        return self.late

    def stopped(self) -> float:
        return self.stood_still

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Callable[[], None]:
        called_off = False

        def alarm() -> None:
            if not called_off:
                callback()

        def call_off() -> None:
            nonlocal called_off
            called_off = True

        heapq.heappush(self._alarms, (self.now + seconds, next(self._order), alarm))
        return call_off

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if seconds <= 0 or self._auto:
            self.now += max(0.0, seconds)
            self._ring()
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.call_later(seconds, lambda: None if woken.done() else woken.set_result(None))
        await woken

    def timeout(self, seconds: float, *, slack: float | None = None) -> Deadline:
        return Deadline(self, seconds, slack=slack)

    async def stall(self, seconds: float) -> None:
        """Move the time as if the loop stood still meanwhile: everything that came due comes late, at once."""
        self.now += seconds
        self.late += seconds
        self.stood_still += seconds if seconds >= 5 else 0.0
        self._ring()
        await self.settle()

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
            heapq.heappop(self._alarms)[2]()
