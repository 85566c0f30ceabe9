"""What is remembered of private events from poll to poll: when each was first seen, and whether an import still lives.

No event has a moment at which it was made or changed (docs/platforms/wix.md 5), so there is only what polls saw and did
not see. Moments are Unix seconds (``float``) of the steady clock, unless they are said to be of the wall clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Final

from msgspec.structs import replace

from exporter.counting import Busy, Taken
from exporter.limits import REMEMBERED_EVENTS, REMEMBERED_IMPORTS
from exporter.model import CalendarType
from exporter.private_calendar import WEEK_SECONDS, Cause, EventMemory, ImportFault, ImportLife, event_key, import_key

SKEW_SECONDS: Final = 60.0
"""By so much the clock of Wix may differ from ours: what lies closer together has no order."""

SILENT_AFTER_SECONDS: Final = WEEK_SECONDS
"""A calendar that had events for so long and has none is suspect."""

FROZEN_AFTER_SECONDS: Final = WEEK_SECONDS
"""Events that do not change for less than this are nothing odd, ..."""

FROZEN_AFTER_GAPS: Final = 3.0
"""... nor for less than so many times the longest time that they once took."""

ENOUGH_CHANGES: Final = 3
"""How long they take is known from so many changes on: somebody who enters two things in a row does not do so every hour."""

ENOUGH_EVENTS: Final = 5
"""Only of a calendar with as many events it is told that they end too soon."""

DAY_SECONDS: Final = 86_400.0


def key_of(event: Busy) -> str:
    """Return the hash of an event's schedule and times: nothing that tells of a person is kept."""
    return event_key(event.schedule, event.start, event.end)


def source_of(schedule: str, calendar_type: CalendarType) -> str:
    """Return the hash of what events come from: a schedule (id in lower case) and a type of calendar."""
    return import_key(schedule, calendar_type)


def remember(
    before: EventMemory | None, events: Iterable[Busy], now: float, until: float, *, wall: float, whole: bool
) -> EventMemory:
    """Return what is known of the first sight of ``events``, of a poll at ``now`` that looked up to ``until`` (wall clock).

    A poll that was not ``whole`` adds what it saw, and says nothing of what it did not see: that is forgotten when it is over,
    by the clock on the wall at ``wall``. Of what a file told that is not known, and it stays until a whole poll.
    """
    known = {} if before is None else before.seen
    ends = {} if before is None or whole else {key: end for key, end in before.ends.items() if end > wall}
    seen = {} if before is None or whole else {key: known[key] for key in known if key in ends or key not in before.ends}
    for event in sorted(events, key=lambda event: event.start):
        key = key_of(event)
        looked = whole and before is not None and event.start < before.until
        seen[key] = known.get(key) or (now, now - before.at if looked and before is not None else 0.0)
        ends[key] = event.end
    if before is None:
        return EventMemory(now, until if whole else 0.0, seen, ends=ends)
    return replace(before, at=now, until=until, seen=seen, ends=ends) if whole else replace(before, seen=seen, ends=ends)


def cut(memory: EventMemory, events: Iterable[Busy]) -> EventMemory:
    """Return as much of ``memory`` as is kept across a restart.

    ``events`` are those that are seen; others may be in the calendars of a provider that fails, and come after them.
    """
    starts = {key_of(event): event.start for event in events}
    keys = sorted(memory.seen, key=lambda key: (key not in starts, starts.get(key, -memory.seen[key][0])))
    kept, left_out = keys[: REMEMBERED_EVENTS.number], keys[REMEMBERED_EVENTS.number :]
    seen = {key: memory.seen[key] for key in kept}
    # Of what was forgotten nobody can say later that it was not there.
    until = min([memory.until, *(starts.get(key, 0.0) for key in left_out)])
    lives = dict(islice(memory.lives.items(), REMEMBERED_IMPORTS.number))
    ends = {key: memory.ends[key] for key in kept if key in memory.ends}
    beats = dict(islice(memory.beats.items(), REMEMBERED_IMPORTS.number))
    looked = {key: at for key, at in memory.looked.items() if key in lives}
    return replace(memory, until=until, seen=seen, lives=lives, beats=beats, ends=ends, looked=looked)


def cause_of(booking: Taken, events: Sequence[Busy], memory: EventMemory, stepped: float) -> Cause:
    """Return how ``events`` came to overlap ``booking``; ``stepped`` is by how many seconds the wall clock was set.

    ``NOT_BLOCKED`` when one of them was seen before the booking was made. ``BOOKED_OVER`` when each was looked for and not
    there after the booking was last changed: before that it may have been moved.
    """
    if booking.created is None:
        return Cause.UNKNOWN
    changed = max(booking.created, booking.updated or booking.created)
    over = True
    for event in events:
        seen, missing_before = memory.seen.get(key_of(event), (float("inf"), 0.0))
        if booking.created > seen + stepped + SKEW_SECONDS:
            return Cause.NOT_BLOCKED
        over = over and missing_before > 0 and changed < seen - missing_before + stepped - SKEW_SECONDS
    return Cause.BOOKED_OVER if over else Cause.UNKNOWN


def reached(
    life: ImportLife, before: ImportLife | None, farthest: float, number: int, *, now: float, wall: float
) -> ImportLife:
    """Return ``life`` with how far its events reach: ``number`` of them, the last of which begins at ``farthest``.

    ``wall`` is ``now`` on the wall clock, as is ``farthest``. With few events one that is deleted would look like a cut.
    """
    far = farthest if number >= ENOUGH_EVENTS else 0.0
    if before is None or not before.far_since or now - before.far_since > 2 * DAY_SECONDS:
        return replace(life, far=far, far_since=now)
    if now - before.far_since >= DAY_SECONDS:
        spans = {"far": far, "far_since": now, "far_before": before.far}
    else:
        spans = {"far": min(before.far, far), "far_since": before.far_since, "far_before": before.far_before}
    usual = spans["far_before"] - wall
    is_short = number > 0 and usual > 0 and farthest - wall < usual / 2
    return replace(life, **spans, short_since=(before.short_since or now) if is_short else 0.0)


def lived(before: ImportLife | None, *, has_events: bool, changed: bool, now: float, polled: float | None) -> ImportLife:
    """Return the life of an import that a poll at ``now`` read whole, as the last one at ``polled`` did, if there was one.

    Who was away for longer than a poll looks ahead cannot know what changed meanwhile, and begins anew.
    """
    if before is None or polled is None or now - polled > WEEK_SECONDS:
        new = ImportLife(now if has_events else None, now if has_events else None, now)
        return new if before is None else replace(new, gap=before.gap, changes=before.changes)
    began, last = before.began, before.last
    if has_events:
        began = began if began is not None and last is not None and last >= polled else now
        last = now
    if not changed:
        return replace(before, began=began, last=last)
    changes = min(before.changes + 1, ENOUGH_CHANGES)
    return ImportLife(began, last, now, max(before.gap, now - before.changed), changes=changes)


def faults_of(life: ImportLife, now: float) -> Mapping[ImportFault, float]:
    """Return since when the import is suspect, and why.

    One that did not change :data:`ENOUGH_CHANGES` times while it was watched is never called frozen.
    """
    if life.began is None or life.last is None:
        return {}
    if life.last < now:
        return {ImportFault.SILENT: life.last} if life.last - life.began >= SILENT_AFTER_SECONDS else {}
    if life.changes >= ENOUGH_CHANGES and now - life.changed > max(FROZEN_AFTER_SECONDS, FROZEN_AFTER_GAPS * life.gap):
        return {ImportFault.FROZEN: life.changed}
    return {ImportFault.SHORTENED: life.short_since} if life.short_since else {}
