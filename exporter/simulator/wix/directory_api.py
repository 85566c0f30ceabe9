"""Who works for a business and what it offers: staff members and services.

The shapes are those of https://www.npmjs.com/package/@wix/auto_sdk_bookings_staff-members and
https://www.npmjs.com/package/@wix/auto_sdk_bookings_services; paths and bodies as in https://github.com/wix/skills.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from exporter.simulator import canary
from exporter.simulator.platform import Reply, json_reply
from exporter.simulator.wix.bookings import Staff
from exporter.simulator.wix.context import CallContext
from exporter.simulator.wix.errors import Violation, body_object, validation_error
from exporter.simulator.wix.filters import Field, FieldKind, Sort
from exporter.simulator.wix.parameters import body
from exporter.simulator.wix.reader_api import page
from exporter.simulator.wix.world import Site


@lru_cache(maxsize=10_000)
def _staff_id(staff: Staff) -> str:
    """Return the id of the staff member, which is another one than that of its resource."""
    return str(uuid5(NAMESPACE_URL, staff.resource_id))


_STAFF_FIELDS: Final[Mapping[str, Field[Staff]]] = {
    "id": Field(FieldKind.WORD, _staff_id),
    "resourceId": Field(FieldKind.WORD, lambda staff: staff.resource_id),
}
_MAX_SERVICES: Final = 100


def query_staff_members(context: CallContext) -> Reply:
    """``POST /bookings/v1/staff-members/query``: resource and state of the Wix account only when ``fields`` asks for them."""
    asked = body(context.call)
    fields = asked.get("fields") or []
    wanted = frozenset(fields if isinstance(fields, list) else ())
    query = body_object(asked.get("query", {}))
    rows, paging = page(context.site.bookings.staff, query, _STAFF_FIELDS, (Sort("id"),), context.switches)
    members = [_member(context.site, staff, wanted) for staff in rows]
    return json_reply({"staffMembers": members, "pagingMetadata": paging})


def query_services(context: CallContext) -> Reply:
    """``POST /bookings/v2/services/query``: offsets, 100 on a page unless fewer are asked for, the oldest first."""
    paging = body_object(body_object(body(context.call).get("query", {})).get("paging") or {})
    limit = _number(paging, "limit", _MAX_SERVICES, minimum=1, maximum=_MAX_SERVICES)
    offset = _number(paging, "offset", 0, minimum=0, maximum=1_000_000)
    services = context.site.services
    shown = services[offset : offset + limit]
    metadata = {"count": len(shown), "offset": offset, "total": len(services)}
    return json_reply({"services": [service.row() for service in shown], "pagingMetadata": metadata})


def _number(paging: Mapping[str, object], name: str, default: int, *, minimum: int, maximum: int) -> int:
    value = paging.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= maximum:
        raise validation_error(Violation(f"query.paging.{name}", f"must be between {minimum} and {maximum}", "MAX"))
    return value


def _member(site: Site, staff: Staff, wanted: Collection[str]) -> dict[str, object]:
    row: dict[str, object] = {
        "id": _staff_id(staff),
        "name": site.schedules[staff.schedule_id].name,
        "email": canary.EMAIL,
        "phone": canary.PHONE,
        "description": canary.TITLE,
        "resourceId": staff.resource_id,
        "revision": "1",
    }
    if staff.service_provider is not None:
        row["serviceProvider"] = staff.service_provider
    if "ASSOCIATED_IDENTITY_STATUS" in wanted and staff.identity is not None:
        account = {"wixUserId": str(uuid5(NAMESPACE_URL, staff.schedule_id))}
        row["associatedWixIdentity"] = {"identificationData": account, "connection": {"status": staff.identity}}
    if "RESOURCE_DETAILS" in wanted:
        row["resource"] = {
            "id": staff.resource_id,
            "eventsSchedule": {"id": staff.schedule_id},
            "usesDefaultWorkingHours": True,
        }
    return row
