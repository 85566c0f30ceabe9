"""One leaky bucket per portal or site, shared by all collectors of the target.

It has the shape of the platform's own limit (bitrix24.md 6.1): every request adds one, ``rate`` leaks out each second, and
a request waits until it fits under ``burst``. It lives on the injected clock, which is why it is not ``aiolimiter``
(docs/decisions).
"""

from __future__ import annotations

import asyncio
from typing import Final

from exporter.clock import Clock
from exporter.platforms.base import Events

# A millionth of a second is rounding, not load: without it a wait could shrink for ever and never end.
_ROUNDING: Final = 1e-6


class LeakyBucket:
    """Requests per second with a burst, first come first served; plus a pause that holds everybody."""

    def __init__(self, rate: float, burst: float, *, clock: Clock, events: Events) -> None:
        self.rate = rate
        self.burst = burst
        self._clock = clock
        self._events = events
        self._level = 0.0
        self._updated = clock.monotonic()
        self._paused_until = self._updated
        self._turn = asyncio.Lock()  # fair: waiters are served in their order

    def remaining(self) -> float:
        """Return how many requests fit right now."""
        return max(0.0, self.burst - self._leaked()) if self.paused_for() <= 0 else 0.0

    def paused_for(self) -> float:
        """Return the seconds until :meth:`pause` ends, or 0."""
        return max(0.0, self._paused_until - self._clock.monotonic())

    def pause(self, seconds: float) -> None:
        """Hold every request of this target for ``seconds``; a longer pause that is running stays."""
        self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)

    async def acquire(self, events: Events | None = None) -> None:
        """Wait for a place and take it. The time waited is counted as throttle wait.

        ``events`` is who counts it, where several targets share the bucket; otherwise its owner does.
        """
        began = self._clock.monotonic()
        try:
            async with self._turn:
                while (wait := self._wait()) > 0:
                    await self._clock.sleep(wait)
                self._level = self._leaked() + 1.0
                self._updated = self._clock.monotonic()
        finally:
            if (waited := self._clock.monotonic() - began) > 0:
                (events or self._events).throttle_wait(waited)

    def _leaked(self) -> float:
        return max(0.0, self._level - (self._clock.monotonic() - self._updated) * self.rate)

    def _wait(self) -> float:
        excess = self._leaked() + 1.0 - self.burst
        wait = max(self.paused_for(), excess / self.rate)
        return wait if wait > _ROUNDING else 0.0
