"""What a reader of an owner's calendar brings, whichever way it reads: CalDAV or a feed. Moments are Unix seconds."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Protocol
from zoneinfo import ZoneInfo

import msgspec

from exporter.calendar_busy import Period
from exporter.model import ApiUsage


class CalendarRead(msgspec.Struct, frozen=True, gc=False):
    """When a calendar is busy in the range that was asked for; the words are those of ``BusyObservation``.

    ``malformed`` counts entries that nobody can read, and so nobody knows when they are.
    """

    periods: tuple[Period, ...]
    whole_days: int = 0
    entries: tuple[Period, ...] | None = None
    free: tuple[Period, ...] | None = None
    malformed: int = 0
    unclear: tuple[Period, ...] = ()


class Reader(Protocol):
    """One way to read a calendar. ``operations`` are its questions in metrics, ``fields`` those whose words it knows."""

    operations: tuple[str, ...]
    fields: tuple[str, ...]

    async def read(self, start: float, end: float, zone: ZoneInfo) -> CalendarRead:
        """Read when the calendar is busy in ``[start, end)``; ``zone`` is that of times which name none.

        Raises :class:`~exporter.errors.PollError` when that cannot be known.
        """
        ...

    def usage(self) -> ApiUsage:
        """Return what may be asked right now. Cheap, no I/O."""
        ...

    async def aclose(self) -> None:
        """Let go of everything. The shared HTTP client stays open."""
        ...


def busy_periods(entries: Iterable[Period], start: float = -math.inf, end: float = math.inf) -> tuple[Period, ...]:
    """Return the union of ``entries`` within ``[start, end)``: ascending, disjoint, not touching; what has no length is out."""
    merged: list[Period] = []
    for begins, ends in sorted(entries):
        first, last = max(begins, start), min(ends, end)
        if first >= last:
            continue
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return tuple(merged)
