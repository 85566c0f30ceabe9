"""ListAvailabilityTimeSlots: when an appointment can be booked, and with whom (wix.md 7.2).

The simulator ignores ``locations``, ``resourceTypes``, ``bookingPolicyViolations``, ``timeSlotsPerDay`` and
``customerChoices`` of a request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from exporter.simulator import canary
from exporter.simulator.diary import DAY
from exporter.simulator.platform import Reply, json_reply
from exporter.simulator.wix.bookings import Staff
from exporter.simulator.wix.context import CallContext
from exporter.simulator.wix.errors import Violation, application_error, body_object, validation_error
from exporter.simulator.wix.filters import bad_cursor, decode_cursor, encode_cursor, utc_text
from exporter.simulator.wix.parameters import body, is_guid
from exporter.simulator.wix.world import OfferedService

STAFF_TYPE: Final = "1cd44cf8-756f-41c3-bd90-3e2ffcaf1155"
"""The type of resource that staff members are, as in the examples of the reference (wix.md 7.2)."""

_MAX_SLOTS: Final = 1000
_MAX_NAMED: Final = 10
_MAX_TYPES: Final = 100
_LOCAL: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The part of a request that its cursor has to remember. Local dates are texts that sort as the dates do."""

    service_id: str
    start: str
    end: str
    zone: str
    bookable: bool | None
    type_ids: list[str]


@dataclass(frozen=True, slots=True)
class _Place:
    """What a cursor holds."""

    asked: _Asked
    skip: int


@dataclass(frozen=True, slots=True)
class _Slot:
    """One slot: its moments in Unix seconds, its local dates, who is free, and which rules of booking it breaks."""

    start: float
    local_start: str
    local_end: str
    free: Sequence[Staff]
    too_early: bool
    too_late: bool
    closed: bool

    @property
    def bookable(self) -> bool:
        """Whether a customer can book it."""
        return not (self.too_early or self.too_late or self.closed)


def list_availability_time_slots(context: CallContext) -> Reply:
    """``POST /_api/service-availability/v2/time-slots``: the earliest first, and bookable ones before all others."""
    given = body(context.call)
    paging = body_object(given.get("cursorPaging") or {})
    limit = paging.get("limit", _MAX_SLOTS)
    if not isinstance(limit, int) or isinstance(limit, bool) or not 0 < limit <= _MAX_SLOTS:
        raise validation_error(Violation("cursorPaging.limit", f"must be between 1 and {_MAX_SLOTS}", "MAX"))
    place = _Place(_asked(context, given), 0) if paging.get("cursor") is None else _place(given, paging["cursor"])
    service = _service(context, place.asked.service_id)
    slots = [
        slot for slot in _slots(context, service, place.asked) if place.asked.bookable in {None, slot.bookable} and slot.free
    ]
    slots.sort(key=lambda slot: (not slot.bookable, slot.start))
    shown = slots[place.skip : place.skip + limit]
    more = place.skip + limit < len(slots)
    following = encode_cursor(msgspec.to_builtins(_Place(place.asked, place.skip + limit)))
    rows = [_row(slot, service, context.site.bookings.location_id, place.asked) for slot in shown]
    metadata = {"cursors": {"next": following} if more else {}, "hasNext": more}
    return json_reply({"timeSlots": rows, "timeZone": place.asked.zone, "cursorPagingMetadata": metadata})


def _place(given: Mapping[str, object], cursor: object) -> _Place:
    if given.keys() - {"cursorPaging"}:
        raise application_error(400, "INVALID_CURSOR", "A cursor does not go together with other arguments")
    try:
        return msgspec.convert(decode_cursor(cursor), _Place)
    except msgspec.ValidationError as error:  # the cursor of another method
        raise bad_cursor() from error


def _asked(context: CallContext, given: Mapping[str, object]) -> _Asked:
    needed: dict[str, object] = {name: given.get(name) for name in ("serviceId", "fromLocalDate", "toLocalDate", "timeZone")}
    if context.switches.slots_time_zone == "optional":
        needed["timeZone"] = needed["timeZone"] or context.site.zone.key
    missing = [name for name, value in needed.items() if not value]
    if missing:
        raise application_error(400, "MISSING_ARGUMENTS", f"Missing: {', '.join(missing)}")
    bookable, type_ids = given.get("bookable"), given.get("includeResourceTypeIds") or []
    if bookable is not None and not isinstance(bookable, bool):
        raise validation_error(Violation("bookable", "must be true or false"))
    if not isinstance(type_ids, list) or not all(is_guid(one) for one in type_ids):
        raise validation_error(Violation("includeResourceTypeIds", "is not a list of GUIDs"))
    if len(type_ids) > _MAX_TYPES:
        raise validation_error(Violation("includeResourceTypeIds", f"has more than {_MAX_TYPES} values", "MAX"))
    if not is_guid(needed["serviceId"]):
        raise validation_error(Violation("serviceId", "is not a valid GUID"))
    zone = _zone(str(needed["timeZone"]))
    start, end = (_local_date(name, needed[name], zone) for name in ("fromLocalDate", "toLocalDate"))
    return _Asked(str(needed["serviceId"]).lower(), start, end, zone.key, bookable, [str(one).lower() for one in type_ids])


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # no zone; not a name of one; a folder of zones
        raise application_error(400, "INVALID_TIME_ZONE", "The time zone is not known") from error


def _local_date(name: str, value: object, zone: ZoneInfo) -> str:
    """Return ``value`` when it is a local date with its time; an offset, a ``Z`` or a bare day is refused."""
    wrong = validation_error(Violation(name, "must be YYYY-MM-DDThh:mm:ss"))
    if not isinstance(value, str) or not _LOCAL.fullmatch(value):
        raise wrong
    try:
        _moment(value, zone)
    except (ValueError, OverflowError) as error:  # no such day; a day at the end of the calendar
        raise wrong from error
    return value


def _moment(local: str, zone: ZoneInfo) -> float:
    """Return the Unix seconds of a local date, the first of two where it occurs twice."""
    return datetime.fromisoformat(local).replace(tzinfo=zone).timestamp()


def _service(context: CallContext, service_id: str) -> OfferedService:
    found = next((service for service in context.site.services if service.id == service_id), None)
    if found is None:
        raise application_error(404, "SERVICE_NOT_FOUND", "There is no such service")
    if found.kind != "APPOINTMENT":
        raise application_error(400, "INVALID_SERVICE_IDS_PROVIDED", "The service is not based on appointments")
    return found


def _slots(context: CallContext, service: OfferedService, asked: _Asked) -> Iterator[_Slot]:
    if service.hidden and context.switches.closed_service_slots == "none":
        return
    zone, length = _zone(asked.zone), service.minutes * 60.0
    availability = context.site.availability
    # A day more on each side: a bound is local, and may lie in an hour that occurs twice or not at all.
    around = availability.starts(_moment(asked.start, zone) - DAY, _moment(asked.end, zone) + DAY, length)
    starts = [start for start in around if asked.start <= _text(start, zone) < asked.end]
    for start, free in zip(starts, availability.free(starts, length), strict=True):
        yield _Slot(
            start,
            _text(start, zone),
            _text(start + length, zone),
            free,
            too_early=service.ahead is not None and start > context.now + service.ahead,
            too_late=start < context.now + service.notice,
            closed=service.hidden,
        )


def _text(seconds: float, zone: ZoneInfo) -> str:
    """Return a moment as the slots have it: local and without an offset."""
    return datetime.fromtimestamp(seconds, zone).replace(tzinfo=None).isoformat(timespec="seconds")


def _row(slot: _Slot, service: OfferedService, location_id: str, asked: _Asked) -> dict[str, object]:
    violations: dict[str, object] = {
        "tooEarlyToBook": slot.too_early,
        "tooLateToBook": slot.too_late,
        "bookOnlineDisabled": slot.closed,
    }
    if slot.too_early and service.ahead is not None:
        violations["earliestBookingDate"] = utc_text(slot.start - service.ahead)
    row: dict[str, object] = {
        "serviceId": service.id,
        "localStartDate": slot.local_start,
        "localEndDate": slot.local_end,
        "bookable": slot.bookable,
        "location": {"id": location_id, "locationType": "BUSINESS"},
        "totalCapacity": 1,
        "remainingCapacity": 1,
        "bookableCapacity": 1,
        "bookingPolicyViolations": violations,
        "availableResources": [_named(slot.free)] if STAFF_TYPE in asked.type_ids else [],
        "nestedTimeSlots": [],
        "scheduleId": service.schedule_id,
    }
    return row if slot.bookable else {**row, "nonBookableReasons": {"violatesBookingPolicy": True}}


def _named(free: Sequence[Staff]) -> dict[str, object]:
    name = f"{canary.FIRST_NAME} {canary.LAST_NAME}"
    return {
        "resourceTypeId": STAFF_TYPE,
        "resources": [{"id": staff.resource_id, "name": name} for staff in free[:_MAX_NAMED]],
        "hasMoreAvailableResources": len(free) > _MAX_NAMED,
    }
