"""What a site has: schedules with their calendars, staff and services, by id and name (docs/decisions/0152).

Each statement about the three queries, with its source:

- Query Schedules: ``POST /calendar/v3/schedules/query``, active ones by default, 50 on a page, permission "Read Calendar".
  https://dev.wix.com/docs/api-reference/business-management/calendar/schedules-v3/query-schedules
- Query Staff Members: ``POST /bookings/v1/staff-members/query``, ``resource`` only when ``fields`` asks for it,
  ``resource.eventsSchedule.id`` is the schedule of the member's events, ``resourceId`` is what bookings name.
  https://dev.wix.com/docs/api-reference/business-solutions/bookings/staff-members/staff-members/introduction
  Cursors of at most 100, permission ``BOOKINGS.STAFF_MEMBER_READ``: https://www.npmjs.com/package/@wix/auto_sdk_bookings_staff-members
- Query Services: ``POST /bookings/v2/services/query``, offsets, at most 100 on a page.
  https://dev.wix.com/docs/sdk/backend-modules/bookings/services/supported-filters
  Path and body as Wix's own recipes use them: https://github.com/wix/skills, ``create-appointment-service.md``.
  ``schedule.id``, ``type``, ``hidden``: https://www.npmjs.com/package/@wix/auto_sdk_bookings_services
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from exporter.errors import GoneError, NotEntitledError
from exporter.limits import LISTED
from exporter.model import ConnectionStatus
from exporter.platforms.base import Admission
from exporter.platforms.decoding import off_the_loop, rows_in
from exporter.platforms.exchange import Answer
from exporter.platforms.inventory import Gaps, Inventory, Listing, SuggestedNames
from exporter.platforms.wix.advice import ADVICE, EVENTS_RIGHTS, PROBES_RIGHT, SLOTS_RIGHT, STAFF_RIGHT
from exporter.platforms.wix.all_rows import HasId, all_rows
from exporter.platforms.wix.api import WixApi
from exporter.platforms.wix.connection_rows import ConnectionRow, ConnectionsAnswer, connections
from exporter.platforms.wix.endpoints import Endpoint
from exporter.platforms.wix.inventory_rows import (
    PAGE_ROWS,
    Query,
    RowPage,
    Schedule,
    Service,
    StaffMember,
    from_offset,
    schedules,
    services,
    staff,
)
from exporter.platforms.wix.naming import ConnectionNames
from exporter.platforms.wix.probes import TIMEOUT_SECONDS
from exporter.platforms.wix.settings import WixTarget

_CONNECTIONS: Final = '"Manage External Calendars"'
_PROBES: Final = f'{PROBES_RIGHT}, one of those of "Manage External Calendars",'
_SCHEDULES: Final = '"Read Calendar"'
_STAFF: Final = f"{STAFF_RIGHT}, one of those of Wix Bookings,"
_EVENTS: Final = EVENTS_RIGHTS.replace(" and ", " or ")  # which of them is refused, the answer does not say
_SERVICES: Final = '"Read Bookings - Public Data"'
_GRANT_TO_KEY: Final = (
    "The account's owner opens the API Keys Manager and gives the key this permission, and this site; a key that is empty or "
    "of another account gets the same answer."
)
_GRANT_TO_APP: Final = "The app's owner adds it on the app's page Permissions, and installs the app on the site again."

_NO_CONNECTIONS: Final = ConnectionsAnswer((), frozenset(), 0, {})


T = TypeVar("T", bound=HasId)
Reader = Callable[[], Awaitable[tuple[Sequence[T], int]]]


async def read_inventory(
    target: WixTarget,
    api: WixApi,
    admission: Admission,
    *,
    try_slots: Callable[[], Awaitable[None]] | None = None,
    try_events: Callable[[], Awaitable[None]] | None = None,
) -> Inventory:
    """Read what the site has. What cannot be read is a gap, and the rest comes all the same.

    ``try_slots`` asks for bookable slots and ``try_events`` for private events, where they are watched.
    """
    gaps = Gaps(ADVICE, _GRANT_TO_APP if api.app_mode else _GRANT_TO_KEY)

    async def read(what: str, permission: str, rows: Reader[T]) -> Sequence[T]:
        none: tuple[Sequence[T], int] = (), 0
        found, odd = await gaps.read(what, rows, none, permission=permission)
        gaps.odd(what, odd)
        return found

    asking = _Asking(api, admission)
    answer = await gaps.read("connections", asking.connections, _NO_CONNECTIONS, permission=_CONNECTIONS)
    gaps.odd("connections", answer.malformed)
    if answer.failed_provider_ids:
        gaps.note("connections", "a calendar provider does not answer Wix, so the connections to its calendars are missing")
    if answer.rows:
        await gaps.read("live probes", lambda: asking.try_probe(answer.rows), None, permission=_PROBES)
    plans = await read("schedules", _SCHEDULES, asking.schedules)
    members = await read("staff", _STAFF, asking.staff)
    offered = await read("services", _SERVICES, asking.services)
    if try_slots is not None:
        await gaps.read("bookable slots", try_slots, None, permission=SLOTS_RIGHT)
    if try_events is not None:
        await gaps.read("private events", try_events, None, permission=_EVENTS)
    return Inventory(
        (
            Listing("account", ("key", "value"), tuple(_account(target))),
            _schedules(ConnectionNames(target.aliases), answer.rows, plans, members, offered),
            Listing(
                "staff", ("resource id", "name", "schedule id"), tuple((one.id, one.name, one.schedule_id) for one in members)
            ),
            Listing("services", ("id", "name", "type", "hidden"), tuple(map(_service, offered))),
        ),
        (
            SuggestedNames("aliases", tuple(_aliases(answer.rows, plans, members))),
            SuggestedNames("resource_aliases", tuple((one.id, one.name) for one in members)),
        ),
        gaps.found,
    )


class _Asking:
    """The queries of one site, each read to its end."""

    def __init__(self, api: WixApi, admission: Admission) -> None:
        self._api = api
        self._admission = admission

    async def connections(self) -> ConnectionsAnswer:
        answer = await self._api.call(Endpoint.LIST_CONNECTIONS, query={"partialFailure": "true"})
        return await off_the_loop(self._admission, rows_in(answer.body), connections, answer)

    async def try_probe(self, rows: Iterable[ConnectionRow]) -> None:
        """Ask for the calendars of the first connection, as a live probe does, to learn whether the credential may."""
        for row in rows:
            if row.status is not ConnectionStatus.DISCONNECTED:
                with contextlib.suppress(NotEntitledError, GoneError):  # about the connection, which the credential may ask
                    await self._api.call(Endpoint.LIST_CALENDARS, connection=row.id, timeout=TIMEOUT_SECONDS)
                return

    async def schedules(self) -> tuple[Sequence[Schedule], int]:
        return await self._all(Endpoint.QUERY_SCHEDULES, {}, lambda answer, _: schedules(answer))

    async def staff(self) -> tuple[Sequence[StaffMember], int]:
        first: Query = {"cursorPaging": {"limit": PAGE_ROWS}}
        return await self._all(Endpoint.QUERY_STAFF, first, lambda answer, _: staff(answer), fields=["RESOURCE_DETAILS"])

    async def services(self) -> tuple[Sequence[Service], int]:
        return await self._all(Endpoint.QUERY_SERVICES, from_offset(0), lambda answer, page: services(answer, page * PAGE_ROWS))

    async def _all(
        self, endpoint: Endpoint, query: Query, read: Callable[[Answer, int], RowPage[T]], fields: Sequence[str] = ()
    ) -> tuple[Sequence[T], int]:
        return await all_rows(self._api, self._admission, endpoint, query, read, cap=LISTED, fields=fields)


def _account(target: WixTarget) -> Iterator[tuple[str, str]]:
    """Yield how the configuration names the site. The API tells no key the instance of an app (docs/decisions/0152)."""
    for key, value in (("site_id", target.site_id), ("app_id", target.app_id), ("instance_id", target.instance_id)):
        if value:
            yield key, value


def _names(plans: Iterable[Schedule], members: Iterable[StaffMember]) -> Mapping[str, str]:
    """Return whose each schedule is: the staff member's name, else what the schedule is called."""
    named = {plan.id.lower(): plan.name for plan in plans}
    return named | {one.schedule_id.lower(): one.name for one in members if one.schedule_id and one.name}


def _schedules(
    labels: ConnectionNames,
    linked: Sequence[ConnectionRow],
    plans: Sequence[Schedule],
    members: Sequence[StaffMember],
    offered: Sequence[Service],
) -> Listing:
    """Return a row for each connection, and for each schedule without one; those of services stand with the services."""
    names = _names(plans, members)
    rows = [
        (
            row.schedule_id,
            labels.schedule(row.schedule_id),
            names.get(row.schedule_id.lower(), ""),
            row.calendar_type.value,
            row.key,
            _state(row),
        )
        for row in linked
    ]
    left_out = {row.schedule_id.lower() for row in linked} | {one.schedule_id.lower() for one in offered}
    others = {plan.id.lower(): plan.id for plan in plans} | {one.schedule_id.lower(): one.schedule_id for one in members}
    rows += [
        (id_, labels.schedule(id_), names.get(key, ""), "", "", "")
        for key, id_ in others.items()
        if key and key not in left_out
    ]
    columns = ("id", "label", "name", "calendar", "connection", "status")
    return Listing("schedules", columns, tuple(sorted(rows, key=lambda row: (not row[4], row[2], row))))


def _state(row: ConnectionRow) -> str:
    return f"{row.status.value} ({row.error_reason.value})" if row.error_reason else row.status.value


def _aliases(
    linked: Iterable[ConnectionRow], plans: Sequence[Schedule], members: Sequence[StaffMember]
) -> Iterator[tuple[str, str]]:
    """Yield the name of each schedule that is connected, or could be: it is a staff member's."""
    names = _names(plans, members)
    ids = {one.schedule_id.lower(): one.schedule_id for one in members} | {
        row.schedule_id.lower(): row.schedule_id for row in linked
    }
    for key, id_ in ids.items():
        if name := names.get(key):
            yield id_, name


def _service(one: Service) -> tuple[str, ...]:
    return one.id, one.name, one.kind, "yes" if one.hidden else "no"
