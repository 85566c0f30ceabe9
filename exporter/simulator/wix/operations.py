"""The calls that this Wix knows: method, path, what they are named, which permission they need (wix.md 1, 2.5)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Service(StrEnum):
    """The Wix service behind a path, as ``x-wix-responded-by`` names it."""

    EXTERNAL_CALENDARS = "external-calendar-2"
    BOOKINGS_READER = "bookings-reader"
    SCHEDULES = "schedules-v3"
    STAFF = "staff-members"
    SERVICES = "services-2"
    TIME_SLOTS = "bookings.availability.v2.AvailabilityTimeSlots"
    OAUTH = "oauth-2"
    SITE_LIST = "site-list-2"


MANAGE_EXTERNAL_CALENDARS: Final = frozenset(
    {
        "CALENDAR.READ_OWN_EXTERNAL_CALENDAR_CONNECTIONS",
        "CALENDAR.READ_ALL_EXTERNAL_CALENDAR_CONNECTIONS",
        "CALENDAR.LIST_EXTERNAL_CALENDAR_PROVIDERS",
        "CALENDAR.READ_EXTERNAL_CALENDAR_EVENTS",
        "CALENDAR.MANAGE_EXTERNAL_CALENDAR_CONNECTIONS",
    }
)
"""What the scope "Manage External Calendars" holds. There is no read-only one: who lists can also disconnect."""
READ_ALL_CONNECTIONS: Final = "CALENDAR.READ_ALL_EXTERNAL_CALENDAR_CONNECTIONS"
READ_OWN_CONNECTIONS: Final = "CALENDAR.READ_OWN_EXTERNAL_CALENDAR_CONNECTIONS"
COUNT_BOOKINGS: Final = "bookings:v2:booking:count_extended_bookings"
QUERY_BOOKINGS: Final = "BOOKINGS.BOOKING_READ"
READ_BOOKINGS: Final = frozenset({COUNT_BOOKINGS, QUERY_BOOKINGS, "BOOKINGS.BOOKING_READ_ANY"})
READ_CALENDAR: Final = frozenset({"CALENDAR.SCHEDULE_READ"})
READ_STAFF: Final = frozenset({"BOOKINGS.STAFF_MEMBER_READ"})
READ_SERVICES: Final = frozenset({"BOOKINGS.SERVICES_READ"})
READ_SITES: Final = frozenset({"SITE_LIST.READ"})
READ_TIME_SLOTS: Final = frozenset({"BOOKINGS.AVAILABILITY_READ_TIME_SLOTS"})
ALL_PERMISSIONS: Final = (
    MANAGE_EXTERNAL_CALENDARS | READ_BOOKINGS | READ_CALENDAR | READ_STAFF | READ_SERVICES | READ_SITES | READ_TIME_SLOTS
)

_ANY_BOOKINGS: Final = frozenset({"BOOKINGS.MANAGE_BOOKINGS", "BOOKINGS.BOOKING_READ_ANY"})


@dataclass(frozen=True, slots=True)
class Operation:
    """One API method. ``permissions`` are alternatives: any one of them is enough. ``write`` changes something at Wix."""

    name: str
    service: Service
    method: str
    path: str
    permissions: frozenset[str] = frozenset()
    write: bool = False
    pattern: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        literal = re.escape(self.path).replace(r"\{", "{").replace(r"\}", "}")
        object.__setattr__(self, "pattern", re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", literal)))


_CALENDARS: Final = "/bookings/v2/external-calendars"
_CONNECTION: Final = f"{_CALENDARS}/connections/{{connection_id}}"
_READ: Final = frozenset({READ_OWN_CONNECTIONS, READ_ALL_CONNECTIONS})
_MANAGE: Final = frozenset({"CALENDAR.MANAGE_EXTERNAL_CALENDAR_CONNECTIONS"})


def _calendar(name: str, method: str, path: str, permissions: frozenset[str], *, write: bool = False) -> Operation:
    return Operation(name, Service.EXTERNAL_CALENDARS, method, path, permissions, write)


def _reader(name: str, prefix: str, action: str, permission: str) -> Operation:
    path = f"{prefix}/v2/extended-bookings/{action}"
    return Operation(name, Service.BOOKINGS_READER, "POST", path, _ANY_BOOKINGS | {permission})


OPERATIONS: Final = (
    _calendar("ListConnections", "GET", f"{_CALENDARS}/connections", _READ),
    _calendar("ListProviders", "GET", f"{_CALENDARS}/providers", frozenset({"CALENDAR.LIST_EXTERNAL_CALENDAR_PROVIDERS"})),
    _calendar("ListEvents", "GET", f"{_CALENDARS}/events", frozenset({"CALENDAR.READ_EXTERNAL_CALENDAR_EVENTS"})),
    _calendar("ConnectByOAuth", "POST", f"{_CALENDARS}/connections:connectByOAuth", _MANAGE, write=True),
    _calendar("ConnectByCredentials", "POST", f"{_CALENDARS}/connections:connectByCredentials", _MANAGE, write=True),
    _calendar("GetConnection", "GET", _CONNECTION, _READ),
    _calendar("ListCalendars", "GET", f"{_CONNECTION}/calendars", frozenset({READ_OWN_CONNECTIONS})),
    _calendar("UpdateSyncConfig", "PATCH", f"{_CONNECTION}/sync-config", _MANAGE, write=True),
    _calendar("Disconnect", "POST", f"{_CONNECTION}/disconnect", _MANAGE, write=True),
    # The reader answers on both prefixes (wix.md 1).
    _reader("CountExtendedBookings", "/_api/bookings-reader", "count", COUNT_BOOKINGS),
    _reader("QueryExtendedBookings", "/_api/bookings-reader", "query", QUERY_BOOKINGS),
    _reader("CountExtendedBookings", "/bookings/bookings-reader", "count", COUNT_BOOKINGS),
    _reader("QueryExtendedBookings", "/bookings/bookings-reader", "query", QUERY_BOOKINGS),
    Operation("QuerySchedules", Service.SCHEDULES, "POST", "/calendar/v3/schedules/query", READ_CALENDAR),
    Operation("QueryStaffMembers", Service.STAFF, "POST", "/bookings/v1/staff-members/query", READ_STAFF),
    # Services answer on both prefixes: www.wixapis.com maps both (@wix/auto_sdk_bookings_services).
    Operation("QueryServices", Service.SERVICES, "POST", "/bookings/v2/services/query", READ_SERVICES),
    Operation("QueryServices", Service.SERVICES, "POST", "/_api/bookings/v2/services/query", READ_SERVICES),
    Operation(
        "ListAvailabilityTimeSlots", Service.TIME_SLOTS, "POST", "/_api/service-availability/v2/time-slots", READ_TIME_SLOTS
    ),
    Operation("QuerySites", Service.SITE_LIST, "POST", "/site-list/v2/sites/query", READ_SITES),
    Operation("CreateAccessToken", Service.OAUTH, "POST", "/oauth2/token"),
    Operation("GetTokenInfo", Service.OAUTH, "POST", "/oauth2/token-info"),
    Operation("RefreshAccessToken", Service.OAUTH, "POST", "/oauth/access"),
)

_BY_PATH: Final = {operation.path: operation for operation in OPERATIONS if "{" not in operation.path}
_BY_PATTERN: Final = tuple(operation for operation in OPERATIONS if "{" in operation.path)


def find(path: str) -> tuple[Operation | None, str]:
    """Return the operation at ``path`` with the connection id in it, if any; the method is for the caller to check."""
    if path in _BY_PATH:
        return _BY_PATH[path], ""
    for operation in _BY_PATTERN:
        if match := operation.pattern.fullmatch(path):
            return operation, match["connection_id"]
    return None, ""
