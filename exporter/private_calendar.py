"""The frozen values about the events of private calendars, as the platform imported them.

Moments are Unix seconds (``float``). Of an event nothing is kept but its schedule and its times.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from exporter.value import Value, Window


class Cause(StrEnum):
    """How an event came to overlap a booking: it was there first, it was put over the booking, or nobody knows."""

    NOT_BLOCKED = "not_blocked"
    BOOKED_OVER = "booked_over"
    UNKNOWN = "unknown"

    __hash__ = str.__hash__  # an enum's own is a call of Python each time


class ImportFault(StrEnum):
    """Why the import of a calendar is suspect although its status is not.

    No events any more; always the same ones; only near ones, where there were far ones; or all but the heartbeat.
    """

    SILENT = "silent"
    FROZEN = "frozen"
    SHORTENED = "shortened"
    HEARTBEAT = "heartbeat"

    __hash__ = str.__hash__


class ImportLife(Value, frozen=True, gc=False):
    """What polls have seen of the events of one calendar type on one schedule.

    ``began`` is since when each poll found some, ``last`` when the last one did; ``None`` where none ever did. ``changed`` is
    when its events were last seen to change, or first looked at; ``gap`` the longest time in seconds between two changes, 0
    where none was seen. ``changes`` says how many were seen, up to as many as it takes to trust ``gap``.

    ``far`` is where the farthest event began, at the least, in the polls since ``far_since``, a day or less; ``far_before`` is
    that of the day before. Both are moments of the wall clock, and 0 where it is not known or where there were but few events.
    ``short_since`` is since when the farthest one is much nearer than that, 0 while it is not.
    """

    began: float | None
    last: float | None
    changed: float
    gap: float = 0.0
    far: float = 0.0
    far_since: float = 0.0
    far_before: float = 0.0
    short_since: float = 0.0
    changes: int = 0


class EventMemory(Value, frozen=True, gc=False):
    """What is remembered of a site's private events, between polls and across restarts, as of the last whole poll ``at``.

    ``seen`` has for the hash of each event when it was first seen, and how many seconds before that a whole poll had looked
    and not found it, 0 where none had. Of an event that begins at ``until`` (on the wall clock) or later the last poll could
    not know. ``lives`` are by the hash of schedule and calendar type; ``copies`` says whether a copy of a booking ever came
    back. ``beats`` has by the same hash when a heartbeat last came through it, since when none does, and when a script wrote
    the newest (on the wall clock), 0 for never and for not at all. ``ends`` tells when an event is over (on the wall
    clock), of those that this process saw: no file has it. ``looked`` has when an import was judged last, where that is another
    moment than ``at``: its provider answered, or nobody knew what imports.
    Moments but ``until`` and these are of the steady clock.
    """

    at: float
    until: float
    seen: Mapping[str, tuple[float, float]] = msgspec.field(default_factory=dict)
    lives: Mapping[str, ImportLife] = msgspec.field(default_factory=dict)
    copies: bool = False
    beats: Mapping[str, tuple[float, float, float]] = msgspec.field(default_factory=dict)
    ends: Mapping[str, float] = msgspec.field(default_factory=dict)
    looked: Mapping[str, float] = msgspec.field(default_factory=dict)


def event_key(schedule: str, start: float, end: float) -> str:
    """Return the hash of an event's schedule (id in lower case) and times, by which :class:`EventMemory` knows it."""
    return _hash(f"{schedule} {start:.0f} {end:.0f}")


def import_key(schedule: str, calendar_type: str) -> str:
    """Return the hash of schedule (id in lower case) and type of calendar, by which :class:`EventMemory` knows an import."""
    return _hash(f"{schedule} {calendar_type}")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


class WindowEvents(Value, frozen=True, gc=False):
    """The bookings that begin in a window and that a private event overlaps, each once, by the cause.

    ``copies`` are the events that are copies of bookings, come back from the calendar into which they were exported; ``None``
    while none ever came back. Without ``complete`` the numbers are a lower bound.
    """

    window: Window
    conflicts: Mapping[Cause, int]
    copies: int | None = None
    complete: bool = True


class ExternalConflict(Value, frozen=True, gc=False):
    """A booking (id) that a private event of the same ``schedule`` (alias or hash) overlaps; ``start``/``end`` are its own."""

    booking: str
    schedule: str
    start: float
    end: float
    cause: Cause


class ImportHeartbeat(Value, frozen=True, gc=False):
    """Whether the heartbeat of a calendar ``arrives``; of one that a script writes each hour, when the newest was ``written``.

    ``lag`` is how many seconds passed from then until a poll saw it, ``None`` where no poll looked shortly before.
    """

    arrives: bool
    written: float | None = None
    lag: float | None = None


class ImportedEvents(Value, frozen=True, gc=False):
    """The events that came through a ``connection`` (its label), by the name of a window that they overlap.

    ``changed`` is when they were last seen to change, ``farthest`` when the last of them begins, if there is any. ``faults``
    says since when the import is suspect, and why. ``heartbeat`` is ``None`` where none is expected of this connection.
    """

    connection: str
    schedule: str
    events: Mapping[str, int]
    changed: float | None = None
    farthest: float | None = None
    faults: Mapping[ImportFault, float] = msgspec.field(default_factory=dict)
    heartbeat: ImportHeartbeat | None = None


class PairedEvents(Value, frozen=True, gc=False):
    """What the platform knows to be busy in ``[start, end)`` for the ``resource`` (as the configuration names it) of a pair.

    ``periods`` are of all imported events of all its calendars, copies of bookings among them, in any order. ``booked`` are
    the platform's own bookings: it knows of their time whether anything is imported or not. ``ids`` are those by which the
    resource was looked for.
    """

    resource: str
    start: float
    end: float
    periods: tuple[tuple[float, float], ...]
    booked: tuple[tuple[float, float], ...] = ()
    ids: frozenset[str] = frozenset()


class EventsObservation(Value, frozen=True, gc=False):
    """Private events against the bookings of a site at ``at``.

    ``imports`` are those of the connections that import and are shown one by one; ``providers`` says of the label of each
    calendar provider whether its events could be read. ``conflicts`` are the first of those that are counted, soonest first;
    ``next_conflict`` is the start of the soonest that is not ``booked_over``. ``unheard`` are the schedules (alias or hash) of
    which the configuration expects a heartbeat and that no connection is listed for. ``paired`` is for each resource that a
    pair names and whose calendars could all be read.
    """

    at: float
    windows: tuple[WindowEvents, ...]
    imports: tuple[ImportedEvents, ...] = ()
    providers: Mapping[str, bool] = msgspec.field(default_factory=dict)
    conflicts: tuple[ExternalConflict, ...] = ()
    next_conflict: float | None = None
    unheard: tuple[str, ...] = ()
    paired: tuple[PairedEvents, ...] = ()


WEEK_SECONDS: Final = 7 * 86_400.0
"""So far ahead private events are looked at."""
