"""Wix as far as the default collectors ask: connections, their providers, counts of bookings.

One origin serves all sites; an API key of the account opens each of them, and the header ``wix-site-id`` says which.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from random import Random
from typing import Any, Final

from tests.fleet.http import Answer, Request
from tests.fleet.record import Record

API_KEY: Final = "IST.fleet-key-of-the-account"
ANSWER_SECONDS: Final = 0.1

_CALENDARS: Final = "/bookings/v2/external-calendars"
_STAFF: Final = "/bookings/v1/staff-members/query"
_COUNT: Final = "/_api/bookings-reader/v2/extended-bookings/count"
_STATUSES: Final = ("CREATED", "PENDING", "CONFIRMED", "CANCELED", "DECLINED", "WAITING_LIST")
_PROVIDERS: Final = (
    ("6c533722-f1f9-4847-95c7-d4c4922ae9b0", "Google Calendar", "GOOGLE"),
    ("9f084ae8-b3a6-4eb6-a29d-bc682c04b5fc", "Apple Calendar", "I_CAL"),
    ("ae0d26b4-7e04-4735-a15e-1b1acaba2f00", "Outlook or Office 365", "MICROSOFT"),
)
_HOUR: Final = 3600


class InvalidFilterError(Exception):
    """The filter is none that the bookings reader takes."""


def site_name(number: int) -> str:
    return f"site-{number:05}"


def site_id(number: int) -> str:
    return str(uuid.UUID(bytes=_digest(f"site {number}")[:16], version=4))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


class Site:
    """Four connections, and a booking every few hours for ever, of each status in its own rhythm: all by the seed."""

    def __init__(self, number: int) -> None:
        self.name = site_name(number)
        random = Random(f"wix {number}")
        rows = [_connection(number, place, random) for place in range(4)]
        self.connections = json.dumps({"connections": rows, "failedProviderIds": []}).encode()
        # Seconds between two bookings, and the start of the first after the epoch.
        self._rhythms = {
            status: (step, random.randrange(step))
            for status in _STATUSES
            for step in [_HOUR // 4 * random.randint(*((2, 16) if status == "CONFIRMED" else (16, 96)))]
        }

    def count(self, statuses: list[str], start: float, end: float) -> int:
        """Return how many bookings of ``statuses`` start in ``[start, end)``, Unix seconds."""
        return sum(max(0, _steps(end, *self._rhythms[status]) - _steps(start, *self._rhythms[status])) for status in statuses)


def _steps(moment: float, step: int, first: int) -> int:
    """Return how many of ``first``, ``first + step``, ``first + 2 * step`` ... lie before ``moment``."""
    return -int((first - moment) // step)


def _connection(number: int, place: int, random: Random) -> dict[str, Any]:
    provider, _, calendar = _PROVIDERS[place % len(_PROVIDERS)]
    exports = place != 0
    return {
        # Opaque and long, as the official examples are.
        "id": "".join(hashlib.sha512(f"{number} {place} {part}".encode()).hexdigest() for part in range(2))[:183],
        "providerId": provider,
        "calendarType": calendar,
        "scheduleId": str(uuid.UUID(int=random.getrandbits(128), version=4)),
        "userId": str(uuid.UUID(int=random.getrandbits(128), version=4)),
        "externalAccountEmail": f"staff{place}@{site_name(number)}.example",
        "status": "SYNCED" if exports else "CONNECTED",
        "syncConfig": {
            "listEventFromCalendars": {"enabled": True, "primaryCalendar": {}},
            **({"syncToCalendar": {"enabled": True, "dedicatedCalendar": {}}} if exports else {}),
        },
    }


class Wix:
    """The origin of ``sites`` sites."""

    def __init__(self, sites: int, record: Record) -> None:
        self._sites = {site_id(number): Site(number) for number in range(sites)}
        self._record = record
        providers = [{"id": key, "name": name, "calendarType": kind} for key, name, kind in _PROVIDERS]
        self._providers = json.dumps({"providers": providers}).encode()

    def answer(self, request: Request) -> Answer:  # noqa: PLR0911  a line for each call
        site = self._sites.get(request.headers.get("wix-site-id", ""))
        if site is None or request.headers.get("authorization") != API_KEY:
            return self._refuse(403, "PERMISSION_DENIED", "Wix: key or site")
        match request.method, request.path:
            case "GET", path if path == f"{_CALENDARS}/connections" and request.query == "partialFailure=true":
                self._record.note("list_connections", site.name)
                return Answer(200, site.connections)
            case "GET", path if path == f"{_CALENDARS}/providers":
                self._record.note("list_providers", site.name)
                return Answer(200, self._providers)
            case "GET", path if path.startswith(f"{_CALENDARS}/connections/") and path.endswith("/calendars"):
                self._record.note("list_calendars", site.name)
                return Answer(200, b'{"calendars":[{"id":"home"}]}')
            case "POST", path if path == _STAFF:
                self._record.note("query_staff", site.name)
                return Answer(200, b'{"staffMembers":[],"pagingMetadata":{"count":0,"cursors":{},"hasNext":false}}')
            case "POST", path if path == _COUNT:
                self._record.note("count_bookings", site.name)
                return self._count(site, request.body)
        return self._refuse(404, "NOT_FOUND", f"Wix: {request.method} {request.path}")

    def _count(self, site: Site, body: bytes) -> Answer:
        try:
            statuses, start, end, marked = read_filter(json.loads(body))
        except (InvalidFilterError, ValueError) as error:
            return self._refuse(400, "INVALID_FILTER", f"Wix: {error}")
        return Answer(200, b'{"count":%d}' % (0 if marked else site.count(statuses, start, end)))

    def _refuse(self, status: int, code: str, what: str) -> Answer:
        self._record.refuse(what)
        return Answer(status, json.dumps({"message": "", "details": {"applicationError": {"code": code}}}).encode())


def read_filter(body: object) -> tuple[list[str], float, float, bool]:
    """Return statuses, start and end of a count, and whether it is of marks alone. Raises :class:`InvalidFilterError`.

    Nobody is double-booked here.

    Each condition is an object of its own under ``$and``: the real reader refuses two operators inside one field.
    """
    statuses: list[str] | None = None
    bounds: dict[str, float] = {}
    marked = False
    for condition in _conditions(body):
        match condition:
            case {"status": {"$in": [*words]}} if statuses is None and set(words) <= set(_STATUSES):
                statuses = words
            case {"startDate": {"$gte": str(moment)}} if "$gte" not in bounds:
                bounds["$gte"] = _utc(moment)
            case {"startDate": {"$lt": str(moment)}} if "$lt" not in bounds:
                bounds["$lt"] = _utc(moment)
            case {"doubleBooked": {"$eq": True}} if not marked:
                marked = True
            case _:
                raise InvalidFilterError("a condition that the fake does not know")
    if statuses is None or bounds.keys() != {"$gte", "$lt"}:
        raise InvalidFilterError("a condition is missing")
    return statuses, bounds["$gte"], bounds["$lt"], marked


def _conditions(body: object) -> list[Mapping[str, object]]:
    match body:
        case {"filter": {"$and": [*conditions]}}:
            if all(isinstance(item, dict) and all(len(inner) == 1 for inner in (item, *item.values())) for item in conditions):
                return conditions
    raise InvalidFilterError("not one operator in each condition under $and")


def _utc(text: str) -> float:
    if not text.endswith("Z"):
        raise InvalidFilterError("a moment that is not UTC")
    return datetime.fromisoformat(text).timestamp()
