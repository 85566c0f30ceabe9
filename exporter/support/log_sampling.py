"""Exponential log sampling: of log lines that clients can cause, the 1st, 2nd, 4th, 8th … of a kind is logged."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

_MAX_KINDS: Final = 100


class LogSampler:
    """Counts the log lines of each kind, and says which of them to log.

    At most a hundred kinds are counted, so that a client that causes new kinds without end floods neither the log nor memory.
    """

    def __init__(self) -> None:
        self._times: dict[Hashable, int] = {}

    def count_if_logged(self, kind: Hashable) -> int | None:
        """Count one line of ``kind``; return the count if that is a power of two, so that the line is logged, else ``None``."""
        if kind not in self._times and self.full:
            return None
        times = self._times[kind] = self._times.get(kind, 0) + 1
        return times if times & (times - 1) == 0 else None

    @property
    def full(self) -> bool:
        """Whether a hundred kinds are counted, so that no further kind is logged."""
        return len(self._times) >= _MAX_KINDS
