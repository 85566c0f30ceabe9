"""Through which imports of a site the heartbeats of its calendars come, and since when one does not (wix.md 5).

An event names no connection, so where a schedule has several, the one counts through which its heartbeat last came.
Moments are Unix seconds (``float``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from exporter.counting import Busy, Heard, Heartbeat, listen
from exporter.model import CalendarType
from exporter.platforms.wix.directory import ConnectionDirectory, Source
from exporter.platforms.wix.event_memory import key_of, source_of
from exporter.platforms.wix.naming import ConnectionNames
from exporter.private_calendar import EventMemory, ImportHeartbeat

RESOLUTION_SECONDS: Final = 3600.0
"""Where no poll looked for so long before, the lag is not known: it might be much less."""

LEFT_SECONDS: Final = 86_400.0
"""So long the heartbeat may be missing because the connection through which it came was cut: then another has to bring it."""

NEVER: Final = (0.0, 0.0, 0.0)
"""What is remembered of the heartbeat of an import through which none ever came."""


class Pulses(msgspec.Struct, frozen=True):
    """How the heartbeat of each source is, since when the one of those ``missing`` is, and what is to be remembered."""

    heartbeats: Mapping[Source, ImportHeartbeat]
    missing: Mapping[Source, float]
    beats: Mapping[str, tuple[float, float, float]]


def of_schedules(chosen: Mapping[str, Heartbeat], schedules: Iterable[str], names: ConnectionNames) -> dict[str, Heartbeat]:
    """Return those of the ``chosen`` heartbeats, by label, that belong to ``schedules`` (ids): by the id in lower case."""
    labels = {schedule: names.schedule(schedule) for schedule in set(schedules)} if chosen else {}
    return {schedule.lower(): chosen[label] for schedule, label in labels.items() if label in chosen}


def pulses(
    directory: ConnectionDirectory,
    by_source: Mapping[Source, Sequence[Busy]],
    expected: Mapping[str, Heartbeat],
    memory: EventMemory,
    *,
    now: float,
    at: float,
    stepped: float,
    zone: ZoneInfo,
) -> Pulses:
    """Return what a whole poll at ``now`` tells of the heartbeats that are ``expected`` of schedules (ids in lower case).

    ``memory`` has the first sight of each event, this poll's included. ``at`` is ``now`` on the steady clock, and ``stepped``
    what lies between the two. Of a schedule with a connection that does not work none is ``missing``, nor if the one through
    which it came last imports no more: that is told already.
    """
    heartbeats: dict[Source, ImportHeartbeat] = {}
    missing: dict[Source, float] = {}
    beats: dict[str, tuple[float, float, float]] = {}
    for schedule, sources in _by_schedule(directory, expected).items():
        known = {source: memory.beats.get(source_of(*source), NEVER) for source in sources}
        heartbeat = expected[schedule]
        heard = {
            source: _with_known(listen(by_source.get(source, ()), heartbeat, now, zone), written, heartbeat, now)
            for source, (_, _, written) in known.items()
        }
        arrives = [source for source in sources if heard[source].arrives]
        left = {} if arrives else _left(schedule, sources, memory, at)
        beats |= left
        came_elsewhere = max((seen for seen, _, _ in left.values()), default=0.0) > max(seen for seen, _, _ in known.values())
        shown = arrives or ([] if came_elsewhere else _last(known))
        explained = not all(one.works for source in shown for one in directory.importing[source])
        for source in sources:
            (seen, since, _), written = known[source], heard[source].written or 0.0
            if heard[source].arrives:
                beats[source_of(*source)] = (at, 0.0, written)
            elif source not in shown:
                beats[source_of(*source)] = (seen, 0.0, written)
            else:
                beats[source_of(*source)] = (seen, since or at, written)
                missing |= {} if explained else {source: since or at}
        heartbeats |= {source: _told(heard[source], memory, stepped) for source in shown}
    return Pulses(heartbeats, missing, beats)


def _by_schedule(directory: ConnectionDirectory, expected: Mapping[str, Heartbeat]) -> Mapping[str, list[Source]]:
    found: defaultdict[str, list[Source]] = defaultdict(list)
    for source in directory.importing:
        if source[0] in expected:
            found[source[0]].append(source)
    return found


def _with_known(heard: Heard, written: float, heartbeat: Heartbeat, now: float) -> Heard:
    """Return what was ``heard``, or the newer one that was ``written``: a script may be about to put another in its place."""
    if heartbeat.late_after is None or written <= (heard.written or 0.0):
        return heard
    return Heard(now - written <= heartbeat.late_after, None, written)


def _left(schedule: str, sources: Collection[Source], memory: EventMemory, at: float) -> dict[str, tuple[float, float, float]]:
    """Return what is remembered of imports of ``schedule`` that are none any more, if that is not too long ago."""
    keys = (source_of(schedule, kind) for kind in CalendarType if (schedule, kind) not in sources)
    return {key: memory.beats[key] for key in keys if key in memory.beats and at - memory.beats[key][0] <= LEFT_SECONDS}


def _last(known: Mapping[Source, tuple[float, float, float]]) -> list[Source]:
    """Return the sources through which it came last; all of them if it never did."""
    last = max(seen for seen, _, _ in known.values())
    return [source for source, (seen, _, _) in known.items() if seen == last]


def _told(heard: Heard, memory: EventMemory, stepped: float) -> ImportHeartbeat:
    lag = None
    if heard.newest is not None and heard.written is not None:
        first, missing_before = memory.seen.get(key_of(heard.newest), (0.0, 0.0))
        if 0 < missing_before <= RESOLUTION_SECONDS:
            lag = max(0.0, first + stepped - heard.written)
    return ImportHeartbeat(heard.arrives, heard.written, lag)
