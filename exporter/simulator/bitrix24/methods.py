"""The REST methods that the portals know (bitrix24.md sections 2, 3 and 17)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from exporter.simulator.bitrix24.errors import ApiError, invalid_parameter, missing_parameter
from exporter.simulator.bitrix24.phpquery import is_numeric, to_int
from exporter.simulator.bitrix24.portal import Portal
from exporter.simulator.bitrix24.selection import page, select_bookings
from exporter.simulator.bitrix24.switches import Switches

Params = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Result:
    """What a method gives back; ``total`` and ``next`` are present only when the real answer has them."""

    value: object
    total: int | None = None
    next: int | None = None


@dataclass(frozen=True, slots=True)
class CallContext:
    """Whom a method serves."""

    portal: Portal
    switches: Switches
    scopes: frozenset[str]
    now: float


@dataclass(frozen=True, slots=True)
class Method:
    """One REST method: documented spelling, the scope it needs (``""`` = basic), whether it changes anything."""

    name: str
    scope: str
    run: Callable[[Params, CallContext], Result]
    write: bool = False


def _booking_list(params: Params, context: CallContext) -> Result:
    rows = select_bookings(params, context.portal, context.switches)
    shown, total, following = page(params, len(rows), context.switches)
    bookings: object = [rows[index].to_json() for index in shown]
    if context.switches.endless_list and rows:
        first = to_int(params.get("start"))
        bookings = [{**rows[0].to_json(), "id": first + number + 1} for number in range(context.switches.page_size)]
    if context.switches.list_shape == "object":
        bookings = {str(rows[index].id): rows[index].to_json() for index in shown}
    elif context.switches.list_shape == "null":
        bookings = None
    if context.portal.after_page:
        context.portal.after_page.popleft()(context.portal.world)
    return Result({"booking": bookings}, total, following)


def _booking_get(params: Params, context: CallContext) -> Result:
    booking = context.portal.world.booking(_id(params, "id"))
    if booking is None:
        raise ApiError(1021, "Booking not found")
    return Result({"booking": booking.to_json()})


def _external_data_list(params: Params, context: CallContext) -> Result:
    booking = context.portal.world.booking(_id(params, "bookingId"))
    if booking is None:
        raise ApiError(1021, "Booking not found")
    return Result({"externalData": [link.to_json() for link in booking.links]}, 0)


def _client_list(params: Params, context: CallContext) -> Result:
    booking = context.portal.world.booking(_id(params, "bookingId"))
    if booking is None:
        raise ApiError(1021, "Booking not found")
    clients = [{"id": client.id, "type": {"code": client.code, "module": client.module}} for client in booking.clients]
    return Result({"bookingClient": clients}, 0)


def _client_type_list(_: Params, __: CallContext) -> Result:
    return Result({"clientType": [{"code": code, "module": "crm"} for code in ("CONTACT", "COMPANY")]}, 0)


def _resource_list(params: Params, context: CallContext) -> Result:
    rows = list(context.portal.world.resources.values())
    order = params.get("order")
    filters = params.get("filter")
    if isinstance(filters, Mapping):
        name = filters.get("name")
        rows = [row for row in rows if name is None or row.name == name]
        if "typeId" in filters:
            rows = [row for row in rows if row.type_id == to_int(filters["typeId"])]
    if isinstance(order, Mapping):
        for key, direction in reversed(list(order.items())):
            if key in {"id", "name"}:
                rows.sort(key=lambda row, key=key: getattr(row, key), reverse=str(direction).lower() == "desc")  # type: ignore[misc]  # two key types
    shown, total, following = page(params, len(rows), context.switches)
    return Result({"resource": [rows[index].to_json() for index in shown]}, total, following)


def _resource_type_list(params: Params, context: CallContext) -> Result:
    """List the types; the module calls its rows ``resourceType``, the reference prints ``resource``."""
    rows = sorted(context.portal.world.resource_types.values(), key=lambda row: row.id)
    shown, total, following = page(params, len(rows), context.switches)
    return Result({context.switches.resource_types_key: [rows[index].to_json() for index in shown]}, total, following)


def _event_by_id(params: Params, context: CallContext) -> Result:
    """Return an event of anybody's calendar: these methods answer directly in ``result``, and their errors have no code."""
    calendar, switches = context.portal.calendar, context.switches
    number = params.get("id")
    if not number:
        raise ApiError("", 'The required parameter "id" of the method "calendar.event.getbyid" is not set')
    event = calendar.event(to_int(number))
    if event is not None and not calendar.may_be_seen(event):
        if switches.unseen_event == "denied":
            raise ApiError("", "Access denied")
        event = None
    if event is None or (event.deleted and switches.deleted_event == "null"):
        return Result(None)
    return Result(event.to_json())


def _scope(_: Params, context: CallContext) -> Result:
    return Result(sorted(context.scopes))


def _server_time(_: Params, context: CallContext) -> Result:
    return Result(datetime.fromtimestamp(int(context.now), UTC).isoformat())


def _refuse_write(_: Params, __: CallContext) -> Result:
    raise ApiError("ACCESS_DENIED", "The simulator lets nobody write.", 403)


def _id(params: Params, name: str) -> int:
    value = params.get(name)
    if value is None:
        raise missing_parameter(name)
    if not is_numeric(value):
        raise invalid_parameter(name, value, "int")
    return to_int(value)


_BOOKING_WRITES: Final[Sequence[str]] = [
    f"booking.v1.{name}"
    for name in [
        "booking.add",
        "booking.update",
        "booking.delete",
        "booking.createfromwaitlist",
        "booking.client.set",
        "booking.client.unset",
        "booking.externalData.set",
        "booking.externalData.unset",
        "resource.add",
        "resource.update",
        "resource.delete",
        "resource.slots.set",
        "resource.slots.unset",
        "resourcetype.add",
        "resourcetype.update",
        "resourcetype.delete",
        "waitlist.add",
        "waitlist.update",
        "waitlist.delete",
    ]
]

METHODS: Final[Mapping[str, Method]] = {
    method.name.lower(): method
    for method in (
        Method("booking.v1.booking.list", "booking", _booking_list),
        Method("booking.v1.booking.get", "booking", _booking_get),
        Method("booking.v1.booking.externalData.list", "booking", _external_data_list),
        Method("booking.v1.booking.client.list", "booking", _client_list),
        Method("booking.v1.clienttype.list", "booking", _client_type_list),
        Method("booking.v1.resource.list", "booking", _resource_list),
        Method("booking.v1.resourceType.list", "booking", _resource_type_list),
        Method("calendar.event.getbyid", "calendar", _event_by_id),
        Method("scope", "", _scope),
        Method("server.time", "", _server_time),
        *(Method(name, "booking", _refuse_write, write=True) for name in _BOOKING_WRITES),
    )
}
"""Every method but ``batch``, by its name in lower case: the server reads names without letter case."""

_WRITE: Final = re.compile(
    r"\.(add|update|delete|set|unset|bind|unbind|register|unregister|clear|import|upload)\w*\Z", re.IGNORECASE
)


def is_write(name: str) -> bool:
    """Tell whether a method changes something, also one that the portals do not know."""
    method = METHODS.get(name.lower())
    return method.write if method else _WRITE.search(name) is not None
