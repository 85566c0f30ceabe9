"""Asks a site about the statements of docs/platforms/wix.md: fifteen reads of the closed list, and a token in app mode."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final

from exporter.clock import Clock
from exporter.platforms.conformance import MISSING, at
from exporter.platforms.recording import Record
from exporter.platforms.wix.api import WixApi
from exporter.platforms.wix.endpoints import Endpoint
from exporter.platforms.wix.paging import MARKED, Filter, bound, matching, query_of
from exporter.platforms.wix.statements import PAGE_ROWS, STATUSES_ASKED, starts

QUESTIONS: Final = 15

_DAYS_BACK: Final = 30
_DAYS_AHEAD: Final = 60
_DAY: Final = 86_400
_STEP: Final = 0.001
"""The reader's moments are milliseconds."""
_START: Final = "startDate"


async def ask_site(api: WixApi, clock: Clock, record: Record) -> None:
    """Put all questions. What cannot be asked, since there is nothing to ask with, is left out."""

    async def ask(question: str, endpoint: Endpoint, body: object = None, query: Mapping[str, str] | None = None) -> object:
        return await record.ask(question, endpoint.operation, lambda: api.call(endpoint, body=body, query=query))

    async def count(question: str, low: float, high: float) -> object:
        return await ask(question, Endpoint.COUNT_BOOKINGS, {"filter": _between(low, high)})

    linked = await ask("connections", Endpoint.LIST_CONNECTIONS, query={"partialFailure": "true"})
    record.note_token(Endpoint.MINT_TOKEN.operation)
    providers = await ask("providers", Endpoint.LIST_PROVIDERS)
    if connection := _to_ask_about(at(linked, "connections"), at(providers, "providers")):
        call = partial(api.call, Endpoint.LIST_CALENDARS, connection=connection)
        await record.ask("calendars", Endpoint.LIST_CALENDARS.operation, call)
    now = float(int(clock.time()))
    low, high = now - _DAYS_BACK * _DAY, now + _DAYS_AHEAD * _DAY
    record.know("period", (low, high))
    await count("count", low, high)
    await ask("marks", Endpoint.COUNT_BOOKINGS, {"filter": matching(STATUSES_ASKED, *_bounds(low, high), MARKED)})
    page = await ask("rows", Endpoint.QUERY_BOOKINGS, query_of(_between(low, high), _START, PAGE_ROWS))
    found = at(page, "extendedBookings")
    moments = sorted(starts(found)) if isinstance(found, list) else []
    first = await ask("page_1", Endpoint.QUERY_BOOKINGS, query_of(_between(low, high), _START, 1))
    cursor = at(first, "pagingMetadata", "cursors", "next")
    if isinstance(cursor, str) and cursor:
        record.know("cursor", True)  # noqa: FBT003  a fact
        await ask("page_2", Endpoint.QUERY_BOOKINGS, {"query": {"cursorPaging": {"limit": 1, "cursor": cursor}}})
    if moments:
        whole = (
            at(page, "pagingMetadata", "cursors", "next") in (MISSING, None, "")
            or at(page, "pagingMetadata", "hasNext") is False
        )
        await _ask_of_bounds(record, count, moments, low, whole=whole)
    both = {_START: {**bound(_START, "$gte", low)[_START], **bound(_START, "$lt", high)[_START]}}
    await ask("odd_filter", Endpoint.COUNT_BOOKINGS, {"filter": both})
    await ask("schedules", Endpoint.QUERY_SCHEDULES, {"query": {}})
    await ask("staff", Endpoint.QUERY_STAFF, {"query": {"cursorPaging": {"limit": PAGE_ROWS}}, "fields": ["RESOURCE_DETAILS"]})
    await ask("services", Endpoint.QUERY_SERVICES, {"query": {"paging": {"limit": PAGE_ROWS, "offset": 0}}})


async def _ask_of_bounds(
    record: Record,
    count: Callable[[str, float, float], Awaitable[object]],
    moments: Sequence[float],
    low: float,
    *,
    whole: bool,
) -> None:
    """Count up to a moment before which all bookings were read, and just around the start of the first of them."""
    first, last = moments[0], moments[-1]
    if whole:
        record.know("part", ("count", len(moments)))
    else:
        record.know("part", ("count_part", sum(moment < last for moment in moments)))
        await count("count_part", low, last)
    if whole or first < last:
        record.know("at_bound", moments.count(first))
        await count("at_bound", first, first + _STEP)
    record.know("before_bound", 0)
    await count("before_bound", first - _STEP, first)


def _to_ask_about(connections: object, providers: object) -> str:
    """Return the id of a connection whose calendars can be listed, as far as the providers say; empty where there is none."""
    listable = {
        at(row, "id")
        for row in (providers if isinstance(providers, list) else ())
        if at(row, "features", "listEventFromCalendars") == "SPECIFIC_CALENDARS" and isinstance(at(row, "id"), str)
    }
    rows = [row for row in (connections if isinstance(connections, list) else ()) if at(row, "status") != "DISCONNECTED"]
    for row in sorted(rows, key=lambda row: str(at(row, "providerId")) not in listable):
        if isinstance(found := at(row, "id"), str):
            return found
    return ""


def _bounds(low: float, high: float) -> tuple[Filter, Filter]:
    return bound(_START, "$gte", low), bound(_START, "$lt", high)


def _between(low: float, high: float) -> Filter:
    return matching(STATUSES_ASKED, *_bounds(low, high))
