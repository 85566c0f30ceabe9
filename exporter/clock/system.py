"""Time as a value that is passed in: the wall clock, the monotonic clock, sleeping and deadlines.

Everything that waits or looks at a clock takes a :class:`Clock`, so a test (and the simulator) can run a day in a second.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from exporter.clock.deadlines import Deadline, Timeline
from exporter.clock.loop_lag import LoopLag


class Clock(Timeline, Protocol):
    """What code may ask of time, besides what a deadline needs."""

    def time(self) -> float:
        """Return Unix seconds."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for ``seconds``; zero or less yields once."""
        ...

    def timeout(self, seconds: float, *, slack: float | None = None) -> Deadline:
        """Return an ``async with`` block that raises :class:`TimeoutError` when it lasts longer than ``seconds``.

        Seconds in which our own loop stood still do not count, nor those spent in
        :func:`exporter.clock.deadlines.paused`, which may be ``slack`` at most.
        """
        ...


class SystemClock:
    """The machine's own clock. ``lag`` knows how long the loop stood still; without it no deadline makes up for that."""

    def __init__(self, lag: LoopLag | None = None) -> None:
        self._lag = lag

    def time(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def lost(self) -> float:
        return self._lag.lost() if self._lag is not None else 0.0

    def stopped(self) -> float:
        return self._lag.stopped() if self._lag is not None else 0.0

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Callable[[], None]:
        return asyncio.get_running_loop().call_later(seconds, callback).cancel

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))

    def timeout(self, seconds: float, *, slack: float | None = None) -> Deadline:
        return Deadline(self, seconds, slack=slack)
