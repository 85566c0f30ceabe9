"""Bitrix24 as far as the default collectors ask: lists of bookings, what they are tied to, batches of both.

Each portal is an origin of its own. It behaves as the module's source does: pages of 50, ``total`` always 0 and never a
``next``, rows in any order unless one is asked for, ``within`` as an overlap of half-open intervals.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any, Final
from urllib.parse import parse_qsl

from tests.fleet.http import Answer, Request
from tests.fleet.record import Record

ANSWER_SECONDS: Final = 0.2
WEBHOOK_PATH: Final = "/rest/1/fleetwebhookcode/"
MIN_BOOKINGS: Final = 200
MAX_BOOKINGS: Final = 1000
RESOURCES: Final = range(1, 9)

_PAGE_ROWS: Final = 50
_MAX_COMMANDS: Final = 50
_PAST_DAYS: Final = 10
_AHEAD_DAYS: Final = 20
_QUARTER: Final = 900
_OPERATING_MINUTES: Final = 10
# Less processing than this is not added to a method's operating time.
_COUNTED_SECONDS: Final = 0.1

Params = Mapping[str, Any]


def portal_name(number: int) -> str:
    return f"portal-{number:05}"


@dataclass(frozen=True, slots=True)
class Booking:
    """One booking; moments are Unix seconds."""

    id: int
    start: int
    end: int
    resources: tuple[int, ...]

    def row(self) -> dict[str, Any]:
        moments = {"from": self.start, "to": self.end}
        period = {name: {"timestamp": moment, "timezone": "Europe/Berlin"} for name, moment in moments.items()}
        return {"id": self.id, "name": None, "description": None, "resourceIds": list(self.resources), "datePeriod": period}


_ORDERS: Final[Mapping[str, Callable[[Booking], int]]] = {
    "id": lambda booking: booking.id,
    "dateFrom": lambda booking: booking.start,
    "dateTo": lambda booking: booking.end,
}


class RestError(Exception):
    """A method that fails, as the body says it."""

    def __init__(self, code: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.status = status
        self.body = {"error": code, "error_description": description}


class OperatingTime:
    """Seconds of processing by method, in ten buckets of a minute."""

    def __init__(self) -> None:
        self._buckets: dict[str, dict[int, tuple[float, float]]] = {}  # method -> minute -> first call, seconds

    def add(self, method: str, seconds: float, now: float) -> dict[str, float]:
        """Count a call; return ``operating`` and, once some counted, ``operating_reset_at``, for an answer's ``time``."""
        minute = int(now // 60)
        buckets = self._buckets.setdefault(method, {})
        for old in [key for key in buckets if key <= minute - _OPERATING_MINUTES]:
            del buckets[old]
        if seconds >= _COUNTED_SECONDS:
            first, counted = buckets.get(minute, (now, 0.0))
            buckets[minute] = first, counted + seconds
        if not buckets:
            return {"operating": 0}
        oldest = buckets[min(buckets)][0]
        total = sum(counted for _, counted in buckets.values())
        return {"operating": round(total, 6), "operating_reset_at": int(oldest) + 60 * _OPERATING_MINUTES}


class Portal:
    """One portal with 200 to 1,000 bookings, by the seed, spread over ten days of past and twenty ahead of ``now``."""

    def __init__(self, number: int, record: Record, now: float) -> None:
        self.name = portal_name(number)
        self._record = record
        self._random = Random(f"bitrix24 {number}")
        self._operating = OperatingTime()
        midnight = int(now) // 86400 * 86400
        self.bookings = [self._booking(key, midnight) for key in range(1, self._random.randint(MIN_BOOKINGS, MAX_BOOKINGS) + 1)]
        self._by_id = {booking.id: booking for booking in self.bookings}
        self._methods: Mapping[str, Callable[[Params], object]] = {
            "booking.v1.booking.list": self._list,
            "booking.v1.resource.list": self._list_resources,
            "booking.v1.booking.get": self._get,
            "booking.v1.booking.externaldata.list": self._external_data,
        }

    def _booking(self, key: int, midnight: int) -> Booking:
        start = midnight + _QUARTER * self._random.randrange(-96 * _PAST_DAYS, 96 * _AHEAD_DAYS)
        resources = tuple(sorted(self._random.sample(RESOURCES, self._random.choice((1, 1, 1, 2)))))
        return Booking(key, start, start + _QUARTER * self._random.randint(1, 8), resources)

    def answer(self, request: Request) -> Answer:
        method = request.path.removeprefix(WEBHOOK_PATH).lower()
        try:
            body = self._called(request, method)
        except RestError as error:
            self._record.refuse(f"Bitrix24: {method}: {error}")
            return Answer(error.status, json.dumps(error.body).encode())
        return Answer(200, json.dumps(body).encode())

    def _called(self, request: Request, method: str) -> dict[str, Any]:
        if not request.path.startswith(WEBHOOK_PATH) or request.method != "POST":
            raise RestError("NO_AUTH_FOUND", "Wrong authorization data", 401)
        params = json.loads(request.body or b"{}")
        if method == "batch":
            return self._batch(params)
        self._record.note(method, self.name)
        return {"result": self._run(method, params), "total": 0, "time": self._time(method, ANSWER_SECONDS)}

    def _run(self, method: str, params: Params) -> object:
        run = self._methods.get(method)
        if run is None:
            raise RestError("ERROR_METHOD_NOT_FOUND", "Method not found!", 404)
        return run(params)

    def _batch(self, params: Params) -> dict[str, Any]:
        commands: Mapping[str, str] = params["cmd"]
        sections: dict[str, dict[str, Any]] = {
            name: {} for name in ("result", "result_error", "result_total", "result_next", "result_time")
        }
        seconds = ANSWER_SECONDS / max(1, len(commands))
        for place, (key, command) in enumerate(commands.items()):
            method, _, query = command.partition("?")
            method = method.lower()
            try:
                sections["result"][key] = self._in_batch(place, method, query)
            except RestError as error:
                self._record.refuse(f"Bitrix24: {method} in a batch: {error}")
                sections["result_error"][key] = error.body
                if params.get("halt"):
                    break
            else:
                sections["result_total"][key] = 0
                sections["result_time"][key] = self._time(method, seconds)
        self._record.note(f"batch of {_methods_in(commands)}", self.name)
        # PHP writes an array without members as a list. The batch itself is not counted, its commands are.
        return {"result": {name: section or [] for name, section in sections.items()}, "time": _clock(ANSWER_SECONDS)}

    def _in_batch(self, place: int, method: str, query: str) -> object:
        if place >= _MAX_COMMANDS:
            raise RestError("ERROR_BATCH_LENGTH_EXCEEDED", "Max batch length exceeded")
        if method == "batch":
            raise RestError("ERROR_BATCH_METHOD_NOT_ALLOWED", "Method is not allowed for batch usage")
        return self._run(method, php_query(query))

    def _list(self, params: Params) -> object:
        rows = self._within(params.get("filter", {}))
        order = params.get("order", {})
        if not isinstance(order, Mapping):
            raise RestError("100", "Invalid value to match with parameter {order}")
        known = [(key, str(direction).lower()) for key, direction in order.items() if key in _ORDERS]
        if not known:
            rows = self._random.sample(rows, len(rows))
        for key, direction in reversed(known):
            rows = sorted(rows, key=_ORDERS[key], reverse=direction == "desc")
        first = max(0, int(params.get("start", 0))) // _PAGE_ROWS * _PAGE_ROWS
        return {"booking": [booking.row() for booking in rows[first : first + _PAGE_ROWS]]}

    def _list_resources(self, params: Params) -> object:
        rows = [{"id": number, "name": f"Chair {number}"} for number in RESOURCES]
        return {"resource": rows if int(params.get("start", 0)) < _PAGE_ROWS else []}

    def _within(self, chosen: object) -> list[Booking]:
        if not isinstance(chosen, Mapping):
            if chosen == []:
                return self.bookings
            raise RestError("100", "Invalid value to match with parameter {filter}")
        within = chosen.get("within")  # any other key is dropped without a word
        if within is None:
            return self.bookings
        missing = [name for name in ("dateFrom", "dateTo") if name not in within]
        if missing:
            raise RestError("0", f"Required fields: {', '.join(missing)}")
        low, high = int(within["dateFrom"]), int(within["dateTo"])
        return [booking for booking in self.bookings if booking.start < high and booking.end > low]

    def _get(self, params: Params) -> object:
        return {"booking": self._known(params, "id").row()}

    def _external_data(self, params: Params) -> object:
        booking = self._known(params, "bookingId")
        # Nine of ten are tied to a deal.
        deals = [{"moduleId": "crm", "entityTypeId": "DEAL", "value": str(booking.id)}] if booking.id % 10 else []
        return {"externalData": deals}

    def _known(self, params: Params, name: str) -> Booking:
        if name not in params:
            raise RestError("100", f"Could not find value for parameter {{{name}}}")
        booking = self._by_id.get(int(params[name]))
        if booking is None:
            raise RestError("1021", "Booking not found")
        return booking

    def _time(self, method: str, seconds: float) -> dict[str, Any]:
        return {**_clock(seconds), **self._operating.add(method, seconds, time.time())}


def _clock(seconds: float) -> dict[str, Any]:
    began = time.time()
    moments = {"start": began, "finish": began + seconds}
    dates = {f"date_{name}": datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds") for name, at in moments.items()}
    return {**moments, "duration": seconds, "processing": seconds, **dates}


def _methods_in(commands: Mapping[str, str]) -> str:
    return " and ".join(sorted({command.partition("?")[0].lower() for command in commands.values()}))


def php_query(query: str) -> dict[str, Any]:
    """Read ``a[b][c]=1&d=2`` as PHP does: ``{"a": {"b": {"c": "1"}}, "d": "2"}``."""
    found: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        first, *inner = re.findall(r"[^\[\]]+", name)
        place, last = found, first
        for key in inner:
            place, last = place.setdefault(last, {}), key
        place[last] = value
    return found
