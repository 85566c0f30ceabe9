"""Who may begin when this machine is busy: polls, new connections, the decoding of answers.

What is held back here is only work of our own. A poll that waits for a remote (a name, a connection, a handshake, an answer)
holds nothing, so a platform that hangs keeps no other waiting. And nothing is held back for longer than the interval of its
poll: late is fine, never is not. No deadline counts these waits (:func:`exporter.deadlines.paused`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from functools import partial
from typing import Final

from exporter.clock import Clock
from exporter.deadlines import paused
from exporter.loop_lag import TICK_SECONDS, LoopLag

LATE_SECONDS: Final = 0.25
"""A loop that is later than this takes no new poll."""

POLLS_PER_TICK: Final = 20
"""How many polls a punctual loop takes each :data:`~exporter.loop_lag.TICK_SECONDS`; fewer, the later it is."""

FEW_SECONDS: Final = LATE_SECONDS / 2
"""From this lateness on it takes one, so that a fleet that starts settles well below :data:`LATE_SECONDS`."""

CONNECTIONS_PER_SECOND: Final = 200.0
DECODINGS: Final = 64


class Admission:
    """Admits polls, connections and decoding, first come first served. Lives in one event loop.

    Without ``lag`` the loop counts as punctual and polls begin at once.
    """

    def __init__(self, clock: Clock, lag: LoopLag | None = None) -> None:
        self._clock = clock
        self._lag = lag
        self._polls = _Turnstile(clock, POLLS_PER_TICK)
        self._decodings = _Turnstile(clock, DECODINGS)
        self._next_connection = clock.monotonic()
        if lag is not None:
            lag.at_each_tick(self._refill)

    async def poll(self, most: float) -> None:
        """Wait until a poll may begin, at most ``most`` seconds."""
        if self._lag is None:
            return
        if self._lag.late() > LATE_SECONDS:
            self._polls.places = 0
        await self._polls.enter(most)

    async def connection(self) -> None:
        """Wait until a connection may be opened: :data:`CONNECTIONS_PER_SECOND`, all platforms together."""
        now = self._clock.monotonic()
        at = max(now, self._next_connection)
        self._next_connection = at + 1 / CONNECTIONS_PER_SECOND
        # Short sleeps cost more than they spare; what matters is the number in a second.
        if (wait := at - now) > TICK_SECONDS:
            with paused() as most:
                await self._clock.sleep(wait if most is None else min(wait, most))

    @contextlib.asynccontextmanager
    async def decoding(self) -> AsyncIterator[None]:
        """Hold one of :data:`DECODINGS` places while an answer that has come is worked on."""
        with paused() as most:
            admitted = await self._decodings.enter(most)
        try:
            yield
        finally:
            if admitted:
                self._decodings.leave(1)

    def _refill(self) -> None:
        """Let some polls begin, in proportion to how punctual the loop is; what nobody took does not pile up."""
        late = self._lag.late() if self._lag is not None else 0.0
        self._polls.places = 0
        if late <= LATE_SECONDS:
            self._polls.leave(max(1, round(POLLS_PER_TICK * (1.0 - late / FEW_SECONDS))))


class _Turnstile:
    """Places, and a queue for them."""

    def __init__(self, clock: Clock, places: int) -> None:
        self.places = places
        self._clock = clock
        self._queue: deque[asyncio.Future[bool]] = deque()

    async def enter(self, most: float | None) -> bool:
        """Take a place; returns ``False`` when none came free within ``most`` seconds, and the caller goes without."""
        if self.places > 0 and not self._queue:
            self.places -= 1
            return True
        admitted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._queue.append(admitted)
        call_off = None if most is None else self._clock.call_later(most, partial(_answer, admitted, with_place=False))
        try:
            return await admitted
        except asyncio.CancelledError:
            if admitted.done() and not admitted.cancelled() and admitted.result():
                self.leave(1)  # it was admitted and told to stop in the same turn of the loop
            raise
        finally:
            if call_off is not None:
                call_off()

    def leave(self, places: int) -> None:
        """Give ``places`` back; those who wait longest take them."""
        self.places += places
        while self.places > 0 and self._queue:
            if _answer(self._queue.popleft(), with_place=True):
                self.places -= 1


def _answer(admitted: asyncio.Future[bool], *, with_place: bool) -> bool:
    """Let one that waits go on; ``False`` when it no longer waits."""
    if admitted.done():
        return False
    admitted.set_result(with_place)
    return True
