"""A Bitrix24 target brought to life: its credential, its place at the portal, its collectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from exporter.errors import Reason, TargetConfigError
from exporter.model import ApiUsage, Budget, CollectorName, ExpectedSeries, Moved, Observation
from exporter.platforms.base import RETRIED, Collector, Services
from exporter.platforms.bitrix24.api import LIST_BOOKINGS, OF_EVERY_PORTAL, Api, Command
from exporter.platforms.bitrix24.bookings import BookingsCollector
from exporter.platforms.bitrix24.conformance import ask_portal
from exporter.platforms.bitrix24.credential import Access, Webhook
from exporter.platforms.bitrix24.inventory import read_inventory
from exporter.platforms.bitrix24.links import LinksCollector
from exporter.platforms.bitrix24.oauth import TOKEN_OPERATION, OAuthCredential, TokenChains
from exporter.platforms.bitrix24.operating import OperatingLedger
from exporter.platforms.bitrix24.paging import within
from exporter.platforms.bitrix24.portal import PortalLease, PortalRegistry
from exporter.platforms.bitrix24.settings import BitrixBookingsOptions, BitrixTarget
from exporter.platforms.credentials import Credential
from exporter.platforms.inventory import Inventory
from exporter.platforms.recording import Record

_FIELDS: Final[Mapping[CollectorName, tuple[str, ...]]] = {
    CollectorName.BOOKINGS: ("booked_entity", "end_date"),
    CollectorName.LINKS: ("module", "entity_type"),
}


class Shared(msgspec.Struct, frozen=True):
    """What all Bitrix24 sessions of a process have in common."""

    portals: PortalRegistry = msgspec.field(default_factory=PortalRegistry)
    chains: TokenChains = msgspec.field(default_factory=TokenChains)


class BitrixSession:
    """Implements :class:`exporter.platforms.base.Session`."""

    def __init__(self, target: BitrixTarget, services: Services, credential: Credential[Access], lease: PortalLease) -> None:
        self._target = target
        self._services = services
        self._credential = credential
        self._lease = lease
        self._ledger = OperatingLedger(target.name, target.budget.operating_seconds, services.clock)
        bookings, links = target.collectors.bookings, target.collectors.links
        self._api = Api(services, credential, self._lease, self._ledger, timeout=target.timeout)
        self._collectors: dict[CollectorName, Collector] = {}
        self._bookings = BookingsCollector(self._api, services, target, bookings) if bookings else None
        if self._bookings:
            self._collectors[CollectorName.BOOKINGS] = self._bookings
        counting = bookings or BitrixBookingsOptions()
        self._links = LinksCollector(self._api, services, target, links, counting) if links else None
        if self._links:
            self._collectors[CollectorName.LINKS] = self._links

    @property
    def collectors(self) -> Mapping[CollectorName, Collector]:
        return self._collectors

    @property
    def expected(self) -> ExpectedSeries:
        return ExpectedSeries(
            operations=(*OF_EVERY_PORTAL, TOKEN_OPERATION) if self._target.oauth else OF_EVERY_PORTAL,
            retried=RETRIED,
            reasons=tuple(Reason),
            fields={name: _FIELDS[name] for name in self._collectors},
            reads_bookings=CollectorName.BOOKINGS in self._collectors,
        )

    def usage(self) -> ApiUsage:
        bucket = self._lease.portal.bucket
        operating, seconds = self._ledger.usage()
        # The address of an OAuth target stands in its token file, which we write.
        setting = "webhook_url" if self._target.webhook_url and not self._target.base_url else "base_url"
        host = self._api.moved_to()
        return ApiUsage(
            budgets=(Budget("requests", bucket.burst, bucket.remaining()), operating),
            operating=seconds,
            paused_until=bucket.paused_until(),
            moved=None if host is None else Moved(host, setting),
        )

    async def check(self) -> Sequence[Observation]:
        """Read the bookings of this very second: it needs the credential, the scope and the module, and moves few rows.

        And the list of resources, the links of one booking, and a copy in the staff's calendar, where a poll reads these. It
        fails where a poll would.
        """
        now = int(self._services.clock.time())
        command = Command(LIST_BOOKINGS, {**within(now, now + 1), "order": {"id": "ASC"}, "start": 0})
        await self._api.call(command)
        links = await self._links.check() if self._links else ()
        bookings = (await self._bookings.check(),) if self._bookings else ()
        degraded = self._api.degraded_reason()
        if degraded is not None:
            raise degraded
        return (*bookings, *links)

    async def inventory(self) -> Inventory:
        """Read what the portal has, by name and id: on demand only."""
        return await read_inventory(self._api)

    async def conform(self, record: Record) -> None:
        """Ask about the statements of the fact sheet: on demand only."""
        await ask_portal(self._api, record)

    async def aclose(self) -> None:
        await self._credential.aclose()
        self._lease.release()


def open_session(target: BitrixTarget, services: Services) -> BitrixSession:
    """Return the live side of ``target``. No I/O. Raises :class:`TargetConfigError` when the target cannot work.

    Raises :class:`TypeError` for shared values of another platform, which is a bug.
    """
    shared = services.shared
    if not isinstance(shared, Shared):
        raise TypeError("sessions of Bitrix24 need what they share")
    if target.webhook_url is not None:
        webhook = Webhook(target.webhook_url, target.base_url)
        return BitrixSession(target, services, webhook, shared.portals.lease(services, target.budget, webhook.place))
    if target.oauth is not None:
        oauth = OAuthCredential(target.oauth, target.base_url, services, shared.chains)
        return BitrixSession(target, services, oauth, shared.portals.lease(services, target.budget, oauth.unnamed))
    raise TargetConfigError("a Bitrix24 target needs webhook_url or oauth")
