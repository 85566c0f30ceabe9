"""Log lines that clients can cause: told at the 1st, 2nd, 4th, 8th … time of a kind, of so many kinds and no more."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

_MAX_KINDS: Final = 100


class LogSampler:
    """Counts what was told of each kind. Who causes new kinds without end floods neither the log nor memory."""

    def __init__(self) -> None:
        self._times: dict[Hashable, int] = {}

    def count_if_logged(self, kind: Hashable) -> int | None:
        """Return how often ``kind`` has happened when that is worth a line: a power of two. Kinds beyond a hundred are not."""
        if kind not in self._times and self.full:
            return None
        times = self._times[kind] = self._times.get(kind, 0) + 1
        return times if times & (times - 1) == 0 else None

    @property
    def full(self) -> bool:
        """Whether no further kind is told."""
        return len(self._times) >= _MAX_KINDS
