"""The bookings reader: count and query (wix.md 6), and the names of schedules (wix.md 7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec

from exporter.simulator.platform import JSON, Reply, json_reply
from exporter.simulator.wix.bookings import FIELDS, Booking
from exporter.simulator.wix.context import CallContext
from exporter.simulator.wix.errors import Violation, application_error, body_object, invalid_filter, validation_error
from exporter.simulator.wix.filters import (
    Fields,
    Sort,
    compile_filter,
    compile_sort,
    decode_cursor,
    encode_cursor,
    is_behind,
    place_of,
    sorted_rows,
)
from exporter.simulator.wix.parameters import body
from exporter.simulator.wix.switches import Switches
from exporter.simulator.wix.world import SCHEDULE_FIELDS

T = TypeVar("T")

_DEFAULT_LIMIT: Final = 50
_MAX_LIMIT: Final = 100


def count_bookings(context: CallContext) -> Reply:
    """``POST .../extended-bookings/count``: ``filter`` sits at the top level (wix.md 6.1)."""
    wanted = body(context.call).get("filter")
    if context.switches.double_booked == "refused" and "doubleBooked" in _mentioned(wanted):
        raise invalid_filter("doubleBooked cannot be filtered by")
    test = compile_filter(wanted, FIELDS)
    number = sum(map(test, _visible(context)))
    match context.switches.count_as:
        case "number":
            return json_reply({"count": number})
        case "text":
            return json_reply({"count": str(number)})
        case "missing":
            return json_reply({})


def query_bookings(context: CallContext) -> Reply:
    """``POST .../extended-bookings/query``: ``filter`` sits in ``query``; offset paging and projections are ignored."""
    query = body_object(body(context.call).get("query", {}))
    default = (Sort("id"),) if context.switches.default_sort == "id" else (Sort("createdDate", descending=True),)
    rows, paging = page(_visible(context), query, FIELDS, default, context.switches)
    encoded = b",".join(booking.encoded for booking in rows)
    return Reply(200, b'{"extendedBookings":[' + encoded + b'],"pagingMetadata":' + msgspec.json.encode(paging) + b"}", JSON)


def query_schedules(context: CallContext) -> Reply:
    """``POST /calendar/v3/schedules/query``: active ones only, unless the filter says otherwise."""
    query = dict(body_object(body(context.call).get("query", {})))
    if "cursor" not in body_object(query.get("cursorPaging", {})) and "status" not in _mentioned(query.get("filter")):
        query["filter"] = {"$and": [query.get("filter") or {}, {"status": "ACTIVE"}]}
    rows, paging = page(context.site.schedules.values(), query, SCHEDULE_FIELDS, (Sort("id"),), context.switches)
    return json_reply({"schedules": [schedule.row() for schedule in rows], "pagingMetadata": paging})


def _visible(context: CallContext) -> Iterable[Booking]:
    """Give the bookings that the reader knows already: it is eventually consistent (wix.md 6.4)."""
    known = context.now - context.switches.reader_lag_seconds
    return (booking for booking in context.site.bookings if booking.created <= known)


def page(
    rows: Iterable[T], query: Mapping[str, object], fields: Fields[T], default: tuple[Sort, ...], switches: Switches
) -> tuple[Sequence[T], dict[str, object]]:
    """Return one page and its paging metadata. The first page has filter and sort, later ones the cursor alone."""
    asked = body_object(query.get("cursorPaging") or {})
    limit = asked.get("limit", _DEFAULT_LIMIT)
    if not isinstance(limit, int) or isinstance(limit, bool) or not 0 < limit <= _MAX_LIMIT:
        raise validation_error(Violation("query.cursorPaging.limit", f"must be between 1 and {_MAX_LIMIT}", "MAX"))
    cursor = asked.get("cursor")
    if cursor is None:
        wanted, last = query.get("filter"), None
        sorts = compile_sort(query.get("sort"), fields) or default
    else:
        if query.get("filter") is not None or query.get("sort"):
            raise application_error(400, "INVALID_CURSOR", "A cursor does not go together with a filter or a sort")
        state = decode_cursor(cursor)
        wanted, last = state["filter"], state["last"]
        sorts = tuple(Sort(name, descending) for name, descending in state["sort"])
    test = compile_filter(wanted, fields)
    found = sorted_rows(filter(test, rows), sorts, fields)
    if last is not None:
        found = [row for row in found if is_behind(place_of(row, sorts, fields), last, sorts)]
    shown = found[:limit]

    def next_cursor(place: Sequence[Any]) -> str:
        sort = [(sort.field, sort.descending) for sort in sorts]
        return encode_cursor({"filter": wanted, "sort": sort, "last": place})

    more = len(found) > limit
    paging: dict[str, object] = {"count": len(shown), "cursors": {}}
    if shown and (more or (switches.trailing_empty_page and len(shown) == limit)):
        paging["cursors"] = {"next": next_cursor(place_of(shown[-1], sorts, fields))}
    if switches.repeat_cursor and shown:
        paging["cursors"] = {"next": cursor or next_cursor(place_of(shown[-1], sorts, fields))}
        more = True
    if not switches.omit_has_next:
        paging["hasNext"] = more
    return shown, paging


def _mentioned(value: object) -> set[str]:
    """Return every key inside a filter."""
    if isinstance(value, Mapping):
        return {str(key) for key in value}.union(*(_mentioned(item) for item in value.values()))
    if isinstance(value, list):
        return set().union(*(_mentioned(item) for item in value))
    return set()
