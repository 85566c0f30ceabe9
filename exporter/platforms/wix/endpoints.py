"""Every Wix call that this exporter can make. What is not listed here cannot be sent.

The credential that may list calendar connections may also disconnect them (docs/platforms/wix.md 2.5), so the external calendar
service is reachable by ``GET`` only: :class:`~exporter.platforms.wix.api.WixApi` takes a member of :class:`Endpoint` and
builds method and path from nothing else. The ``POST`` calls are queries, which only read, and the minting of a token.
Schedules and services are asked for on demand only, by :mod:`exporter.platforms.wix.inventory`, and the sites of an
account by :mod:`exporter.platforms.wix.sites`.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from exporter.platforms.answer_kinds import CONNECTIONS, COUNT, OTHER, PAGE, AnswerKind

ORIGIN: Final = "https://www.wixapis.com"

_CALENDARS: Final = "/bookings/v2/external-calendars"


class Endpoint(Enum):
    """Operation (the value of the ``operation`` label), HTTP method, path, kind of answer.

    ``{reader}`` in a path is the configured prefix, ``{connection}`` the opaque id of a connection.
    """

    LIST_CONNECTIONS = ("list_connections", "GET", f"{_CALENDARS}/connections", CONNECTIONS)
    LIST_CALENDARS = ("list_calendars", "GET", f"{_CALENDARS}/connections/{{connection}}/calendars", OTHER)
    LIST_PROVIDERS = ("list_providers", "GET", f"{_CALENDARS}/providers", OTHER)
    LIST_EVENTS = ("list_events", "GET", f"{_CALENDARS}/events", PAGE)
    COUNT_BOOKINGS = ("count_bookings", "POST", "{reader}/v2/extended-bookings/count", COUNT)
    QUERY_BOOKINGS = ("query_bookings", "POST", "{reader}/v2/extended-bookings/query", PAGE)
    MINT_TOKEN = ("mint_token", "POST", "/oauth2/token", OTHER)
    QUERY_SCHEDULES = ("query_schedules", "POST", "/calendar/v3/schedules/query", PAGE)
    QUERY_STAFF = ("query_staff", "POST", "/bookings/v1/staff-members/query", PAGE)
    QUERY_SERVICES = ("query_services", "POST", "/bookings/v2/services/query", PAGE)
    LIST_TIME_SLOTS = ("list_time_slots", "POST", "/_api/service-availability/v2/time-slots", PAGE)
    QUERY_SITES = ("query_sites", "POST", "/site-list/v2/sites/query", PAGE)

    def __init__(self, operation: str, method: str, path: str, kind: AnswerKind) -> None:
        self.operation = operation
        self.method = method
        self.path = path
        self.kind = kind


OF_CHECKS: Final = frozenset({Endpoint.LIST_CALENDARS, Endpoint.LIST_EVENTS, Endpoint.LIST_TIME_SLOTS, Endpoint.QUERY_STAFF})
"""For these Wix asks others, or they are nobody's need: when one fails, nothing else has to wait."""
