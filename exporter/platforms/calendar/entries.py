"""The entries of a calendar that were expanded by its server: VEVENTs, of which nothing but their times leaves this module."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from exporter.calendar_busy import Period
from exporter.limits import CALENDAR_ENTRIES
from exporter.platforms.calendar.content_lines import (
    ContentLine,
    UnreadableCalendarError,
    name_of,
    properties,
    taken_apart,
    unfolded,
)
from exporter.platforms.calendar.moments import (
    DAY_SECONDS,
    Moments,
    calendar_date,
    day_begins,
    duration_seconds,
    period_of,
    zone_named,
)

READ: Final = ("DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "STATUS", "TRANSP")
"""All properties of an entry that are looked at."""

_WITHIN: Final = ("VCALENDAR", "VEVENT")
_END: Final = "END"
_STATUSES: Final = frozenset({"CONFIRMED", "TENTATIVE", "CANCELLED"})
_TRANSPARENCIES: Final = frozenset({"OPAQUE", "TRANSPARENT"})
_STARTS_WITH: Final = tuple({name[0] for name in READ} | {name[0].lower() for name in READ} | {"E", "e"})


class Entries(msgspec.Struct, frozen=True):
    """Entries by what they are: ``busy`` and ``free`` at a time, or busy for ``whole_days``; a free day is none of them.

    ``malformed`` counts entries whose time nobody can know: without a zone, in one that is not known, recurring after all.
    Words that are not known are counted in ``unrecognized`` by our names of their fields.
    """

    busy: tuple[Period, ...] = ()
    free: tuple[Period, ...] = ()
    whole_days: tuple[Period, ...] = ()
    malformed: int = 0
    unrecognized: Mapping[str, int] = msgspec.field(default_factory=dict)


def read_entries(calendars: Iterable[bytes], zone: ZoneInfo) -> Entries:
    """Return the entries of ``calendars``; the days of whole days are those of ``zone``.

    Raises :class:`UnreadableCalendarError` for what is no whole calendar.
    """
    found = _Found(zone)
    for calendar in calendars:
        for event in _events(unfolded(calendar)):
            found.take(event)
    return Entries(tuple(found.busy), tuple(found.free), tuple(found.whole_days), found.malformed, found.unrecognized)


def _events(text: str) -> Iterator[dict[str, ContentLine]]:
    """Yield the properties of each event that are looked at, by name; the first where there are several."""
    event: dict[str, ContentLine] = {}
    for within, line in properties(text):
        if within != _WITHIN or not line.startswith(_STARTS_WITH):
            continue
        name = name_of(line.partition(":")[0])
        if name in READ:
            event.setdefault(name, taken_apart(line))
        elif name == _END:
            yield event
            event = {}


class _Found:
    """What was found so far."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.busy: list[Period] = []
        self.free: list[Period] = []
        self.whole_days: list[Period] = []
        self.malformed = 0
        self.unrecognized: dict[str, int] = {}
        self._zone = zone
        self._moments = Moments()
        self._entries = 0

    def take(self, event: Mapping[str, ContentLine]) -> None:
        self._entries += 1
        if self._entries > CALENDAR_ENTRIES.number:
            raise UnreadableCalendarError(f"more than {CALENDAR_ENTRIES}")
        if self._word(event, "STATUS", _STATUSES) == "CANCELLED":
            return
        start = event.get("DTSTART")
        # Who expands recurring entries leaves no rule in them: with one the server did not do what it was asked for.
        if start is None or "RRULE" in event or "RDATE" in event:
            self.malformed += 1
            return
        is_whole_day = calendar_date(start.value) is not None
        period = self._whole_days(start, event) if is_whole_day else self._timed(start, event)
        is_free = self._word(event, "TRANSP", _TRANSPARENCIES) == "TRANSPARENT"
        if period is None:
            self.malformed += 1
        elif period[0] < period[1] and not (is_free and is_whole_day):
            (self.free if is_free else self.whole_days if is_whole_day else self.busy).append(period)

    def _word(self, event: Mapping[str, ContentLine], name: str, known: frozenset[str]) -> str:
        if (line := event.get(name)) is None:
            return ""
        word = line.value.strip().upper()
        if word not in known:
            self.unrecognized[name.lower()] = self.unrecognized.get(name.lower(), 0) + 1
        return word

    def _timed(self, start: ContentLine, event: Mapping[str, ContentLine]) -> Period | None:
        begins = self._moment(start)
        if begins is None:
            return None
        if (end := event.get("DTEND")) is not None:
            ends = self._moment(end)
        elif (lasts := event.get("DURATION")) is not None:
            seconds = duration_seconds(lasts.value.strip())
            ends = None if seconds is None else begins + seconds
        else:
            ends = begins  # it takes no time (RFC 5545 3.6.1)
        return None if ends is None else period_of(begins, ends)

    def _whole_days(self, start: ContentLine, event: Mapping[str, ContentLine]) -> Period | None:
        first = calendar_date(start.value.strip())
        if first is None:
            return None
        if (end := event.get("DTEND")) is not None:
            last = calendar_date(end.value.strip())
        else:
            lasts = event.get("DURATION")
            last = _days_later(first, DAY_SECONDS if lasts is None else duration_seconds(lasts.value.strip()))
        begins, ends = (None if day is None else day_begins(day, self._zone) for day in (first, last))
        return None if begins is None or ends is None else period_of(begins, ends)

    def _moment(self, line: ContentLine) -> float | None:
        text = line.value.strip()
        if (moment := self._moments.utc(text)) is not None:
            return moment
        zone = zone_named(line.parameters.get("TZID", ""))
        return None if zone is None else self._moments.local(text, zone)


def _days_later(day: date, seconds: float | None) -> date | None:
    try:
        return None if seconds is None else day + timedelta(seconds=seconds)
    except OverflowError:
        return None
