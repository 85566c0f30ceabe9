"""Reading the events of a site, page by page (docs/platforms/wix.md 5)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec

from exporter.errors import InvalidResponseError, TargetConfigError
from exporter.model import CollectorName
from exporter.platforms.base import Services
from exporter.platforms.decoding import off_the_loop, report, rows_in
from exporter.platforms.exchange import Answer
from exporter.platforms.wix.answers import short_hash
from exporter.platforms.wix.api import WixApi
from exporter.platforms.wix.endpoints import Endpoint
from exporter.platforms.wix.event_rows import PAGE_EVENTS, EventRow, EventsPage, events

TIMEOUT_SECONDS: Final = 30.0
"""Wix asks the providers while we wait, so a page may take so long also where other requests may not."""

SPARE_PAGES: Final = 10
"""Pages that may bring hardly anything, beside twice those that the most events fill: else a read might not end."""


class Events(msgspec.Struct, frozen=True):
    """All events of a range, each once. ``last`` is the answer that ended it; ``malformed`` counts rows that were skipped."""

    rows: frozenset[EventRow]
    failed_provider_ids: frozenset[str]
    malformed: int
    last: Answer


class EventsReader:
    """Reads at most ``max_events`` at a time."""

    def __init__(
        self,
        api: WixApi,
        services: Services,
        max_events: int,
        timeout: float,
        collector: CollectorName = CollectorName.EVENTS,
    ) -> None:
        """Wait for a page as long as ``timeout`` says, in seconds, and no less than :data:`TIMEOUT_SECONDS`."""
        self._collector = collector
        self._api = api
        self._services = services
        self._max_events = max_events
        self._timeout = max(timeout, TIMEOUT_SECONDS)

    async def read(self, start: float, end: float) -> Events:
        """Return the events that overlap ``[start, end)``, Unix seconds; those that straddle a bound are among them.

        Raises :class:`~exporter.errors.TargetConfigError` for more than ``max_events``, and
        :class:`~exporter.errors.InvalidResponseError` for pages without end: a part never passes for the whole.
        """
        query = {
            "from": _text(start),
            "to": _text(end),
            "fieldsets": "NO_PI",
            "partialFailure": "true",
            "cursorPaging.limit": str(PAGE_EVENTS),
        }
        rows: set[EventRow] = set()
        failed: set[str] = set()
        used: set[str] = set()
        malformed = read = 0
        for _ in range(2 * self._max_events // PAGE_EVENTS + SPARE_PAGES):
            answer = await self._api.call(Endpoint.LIST_EVENTS, query=query, timeout=self._timeout)
            page = await self._page(answer)
            rows.update(page.rows)
            failed |= page.failed_provider_ids
            malformed += page.malformed
            read += len(page.rows)
            if read > self._max_events:
                raise self._too_many()
            if not page.next_cursor:
                return Events(frozenset(rows), frozenset(failed), malformed, answer)
            mark = short_hash(page.next_cursor)  # one may be as long as a page
            if mark in used:
                raise InvalidResponseError("Wix sends the same page of events again and again")
            used.add(mark)
            # Unlike the bookings reader, this one takes the bounds beside a cursor (wix.md 5).
            query = {**query, "cursorPaging.cursor": page.next_cursor}
        raise InvalidResponseError("Wix sends pages of events without end, most of them nearly empty")

    def _too_many(self) -> TargetConfigError:
        if self._collector is not CollectorName.EVENTS:  # its number is not the user's to choose
            return TargetConfigError(
                f"the private calendars have more than {self._max_events} events in the next days, which is more than the "
                f"collector {self._collector} reads: switch it off for this site"
            )
        return TargetConfigError(
            f"the private calendars have more than {self._max_events} events in the next 7 days, and max_events of the "
            "collector events allows no more: raise it"
        )

    async def _page(self, answer: Answer) -> EventsPage:
        page = await off_the_loop(self._services.admission, rows_in(answer.body), events, answer)
        report(self._services.events, self._collector, malformed=page.malformed, unrecognized=page.unrecognized)
        return page


def _text(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
