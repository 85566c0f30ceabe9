"""What events and bookings of one poll say together: conflicts, copies, and how each import lives.

Moments are Unix seconds (``float``) of the wall clock, unless they are said to be of the steady one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from exporter.counting import Busy, Heartbeat, Taken, beat_of, overlapped, sort_events
from exporter.model import CalendarType, Window
from exporter.platforms.wix.directory import ConnectionDirectory, Source
from exporter.platforms.wix.event_memory import cause_of, faults_of, key_of, lived, reached, remember, source_of
from exporter.platforms.wix.event_rows import EventRow
from exporter.platforms.wix.heartbeats import NEVER, pulses
from exporter.private_calendar import (
    WEEK_SECONDS,
    Cause,
    EventMemory,
    ExternalConflict,
    ImportedEvents,
    ImportFault,
    ImportHeartbeat,
    ImportLife,
    WindowEvents,
)

SHOWN_CONFLICTS: Final = 10
_DAY: Final = 86_400.0

Faults = Mapping[Source, Mapping[ImportFault, float]]


class Judged(msgspec.Struct, frozen=True):
    """What the last whole poll told of each source: since when the import is suspect and why, and how its heartbeat is."""

    faults: Faults = {}
    heartbeats: Mapping[Source, ImportHeartbeat] = {}


class Looked(msgspec.Struct, frozen=True):
    """What a poll at ``at`` (steady) saw of a source that it could read whole, up to ``until``: the times of its events."""

    at: float
    until: float
    times: frozenset[tuple[float, float]]


class Read(msgspec.Struct, frozen=True):
    """What a poll at ``now`` read: events of the schedules that are watched, and bookings with the time of such a schedule.

    ``former`` are bookings that were cancelled or moved so lately that their copies may still be in the calendar.
    ``at`` is the same moment on the steady clock, and ``stepped`` what lies between the two. ``labels`` are the label values of
    schedules (ids in lower case). ``whole`` says that every provider answered and each row could be read, ``complete`` that the
    numbers are no lower bound, ``unknown`` of which types of calendar nothing is known. ``doubtful`` are the types of those
    that could not be read whole; ``None`` where any may be. ``heartbeats`` are those that are expected of schedules (ids in
    lower case).
    """

    now: float
    at: float
    stepped: float
    rows: frozenset[EventRow]
    bookings: tuple[Taken, ...]
    labels: Mapping[str, str]
    directory: ConnectionDirectory | None
    accepted: Collection[str]
    whole: bool
    complete: bool
    unknown: Collection[CalendarType] = ()
    doubtful: Collection[CalendarType] | None = ()
    former: Collection[Taken] = ()
    heartbeats: Mapping[str, Heartbeat] = {}

    @property
    def times(self) -> frozenset[Busy]:
        """When the events are, those of whole days included."""
        return frozenset(map(busy_time, self.rows))

    @property
    def windows(self) -> tuple[Window, ...]:
        """The windows in which is counted."""
        return tuple(Window(name, self.now, self.now + seconds) for name, seconds in _WINDOWS)

    def can_judge(self, source: Source) -> bool:
        """Return whether all events of ``source`` were read."""
        return self.doubtful is not None and source[1] not in self.doubtful


_WINDOWS: Final = (("next_24h", _DAY), ("next_7d", WEEK_SECONDS))


class Found(msgspec.Struct, frozen=True):
    """What became of it, and what is to be remembered."""

    windows: tuple[WindowEvents, ...]
    imports: tuple[ImportedEvents, ...]
    conflicts: tuple[ExternalConflict, ...]
    next_conflict: float | None
    memory: EventMemory
    judged: Judged
    looked: Mapping[Source, Looked]
    private: frozenset[Busy]


def matched(
    read: Read, memory: EventMemory | None, previous: Mapping[Source, Looked], judged: Judged, zone: ZoneInfo, *, all_day: bool
) -> Found:
    """Hold the events that were ``read`` against the bookings, by what earlier polls left behind.

    ``previous`` is what was seen of each source when it could last be read, since the process began.
    ``zone`` is in which days begin. With ``all_day`` events of whole days take time as well. A heartbeat takes none.
    """
    seen = remember(memory, read.times, read.at, read.now + WEEK_SECONDS, wall=read.now, whole=read.whole)
    events = sort_events(times_of(read.rows, read.heartbeats, zone, all_day=all_day), (*read.bookings, *read.former))
    over = {
        booking: cause_of(booking, found, seen, read.stepped)
        for booking, found in overlapped(read.bookings, events.private).items()
        if booking.id not in read.accepted and booking.end > read.now
    }
    seen = replace(seen, copies=seen.copies or bool(events.copies))
    by_source = _by_source(read.rows)
    own = _by_source(_own(read.rows, read.heartbeats, zone)) if read.heartbeats else by_source
    judging = [] if read.directory is None else [source for source in read.directory.importing if read.can_judge(source)]
    lively = _by_source(_lively(read.rows, read.heartbeats, zone)) if read.heartbeats else by_source
    if judging and read.directory is not None:
        lives = _lives(read, judging, lively, own, memory=memory, previous=previous)
        seen = replace(seen, lives=lives if read.whole else {**seen.lives, **lives}, looked=_looked(seen, lives, read))
        judged, beats = _judged(read, read.directory, judging, by_source, seen=seen, before=judged, zone=zone)
        seen = replace(seen, beats=beats if read.whole else {**seen.beats, **beats})
    elif read.whole and memory is not None:  # nobody knows yet what imports
        seen = replace(seen, looked={**dict.fromkeys(memory.lives, memory.at), **memory.looked})
    looked = {source: Looked(read.at, read.now + WEEK_SECONDS, _times(lively.get(source, ()))) for source in judging}
    # Those come first that somebody has to look at whatever the others are: else ten of the milder kind would hide them.
    shown = sorted(over.items(), key=lambda row: (row[1] is Cause.BOOKED_OVER, row[0].start, row[0].id))
    milder = [row for row in shown if row[1] is Cause.BOOKED_OVER]
    worse = shown[: len(shown) - len(milder)]
    listed = worse[: SHOWN_CONFLICTS - min(len(milder), 1)]
    listed += milder[: SHOWN_CONFLICTS - len(listed)]
    return Found(
        tuple(_window(window, over, events.copies, seen, read) for window in read.windows),
        tuple(_imports(read, by_source, own, seen.lives, judged)),
        tuple(
            ExternalConflict(booking.id, read.labels[booking.schedule], booking.start, booking.end, cause)
            for booking, cause in listed
        ),
        next((booking.start for booking, cause in shown if cause is not Cause.BOOKED_OVER), None),
        seen,
        judged,
        {**{source: one for source, one in previous.items() if _is_known(source, read.directory)}, **looked},
        events.private,
    )


def busy_time(row: EventRow) -> Busy:
    """Return when ``row`` takes the time of its schedule."""
    return Busy(row.schedule_id.lower(), row.start, row.end)


def times_of(rows: Iterable[EventRow], heartbeats: Mapping[str, Heartbeat], zone: ZoneInfo, *, all_day: bool) -> Iterator[Busy]:
    """Yield when ``rows`` take the time of schedules.

    A heartbeat, by the schedule's id in lower case, takes none, and an event of whole days only with ``all_day``.
    """
    for row in rows:
        if all_day or not _is_of_whole_days(row, zone):
            busy = busy_time(row)
            heartbeat = heartbeats.get(busy.schedule)
            if heartbeat is None or beat_of(busy, heartbeat, zone) is None:
                yield busy


def _judged(
    read: Read,
    directory: ConnectionDirectory,
    judging: Collection[Source],
    by_source: Mapping[Source, list[EventRow]],
    *,
    seen: EventMemory,
    before: Judged,
    zone: ZoneInfo,
) -> tuple[Judged, Mapping[str, tuple[float, float, float]]]:
    """Return what is told of each source after a poll that is ``judging`` some, and what is remembered of their heartbeats.

    Where no event comes at all that says enough: a heartbeat that went missing with the last of them has the same cause. One
    that may come through what could not be read is not missed; what was told of it ``before`` stays, unless it arrives.
    """
    doubtful = _doubtful(read, directory, seen)
    heard = pulses(
        directory,
        {source: [busy_time(row) for row in by_source.get(source, ())] for source in judging if source[0] in read.heartbeats},
        read.heartbeats,
        seen,
        now=read.now,
        at=read.at,
        stepped=read.stepped,
        zone=zone,
    )
    told = {source: one for source, one in heard.heartbeats.items() if one.arrives or source[0] not in doubtful}
    faults = {source: dict(faults_of(seen.lives[source_of(*source)], read.at)) for source in judging}
    for source in judging:
        missing = heard.missing.get(source)
        if source[0] in doubtful:
            missing = None if source in told else before.faults.get(source, {}).get(ImportFault.HEARTBEAT)
        last_came, _, _ = heard.beats.get(source_of(*source), NEVER)
        if missing is not None and faults[source].get(ImportFault.SILENT, -1.0) < last_came:
            faults[source] = {ImportFault.HEARTBEAT: missing}
    kept = {source for source in before.heartbeats if source not in judging or (source[0] in doubtful and source not in told)}
    sure = {source_of(*source) for source in directory.importing if source[0] not in doubtful or source in told}
    return (
        Judged(
            {**{source: found for source, found in before.faults.items() if source not in judging}, **faults},
            {**{source: before.heartbeats[source] for source in kept}, **told},
        ),
        heard.beats if not doubtful else {key: beat for key, beat in heard.beats.items() if key in sure},
    )


def _doubtful(read: Read, directory: ConnectionDirectory, seen: EventMemory) -> Collection[str]:
    """Return the schedules whose heartbeat may come through what could not be read, or did when it came last."""
    failing = read.doubtful or ()
    if not failing:
        return ()
    never = {one for one in read.heartbeats if not any(seen.beats.get(source_of(one, kind), NEVER)[0] for kind in CalendarType)}
    through = {one for one in read.heartbeats for kind in failing if seen.beats.get(source_of(one, kind), NEVER)[0]}
    return never | through | {schedule for schedule, kind in directory.importing if kind in failing}


def _looked(seen: EventMemory, judged: Iterable[str], read: Read) -> Mapping[str, float]:
    """Return when imports were judged last, where that is not when the last whole poll was."""
    return {} if read.whole else {**seen.looked, **dict.fromkeys(judged, read.at)}


def _is_known(source: Source, directory: ConnectionDirectory | None) -> bool:
    return directory is None or source in directory.importing


def _is_of_whole_days(row: EventRow, zone: ZoneInfo) -> bool:
    """Return whether ``row`` is an event of whole days: it says so, or does not tell and goes from midnight to midnight."""
    if row.all_day is not None:
        return row.all_day
    return row.start < row.end and any(_is_midnight(row.start, day) and _is_midnight(row.end, day) for day in (zone, UTC))


def _is_midnight(moment: float, zone: tzinfo) -> bool:
    local = datetime.fromtimestamp(moment, zone)
    return local.hour == local.minute == local.second == 0


def _by_source(rows: Iterable[EventRow]) -> Mapping[Source, list[EventRow]]:
    found: defaultdict[Source, list[EventRow]] = defaultdict(list)
    for row in rows:
        found[row.schedule_id.lower(), row.calendar_type].append(row)
    return found


def _window(
    window: Window, over: Mapping[Taken, Cause], copies: Iterable[Busy], memory: EventMemory, read: Read
) -> WindowEvents:
    causes = Counter(cause for booking, cause in over.items() if window.start <= booking.start < window.end)
    return WindowEvents(
        window,
        {cause: causes[cause] for cause in Cause},
        sum(_is_in(event, window) for event in copies) if memory.copies else None,
        read.complete,
    )


def _is_in(event: Busy | EventRow, window: Window) -> bool:
    """Return whether ``event`` overlaps ``window``; one without length lies in it."""
    return event.start < window.end and (event.end > window.start or event.start == event.end == window.start)


def _own(rows: Iterable[EventRow], heartbeats: Mapping[str, Heartbeat], zone: ZoneInfo) -> Iterator[EventRow]:
    """Yield those of ``rows`` that are no heartbeat."""
    for row in rows:
        heartbeat = heartbeats.get(row.schedule_id.lower())
        if heartbeat is None or beat_of(busy_time(row), heartbeat, zone) is None:
            yield row


def _lively(rows: Iterable[EventRow], heartbeats: Mapping[str, Heartbeat], zone: ZoneInfo) -> Iterator[EventRow]:
    """Yield those of ``rows`` that tell whether an import lives: a heartbeat that stands there for ever does not."""
    return _own(rows, {schedule: one for schedule, one in heartbeats.items() if one.late_after is None}, zone)


def _lives(
    read: Read,
    judging: Iterable[Source],
    lively: Mapping[Source, list[EventRow]],
    own: Mapping[Source, list[EventRow]],
    *,
    memory: EventMemory | None,
    previous: Mapping[Source, Looked],
) -> Mapping[str, ImportLife]:
    """Return how imports live by their ``lively`` events; how far these reach, by those of their ``own``: no heartbeats."""
    before = {} if memory is None else memory.lives
    found = {}
    for source in judging:
        rows, key = lively.get(source, []), source_of(*source)
        if (earlier := previous.get(source)) is not None:
            changed = _between(_times(rows), earlier.until, read.now) != _between(earlier.times, earlier.until, read.now)
        else:  # after a restart only what is new can be told: of what is gone there is but a hash
            known = memory
            changed = known is not None and any(
                row.start < known.until and key_of(busy_time(row)) not in known.seen for row in rows
            )
        polled = earlier.at if earlier is not None else memory.looked.get(key, memory.at) if memory is not None else None
        life = lived(before.get(key), has_events=bool(rows), changed=changed, now=read.at, polled=polled)
        starts = [row.start for row in own.get(source, ())]
        found[key] = reached(life, before.get(key), max(starts, default=0.0), len(starts), now=read.at, wall=read.now)
    return found


def _times(rows: Iterable[EventRow]) -> frozenset[tuple[float, float]]:
    return frozenset((row.start, row.end) for row in rows)


def _between(times: Iterable[tuple[float, float]], until: float, now: float) -> frozenset[tuple[float, float]]:
    """Return those of the ``times`` that both of two polls could see."""
    return frozenset((start, end) for start, end in times if start < until and end > now)


def _imports(
    read: Read,
    by_source: Mapping[Source, list[EventRow]],
    own: Mapping[Source, list[EventRow]],
    lives: Mapping[str, ImportLife],
    judged: Judged,
) -> Iterable[ImportedEvents]:
    for source, connections in {} if read.directory is None else read.directory.importing.items():
        if source[1] in read.unknown:
            continue
        rows, life = by_source.get(source, []), lives.get(source_of(*source))
        events = {window.name: sum(_is_in(row, window) for row in rows) for window in read.windows}
        for connection in connections:
            yield ImportedEvents(
                connection.connection,
                connection.schedule,
                events,
                None if life is None else life.changed,
                max((row.start for row in own.get(source, ())), default=None),
                judged.faults.get(source, {}) if connection.works else {},
                judged.heartbeats.get(source),
            )
