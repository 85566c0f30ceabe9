"""The calendars of people whom portals book, by CalDAV, as far as a ``free-busy-query`` asks (RFC 4791 7.10).

All are of one server. Each holds the bookings of one resource of one portal, and a private date in each evening.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from tests.fleet.bitrix24 import Booking
from tests.fleet.http import Answer, Request
from tests.fleet.record import Record

ANSWER_SECONDS: Final = 0.2
OPERATION: Final = "free_busy_query"
USER: Final = "exporter"
PASSWORD: Final = "fleet-calendar-password"
RESOURCE: Final = 1
"""The resource of a portal whose bookings are in the calendar."""

_CREDENTIAL: Final = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
_RANGE: Final = re.compile(rb'<c:time-range start="(\d{8}T\d{6}Z)" end="(\d{8}T\d{6}Z)"/>')
_DAY: Final = 86_400
_HOUR: Final = 3_600
_EVENING: Final = 20 * _HOUR


def calendar_name(number: int) -> str:
    return f"calendar-{number:05}"


def calendar_path(number: int) -> str:
    return f"/dav/{calendar_name(number)}/"


class Calendars:
    """Calendars by their number; ``bookings`` are those of the portal of that number."""

    def __init__(self, bookings: Sequence[Sequence[Booking]], record: Record) -> None:
        self._record = record
        self._busy = {calendar_path(number): _theirs(rows) for number, rows in enumerate(bookings)}

    def answer(self, request: Request) -> Answer:
        busy = self._busy.get(request.path)
        if request.headers.get("authorization") != _CREDENTIAL:
            return self._refused(401, "no credential of ours")
        if busy is None:
            return self._refused(404, "no such calendar")
        asked = _RANGE.search(request.body)
        if request.method != "REPORT" or b"free-busy-query" not in request.body or asked is None:
            return self._refused(400, "no question about busy times")
        self._record.note(OPERATION, request.path.strip("/").rpartition("/")[2])
        start, end = map(_moment, asked.groups())
        return Answer(200, "\r\n".join(_lines(busy, start, end)).encode(), "text/calendar; charset=utf-8")

    def _refused(self, status: int, why: str) -> Answer:
        self._record.refuse(f"calendars: {why}")
        return Answer(status, b"")


def _theirs(rows: Sequence[Booking]) -> list[tuple[int, int]]:
    booked = [(row.start, row.end) for row in rows if RESOURCE in row.resources]
    first = min((start for start, _ in booked), default=0) // _DAY * _DAY
    last = max((end for _, end in booked), default=0)
    evenings = [(day + _EVENING, day + _EVENING + _HOUR) for day in range(first, last, _DAY)]
    return sorted({*booked, *evenings})


def _lines(busy: Sequence[tuple[int, int]], start: float, end: float) -> Iterator[str]:
    yield from ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//fleet//EN", "BEGIN:VFREEBUSY")
    yield from (f"DTSTART:{written(start)}", f"DTEND:{written(end)}")
    for began, over in busy:
        if began < end and start < over:
            yield f"FREEBUSY;FBTYPE=BUSY:{written(began)}/{written(over)}"
    yield from ("END:VFREEBUSY", "END:VCALENDAR", "")


def _moment(text: bytes) -> float:
    return datetime.strptime(text.decode(), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()


def written(moment: float) -> str:
    """Return a moment as iCalendar writes it."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y%m%dT%H%M%SZ}"
