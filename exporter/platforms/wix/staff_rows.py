"""Pages of staff members -> who takes bookings, on which schedule, and the state of the account (docs/platforms/wix.md 7.1).

Names, e-mails, phones and descriptions have no field here, so the decoder skips them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from exporter.connection_checks import UnprotectedReason
from exporter.model import Value
from exporter.platforms.exchange import Answer
from exporter.platforms.wix.answers import row, short_id
from exporter.platforms.wix.inventory_rows import RowPage, is_id, staff_page

# A member whose account is there or not told needs no word.
_IDENTITIES: Final[Mapping[str, UnprotectedReason | None]] = {
    "CONNECTED": None,
    "UNKNOWN": None,
    "PENDING": UnprotectedReason.INVITE_PENDING,
    "EXPIRED": UnprotectedReason.INVITE_EXPIRED,
    "DISCONNECTED": UnprotectedReason.USER_DISCONNECTED,
}


class StaffRow(Value, frozen=True, gc=False):
    """One staff member: ``id`` of the resource, the ``schedule_id`` that calendars are connected to, empty where not told.

    ``identity`` is what is wrong with the Wix account of the member, if anything; ``takes_bookings`` is false for one who gives
    no services.
    """

    id: str
    schedule_id: str
    takes_bookings: bool
    identity: UnprotectedReason | None


class _HasId(msgspec.Struct):
    id: Any = None


class _Resource(msgspec.Struct, rename="camel"):
    events_schedule: _HasId | None = None


class _Status(msgspec.Struct):
    status: Any = None


class _Identity(msgspec.Struct):
    connection: _Status | None = None


class _Member(msgspec.Struct, rename="camel"):
    resource_id: str
    service_provider: Any = None
    resource: _Resource | None = None
    associated_wix_identity: _Identity | None = None


def staff_rows(answer: Answer, unrecognized: Counter[str]) -> RowPage[StaffRow]:
    """Read a page of Query Staff Members; words that we do not know are counted in ``unrecognized`` as ``staff_identity``.

    Raises :class:`~exporter.errors.InvalidResponseError` when it is none.
    """
    return staff_page(answer, lambda item: _member(item, unrecognized))


def _member(item: msgspec.Raw, unrecognized: Counter[str]) -> StaffRow | None:
    raw = row(item, _Member)
    if raw is None or not is_id(raw.resource_id):
        return None
    schedule = raw.resource.events_schedule.id if raw.resource and raw.resource.events_schedule else None
    identity = raw.associated_wix_identity
    return StaffRow(
        short_id(raw.resource_id),
        short_id(schedule) if isinstance(schedule, str) and is_id(schedule) else "",
        raw.service_provider is not False,  # absent means true
        _wrong_with(identity.connection.status if identity and identity.connection else None, unrecognized),
    )


def _wrong_with(status: object, unrecognized: Counter[str]) -> UnprotectedReason | None:
    if status is None:
        return None
    if not isinstance(status, str) or status not in _IDENTITIES:
        unrecognized["staff_identity"] += 1
        return None
    return _IDENTITIES[status]
