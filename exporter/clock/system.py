"""Time as a value that is passed in: the wall clock, clocks that nobody can set, sleeping and deadlines.

Everything that waits or looks at a clock takes a :class:`Clock`, so a test (and the simulator) can run a day in a second.

The wall clock is set by people, by NTP and by a suspended machine's firmware. It says which bookings are today's, and nothing
else: what is remembered bears moments of :meth:`Clock.steady`, which whoever shows them moves by :meth:`Clock.stepped`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol

from exporter.clock.deadlines import Deadline, Timeline
from exporter.clock.loop_lag import LoopLag

MAX_APART_SECONDS: Final = 1.0
"""A wall clock that is off by less was drawn, not set, and is left alone: what is shown would flicker."""

_AT_ONCE_SECONDS: Final = 0.1


class Clock(Timeline, Protocol):
    """What code may ask of time, besides what a deadline needs."""

    def time(self) -> float:
        """Return Unix seconds as the wall clock has them; they may jump, forth and back."""
        ...

    def steady(self) -> float:
        """Return Unix seconds as the wall clock would have them had nobody set it since this process began."""
        ...

    def steady_at(self, moment: float) -> float:
        """Return the moment of :meth:`steady` (Unix seconds) that a ``moment`` of :meth:`monotonic` is: always the same."""
        ...

    def stepped(self) -> float:
        """Return by how many seconds it was set since then: what a moment of :meth:`steady` has to be moved by to be shown."""
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


def boot_time() -> float:
    """Return seconds that nobody can set, and that go on while the machine is suspended (on Linux, see clock_gettime(2))."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class _Loop(asyncio.SelectorEventLoop):
    """An event loop on the clock that goes on during suspend: what came due meanwhile is due at once afterwards."""

    def time(self) -> float:
        return boot_time()


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return an event loop whose timers, unlike those of asyncio's own, see that the machine was suspended."""
    return _Loop()


class SystemClock:
    """The machine's own clocks. ``lag`` knows how long the loop stood still; without it no deadline makes up for that.

    ``wall`` returns Unix seconds; ``monotonic`` seconds that nobody can set.
    """

    def __init__(
        self,
        lag: LoopLag | None = None,
        *,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = boot_time,
    ) -> None:
        self._lag = lag
        self._wall = wall
        self._monotonic = monotonic
        self._began = wall() - monotonic()
        self._stepped = 0.0

    def time(self) -> float:
        return self._wall()

    def steady(self) -> float:
        return self._monotonic() + self._began

    def steady_at(self, moment: float) -> float:
        return moment + self._began

    def stepped(self) -> float:
        before = self.steady()
        apart = self._wall() - before - self._stepped
        # Between the two looks this process may have been stopped.
        if abs(apart) > MAX_APART_SECONDS and self.steady() - before < _AT_ONCE_SECONDS:
            self._stepped += apart
        return self._stepped

    def monotonic(self) -> float:
        return self._monotonic()

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
