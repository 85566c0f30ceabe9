"""Admission control: which polls, new connections and decodings may begin while this machine is busy.

What is held back here is only work of our own. A poll that waits for a remote (a name, a connection, a handshake, an answer)
holds nothing, so a platform that hangs keeps no other waiting. And nothing is held back for longer than the interval of its
poll: late is fine, never is not. No deadline counts these waits (:func:`exporter.clock.deadlines.paused`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from typing import Final

from exporter.clock import TICK_SECONDS, Clock, LoopLag, paused
from exporter.support.fair_semaphore import FairSemaphore, resolve_wait, wait_for_place

LATE_SECONDS: Final = 0.25
"""A loop that is later than this takes no new poll."""

POLLS_PER_TICK: Final = 20
"""How many polls a punctual loop takes each :data:`~exporter.clock.loop_lag.TICK_SECONDS`; fewer, the later it is."""

FEW_SECONDS: Final = LATE_SECONDS / 2
"""From this lateness on it takes one, so that a fleet that starts settles well below :data:`LATE_SECONDS`."""

CONNECTIONS_PER_SECOND: Final = 200.0
DECODINGS: Final = 64
FAILING: Final = 10_000
"""So many origins that refuse are known, more than a fleet has; a portal may say that it moved to ever new ones."""


class Admission:
    """Admits polls and decoding first come first served, and connections origin by origin. Lives in one event loop.

    Without ``lag`` the loop counts as punctual and polls begin at once. ``threads`` are for long work on answers; without them
    those of the loop do it.
    """

    def __init__(self, clock: Clock, lag: LoopLag | None = None, threads: Executor | None = None) -> None:
        self.threads = threads
        self._clock = clock
        self._lag = lag
        self._polls = FairSemaphore(clock, POLLS_PER_TICK)
        self._decodings = FairSemaphore(clock, DECODINGS)
        self._connections = _Turns(clock, CONNECTIONS_PER_SECOND)
        self._failing: set[str] = set()  # origins
        if lag is not None:
            lag.at_each_tick(self._refill)

    async def poll(self, max_seconds: float) -> None:
        """Wait until a poll may begin, at most ``max_seconds``."""
        if self._lag is None:
            return
        if self._lag.late() > LATE_SECONDS:
            self._polls.places = 0
        await self._polls.acquire(max_seconds)

    @contextlib.asynccontextmanager
    async def connection(self, origin: str) -> AsyncIterator[None]:
        """Wait until a connection to ``origin`` may be opened, which the block does: 200 a second, all platforms together.

        Origins take turns, and those to which the last connection failed come after all others: however many portals refuse
        connections, a target that answers opens its own at once.
        """
        with paused() as max_seconds:
            await self._connections.take(origin, last=origin in self._failing, max_seconds=max_seconds)
        try:
            yield
        except Exception:
            if len(self._failing) >= FAILING:
                self._failing.clear()
            self._failing.add(origin)
            raise
        self._failing.discard(origin)

    @contextlib.asynccontextmanager
    async def decoding(self) -> AsyncIterator[None]:
        """Hold one of :data:`DECODINGS` places while an answer that has come is worked on."""
        with paused() as max_seconds:
            admitted = await self._decodings.acquire(max_seconds)
        try:
            yield
        finally:
            if admitted:
                self._decodings.release(1)

    def _refill(self) -> None:
        """Let some polls begin, in proportion to how punctual the loop is; what nobody took does not pile up."""
        late = self._lag.late() if self._lag is not None else 0.0
        self._polls.places = 0
        if late <= LATE_SECONDS:
            self._polls.release(max(1, round(POLLS_PER_TICK * (1.0 - late / FEW_SECONDS))))


class _Turns:
    """A steady rate that is shared in turns: each of those who wait under a name has one before any has a second."""

    def __init__(self, clock: Clock, per_second: float) -> None:
        self._clock = clock
        self._each = 1 / per_second
        self._next = clock.monotonic()
        self._queues: tuple[_Waiting, _Waiting] = (OrderedDict(), OrderedDict())
        self._pumping = False

    async def take(self, name: str, *, last: bool, max_seconds: float | None) -> None:
        """Wait for a turn of ``name``, at most ``max_seconds``; with ``last`` after all who wait without it."""
        if not any(self._queues) and self._due():
            self._next += self._each
            return
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._queues[last].setdefault(name, deque()).append(turn)
        self._pump_later()
        await wait_for_place(turn, self._clock, max_seconds)

    def _due(self) -> bool:
        """Whether a turn may be given: no more than a tick early, since shorter sleeps cost more than they spare."""
        now = self._clock.monotonic()
        self._next = max(self._next, now)
        return self._next - now <= TICK_SECONDS

    def _pump_later(self) -> None:
        if not self._pumping:
            self._pumping = True
            self._clock.call_later(TICK_SECONDS, self._pump)

    def _pump(self) -> None:
        self._pumping = False
        while any(self._queues):
            if not self._due():
                self._pump_later()
                return
            # Who waits no longer has no turn to give back.
            if resolve_wait(self._longest_waiting(), with_place=True):
                self._next += self._each

    def _longest_waiting(self) -> asyncio.Future[bool]:
        queue = self._queues[0] or self._queues[1]
        name, turns = queue.popitem(last=False)
        turn = turns.popleft()
        if turns:
            queue[name] = turns  # behind the others
        return turn


_Waiting = OrderedDict[str, deque[asyncio.Future[bool]]]
