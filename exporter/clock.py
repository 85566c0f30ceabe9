"""Time as a value that is passed in: the wall clock, the monotonic clock, sleeping and deadlines.

Everything that waits or looks at a clock takes a :class:`Clock`, so a test (and the simulator) can run a day in a second.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Clock(Protocol):
    """The four things that code may ask of time."""

    def time(self) -> float:
        """Return Unix seconds."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for ``seconds``; zero or less yields once."""
        ...

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        """Return an ``async with`` block that raises :class:`TimeoutError` when it lasts longer than ``seconds``."""
        ...


class SystemClock:
    """The machine's own clock."""

    def time(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        return asyncio.timeout(seconds)
