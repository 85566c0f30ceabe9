"""Count answers and pages of bookings -> small frozen values (docs/platforms/wix.md 6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from exporter.counting import Booking
from exporter.limits import QUERY_ROWS
from exporter.platforms.decoding import MAX_MOMENT, whole_number
from exporter.platforms.exchange import Answer
from exporter.platforms.wix.answers import Paging, decode, next_cursor, plain_id, row, short_id
from exporter.platforms.wix.api_errors import invalid
from exporter.platforms.wix.endpoints import Endpoint
from exporter.support.json_text import decoded, is_whole

PAGE_ROWS: Final = QUERY_ROWS.number
"""The most that the reader gives on one page."""

# More is no number of bookings, and would not fit into a float of the page or a number of the status API.
_MAX_DIGITS: Final = 12


class BookingRow(msgspec.Struct, frozen=True):
    """One booking. ``session`` is the event that several bookings of a class share, empty without one.

    ``schedule`` is the id of the schedule whose time it takes, empty where it takes nobody's: a course has a span and no hours,
    and a transparent resource serves several at a time.
    """

    booking: Booking
    session: str
    created: float | None
    updated: float | None = None
    schedule: str = ""


class BookingsPage(msgspec.Struct, frozen=True):
    """One page of the query. ``next_cursor`` is empty on the last page."""

    rows: tuple[BookingRow, ...]
    next_cursor: str
    malformed: int
    unrecognized: Mapping[str, int]


class _Count(msgspec.Struct, gc=False):
    count: Any = None


class _Page(msgspec.Struct, rename="camel", gc=False):
    extended_bookings: list[msgspec.Raw]
    paging_metadata: Paging | None = None


class _Booking(msgspec.Struct, rename="camel", gc=False):
    id: str
    start_date: Any = None
    end_date: Any = None
    created_date: Any = None
    updated_date: Any = None
    status: Any = None
    booked_entity: msgspec.Raw = msgspec.Raw(b"")


class _ExtendedBooking(msgspec.Struct, gc=False):
    booking: _Booking


class _Resource(msgspec.Struct, rename="camel", gc=False):
    id: Any = None
    schedule_id: Any = None
    transparency: Any = None


class _Slot(msgspec.Struct, rename="camel", gc=False):
    event_id: Any = None
    resource: _Resource | None = None


class _BookedEntity(msgspec.Struct, gc=False):
    slot: _Slot | None = None


def count(answer: Answer) -> int:
    """Return the number in a Count answer; text with digits is a number as well. A missing number is never a zero."""
    raw = decode(answer, Endpoint.COUNT_BOOKINGS, _Count, "something that is not a count")
    value = whole_number(raw.count, max_digits=_MAX_DIGITS)
    if value is None:
        raise invalid(answer, Endpoint.COUNT_BOOKINGS, "a count that is missing or not a number")
    return value


def bookings(answer: Answer) -> BookingsPage:
    """Read one page of the query. Raises :class:`~exporter.errors.InvalidResponseError` when it is none."""
    raw = decode(answer, Endpoint.QUERY_BOOKINGS, _Page, "something that is not a page of bookings")
    if len(raw.extended_bookings) > QUERY_ROWS.number:
        raise invalid(answer, Endpoint.QUERY_BOOKINGS, f"more than {QUERY_ROWS}")
    rows: list[BookingRow] = []
    unrecognized: Counter[str] = Counter()
    for item in raw.extended_bookings:
        found = _booking(item, unrecognized)
        if found is not None:
            rows.append(found)
    malformed = len(raw.extended_bookings) - len(rows)
    cursor = next_cursor(
        answer,
        Endpoint.QUERY_BOOKINGS,
        raw.paging_metadata,
        rows=len(raw.extended_bookings),
        full=PAGE_ROWS,
        what="bookings",
    )
    return BookingsPage(tuple(rows), cursor, malformed, unrecognized)


def _booking(item: msgspec.Raw, unrecognized: Counter[str]) -> BookingRow | None:
    entry = row(item, _ExtendedBooking)
    if entry is None:
        return None
    raw = entry.booking
    start, status = moment(raw.start_date), short_id(_text(raw.status).lower())
    # Which bookings count depends on the status: a row without one cannot be placed, and leaving it out would read as fewer.
    if not raw.id or start is None or not status or not is_whole(raw.id + status):
        return None
    end = moment(raw.end_date)
    if end is None or end < start:
        unrecognized["end_date"] += 1
        end = start
    slot = _slot(raw.booked_entity, unrecognized)
    resource = _text(slot.resource.id) if slot and slot.resource else ""
    booking = Booking(plain_id(raw.id), start, end, (plain_id(resource),) if resource else (), status)
    return BookingRow(
        booking,
        short_id(_text(slot.event_id)) if slot else "",
        moment(raw.created_date),
        moment(raw.updated_date),
        _schedule(slot.resource) if slot and slot.resource else "",
    )


def _schedule(resource: _Resource) -> str:
    return "" if resource.transparency == "TRANSPARENT" else short_id(_text(resource.schedule_id))


def _slot(entity: msgspec.Raw, unrecognized: Counter[str]) -> _Slot | None:
    if bytes(entity) in {b"", b"null"}:
        return None
    raw = decoded(entity, _BookedEntity)
    if raw is None:
        unrecognized["booked_entity"] += 1
    return raw.slot if raw else None


def moment(value: object) -> float | None:
    """Return Unix seconds of RFC 3339, with or without milliseconds.

    A booking's own dates are UTC, also when they do not say so (wix.md 6.6).
    """
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
        seconds = (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
    return seconds if 0 <= seconds < MAX_MOMENT else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
