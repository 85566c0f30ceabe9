"""Which bookings ``booking.v1.booking.list`` selects, in which order, and which page of them (bitrix24.md 2.1, 2.2, 4.2)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from exporter.simulator.bitrix24.errors import ApiError, invalid_parameter
from exporter.simulator.bitrix24.phpquery import to_int
from exporter.simulator.bitrix24.portal import Portal
from exporter.simulator.bitrix24.switches import Switches
from exporter.simulator.bitrix24.world import Booking

Filter = Callable[[Booking], bool]

_ORDER_KEYS: Final[Mapping[str, Callable[[Booking], int]]] = {
    "id": lambda booking: booking.id,
    "dateFrom": lambda booking: booking.start,
    "dateTo": lambda booking: booking.end,
}
_REMEMBERED: Final = 8


def select_bookings(params: Mapping[str, object], portal: Portal, switches: Switches) -> Sequence[Booking]:
    """Return every booking that the request selects, in its order; the order is new each time when none was asked for.

    Only ``filter`` and ``order`` in exactly this spelling count; what they hold beyond the known keys is dropped in silence.
    """
    filters = _php_array(params, "filter")
    order = {key: str(way).lower() == "desc" for key, way in _php_array(params, "order").items() if key in _ORDER_KEYS}
    tests = _tests(filters, switches)
    # Reading 10,000 bookings takes 201 requests with the same question: the answer is computed once per state of the world.
    question = json.dumps([portal.world.version, filters, order, switches.within, switches.zero_length_at_start], default=str)
    memory = portal.selections
    rows = memory.get(question)
    if rows is None:
        chosen = [booking for booking in portal.world.bookings() if all(test(booking) for test in tests)]
        for key, descending in reversed(order.items()):
            chosen.sort(key=_ORDER_KEYS[key], reverse=descending)
        rows = memory[question] = chosen
        if len(memory) > _REMEMBERED:
            del memory[next(iter(memory))]
    return rows if order else portal.random.sample(rows, len(rows))


def page(params: Mapping[str, object], rows: int, switches: Switches) -> tuple[range, int | None, int | None]:
    """Return the row numbers of the page that ``start`` asks for, then ``total`` and ``next`` as the answer shows them."""
    start, size = to_int(params.get("start")), switches.page_size
    first = 0 if start < 0 or switches.ignores_start else start // size * size
    shown = range(first, min(first + size, rows))
    if start < 0:
        return shown, None, None
    if not switches.real_totals:
        return shown, 0, None
    return shown, rows, first + size if first + size < rows else None


def _tests(filters: Mapping[str, object], switches: Switches) -> list[Filter]:
    tests: list[Filter] = []
    if "within" in filters:
        tests.append(_within(_members(filters, "within", ("dateFrom", "dateTo")), switches))
    if "client" in filters:
        entities = _members(filters, "client", ("entities",))["entities"]
        if isinstance(entities, list):
            tests += _clients(entities)
    if "createdWithin" in filters:
        period = filters["createdWithin"]
        tests.append(_created(period if isinstance(period, Mapping) else {}))
    if isinstance(filters.get("resourceId"), list):
        wanted = {to_int(number) for number in filters["resourceId"]}  # type: ignore[attr-defined]  # a list, as just asked
        tests.append(lambda booking: not wanted.isdisjoint(booking.resource_ids))
    return tests


def _within(period: Mapping[str, object], switches: Switches) -> Filter:
    begin, end = to_int(period["dateFrom"]), to_int(period["dateTo"])
    if switches.period_checked and begin > end:
        raise ApiError(422, "Invalid date period")
    if switches.within == "start":
        return lambda booking: begin <= booking.start < end
    empty = switches.zero_length_at_start
    return lambda booking: booking.start < end and (booking.last > begin or (empty and booking.start == booking.last == begin))


def _clients(entities: list[object]) -> list[Filter]:
    """Return one test per CRM type, for the first entity of the type only."""
    first: dict[str, int] = {}
    for entity in entities:
        given = entity if isinstance(entity, Mapping) else {}
        missing = [key for key in ("module", "code", "id") if key not in given]
        if missing:
            raise ApiError(0, f"Required fields: {', '.join(missing)}")
        if given["module"] == "crm" and given["code"] in {"CONTACT", "COMPANY"}:
            first.setdefault(str(given["code"]), to_int(given["id"]))

    def test(code: str, number: int) -> Filter:
        return lambda booking: any(client.code == code and client.id == number for client in booking.clients)

    return [test(code, number) for code, number in first.items()]


def _created(period: Mapping[str, object]) -> Filter:
    begin, end = _date(period.get("from")), _date(period.get("to"))
    return lambda booking: (begin is None or booking.created >= begin) and (end is None or booking.created < end)


def _date(value: object) -> float | None:
    if value is None:
        return None
    for pattern in ("%d.%m.%Y", "%d.%m.%Y %H:%M:%S"):
        try:
            return datetime.strptime(str(value), pattern).replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise ApiError(422, "Invalid date") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _members(filters: Mapping[str, object], name: str, needed: Sequence[str]) -> Mapping[str, object]:
    value = filters[name]
    given = value if isinstance(value, Mapping) else {}
    missing = [key for key in needed if given.get(key) is None]
    if missing:
        raise ApiError(0, f"Required fields: {', '.join(missing)}")
    return given


def _php_array(params: Mapping[str, object], name: str) -> Mapping[str, object]:
    """Return the parameter as a map; PHP makes no difference between ``{}`` and ``[]``."""
    value = params.get(name)
    if value is None or isinstance(value, list):
        return {}
    if not isinstance(value, Mapping):
        raise invalid_parameter(name, value, "array")
    return value
