"""Event-loop lag: how late the loop is, for the gauge, for admission control, and for deadlines, which do not count it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

TICK_SECONDS: Final = 0.05
STANDSTILL_SECONDS: Final = 5.0
"""Work does not hold the loop for so long at once: the process was stopped, or its machine suspended."""

_SAMPLE_SECONDS: Final = 0.5
_SAMPLES: Final = 120  # a minute


class LoopLag:
    """A tick of the running loop, and how late it came.

    :meth:`start` begins to measure; before, and after :meth:`stop`, the loop counts as punctual.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._handle: asyncio.TimerHandle | None = None
        self._expected = 0.0
        self._lost = 0.0
        self._stopped = 0.0
        self._late = 0.0
        self._sample = self._sampled_at = 0.0
        self._samples: deque[float] = deque(maxlen=_SAMPLES)
        self._listeners: list[Callable[[], None]] = []

    def start(self) -> None:
        """Measure the running loop."""
        self._loop = asyncio.get_running_loop()
        self._sampled_at = self._loop.time()
        self._schedule()

    def stop(self) -> None:
        """End the measuring; what was lost stays lost."""
        if self._handle is not None:
            self._handle.cancel()
        self._loop = self._handle = None
        self._late = 0.0

    def at_each_tick(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` after each tick, when :meth:`late` is fresh."""
        self._listeners.append(listener)

    def late(self) -> float:
        """Return how many seconds late the loop is: its last tick, or the one that should have come by now."""
        return max(self._late, self._overdue())

    def lost(self) -> float:
        """Return the seconds since :meth:`start` in which the loop stood still."""
        return self._lost + self._overdue()

    def stopped(self) -> float:
        """Return how many of these seconds were standstills of :data:`STANDSTILL_SECONDS` and more."""
        return self._stopped + _if_standstill(self._overdue())

    def worst(self) -> float:
        """Return the longest stall of the last minute, in seconds."""
        return max((*self._samples, self._sample, self._overdue()))

    def _overdue(self) -> float:
        return max(0.0, self._loop.time() - self._expected) if self._loop is not None else 0.0

    def _schedule(self) -> None:
        if self._loop is None:
            return
        self._expected = self._loop.time() + TICK_SECONDS
        self._handle = self._loop.call_at(self._expected, self._tick)

    def _tick(self) -> None:
        if self._loop is None:
            return
        self._late = self._overdue()
        self._lost += self._late
        self._stopped += _if_standstill(self._late)
        self._sample = max(self._sample, self._late)
        now = self._loop.time()
        if now - self._sampled_at >= _SAMPLE_SECONDS:
            self._samples.append(self._sample)
            self._sample, self._sampled_at = 0.0, now
        self._schedule()
        for listener in self._listeners:
            listener()


def _if_standstill(seconds: float) -> float:
    return seconds if seconds >= STANDSTILL_SECONDS else 0.0
