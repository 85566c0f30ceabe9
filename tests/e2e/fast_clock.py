"""A clock that runs faster than life: an exporter and a platform that live on it have their own intervals, ages and back-offs.

Both are told the same real moment at which it agreed with the machine's clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from exporter.clock import LoopLag, SystemClock
from exporter.clock.system import boot_time

STARTED_ENV: Final = "FAST_CLOCK_STARTED"
FASTER_ENV: Final = "FAST_CLOCK_FASTER"


class FastClock(SystemClock):
    """The machine's clocks, ``faster`` times as fast since ``started`` (Unix seconds)."""

    def __init__(self, lag: LoopLag | None = None, *, faster: float, started: float) -> None:
        super().__init__(lag, wall=lambda: started + (time.time() - started) * faster, monotonic=lambda: boot_time() * faster)
        self._faster = faster

    def lost(self) -> float:
        return super().lost() * self._faster

    def stopped(self) -> float:
        return super().stopped() * self._faster

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Callable[[], None]:
        return super().call_later(seconds / self._faster, callback)

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds / self._faster)
