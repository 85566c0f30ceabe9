"""The types of ``/api/v1/status`` about private events; see :mod:`exporter.web.status_types`."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from exporter.private_calendar import Cause, ImportFault
from exporter.web.moments import Moment


class OverlappedBooking(msgspec.Struct, frozen=True, kw_only=True):
    """A booking (id) that an event of a private calendar overlaps, with its start in UTC and on the clock of the target's zone.

    ``schedule`` is the alias or the hash of the schedule that both belong to; of the event nothing is told.
    """

    booking: str
    schedule: str
    start: Moment
    local_start: Moment
    cause: Cause


class EventsWindow(msgspec.Struct, frozen=True, kw_only=True):
    """The bookings that begin in a half-open window and that a private event overlaps, by the cause.

    ``export_echoes`` are events that are copies of bookings, null while none ever came back.
    """

    window: str
    start: Moment
    end: Moment
    complete: bool
    conflicts: Mapping[Cause, int]
    export_echoes: int | None


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the heartbeat of a calendar arrives; of one that a script writes each hour, when the newest was written.

    ``lag_seconds`` is how long it took from then until a poll saw it; null where that is not known.
    """

    arrives: bool
    written: Moment | None
    lag_seconds: float | None


class ImportedCalendar(msgspec.Struct, frozen=True, kw_only=True):
    """The private events that came through a connection, by the window that they overlap.

    ``last_change`` is when they were last seen to change, ``horizon`` when the last of them begins; ``failing`` says why the
    import is suspect, and since when. ``heartbeat`` is null where none is expected.
    """

    connection: str
    schedule: str
    events: Mapping[str, int]
    last_change: Moment | None
    horizon: Moment | None
    failing: Mapping[ImportFault, Moment]
    heartbeat: Heartbeat | None


class Events(msgspec.Struct, frozen=True, kw_only=True):
    """Private events against bookings at ``at``. ``conflicts`` holds the first ten, soonest first.

    ``next_conflict`` is the start of the soonest that is not ``booked_over``. ``providers`` says whether the events of each
    calendar provider could be read.
    """

    at: Moment
    windows: tuple[EventsWindow, ...]
    imports: tuple[ImportedCalendar, ...]
    providers: Mapping[str, bool]
    next_conflict: Moment | None
    conflicts: tuple[OverlappedBooking, ...]
