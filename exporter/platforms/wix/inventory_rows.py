"""Pages of schedules, staff members and services -> small frozen values, with what has to be asked for the next page.

Read on demand only. E-mails, phones and descriptions of staff have no field here, so the decoder skips them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import msgspec

from exporter.limits import QUERY_ROWS
from exporter.model import Value
from exporter.platforms.exchange import Answer
from exporter.platforms.wix.answers import decode, row
from exporter.platforms.wix.api_errors import invalid
from exporter.platforms.wix.endpoints import Endpoint
from exporter.support.json_text import is_whole

PAGE_ROWS: Final = QUERY_ROWS.number
_MAX_NAME: Final = 1000  # less is shown, but no secret in a name may be cut before it is masked

T = TypeVar("T")
Query = dict[str, object]


class Schedule(Value, frozen=True):
    """A schedule of the site: of the business, of a staff member, or of a service."""

    id: str
    name: str


class StaffMember(Value, frozen=True):
    """A staff member: ``id`` of the resource that bookings name, and of the schedule that calendars are connected to."""

    id: str
    name: str
    schedule_id: str


class Service(Value, frozen=True):
    """A service, and the schedule of its events."""

    id: str
    name: str
    kind: str
    hidden: bool
    schedule_id: str


@dataclass(frozen=True, slots=True)
class RowPage(Generic[T]):
    """One page: its rows, how many could not be read, and the query for the next one; ``None`` on the last."""

    rows: tuple[T, ...]
    odd: int
    following: Query | None


class _Cursors(msgspec.Struct):
    next: str | None = None


class _Paging(msgspec.Struct):
    cursors: _Cursors | None = None


class _Schedules(msgspec.Struct, rename="camel"):
    schedules: list[msgspec.Raw]
    paging_metadata: _Paging | None = None


class _Staff(msgspec.Struct, rename="camel"):
    staff_members: list[msgspec.Raw]
    paging_metadata: _Paging | None = None


class _Services(msgspec.Struct):
    services: list[msgspec.Raw]


class _HasId(msgspec.Struct):
    id: Any = None


class _Schedule(msgspec.Struct):
    id: str
    name: Any = None


class _Resource(msgspec.Struct, rename="camel"):
    events_schedule: _HasId | None = None


class _StaffMember(msgspec.Struct, rename="camel"):
    resource_id: str
    name: Any = None
    resource: _Resource | None = None


class _Service(msgspec.Struct):
    id: str
    name: Any = None
    type: Any = None
    hidden: Any = None
    schedule: _HasId | None = None


def schedules(answer: Answer) -> RowPage[Schedule]:
    """Read a page of Query Schedules. Raises :class:`~exporter.errors.InvalidResponseError` when it is none."""
    raw = decode(answer, Endpoint.QUERY_SCHEDULES, _Schedules, "something that is not a page of schedules")
    return _page(answer, Endpoint.QUERY_SCHEDULES, raw.schedules, _schedule, _after(raw.paging_metadata, {}))


def staff(answer: Answer) -> RowPage[StaffMember]:
    """Read a page of Query Staff Members. Raises :class:`~exporter.errors.InvalidResponseError` when it is none."""
    return staff_page(answer, _staff_member)


def staff_page(answer: Answer, read: Callable[[msgspec.Raw], T | None]) -> RowPage[T]:
    """Read a page of Query Staff Members, each row by ``read``.

    Raises :class:`~exporter.errors.InvalidResponseError` when it is none.
    """
    raw = decode(answer, Endpoint.QUERY_STAFF, _Staff, "something that is not a page of staff members")
    return _page(answer, Endpoint.QUERY_STAFF, raw.staff_members, read, _after(raw.paging_metadata, {"limit": PAGE_ROWS}))


def services(answer: Answer, offset: int) -> RowPage[Service]:
    """Read the page of Query Services at ``offset``. Raises :class:`~exporter.errors.InvalidResponseError` when it is none."""
    raw = decode(answer, Endpoint.QUERY_SERVICES, _Services, "something that is not a page of services")
    following = from_offset(offset + PAGE_ROWS) if len(raw.services) >= PAGE_ROWS else None
    return _page(answer, Endpoint.QUERY_SERVICES, raw.services, _service, following)


def from_offset(offset: int) -> Query:
    """Return the query for the page at ``offset``."""
    return {"paging": {"limit": PAGE_ROWS, "offset": offset}}


def _after(paging: _Paging | None, beside: Query) -> Query | None:
    cursor = paging.cursors.next if paging and paging.cursors else None
    return {"cursorPaging": {**beside, "cursor": cursor}} if cursor else None


def _page(
    answer: Answer,
    endpoint: Endpoint,
    items: Sequence[msgspec.Raw],
    read: Callable[[msgspec.Raw], T | None],
    following: Query | None,
) -> RowPage[T]:
    if len(items) > PAGE_ROWS:
        raise invalid(answer, endpoint, f"more than {QUERY_ROWS}")
    rows = tuple(found for item in items if (found := read(item)) is not None)
    return RowPage(rows, len(items) - len(rows), following)


def _schedule(item: msgspec.Raw) -> Schedule | None:
    raw = row(item, _Schedule)
    return Schedule(raw.id, _text(raw.name)) if raw and is_id(raw.id) else None


def _staff_member(item: msgspec.Raw) -> StaffMember | None:
    raw = row(item, _StaffMember)
    if raw is None or not is_id(raw.resource_id):
        return None
    return StaffMember(raw.resource_id, _text(raw.name), _id(raw.resource.events_schedule if raw.resource else None))


def _service(item: msgspec.Raw) -> Service | None:
    raw = row(item, _Service)
    if raw is None or not is_id(raw.id):
        return None
    return Service(raw.id, _text(raw.name), _text(raw.type).lower(), raw.hidden is True, _id(raw.schedule))


def _id(of: _HasId | None) -> str:
    return of.id if of is not None and is_id(of.id) else ""


def is_id(value: object) -> bool:
    """Return whether ``value`` can be an id of Wix."""
    return isinstance(value, str) and value != "" and is_whole(value) and len(value) <= _MAX_NAME


def _text(value: object) -> str:
    return value[:_MAX_NAME] if isinstance(value, str) else ""
