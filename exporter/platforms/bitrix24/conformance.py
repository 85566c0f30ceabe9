"""Asks a portal about the statements of docs/platforms/bitrix24.md: reads of the closed list.

The last question names a method that does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from exporter.platforms.bitrix24.api import (
    GET_BOOKING,
    GET_EVENT,
    LIST_BOOKINGS,
    LIST_LINKS,
    LIST_RESOURCE_TYPES,
    LIST_RESOURCES,
    Api,
    Command,
)
from exporter.platforms.bitrix24.operating import BATCH
from exporter.platforms.bitrix24.paging import within
from exporter.platforms.bitrix24.statements import LISTED, MISSED, NOBODYS_ID, PAGE_ROWS, calendar_event, number
from exporter.platforms.conformance import at
from exporter.platforms.recording import Record

QUESTIONS: Final = 15

NO_METHOD: Final = "booking.v1.no.such.method"
_DAYS_BACK: Final = 30
_DAYS_AHEAD: Final = 60
_DAY: Final = 86_400
_NOBODY_BOOKS: Final = 4_102_444_800
"""The year 2100."""


async def ask_portal(api: Api, record: Record) -> None:
    """Put all questions. What cannot be asked, since there is nothing to ask with, is left out."""

    async def ask(question: str, method: str, **params: object) -> object:
        return await record.ask(question, method, lambda: api.call(Command(method, params)))

    async def bookings(question: str, low: int, high: int, start: int = 0) -> object:
        return await ask(question, LIST_BOOKINGS, **_listing(low, high, start))

    now = int(api.clock.time())
    low, high = now - _DAYS_BACK * _DAY, now + _DAYS_AHEAD * _DAY
    page = at(await bookings("list", low, high), "result", "booking")
    await bookings("list_next", low, high, PAGE_ROWS)
    await bookings("list_none", _NOBODY_BOOKS, _NOBODY_BOOKS + _DAY)
    row = page[0] if isinstance(page, list) and page else None
    booking, start = number(at(row, "id")), number(at(row, "datePeriod", "from", "timestamp"))
    if booking is not None:
        record.know("booking", booking)
        await ask("get", GET_BOOKING, id=booking)
        links = at(await ask("links", LIST_LINKS, bookingId=booking), "result", "externalData")
        if (event := calendar_event(links)) is not None:  # elsewhere nobody has given the right to ask
            await ask("event", GET_EVENT, id=event)
            await ask("event_none", GET_EVENT, id=NOBODYS_ID)
        if start is not None:
            await bookings("at_start", start, start + 1)
            await bookings("before_start", start - 1, start)
    await ask("get_none", GET_BOOKING, id=NOBODYS_ID)
    await ask("links_none", LIST_LINKS, bookingId=NOBODYS_ID)
    commands = {
        LISTED: Command(LIST_BOOKINGS, _listing(_NOBODY_BOOKS, _NOBODY_BOOKS + _DAY, 0)),
        MISSED: Command(LIST_LINKS, {"bookingId": NOBODYS_ID}),
    }
    await record.ask("batch", BATCH, lambda: api.batch(commands))
    await ask("resources", LIST_RESOURCES, order={"id": "ASC"}, start=0)
    await ask("types", LIST_RESOURCE_TYPES, start=0)
    await ask("no_method", NO_METHOD)


def _listing(low: int, high: int, start: int) -> Mapping[str, object]:
    return {**within(low, high), "order": {"id": "ASC"}, "start": start}
