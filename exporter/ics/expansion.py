"""When the entries of a feed are: single ones, series, exceptions, zones, clock changes; by the libraries of the extra ``ics``.

What reaches the libraries is written anew from the lines that were scanned, entry by entry, so that one that nobody can read
spoils no other. Times that name no zone get one in writing (RFC 5545 3.3.5: they are the observer's), UIDs become numbers.
"""

from __future__ import annotations

import re
import signal
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import FrameType
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from icalendar import Calendar
from icalendar.cal import Component
from icalendar.timezone import tzp
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON
from recurring_ical_events import CalendarQuery

from exporter.calendar_busy import Period
from exporter.ics.rules import is_odd, is_odd_zone
from exporter.ics.scan import Entry, Line, fault_of, groups, scan
from exporter.ics.values import Fault, FeedAnswer, FeedJob, FeedTimes
from exporter.limits import FEED_ENTRIES

SERIES_CPU_SECONDS: Final = 1.0
"""A series that takes longer is one that nobody can read."""

_LONGEST: Final = timedelta(days=366)
_FIRST_YEAR: Final = 1900
"""What recurs lasts no longer, and began no earlier: the library would try all times of centuries."""

_MARGIN: Final = timedelta(days=2)  # more than any zone is from UTC, and than a clock is ever changed
_FLOATING: Final = re.compile(rb"\s*\d{8}T\d{6}(?!Z)", re.IGNORECASE)
_TIMED: Final = frozenset((b"DTSTART", b"DTEND", b"RDATE", b"EXDATE", b"RECURRENCE-ID"))
_READ: Final = ("DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "SEQUENCE")


class _TooLongError(BaseException):
    """A series takes too long. No ``Exception``, so that no library takes it for one of its own."""


class _UnreadableError(Exception):
    """An entry, or a series, of which nobody can tell when it is."""


@dataclass(slots=True)
class _Found:
    entries: list[Period] = field(default_factory=list)
    free: list[Period] = field(default_factory=list)
    whole_days: list[Period] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.entries) + len(self.free) + len(self.whole_days)


def read_feed(job: FeedJob) -> FeedAnswer:
    """Return when the entries of a feed are that touch the range, or why it is no feed. To be called in a main thread."""
    fault = fault_of(job.body)
    if fault is not None:
        return FeedAnswer(fault=fault)
    scanned = scan(job.body)
    tzp.use_default()  # which forgets the zones of the feed before: the same name means another one here
    zone = _zone(WINDOWS_TO_OLSON.get(scanned.zone, scanned.zone)) or ZoneInfo(job.zone)
    first, last = (datetime.fromtimestamp(moment, UTC) for moment in (job.start, job.end))
    days = ((first - _MARGIN).strftime("%Y%m%d").encode(), (last + _MARGIN).strftime("%Y%m%d").encode())
    own = {name: lines for name, lines in scanned.zones.items() if not is_odd_zone(lines)}
    reader = _Reader(job.start, job.end, zone, own)
    found, malformed = _Found(), scanned.unread
    for group in groups(scanned.entries, *days):
        try:
            with _cpu_seconds(SERIES_CPU_SECONDS):
                reader.read(group, found)
        except (_UnreadableError, _TooLongError):
            malformed += 1
        if len(found) > FEED_ENTRIES.number:
            return FeedAnswer(fault=Fault.TOO_MANY)
    entries, free, whole_days = (tuple(sorted(one)) for one in (found.entries, found.free, found.whole_days))
    return FeedAnswer(FeedTimes(entries, free, whole_days, malformed))


class _Reader:
    """Reads groups of entries that share a UID, in a range and with the zones of one feed."""

    def __init__(self, start: float, end: float, zone: ZoneInfo, own: Mapping[bytes, Sequence[Line]]) -> None:
        self._start = start
        self._end = end
        self._zone = zone
        self._own = own
        self._between = tuple(datetime.fromtimestamp(moment, UTC) for moment in (start, end))

    def read(self, group: Sequence[Entry], found: _Found) -> None:
        """Add when the entries of ``group`` are. Raises :class:`_UnreadableError`."""
        if any(entry.broken or is_odd(entry) for entry in group):
            raise _UnreadableError
        try:
            parsed = Calendar.from_ical(self._text(group))
            events = list(parsed.walk("VEVENT"))
            _look_at(events, len(group))
            if len(events) > 1 or group[0].is_part_of_a_series:
                occurrences: Sequence[Component] = CalendarQuery(parsed).between(
                    self._between[0] - _MARGIN, self._between[1] + _MARGIN
                )
            else:
                occurrences = events
            times = [self._times(one) for one in occurrences]
        except (_UnreadableError, _TooLongError, MemoryError):
            raise
        except Exception:  # noqa: BLE001 - whatever a stranger's lines do to a library, they are lines that nobody can read
            raise _UnreadableError from None
        for period, where in times:
            if where is not None and period[0] < self._end and period[1] > self._start and period[0] < period[1]:
                getattr(found, where).append(period)

    def _text(self, group: Sequence[Entry]) -> bytes:
        lines, zones = [b"BEGIN:VCALENDAR"], set()
        for entry in group:
            lines += (b"BEGIN:VEVENT", b"UID:1")
            for line in entry.lines:
                if line.name == b"UID":
                    continue
                parameters = line.parameters
                if line.name in _TIMED:
                    named = _zone_named(parameters)
                    if named:
                        zones.add(named)
                    elif any(_FLOATING.match(one) for one in line.value.split(b",")):
                        parameters += b";TZID=" + self._zone.key.encode()
                lines.append(line.name + parameters + b":" + line.value)
            lines.append(b"END:VEVENT")
        for name in zones:
            lines[1:1] = [one.name + b":" + one.value for one in self._own_zone(name)]
        lines += (b"END:VCALENDAR", b"")
        return b"\r\n".join(lines)

    def _own_zone(self, name: bytes) -> Sequence[Line]:
        """Return the lines of a zone that the feed brings along; none for one that is known anyway. Raises for unknown ones."""
        if is_known_zone(name.decode("utf-8", "replace")):
            return ()
        if name not in self._own:
            raise _UnreadableError
        return self._own[name]

    def _times(self, event: Component) -> tuple[Period, str | None]:
        start, end = _span(event)
        status, shown = (str(event.get(name, "")).strip().upper() for name in ("STATUS", "TRANSP"))
        whole = not isinstance(start, datetime)
        where: str | None = "whole_days" if whole else "entries"
        if status == "CANCELLED":
            where = None
        elif shown == "TRANSPARENT":
            where = None if whole else "free"
        return (self._moment(start), self._moment(end)), where

    def _moment(self, time: date) -> float:
        if not isinstance(time, datetime):
            return datetime(time.year, time.month, time.day, tzinfo=self._zone).timestamp()
        if time.tzinfo is None:
            raise _UnreadableError
        return time.timestamp()


def is_known_zone(name: str) -> bool:
    """Return whether everybody knows a time zone of this name: one of IANA, bare or behind a vendor's, or one of Windows."""
    bare = name.strip("/")
    parts = bare.split("/")
    names = ["/".join(parts[start:]) for start in range(len(parts))] if name.startswith("/") else [bare]
    return bare in WINDOWS_TO_OLSON or any(_zone(one) is not None for one in names)


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _zone_named(parameters: bytes) -> bytes:
    for parameter in parameters.split(b";"):
        name, _, value = parameter.partition(b"=")
        if name.strip().upper() == b"TZID":
            return value.strip().strip(b'"')
    return b""


def _look_at(events: Sequence[Component], number: int) -> None:
    """Raise :class:`_UnreadableError` unless these are all events, with all of their times understood."""
    if len(events) != number:
        raise _UnreadableError
    for event in events:
        if any(name is None or str(name).upper() in _READ for name, _ in event.errors):
            raise _UnreadableError
        for name in _READ[:2]:
            time = _time(event.get(name))
            if isinstance(time, datetime) and time.tzinfo is None:
                raise _UnreadableError
        if "RRULE" in event or "RANGE" in getattr(event.get("RECURRENCE-ID"), "params", ()):
            start, end = _span(event)
            if end - start > _LONGEST or (isinstance(start, datetime) and start.year < _FIRST_YEAR):
                raise _UnreadableError


def _span(event: Component) -> tuple[date, date]:
    """Return when an event begins and ends. Raises :class:`_UnreadableError` for one that ends before it begins."""
    start, end = _start(event), _end(event)
    if isinstance(start, datetime) != isinstance(end, datetime) or end < start:
        raise _UnreadableError
    return start, end


def _start(event: Component) -> date:
    time = _time(event["DTSTART"])
    if not isinstance(time, date):
        raise _UnreadableError
    return time


def _time(value: object) -> object:
    """Return what a property of a library says as a value of Python; ``None`` when it says no time."""
    return getattr(value, "dt", None)


def _end(event: Component) -> date:
    """Return when an event ends: a day after its start, or at its start, where it does not say so (RFC 5545 3.6.1)."""
    start, ends, lasts = _start(event), event.get("DTEND"), event.get("DURATION")
    if ends is not None:
        time = _time(ends)
        if not isinstance(time, date):
            raise _UnreadableError
        return time
    if lasts is not None:
        length = _time(lasts)
        if not isinstance(length, timedelta):
            raise _UnreadableError
        return _later(start, length)
    return start if isinstance(start, datetime) else start + timedelta(days=1)


def _later(start: date, length: timedelta) -> date:
    """Return the moment ``length`` after ``start``: days by the clock on the wall, the rest by time that passes (3.3.6)."""
    if not isinstance(start, datetime) or start.tzinfo is None:
        return start + length
    later = start + timedelta(days=length.days)
    rest = length - timedelta(days=length.days)
    return (later.astimezone(UTC) + rest).astimezone(start.tzinfo) if rest else later


@contextmanager
def _cpu_seconds(seconds: float) -> Iterator[None]:
    """Raise :class:`_TooLongError` in a block that works for longer than ``seconds``; waiting does not count."""
    ended = False

    def end(_: int, __: FrameType | None) -> None:
        if not ended:
            raise _TooLongError

    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds, seconds / 10)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # their texts quote the feed
            yield
    finally:
        ended = True
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
