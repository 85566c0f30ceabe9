"""Pages of bookings: JSON in, a table out (bitrix24.md sections 2.4 and 13).

As every portal of today writes them they are read in one go; anything else row by row, with all that is allowed.
"""

from __future__ import annotations

from array import array
from operator import le
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Raw, Struct

from exporter.counting import Booking, Table
from exporter.errors import InvalidResponseError
from exporter.limits import BOOKING_RESOURCES, PORTAL_PAGE_ROWS
from exporter.platforms.bitrix24.answers import EMPTY, MAX_DIGITS, Reply, RowPage, digits, entity, row_by_row, row_id
from exporter.platforms.decoding import MAX_MOMENT
from exporter.support.json_text import UNREADABLE, read

_FEW_RESOURCES: Final = 3  # so few that their texts may be kept, whatever a portal makes of them
_KEPT_TEXTS: Final = 4096

_RowId = Annotated[int, Meta(gt=0, lt=10**MAX_DIGITS)]


class _PlainMoment(Struct, gc=False):
    timestamp: Annotated[int, Meta(ge=0, lt=int(MAX_MOMENT))]


class _PlainPeriod(Struct, gc=False):
    from_: _PlainMoment = msgspec.field(name="from")
    to: _PlainMoment


class _PlainBookingRow(Struct, gc=False):
    """A booking as every portal of today writes it."""

    id: _RowId
    datePeriod: _PlainPeriod  # noqa: N815  the API's word
    resourceIds: Annotated[tuple[_RowId, ...], Meta(max_length=BOOKING_RESOURCES.number)] | None = None  # noqa: N815  ditto


class _PlainBookings(Struct, gc=False):
    booking: Annotated[list[_PlainBookingRow], Meta(max_length=PORTAL_PAGE_ROWS.number)]


class _Moment(Struct):
    timestamp: int | float | str


class _Period(Struct):
    from_: _Moment = msgspec.field(name="from")
    to: _Moment


class _BookingRow(Struct):
    id: int | str
    datePeriod: _Period  # noqa: N815  the API's word
    resourceIds: list[int | str] | None = None  # noqa: N815  the API's word


class _BookingList(Struct):
    booking: Raw = EMPTY


class _OneBooking(Struct):
    booking: _BookingRow


_plain_bookings_decoder: Final = msgspec.json.Decoder(_PlainBookings)
_booking_decoder: Final = msgspec.json.Decoder(_BookingRow)


class _Texts(dict[tuple[int, ...], tuple[str, ...]]):
    """The ids of a booking's resources as text: the same object for the same ids, since most bookings have one of few sets."""

    def __missing__(self, ids: tuple[int, ...]) -> tuple[str, ...]:
        texts = tuple(map(str, ids))
        if len(ids) <= _FEW_RESOURCES:
            if len(self) >= _KEPT_TEXTS:
                self.clear()
            self[ids] = texts
        return texts


_TEXTS: Final = _Texts()


def bookings(reply: Reply) -> RowPage[Booking]:
    """Read a page of ``booking.v1.booking.list``: in one go as portals write it, else row by row with all that is allowed."""
    try:
        rows = read(reply.result, _plain_bookings_decoder.decode).booking
    except UNREADABLE:
        return _row_by_row(reply)
    periods = [row.datePeriod for row in rows]
    starts = array("d", [period.from_.timestamp for period in periods])
    ends = array("d", [period.to.timestamp for period in periods])
    if not all(map(le, starts, ends)):
        return _row_by_row(reply)
    resources = [_TEXTS[row.resourceIds or ()] for row in rows]
    table = Table(tuple([f"{row.id}" for row in rows]), starts, ends, resources)
    return RowPage(table, table.ids, len(rows), 0)


def booking(reply: Reply) -> Booking:
    """Read ``booking.v1.booking.get``. Raises :class:`~exporter.errors.InvalidResponseError` for what is no booking."""
    try:
        return _booking(entity(reply, _OneBooking).booking)
    except (ValueError, OverflowError, TypeError):
        raise InvalidResponseError("a booking cannot be read") from None


def _row_by_row(reply: Reply) -> RowPage[Booking]:
    page = row_by_row(entity(reply, _BookingList).booking, lambda row: _booking(read(row, _booking_decoder.decode)))
    return RowPage(Table.of(page.rows), page.ids, page.size, page.malformed)


def _booking(row: _BookingRow) -> Booking:
    start, end = _moment(row.datePeriod.from_.timestamp), _moment(row.datePeriod.to.timestamp)
    if end < start:
        raise ValueError("ends before it starts")
    resources = row.resourceIds or ()
    if len(resources) > BOOKING_RESOURCES.number:
        raise ValueError("more resources than anybody books")
    return Booking(row_id(row.id), start, end, tuple([row_id(resource) for resource in resources]))


def _moment(value: float | str) -> float:
    moment = float(digits(value))
    if not 0 <= moment < MAX_MOMENT:
        raise ValueError("not Unix seconds")
    return moment
