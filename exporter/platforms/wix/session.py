"""One Wix site brought to life: credential, limit, collectors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from exporter.errors import PermissionDeniedError, PollError
from exporter.model import ApiUsage, CollectorName, ExpectedSeries, Observation
from exporter.platforms.base import RETRIED, Collector, RefusedPart, Services, Session
from exporter.platforms.inventory import Inventory
from exporter.platforms.recording import Record
from exporter.platforms.wix.advice import NEEDED_RIGHTS
from exporter.platforms.wix.api import WixApi
from exporter.platforms.wix.api_errors import REASONS
from exporter.platforms.wix.bookings import BookingsCollector
from exporter.platforms.wix.conformance import ask_site
from exporter.platforms.wix.connections import ConnectionsCollector
from exporter.platforms.wix.directory import ConnectionDirectory
from exporter.platforms.wix.endpoints import Endpoint
from exporter.platforms.wix.events import EventsCollector
from exporter.platforms.wix.inventory import read_inventory
from exporter.platforms.wix.marks import REFUSED
from exporter.platforms.wix.paging import BookingsReader, bound, matching
from exporter.platforms.wix.paired import PairedReader
from exporter.platforms.wix.providers import ProviderDirectory
from exporter.platforms.wix.settings import WixTarget
from exporter.platforms.wix.slots import SlotsCollector
from exporter.platforms.wix.staff import StaffDirectory

_FIELDS: Final[Mapping[CollectorName, tuple[str, ...]]] = {
    CollectorName.CONNECTIONS: ("status", "error_reason", "calendar_type", "sync_config", "staff_identity"),
    CollectorName.BOOKINGS: ("booked_entity", "end_date"),
    CollectorName.EVENTS: ("calendar_type", "all_day", "schedule", "booked_entity", "end_date"),
    CollectorName.SLOTS: ("calendar_type", "all_day", "resource", "booked_entity", "end_date", "staff_identity"),
}
_DEFAULT_READER_PREFIX: Final = "/_api/bookings-reader"


class WixSession:
    """Implements :class:`~exporter.platforms.base.Session` for one site."""

    def __init__(self, target: WixTarget, services: Services) -> None:
        self._target = target
        settings = target.collectors.bookings
        prefix = settings.reader_prefix if settings else _DEFAULT_READER_PREFIX
        self._api = WixApi(target, services, reader_prefix=prefix)
        self._settings = settings
        self._services = services
        collectors: dict[CollectorName, Collector] = {}
        operations: list[Endpoint] = []
        self._connections: ConnectionsCollector | None = None
        watched, events, slots = target.collectors.connections, target.collectors.events, target.collectors.slots
        asking = CollectorName.CONNECTIONS if watched else CollectorName.EVENTS
        providers = ProviderDirectory(self._api, target, services, asking)
        if watched:
            collectors[CollectorName.CONNECTIONS] = self._connections = ConnectionsCollector(
                self._api, target, watched, services, providers
            )
            operations += [Endpoint.LIST_CONNECTIONS, Endpoint.LIST_PROVIDERS]
            operations += [Endpoint.LIST_CALENDARS] if watched.probe else []
            operations += [Endpoint.QUERY_STAFF] if watched.staff else []
        if settings:
            collectors[CollectorName.BOOKINGS] = BookingsCollector(self._api, target, settings, services)
            # Where Wix refuses to count, rows are read instead. That is rare, so its series come when it happens.
            operations += [Endpoint.QUERY_BOOKINGS] if self._reads_rows else []
            operations += [Endpoint.COUNT_BOOKINGS] if settings.platform_conflicts or not settings.conflicts else []
        self._events: EventsCollector | None = None
        if events:
            collectors[CollectorName.EVENTS] = self._events = EventsCollector(
                self._api, target, events, services, providers, directory=self._directory, is_shared=slots is not None
            )
            operations += [Endpoint.LIST_EVENTS, Endpoint.LIST_PROVIDERS, Endpoint.QUERY_BOOKINGS]
        self._slots: SlotsCollector | None = None
        if slots:
            staff = self._connections.staff if self._connections else None
            collectors[CollectorName.SLOTS] = self._slots = SlotsCollector(
                self._api,
                target,
                slots,
                services,
                staff or StaffDirectory(self._api, services, target.name, CollectorName.SLOTS),
                shared=lambda: self._events.private() if self._events else None,
                directory=self._directory,
            )
            operations += [Endpoint.LIST_TIME_SLOTS, Endpoint.QUERY_STAFF]
            operations += [Endpoint.LIST_EVENTS, Endpoint.QUERY_BOOKINGS]
        if self._api.app_mode:
            operations.append(Endpoint.MINT_TOKEN)
        self._collectors = MappingProxyType(collectors)
        self._operations = tuple(dict.fromkeys(endpoint.operation for endpoint in operations))

    def _directory(self) -> ConnectionDirectory | None:
        return None if self._connections is None else self._connections.directory()

    @property
    def collectors(self) -> Mapping[CollectorName, Collector]:
        return self._collectors

    @property
    def expected(self) -> ExpectedSeries:
        rows = self._settings is not None and self._settings.conflicts
        in_rows = self._reads_rows
        return ExpectedSeries(
            operations=self._operations,
            retried=RETRIED,
            reasons=REASONS,
            fields={name: () if name is CollectorName.BOOKINGS and not in_rows else _FIELDS[name] for name in self._collectors},
            reads_bookings=rows,
        )

    @property
    def _reads_rows(self) -> bool:
        """Whether the collector ``bookings`` reads rows as it is configured, and not only where Wix refuses to count."""
        return self._settings is not None and (self._settings.conflicts or bool(self._services.paired()))

    def usage(self) -> ApiUsage:
        return self._api.usage()

    async def check(self) -> Sequence[Observation | RefusedPart]:
        """Make a poll of the connections, with one probe of them and the staff, one of the slots, and the first call of others.

        Whether a key may list connections is documented nowhere (wix.md 14.1). Bookings may be read in
        each way that a poll has. What is refused ends none of the other calls.
        """
        tries: dict[CollectorName, Callable[[], Awaitable[Observation | None]]] = {
            CollectorName.CONNECTIONS: self._check_connections,
            CollectorName.BOOKINGS: self._check_bookings,
            CollectorName.EVENTS: self._check_events,
            CollectorName.SLOTS: self._check_slots,
        }
        found: list[Observation | RefusedPart | None] = []
        for collector, attempt in tries.items():
            try:
                found.append(await attempt())
            except PermissionDeniedError as refusal:
                found.append(RefusedPart(collector, refusal, NEEDED_RIGHTS[collector]))
            except PollError as failure:
                if not any(isinstance(one, RefusedPart) for one in found):
                    raise
                found.append(RefusedPart(collector, failure))
                break
        return tuple(seen for seen in found if seen is not None)

    async def _check_connections(self) -> Observation | None:
        return (await self._connections.poll(repeat=False, probes=1)).observation if self._connections else None

    async def _check_events(self) -> None:
        if self._events:
            await self._events.check()

    async def _check_slots(self) -> Observation | None:
        offered = await self._slots.poll() if self._slots else None
        if offered is not None and offered.failure is not None:
            raise offered.failure
        return offered.observation if offered else None

    async def _check_bookings(self) -> None:
        settings = self._settings
        if settings is None:
            return
        reader = BookingsReader(self._api, self._services.events, self._services.admission, settings)
        now = self._services.clock.time()
        wanted = matching(settings.statuses, bound("startDate", "$gte", now), bound("startDate", "$lt", now + 3600))
        if self._services.paired():
            await PairedReader(self._api, self._services, settings).check(now)
        if settings.conflicts:
            await reader.first(wanted, sort="startDate")
            return
        try:
            await reader.count(wanted)
        except REFUSED as refusal:
            try:
                await reader.first(wanted, sort="startDate")
            except REFUSED:
                raise refusal from None  # as in a poll: nothing is open to us, so the first answer is the one to show

    async def inventory(self) -> Inventory:
        """Read what the site has, by name and id: on demand only."""
        try_slots = self._slots.check if self._slots else None
        try_events = self._events.check if self._events else None
        return await read_inventory(
            self._target, self._api, self._services.admission, try_slots=try_slots, try_events=try_events
        )

    async def conform(self, record: Record) -> None:
        """Ask about the statements of the fact sheet: on demand only."""
        await ask_site(self._api, self._services.clock, record)

    async def aclose(self) -> None:
        self._api.close()


def open_session(target: WixTarget, services: Services) -> Session:
    """Return the live side of ``target``. No I/O."""
    return WixSession(target, services)
