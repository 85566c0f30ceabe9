"""Asking the bookings reader: counts, and rows page by page (docs/platforms/wix.md 6).

Two operators in one field object are refused, so every bound is an object of its own under ``$and``. All bounds are
half-open UTC moments in milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from exporter.counting import Taken, too_many_bookings
from exporter.errors import InvalidResponseError, TargetConfigError
from exporter.model import CollectorName
from exporter.platforms.base import Admission, Events
from exporter.platforms.decoding import off_the_loop, report, rows_in
from exporter.platforms.wix.answers import short_hash
from exporter.platforms.wix.api import WixApi
from exporter.platforms.wix.booking_rows import PAGE_ROWS, BookingRow, BookingsPage, bookings, count
from exporter.platforms.wix.endpoints import Endpoint
from exporter.platforms.wix.settings import WixBookings

SPARE_PAGES: Final = 10
"""Pages that may bring nothing, beside twice those that the most bookings fill: else a read might not end."""

Filter = dict[str, Any]


class Rows(msgspec.Struct, frozen=True):
    """All rows of a query, each booking once. ``complete`` is false when rows had to be skipped."""

    rows: tuple[BookingRow, ...]
    complete: bool


def bound(field: str, operator: str, moment: float) -> Filter:
    """Return one condition on a date field; ``moment`` in Unix seconds."""
    text = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {field: {operator: text}}


def matching(statuses: Sequence[str], *bounds: Filter) -> Filter:
    """Return the filter for bookings in one of ``statuses`` that keep all ``bounds``."""
    return {"$and": [*bounds, {"status": {"$in": list(statuses)}}]}


MARKED: Final[Filter] = {"doubleBooked": {"$eq": True}}
"""The condition that Wix itself marks a booking as double-booked (wix.md 6.2)."""


class BookingsReader:
    """Counts and reads the bookings of one site for a ``collector``, at most ``max_bookings`` at a time."""

    def __init__(
        self,
        api: WixApi,
        events: Events,
        admission: Admission,
        settings: WixBookings,
        collector: CollectorName = CollectorName.BOOKINGS,
        *,
        has_chosen_windows: bool = True,
    ) -> None:
        """``has_chosen_windows`` says that the user chose what is read for the collector ``bookings``."""
        self._api = api
        self._events = events
        self._admission = admission
        self._settings = settings
        self._collector = collector
        self._has_chosen_windows = has_chosen_windows and collector is CollectorName.BOOKINGS

    async def count(self, wanted: Filter) -> int:
        """Return how many bookings match. One call, no personal data moves."""
        return count(await self._api.call(Endpoint.COUNT_BOOKINGS, body={"filter": wanted}))

    async def read(self, wanted: Filter, *, sort: str) -> Rows:
        """Return all bookings that match, in the order of the date field ``sort``.

        The first page carries filter and sort, every later one the cursor alone. An answer that goes in circles, or brings
        ever new pages with hardly anything in them, raises :class:`~exporter.errors.InvalidResponseError`; more bookings than
        ``max_bookings`` raise :class:`~exporter.errors.TargetConfigError`. A read that stopped early never passes for a whole.
        """
        rows: dict[str, BookingRow] = {}
        used: set[str] = set()
        complete = True
        paging: Filter = {"limit": PAGE_ROWS}
        query = query_of(wanted, sort, PAGE_ROWS)
        for _ in range(2 * self._settings.max_bookings // PAGE_ROWS + SPARE_PAGES):
            page = await self._page(query)
            complete = complete and not page.malformed
            known = len(rows)
            rows |= {row.booking.id: row for row in page.rows}
            if len(rows) > self._settings.max_bookings:
                raise self.too_many_bookings()
            cursor = page.next_cursor
            if not cursor:
                return Rows(tuple(rows.values()), complete)
            mark = short_hash(cursor)  # one may be as long as a page
            if mark in used or (page.rows and len(rows) == known):
                raise InvalidResponseError("Wix sends the same page of bookings again and again")
            used.add(mark)
            query = {"query": {"cursorPaging": {**paging, "cursor": cursor}}}
        raise InvalidResponseError("Wix sends pages of bookings without end, most of them nearly empty")

    def too_many_bookings(self) -> TargetConfigError:
        """Return the error of a poll that met more than ``max_bookings``."""
        if not self._has_chosen_windows:
            most = self._settings.max_bookings
            return TargetConfigError(
                f"the poll of {self._collector} has to read more than {most} bookings, and max_bookings of the collector "
                "bookings allows no more: raise it"
            )
        instead = "or switch conflicts off to only count" if self._settings.conflicts else ""
        return too_many_bookings(CollectorName.BOOKINGS, self._settings.max_bookings, instead)

    async def first(self, wanted: Filter, *, sort: str) -> BookingRow | None:
        """Return the first booking that matches and can be read, by the date field ``sort``; ``None`` when there is none."""
        page = await self._page(query_of(wanted, sort, 1))
        if page.malformed:
            page = await self._page(query_of(wanted, sort, PAGE_ROWS))
        return page.rows[0] if page.rows else None

    async def _page(self, query: Filter) -> BookingsPage:
        answer = await self._api.call(Endpoint.QUERY_BOOKINGS, body=query)
        page = await off_the_loop(self._admission, rows_in(answer.body), bookings, answer)
        report(self._events, self._collector, malformed=page.malformed, unrecognized=page.unrecognized)
        return page


def query_of(wanted: Filter, sort: str, limit: int) -> Filter:
    """Return the body that asks for the first page of what is ``wanted``, in the order of the date field ``sort``."""
    return {"query": {"filter": wanted, "sort": [{"fieldName": sort, "order": "ASC"}], "cursorPaging": {"limit": limit}}}


def readable(read: Rows) -> Rows:
    """Return ``read``. Raises :class:`~exporter.errors.InvalidResponseError` for odd rows alone: they are not no bookings."""
    if not read.rows and not read.complete:
        raise InvalidResponseError("Wix sends bookings of which none can be read")
    return read


def taken_time(row: BookingRow) -> Taken:
    """Return when ``row`` takes the time of its schedule."""
    booking = row.booking
    return Taken(booking.id, row.schedule.lower(), booking.start, booking.end, row.created, row.updated)
