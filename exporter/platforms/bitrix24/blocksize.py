"""The number of commands of a batch, by additive increase and multiplicative decrease (AIMD): fewer when a portal chokes."""

from __future__ import annotations

from typing import Final

from exporter.clock import Clock

DOUBT_SECONDS: Final = 3600.0
"""Once in so long one command more is tried than the portal said that it takes: it may have been a slip."""

UNHURRIED_SECONDS: Final = 30.0
"""Half of what the portal gives one request (bitrix24.md 5.4): blocks do not grow beyond what it does in so long."""


class BlockSize:
    """Remembers across polls what a portal can stand. ``limit`` is ``wanted``, or fewer when the portal has refused that.

    Blocks may be underway side by side: what comes of one that is larger than those that go out by now teaches nothing new.
    """

    def __init__(self, wanted: int, clock: Clock) -> None:
        self.limit = wanted
        self._wanted = wanted
        self._size = wanted
        self._clock = clock
        self._told_at = clock.monotonic()

    def next(self) -> int:
        """Return how many commands the next block may hold."""
        return self.limit + 1 if self._doubted() else self._size

    def passed(self, commands: int, seconds: float) -> None:
        """Note that a block of so many was executed within ``seconds``, at least in part."""
        if commands > self.limit:
            self.limit = self._wanted
        larger = self._size + max(1, self._size // 4)
        if seconds * larger <= UNHURRIED_SECONDS * commands:
            self._size = min(self.limit, larger)

    def choked(self, commands: int) -> None:
        """Note that a block of so many took the portal too long, or came to nothing."""
        if self._doubted():
            self._told_at = self._clock.monotonic()
        self._size = min(self._size, max(1, commands // 2))

    def too_long(self, commands: int) -> None:
        """Note that the portal does not take so many, which does not change with its load."""
        if commands <= self.limit:  # else it was one more than is known to pass, tried in doubt, or is known by now
            self._size = min(self._size, max(1, commands // 2))
        self.limit = min(self.limit, commands - 1)
        self._told_at = self._clock.monotonic()

    def _doubted(self) -> bool:
        # Not while the portal is too busy for what it takes.
        below = self._size == self.limit < self._wanted
        return below and self._clock.monotonic() - self._told_at >= DOUBT_SECONDS
