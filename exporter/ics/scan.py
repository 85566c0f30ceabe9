"""The first look at a feed: its ends, and the lines of its entries that say when they are. No library, no dates, no titles.

A title, a guest, a place or an address never gets further than here: what is read is a list of properties, not all but some.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from exporter.ics.values import Fault

MAX_DEPTH: Final = 8
"""Components within components; RFC 5545 has three."""

MAX_LINE_BYTES: Final = 64 * 1024
"""Of a line about times, unfolded."""

MAX_LINES: Final = 2_000
"""Lines about times of one entry, exceptions of a series included."""

MAX_ZONES: Final = 500
"""Time zones that a feed may bring along."""

_BOM: Final = b"\xef\xbb\xbf"
_PEEK_BYTES: Final = 1024
_BEGIN: Final = {
    b"\n": re.compile(rb"BEGIN:VCALENDAR[ \t\r]*\n", re.IGNORECASE),
    b"\r": re.compile(rb"BEGIN:VCALENDAR[ \t]*\r", re.IGNORECASE),
}
_END: Final = {
    b"\n": re.compile(rb"(?:\A|\n)END:VCALENDAR\Z", re.IGNORECASE),
    b"\r": re.compile(rb"(?:\A|\r)END:VCALENDAR\Z", re.IGNORECASE),
}
_FOLDS: Final = (b"\n ", b"\n\t")
_LINE: Final = re.compile(
    rb"^(BEGIN|END|UID|DTSTART|DTEND|DURATION|RRULE|RDATE|EXDATE|EXRULE|RECURRENCE-ID|SEQUENCE|STATUS|TRANSP"
    rb"|TZID|TZOFFSETFROM|TZOFFSETTO|X-WR-TIMEZONE)((?:;[^:\n\"]*(?:\"[^\"\n]*\"[^:\n\"]*)*)?):([^\n]*)",
    re.MULTILINE | re.IGNORECASE,
)
EVENT_LINES: Final = frozenset(
    (
        *(b"UID", b"DTSTART", b"DTEND", b"DURATION", b"RRULE", b"RDATE", b"EXDATE", b"EXRULE", b"RECURRENCE-ID"),
        *(b"SEQUENCE", b"STATUS", b"TRANSP"),
    )
)
_ZONE_LINES: Final = frozenset((b"TZID", b"TZOFFSETFROM", b"TZOFFSETTO", b"DTSTART", b"RRULE", b"RDATE"))
_NEVER: Final = b"99999999"
_SERIES: Final = frozenset((b"RRULE", b"RDATE", b"EXRULE", b"RECURRENCE-ID"))


@dataclass(frozen=True, slots=True)
class Line:
    """A property: its ``name`` in capitals, its ``parameters`` with the semicolon before them, its ``value``."""

    name: bytes
    parameters: bytes
    value: bytes


@dataclass(slots=True)
class Entry:
    """The lines of a ``VEVENT`` that say when it is; ``broken`` if it is not one as it stands."""

    lines: list[Line] = field(default_factory=list)
    broken: bool = False

    def first(self, name: bytes) -> Line | None:
        """Return the first property of this name."""
        return next((line for line in self.lines if line.name == name), None)

    @property
    def is_part_of_a_series(self) -> bool:
        """Whether it recurs, or takes the place of an instance of what recurs."""
        return any(line.name in _SERIES for line in self.lines)


@dataclass(slots=True)
class Scanned:
    """What is in a feed, as text. ``zones`` are its own by their id, ``zone`` the one that it says its times are in."""

    entries: list[Entry] = field(default_factory=list)
    zones: dict[bytes, list[Line]] = field(default_factory=dict)
    zone: str = ""
    unread: int = 0  # components with busy times that are no entries


def fault_of(body: bytes) -> Fault | None:
    """Return why ``body`` is no whole calendar, by a look at both of its ends; ``None`` when it is one."""
    head = body[:_PEEK_BYTES].removeprefix(_BOM).lstrip()
    if not head:
        return Fault.EMPTY if not body.removeprefix(_BOM).strip() else Fault.NOT_A_CALENDAR
    newline = _newline(body)
    if not _BEGIN[newline].match(head):
        return Fault.HTML if head.startswith(b"<") else Fault.NOT_A_CALENDAR
    return None if _END[newline].search(body[-_PEEK_BYTES:].rstrip()) else Fault.TRUNCATED


def _newline(body: bytes) -> bytes:
    """Return what ends a line: CR where there is no LF. Beside LF it is one of the letters of a title."""
    return b"\n" if b"\n" in body else b"\r"


def scan(body: bytes) -> Scanned:
    """Return the entries and zones of a whole calendar."""
    text = body.removeprefix(_BOM).replace(b"\r\n", b"\n")
    del body
    if (newline := _newline(text)) != b"\n":
        text = text.replace(newline, b"\n")
    for fold in _FOLDS:
        text = text.replace(fold, b"")
    scanner = _Scanner()
    for match in _LINE.finditer(text):
        name, value = match[1].upper(), match[3].strip()
        if name == b"BEGIN":
            scanner.begin(value.upper())
        elif name == b"END":
            scanner.end(value.upper())
        else:
            scanner.line(name, match[2], value)
    scanner.end(b"VCALENDAR")
    return scanner.found


class _Scanner:
    """Knows within which components a line stands."""

    def __init__(self) -> None:
        self.found = Scanned()
        self._stack: list[bytes] = []
        self._entry: Entry | None = None
        self._zone: list[Line] | None = None

    def begin(self, kind: bytes) -> None:
        if len(self._stack) < MAX_DEPTH:
            self._stack.append(kind)
        elif self._entry is not None:
            self._entry.broken = True
        if kind == b"VEVENT":
            self._lose_entry()  # where the one before ends, and which lines are whose, nobody knows
            self._entry = Entry(broken=self._stack != [b"VCALENDAR", kind])
        elif kind == b"VTIMEZONE" and self._entry is None:
            self._zone = []
        elif kind == b"VFREEBUSY":
            self.found.unread += 1
        if self._zone is not None:
            self._zone.append(Line(b"BEGIN", b"", kind))

    def end(self, kind: bytes) -> None:
        if self._zone is not None:
            self._zone.append(Line(b"END", b"", kind))
        if kind == b"VEVENT" and self._entry is not None:
            self._entry.broken |= self._stack[-1:] != [kind]
            self.found.entries.append(self._entry)
            self._entry = None
        elif kind == b"VTIMEZONE" and self._zone is not None:
            self._keep_zone(self._zone)
            self._zone = None
        elif kind == b"VCALENDAR":
            self._lose_entry()
            self._zone = None
        if kind in self._stack:
            del self._stack[self._stack.index(kind) :]

    def line(self, name: bytes, parameters: bytes, value: bytes) -> None:
        if self._zone is not None:
            if name in _ZONE_LINES:
                self._zone.append(Line(name, parameters, value))
        elif self._entry is not None:
            if name in EVENT_LINES and self._stack[-1:] == [b"VEVENT"]:
                too_long = len(value) > MAX_LINE_BYTES or len(parameters) > MAX_LINE_BYTES
                if too_long or len(self._entry.lines) >= MAX_LINES:
                    self._entry.broken = True
                else:
                    self._entry.lines.append(Line(name, parameters, value))
        elif name == b"X-WR-TIMEZONE":
            self.found.zone = value.strip(b'"').decode("ascii", "replace")

    def _lose_entry(self) -> None:
        """Keep an entry that never ended as one that nobody can read."""
        if self._entry is not None:
            self._entry.broken = True
            self.found.entries.append(self._entry)
            self._entry = None

    def _keep_zone(self, zone: list[Line]) -> None:
        id_ = next((line.value for line in zone if line.name == b"TZID"), b"")
        if id_ and len(zone) <= MAX_LINES and len(self.found.zones) < MAX_ZONES:
            self.found.zones.setdefault(id_, zone)


def groups(entries: Iterable[Entry], first_day: bytes, last_day: bytes) -> Iterator[list[Entry]]:
    """Yield the entries that may touch the days from ``first_day`` to ``last_day`` (``20261130``), those of one UID together.

    Single entries that are certainly outside are left out, by their digits alone. One that recurs never is, nor one whose
    UID others have, too: which of these is in force is no matter of dates. An empty UID is none.
    """
    entries = list(entries)
    uids = [uid.value or None if (uid := entry.first(b"UID")) else None for entry in entries]
    times = Counter(uids)
    together: dict[bytes, list[Entry]] = {}
    for entry, id_ in zip(entries, uids, strict=True):
        if id_ is not None and times[id_] > 1:
            together.setdefault(id_, []).append(entry)
        elif entry.broken or entry.is_part_of_a_series or not _outside(entry, first_day, last_day):
            yield [entry]
    yield from together.values()


_DAY: Final = re.compile(rb"(\d{4}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))(?:T\d{6}Z?)?\Z")
_LENGTH: Final = re.compile(rb"\+?P(?:(\d{1,4})W|(\d{1,5})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,7})S)?)?\Z")
_UNITS: Final = (timedelta(weeks=1), timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1))


def _outside(entry: Entry, first_day: bytes, last_day: bytes) -> bool:
    start, end, length = entry.first(b"DTSTART"), entry.first(b"DTEND"), entry.first(b"DURATION")
    begins = _DAY.match(start.value) if start else None
    if begins is None:
        return False
    if begins[1] > last_day:
        return True
    if end is None and length is None:
        return begins[1] < first_day
    if end is None and length is not None:
        return _day_after(begins[1], length.value) < first_day
    ends = _DAY.match(end.value) if end else None
    return ends is not None and length is None and max(begins[1], ends[1]) < first_day


def _day_after(day: bytes, length: bytes) -> bytes:
    found = _LENGTH.match(length)
    if found is None:
        return _NEVER
    try:
        begins = datetime.strptime(day.decode(), "%Y%m%d").replace(tzinfo=UTC)
        lasts = sum((int(number or 0) * unit for number, unit in zip(found.groups(), _UNITS, strict=True)), timedelta(days=1))
        return f"{begins + lasts:%Y%m%d}".encode()
    except (ValueError, OverflowError):
        return _NEVER
