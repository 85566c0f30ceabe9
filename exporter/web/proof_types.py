"""The types of ``/api/v1/status`` about pairs; see :mod:`exporter.web.status_types`."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from exporter.proof import Arrival, Import, Learning, ProofState
from exporter.web.moments import Moment


class NotInCalendar(msgspec.Struct, frozen=True, kw_only=True):
    """A booking (id) that is not in its owner's calendar: its times in UTC, its start on the clock of the target's zone.

    ``since`` is since when the exporter knows of it, or since when it is in the calendar no more.
    """

    booking: str
    start: Moment
    end: Moment
    local_start: Moment
    since: Moment


class BusyTime(msgspec.Struct, frozen=True, kw_only=True):
    """A time that the owner's calendar says is busy, in UTC and, its start, on the clock of the target's zone.

    ``since`` is since when it should not be, or since when the platform should know it. Of the entry nothing is told.
    """

    start: Moment
    end: Moment
    local_start: Moment
    since: Moment


class PairWindow(msgspec.Struct, frozen=True, kw_only=True):
    """The bookings that begin within a window from now on, by whether they are in the owner's calendar."""

    window: str
    bookings: Mapping[Arrival, int]


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """What the bookings of a ``resource`` and its owner's own ``calendar`` (a target) say together, at the older of both.

    ``learning`` says why too little is known to judge, null once it is not. ``shift_seconds`` is by how much all missing
    bookings are in the calendar later, or earlier, than they should be; ``lag_seconds`` the median time that a booking of this
    week took to arrive; null where that is not known. ``imports`` are busy times of the calendar by whether the platform knows
    them, null where that is not checked. ``missing``, ``left`` and ``unknown_to_platform`` are the first ten of each.
    """

    pair: str
    resource: str
    calendar: str
    at: Moment
    state: ProofState
    since: Moment
    learning: Learning | None
    windows: tuple[PairWindow, ...]
    missing: tuple[NotInCalendar, ...]
    left_behind: int
    left: tuple[BusyTime, ...]
    shift_seconds: float | None
    lag_seconds: float | None
    imports: Mapping[Import, int] | None
    unknown_to_platform: tuple[BusyTime, ...]
    arrived_in_all: int


class SilentPair(msgspec.Struct, frozen=True, kw_only=True):
    """A pair that says nothing now: ``lacking`` are the targets of the two whose data is too old, or was never read.

    It is empty where a changed configuration waits for its first poll.
    """

    pair: str
    resource: str
    calendar: str
    lacking: tuple[str, ...]
