"""What a server answers to a ``free-busy-query``: a VFREEBUSY, read without a library and without trust (RFC 5545 3.6.4).

Servers differ in every liberty that the RFC leaves: one period in each line or many, with an end or a duration, with a type
or without, in any case, folded anywhere (docs/platforms/calendar.md 2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from exporter.calendar_busy import Period
from exporter.limits import CALENDAR_ENTRIES
from exporter.platforms.calendar.content_lines import (
    UnreadableCalendarError,
    head_of,
    name_of,
    parameters_of,
    properties,
    unfolded,
)
from exporter.platforms.calendar.moments import Moments, duration_seconds, period_of

_BUSY: Final = frozenset({"BUSY", "BUSY-UNAVAILABLE", "BUSY-TENTATIVE"})
_FREE: Final = "FREE"
_WITHIN: Final = ("VCALENDAR", "VFREEBUSY")
_BOUNDS: Final = ("DTSTART", "DTEND")
_SEVERAL: Final = 2
_MAX_HEADS: Final = 1000


class FreeBusy(msgspec.Struct, frozen=True):
    """The busy periods of an answer as they came: in any order, overlapping, outside of what was asked for.

    ``malformed`` counts periods that nobody can read, local times among them: nobody knows in which zone. A type of period
    that is not known is busy and counted in ``unrecognized``. ``told`` is the time that the answer says it is about; ``None``
    where it says none, or is of several parts.
    """

    periods: tuple[Period, ...]
    malformed: int = 0
    unrecognized: Mapping[str, int] = msgspec.field(default_factory=dict)
    told: Period | None = None


class _Head(msgspec.Struct, frozen=True):
    """What the part of a line before its value says: whether periods follow, are busy, and are of a type that is known."""

    periods: bool
    bound: str = ""
    busy: bool = False
    known: bool = True


def read_free_busy(body: bytes) -> FreeBusy:
    """Return what ``body`` says. Raises :class:`UnreadableCalendarError` for what is no whole VFREEBUSY."""
    found = _Found()
    answered = False
    for within, line in properties(unfolded(body)):
        if within[:2] == _WITHIN:
            answered = True
            found.take(line)
    if not answered:
        raise UnreadableCalendarError("a calendar without busy times (VFREEBUSY)")
    return FreeBusy(tuple(found.periods), found.malformed, {"fbtype": found.unknown} if found.unknown else {}, found.told)


class _Found:
    """What was found so far."""

    def __init__(self) -> None:
        self.periods: list[Period] = []
        self.malformed = 0
        self.unknown = 0
        self._bounds: dict[str, list[float | None]] = {name: [] for name in _BOUNDS}
        self._rows = 0
        self._moments = Moments()
        self._heads: dict[str, _Head] = {}

    @property
    def told(self) -> Period | None:
        starts, ends = self._bounds.values()
        start, end = (bound[0] if len(bound) == 1 else None for bound in (starts, ends))
        return (start, end) if start is not None and end is not None and start < end else None

    def take(self, line: str) -> None:
        text, value = head_of(line)
        if (head := self._heads.get(text)) is None:
            head = _read_head(text)
            if len(self._heads) < _MAX_HEADS:
                self._heads[text] = head
        if not head.periods:
            if head.bound and len(self._bounds[head.bound]) < _SEVERAL:
                self._bounds[head.bound].append(self._moments.utc(value.strip()))
            return
        self._rows += value.count(",") + 1  # before any of them is made
        if self._rows > CALENDAR_ENTRIES.number:
            raise UnreadableCalendarError(f"more than {CALENDAR_ENTRIES}")
        if not head.busy:
            return
        for text in value.split(","):
            period = _period(text, self._moments)
            if period is None:
                self.malformed += 1
            elif period[0] < period[1]:
                self.periods.append(period)
                self.unknown += not head.known


def _read_head(head: str) -> _Head:
    name = name_of(head)
    if name != "FREEBUSY":
        return _Head(periods=False, bound=name if name in _BOUNDS else "")
    kind = parameters_of(head).get("FBTYPE", "BUSY").strip().upper()
    return _Head(periods=True, busy=kind != _FREE, known=kind in _BUSY)


def _period(text: str, moments: Moments) -> Period | None:
    """Return the period that ``text`` is, ``None`` for what is none or ends before it begins."""
    begins, _, ends = text.strip().partition("/")
    start = moments.utc(begins)
    if start is None:
        return None
    end = moments.utc(ends)
    if end is None:
        seconds = duration_seconds(ends)
        if seconds is None:
            return None
        end = start + seconds
    return period_of(start, end)
