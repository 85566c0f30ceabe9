"""Pages of bookable slots -> when each is, and which resources are free then (docs/platforms/wix.md 7.2).

The names of people beside the ids have no field here, so the decoder skips them.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from exporter.counting import Offered
from exporter.errors import InvalidResponseError
from exporter.limits import SLOT_ROWS
from exporter.platforms.exchange import Answer
from exporter.platforms.wix.answers import Paging, decode, next_cursor, row, short_id
from exporter.platforms.wix.api_errors import invalid
from exporter.platforms.wix.booking_rows import moment
from exporter.platforms.wix.endpoints import Endpoint
from exporter.platforms.wix.inventory_rows import is_id

PAGE_SLOTS: Final = SLOT_ROWS.number
"""So many slots are asked for at a time: half of what Wix gives, so that ten names in each fit into a page."""

ZONE: Final = "UTC"
"""In which local dates are asked for and told: there no hour occurs twice."""

_ZONES: Final = (None, "", ZONE, "Etc/UTC", "Z")  # a tuple: the answer may hold what has no hash

MAX_SLOT_SECONDS: Final = 86_400.0
"""An appointment is no longer than this."""

_MAX_NAMED: Final = 100  # ten of each type are documented


class SlotsPage(msgspec.Struct, frozen=True):
    """One page of slots that can be booked. ``next_cursor`` is empty on the last page."""

    rows: tuple[Offered, ...]
    next_cursor: str
    malformed: int


class _Page(msgspec.Struct, rename="camel", gc=False):
    time_slots: list[msgspec.Raw]
    time_zone: Any = None
    cursor_paging_metadata: Paging | None = None


class _Resource(msgspec.Struct, gc=False):
    id: Any = None


class _Named(msgspec.Struct, gc=False):
    resources: list[_Resource] | None = None


class _Slot(msgspec.Struct, rename="camel", gc=False):
    bookable: bool
    local_start_date: Any = None
    local_end_date: Any = None
    available_resources: list[_Named] | None = None


def slots(answer: Answer) -> SlotsPage:
    """Read one page. Raises :class:`~exporter.errors.InvalidResponseError` when it is none, or when no row can be read."""
    raw = decode(answer, Endpoint.LIST_TIME_SLOTS, _Page, "something that is not a page of slots")
    if len(raw.time_slots) > PAGE_SLOTS:
        raise invalid(answer, Endpoint.LIST_TIME_SLOTS, f"more than {SLOT_ROWS}")
    if raw.time_zone not in _ZONES:
        raise _wrong_zone(answer)
    rows: list[Offered] = []
    malformed = 0
    for item in raw.time_slots:
        one = row(item, _Slot)
        if one is None or (found := _offered(one)) is None:
            malformed += 1
        elif one.bookable:
            rows.append(found)
    if raw.time_slots and malformed == len(raw.time_slots):
        raise invalid(answer, Endpoint.LIST_TIME_SLOTS, "slots of which none can be read")
    number, paging = len(raw.time_slots), raw.cursor_paging_metadata
    cursor = next_cursor(answer, Endpoint.LIST_TIME_SLOTS, paging, rows=number, full=PAGE_SLOTS, what="slots")
    return SlotsPage(tuple(rows), cursor, malformed)


def _wrong_zone(answer: Answer) -> InvalidResponseError:
    return invalid(answer, Endpoint.LIST_TIME_SLOTS, "slots of another time zone than the one that was asked for")


def _offered(raw: _Slot) -> Offered | None:
    start, end = moment(raw.local_start_date), moment(raw.local_end_date)
    if start is None or end is None or not start < end <= start + MAX_SLOT_SECONDS:
        return None
    named = [one.id for group in raw.available_resources or () for one in group.resources or ()]
    if len(named) > _MAX_NAMED or not all(is_id(one) for one in named):
        return None
    return Offered(start, end, tuple(short_id(one.lower()) for one in named))
