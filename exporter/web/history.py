"""The strip of seven days beside a connection or collector: an hour a column, the worst state that held in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Final, NamedTuple

from exporter.web.status_types import Change

HOURS: Final = 7 * 24

# What an owner or admin has to mend stands out by height, too: colours are not all that tells.
_HEIGHTS: Final = {"ok": 3, "synced": 3, "connected": 3, "sync_in_progress": 6, "undefined": 6, "unknown": 6}
_FULL: Final = 10


class Bar(NamedTuple):
    """A part of the strip: ``hours`` columns from column ``start`` on, in which nothing worse than ``state`` held."""

    start: int
    hours: int
    state: str
    height: int


def strip(changes: Sequence[Change], now: datetime) -> list[Bar]:
    """Return the bars of the seven days that end with ``now``; before the first state that is known there is none."""
    columns: list[str | None] = [None] * HOURS
    for position, change in enumerate(changes):
        until = changes[position + 1].at if position + 1 < len(changes) else now
        for column in range(max(0, _column(change.at, now)), min(_column(until, now), HOURS - 1) + 1):
            columns[column] = _worse(columns[column], change.state)
    bars, start = [], 0
    for state, run in groupby(columns):
        hours = len(list(run))
        if state is not None:
            bars.append(Bar(start, hours, state, _height(state)))
        start += hours
    return bars


def _column(moment: datetime, now: datetime) -> int:
    return HOURS - 1 - int((now - moment).total_seconds() // 3600)


def _worse(before: str | None, state: str) -> str:
    return state if before is None or _height(state) >= _height(before) else before


def _height(state: str) -> int:
    return _HEIGHTS.get(state, _FULL)
