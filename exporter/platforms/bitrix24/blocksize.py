"""How many commands a batch may hold: fewer while the portal chokes on them, and no more than it says that it takes."""

from __future__ import annotations

from typing import Final

from exporter.clock import Clock

DOUBT_SECONDS: Final = 3600.0
"""Once in so long one command more is tried than the portal said that it takes: it may have been a slip."""


class BlockSize:
    """Remembers across polls what a portal can stand. ``limit`` is ``wanted``, or fewer when the portal has refused that."""

    def __init__(self, wanted: int, clock: Clock) -> None:
        self.limit = wanted
        self._wanted = wanted
        self._size = wanted
        self._clock = clock
        self._told_at = clock.monotonic()

    def next(self) -> int:
        """Return how many commands the next block may hold."""
        return self.limit + 1 if self._doubted() else self._size

    def passed(self, commands: int) -> None:
        """Note that a block of so many was executed, at least in part."""
        if commands > self.limit:
            self.limit = self._wanted
        self._size = min(self.limit, self._size + max(1, self._size // 4))

    def choked(self) -> None:
        """Note that a block took the portal too long, or came to nothing."""
        if self._doubted():
            self._told_at = self._clock.monotonic()
        self._size = max(1, self._size // 2)

    def too_long(self, commands: int) -> None:
        """Note that the portal does not take so many, which does not change with its load."""
        self._size = self.limit if commands > self.limit else max(1, commands // 2)
        self.limit = commands - 1
        self._told_at = self._clock.monotonic()

    def _doubted(self) -> bool:
        # Not while the portal is too busy for what it takes.
        below = self._size == self.limit < self._wanted
        return below and self._clock.monotonic() - self._told_at >= DOUBT_SECONDS
