"""Deadlines that do not count the lateness of our own event loop.

``asyncio.timeout`` measures the wall: while the event loop stands still (no CPU, a full garbage collection, a stopped
process) its seconds run all the same, and what ends then is an answer that may have arrived long ago. A
:class:`Deadline` counts only the seconds in which the loop could work and in which nobody waits for a turn of ours.

A peer may keep the loop busy on purpose, though: so a busy loop stretches a deadline to three times its length at most. Only
a standstill (a stopped process, a suspended machine) is no peer's doing and counts in full.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from types import TracebackType
from typing import Final, Protocol, Self

_MAX_STRETCH: Final = 3.0
_MIN_SECONDS: Final = 1e-3  # less is rounding: without it a deadline could be put off for ever in ever smaller steps


class Timeline(Protocol):
    """The time that a deadline is measured on."""

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""
        ...

    def lost(self) -> float:
        """Return how many of those seconds the event loop was late."""
        ...

    def stopped(self) -> float:
        """Return how many of these it stood still for longer than any work of ours takes."""
        ...

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Callable[[], None]:
        """Call ``callback`` in ``seconds``; what is returned calls it off."""
        ...


class Deadline:
    """An ``async with`` block that raises :class:`TimeoutError` after ``seconds`` of usable time.

    ``slack`` is how long :func:`paused` may hold it up in all; ``None`` for as long as the deadlines around it allow.
    """

    def __init__(self, timeline: Timeline, seconds: float, *, slack: float | None = None) -> None:
        self._timeline = timeline
        self._seconds = seconds
        self._slack = slack
        self._block: asyncio.Timeout | None = asyncio.timeout(None)
        self._used = 0.0
        self._held_up = 0.0
        self._expired = False
        self._pauses = 0
        self._since = self._lost = self._stopped = 0.0
        self._call_off: Callable[[], None] | None = None

    async def __aenter__(self) -> Self:
        if self._block is None:
            raise RuntimeError("a deadline has ended and cannot begin again")
        await self._block.__aenter__()
        self._token = _running.set((*_running.get(), self))
        self._begin()
        self._arm()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # A connection that was opened in the block keeps its context, and so this object, for as long as it lives; the task
        # that the block belongs to, with all that it polled, must not live as long.
        block, self._block = self._block, None
        self._disarm()
        _running.reset(self._token)
        if block is not None:
            await block.__aexit__(kind, error, traceback)

    @property
    def expired(self) -> bool:
        """Whether it was this deadline that ended the block."""
        return self._expired

    @property
    def held_up(self) -> float:
        """Seconds for which it was paused until now."""
        return self._held_up

    def slack(self) -> float | None:
        """Return how many seconds it may still be paused."""
        return None if self._slack is None else max(0.0, self._slack - self._held_up)

    def pause(self) -> None:
        """Stop counting; pauses of several tasks may overlap."""
        self._pauses += 1
        if self._pauses == 1:
            self._end()
            self._disarm()

    def resume(self) -> None:
        """Count again once every pause has ended."""
        self._pauses -= 1
        if not self._pauses:
            self._held_up += self._timeline.monotonic() - self._since
            self._begin()
            if self._block is not None:  # a task that it started may outlive it
                self._arm()

    def _begin(self) -> None:
        timeline = self._timeline
        self._since, self._lost, self._stopped = timeline.monotonic(), timeline.lost(), timeline.stopped()

    def _end(self) -> None:
        """Add what was usable since the last look."""
        since, lost, stopped = self._since, self._lost, self._stopped
        self._begin()
        passed = self._since - since
        busy_at_most = (passed - (self._stopped - stopped)) / _MAX_STRETCH
        self._used += max(0.0, passed - (self._lost - lost), busy_at_most)

    def _arm(self) -> None:
        self._call_off = self._timeline.call_later(max(0.0, self._seconds - self._used), self._on_timeout)

    def _disarm(self) -> None:
        if self._call_off is not None:
            self._call_off()
            self._call_off = None

    def _on_timeout(self) -> None:
        self._end()
        if self._seconds - self._used > _MIN_SECONDS:
            self._arm()
        elif self._block is not None:
            self._call_off = None
            self._expired = True
            self._block.reschedule(asyncio.get_running_loop().time())


@contextlib.asynccontextmanager
async def wall_deadline(timeline: Timeline, seconds: float) -> AsyncIterator[None]:
    """Raise :class:`TimeoutError` when the block lasts longer than ``seconds`` by the wall, whatever the loop was busy with.

    For what others wait for: who stops this process does not wait longer because it is busy.
    """
    async with asyncio.timeout(None) as block:
        call_off = timeline.call_later(seconds, lambda: block.reschedule(asyncio.get_running_loop().time()))
        try:
            yield
        finally:
            call_off()


_running: ContextVar[tuple[Deadline, ...]] = ContextVar("running_deadlines", default=())


def held_up() -> float:
    """Return for how many seconds the deadlines around this code have been paused until now."""
    return max((deadline.held_up for deadline in _running.get()), default=0.0)


@contextlib.contextmanager
def paused() -> Iterator[float | None]:
    """Hold up every deadline that runs around this block, in this task and in those that started it.

    Yields for how many seconds at most that is allowed, ``None`` without a bound: the caller ends its wait then.
    """
    deadlines = _running.get()
    slack = [seconds for deadline in deadlines if (seconds := deadline.slack()) is not None]
    for deadline in deadlines:
        deadline.pause()
    try:
        yield min(slack, default=None)
    finally:
        for deadline in deadlines:
            deadline.resume()


@contextlib.contextmanager
def detached() -> Iterator[None]:
    """Let the block be nobody's work: no deadline around it bounds its waits for a turn, or is held up by them.

    For what one task begins and many wait for.
    """
    token = _running.set(())
    try:
        yield
    finally:
        _running.reset(token)
