"""Reading the bookable slots of one service, page by page (docs/platforms/wix.md 7.2)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from exporter.counting import Offered
from exporter.errors import InvalidResponseError
from exporter.limits import SERVICE_SLOTS
from exporter.model import CollectorName
from exporter.platforms.base import Services
from exporter.platforms.decoding import off_the_loop, report, rows_in
from exporter.platforms.wix.answers import short_hash
from exporter.platforms.wix.api import WixApi
from exporter.platforms.wix.endpoints import Endpoint
from exporter.platforms.wix.slot_rows import PAGE_SLOTS, ZONE, SlotsPage, slots

STAFF_TYPE: Final = "1cd44cf8-756f-41c3-bd90-3e2ffcaf1155"
"""The type of resource that staff members are, as in the examples of the reference."""

SPARE_PAGES: Final = 10
"""Pages that may bring hardly anything, beside twice those that the most slots fill: else a read might not end."""

_PAGES: Final = 2 * SERVICE_SLOTS.number // PAGE_SLOTS + SPARE_PAGES


class ServiceSlotRows(msgspec.Struct, frozen=True):
    """All slots of a service that can be booked. ``complete`` is false when rows had to be skipped."""

    rows: tuple[Offered, ...]
    complete: bool


class SlotsReader:
    """Reads the slots of the services of one site."""

    def __init__(self, api: WixApi, services: Services) -> None:
        self._api = api
        self._services = services

    async def read(self, service: str, start: float, end: float) -> ServiceSlotRows:
        """Return the slots of ``service`` (its id) that begin in ``[start, end)``, Unix seconds.

        Raises :class:`~exporter.errors.InvalidResponseError` for pages without end, and for more slots than
        :data:`~exporter.limits.SERVICE_SLOTS`: a part never passes for the whole.
        """
        body: dict[str, Any] = {
            "serviceId": service,
            "fromLocalDate": _text(start),
            "toLocalDate": _text(end),
            "timeZone": ZONE,
            "bookable": True,
            "includeResourceTypeIds": [STAFF_TYPE],
            "cursorPaging": {"limit": PAGE_SLOTS},
        }
        rows: list[Offered] = []
        used: set[str] = set()
        complete = True
        for _ in range(_PAGES):
            page = await self._page(body)
            beyond = sum(row.start >= end for row in page.rows)
            report(self._services.events, CollectorName.SLOTS, malformed=beyond, unrecognized={})
            rows += (row for row in page.rows if int(start) <= row.start < end)  # one that began since may still be listed
            complete = complete and not page.malformed and not beyond
            if len(rows) > SERVICE_SLOTS.number:
                raise InvalidResponseError(f"Wix has more than {SERVICE_SLOTS} of a service that can be booked within days")
            if not page.next_cursor:
                return ServiceSlotRows(tuple(rows), complete)
            mark = short_hash(page.next_cursor)  # one may be as long as a page
            if mark in used:
                raise InvalidResponseError("Wix sends the same page of slots again and again")
            used.add(mark)
            body = {"cursorPaging": {"limit": PAGE_SLOTS, "cursor": page.next_cursor}}
        raise InvalidResponseError("Wix sends pages of slots without end, most of them nearly empty")

    async def _page(self, body: dict[str, Any]) -> SlotsPage:
        answer = await self._api.call(Endpoint.LIST_TIME_SLOTS, body=body)
        page = await off_the_loop(self._services.admission, rows_in(answer.body), slots, answer)
        report(self._services.events, CollectorName.SLOTS, malformed=page.malformed, unrecognized={})
        return page


def _text(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S")
