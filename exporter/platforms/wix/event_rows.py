"""ListEvents answers -> small frozen values (docs/platforms/wix.md 5). Names and titles die here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from exporter.limits import EVENT_ROWS, FAILED_PROVIDERS
from exporter.model import CalendarType, Value
from exporter.platforms.decoding import word
from exporter.platforms.exchange import Answer
from exporter.platforms.wix.answers import Paging, decode, next_cursor, row, short_id
from exporter.platforms.wix.api_errors import invalid
from exporter.platforms.wix.booking_rows import moment
from exporter.platforms.wix.connection_rows import CALENDAR_TYPES
from exporter.platforms.wix.endpoints import Endpoint
from exporter.support.json_text import is_whole

PAGE_EVENTS: Final = EVENT_ROWS.number
"""The most events that Wix gives on one page."""


class EventRow(Value, frozen=True, gc=False):
    """One event, or one instance of a recurring one. ``all_day`` is ``None`` where the row does not tell."""

    schedule_id: str
    calendar_type: CalendarType
    start: float
    end: float
    all_day: bool | None = None


class EventsPage(msgspec.Struct, frozen=True):
    """One page of events. ``next_cursor`` is empty on the last page."""

    rows: tuple[EventRow, ...]
    failed_provider_ids: frozenset[str]
    next_cursor: str
    malformed: int
    unrecognized: Mapping[str, int]


class _Page(msgspec.Struct, rename="camel", gc=False):
    events: list[msgspec.Raw]
    paging_metadata: Paging | None = None
    failed_provider_ids: list[str] | None = None


class _Event(msgspec.Struct, rename="camel", gc=False):
    schedule_id: str
    calendar_type: Any = None
    start: Any = None
    end: Any = None
    all_day: Any = None


def events(answer: Answer) -> EventsPage:
    """Read one page. Raises :class:`~exporter.errors.InvalidResponseError` when it is none, or when no row can be read."""
    raw = decode(answer, Endpoint.LIST_EVENTS, _Page, "something that is not a page of events")
    failed_ids = raw.failed_provider_ids or ()
    if len(raw.events) > EVENT_ROWS.number:
        raise invalid(answer, Endpoint.LIST_EVENTS, f"more than {EVENT_ROWS}")
    if len(failed_ids) > FAILED_PROVIDERS.number:
        raise invalid(answer, Endpoint.LIST_EVENTS, f"more than {FAILED_PROVIDERS} that failed")
    unrecognized: Counter[str] = Counter()
    rows = [found for item in raw.events if (found := _event(item, unrecognized)) is not None]
    if raw.events and not rows:
        raise invalid(answer, Endpoint.LIST_EVENTS, "events of which none can be read")
    return EventsPage(
        tuple(rows),
        frozenset(short_id(provider_id.lower()) for provider_id in failed_ids),
        next_cursor(answer, Endpoint.LIST_EVENTS, raw.paging_metadata, rows=len(raw.events), full=PAGE_EVENTS, what="events"),
        len(raw.events) - len(rows),
        unrecognized,
    )


def _event(item: msgspec.Raw, unrecognized: Counter[str]) -> EventRow | None:
    raw = row(item, _Event)
    if raw is None or not raw.schedule_id or not is_whole(raw.schedule_id):
        return None
    start, end = moment(raw.start), moment(raw.end)
    if start is None or end is None or end < start:
        return None
    kind = word(
        raw.calendar_type,
        CALENDAR_TYPES,
        absent=CalendarType.UNDEFINED,
        unknown=CalendarType.UNKNOWN,
        field="calendar_type",
        unrecognized=unrecognized,
    )
    if raw.all_day is not None and not isinstance(raw.all_day, bool):
        unrecognized["all_day"] += 1
    return EventRow(short_id(raw.schedule_id), kind, start, end, raw.all_day if isinstance(raw.all_day, bool) else None)
