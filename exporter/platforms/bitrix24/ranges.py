"""From configured windows to the range that is read, and how long a poll may take."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from exporter.counting.windows import WindowSpec
from exporter.errors import TargetConfigError
from exporter.model import Window

SHORTEST_PATIENCE_SECONDS: Final = 240.0


def resolve(specs: Iterable[WindowSpec], now: float, zone: ZoneInfo) -> tuple[Window, ...]:
    """Resolve all windows against one frozen ``now``. Raises :class:`TargetConfigError` for one that is empty just now."""
    try:
        return tuple(spec.resolve(now, zone) for spec in specs)
    except ValueError as error:
        raise TargetConfigError(str(error)) from error


def union(windows: Sequence[Window]) -> tuple[int, int]:
    """Return whole seconds that cover all windows, one second wider on each side (bitrix24.md 13: bounds unknown)."""
    first, last = min(window.start for window in windows), max(window.end for window in windows)
    return max(0, math.floor(first) - 1), math.ceil(last) + 1


def patience(interval: float) -> float:
    """Return the seconds after which a poll gives up waiting: late is fine, but it ends before the scheduler ends it."""
    return max(2 * interval, SHORTEST_PATIENCE_SECONDS)
