"""The simulated Wix: all its sites and credentials, and the way of a call through it (wix.md 1, 9, 10)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from email.utils import formatdate
from typing import Final
from zoneinfo import ZoneInfo

from exporter.simulator.platform import Call, Description, Reply, html_reply
from exporter.simulator.requestlog import fingerprint
from exporter.simulator.stage import Stage
from exporter.simulator.wix import calendars_api, directory_api, events_api, reader_api, site_list_api, slots_api
from exporter.simulator.wix.connections import guid
from exporter.simulator.wix.context import CallContext
from exporter.simulator.wix.credentials import ApiKey, Credentials
from exporter.simulator.wix.errors import ApiError, application_error, empty_error
from exporter.simulator.wix.operations import Operation, Service, find
from exporter.simulator.wix.switches import Switches
from exporter.simulator.wix.world import Site, TokenBucket

_RETIRED: Final = ("/bookings/v1/", "/bookings/reader/")
_OWNED: Final = ("/bookings/", "/_api/", "/oauth2/", "/calendar/", "/site-list/")
RESPONDED_BY: Final = "x-wix-responded-by"


class WixSimulator:
    """The Wix side of a :class:`~exporter.simulator.simulator.Simulator`: empty until sites are added."""

    name = "wix"

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.reset()

    def reset(self) -> None:
        """Forget every site, credential and switch."""
        self._random = self._stage.random_for("wix")
        self._numbers = itertools.count(1)
        self.switches = Switches()
        self.sites: dict[str, Site] = {}
        self._buckets: dict[str, TokenBucket] = {}
        self.credentials = Credentials(self._stage.random_for("wix", "credentials"), self.switches, self._stage.now)

    def now(self) -> float:
        """Return the simulator's time in Unix seconds."""
        return self._stage.now()

    def add_site(
        self,
        site_id: str | None = None,
        *,
        account_id: str | None = None,
        timezone: str = "Europe/Berlin",
        display_name: str | None = None,
    ) -> Site:
        """Add a site that has its providers and the schedule of the business, and nothing else."""
        site = Site(
            site_id or guid(self._random),
            account_id or guid(self._random),
            ZoneInfo(timezone),
            random=self._stage.random_for("wix", "site", len(self.sites)),
            switches=self.switches,
            now=self._stage.now,
        )
        site.display_name = display_name or site.display_name
        self.sites[site.id] = site
        return site

    def add_key(self, site: Site, value: str | None = None, **options: object) -> ApiKey:
        """Make an API key of the account that owns ``site``; ``options`` as in :meth:`Credentials.add_key`."""
        return self.credentials.add_key(site.account_id, value=value, **options)  # type: ignore[arg-type]  # passed through

    def owns(self, path: str) -> bool:
        return path.startswith(_OWNED) or path == "/oauth/access"

    def describe(self, call: Call) -> Description:
        operation, connection_id = find(call.path)
        authorization = call.headers.get("authorization", "")
        bare = authorization.removeprefix("Bearer ").strip()
        return Description(
            operation=operation.name if operation else "unknown",
            path=operation.path if operation else call.path,
            credential=fingerprint(bare),
            write=operation is not None and operation.write and operation.method == call.method,
            secrets=tuple(filter(None, (bare, connection_id))),
            headers=self._edge_headers(),
        )

    async def answer(self, call: Call) -> Reply:
        operation, connection_id = find(call.path)
        try:
            reply = self._serve(call, operation, connection_id)
        except ApiError as error:
            reply = error.reply
        if operation is None:
            return reply
        service = f"com.wixpress.{operation.service}.{operation.name}"
        return replace(reply, headers=(*reply.headers, (RESPONDED_BY, service)))

    def _edge_headers(self) -> tuple[tuple[str, str], ...]:
        """Return what the edge of Wix puts on every answer; the cookie is noise that nobody should keep (wix.md 9.1)."""
        number = next(self._numbers)
        token = f"{self._stage.random_for('wix', 'request', number).getrandbits(64):016x}"
        return (
            ("x-wix-request-id", f"{self._stage.now():.3f}{number:010d}.{token}"),
            ("x-seen-by", f"{token},m0j2EEknGIVUW/liY8BLLg=="),
            ("server", "Pepyaka"),
            ("set-cookie", f"XSRF-TOKEN={token}; Path=/; Secure; SameSite=None"),
        )

    def advance(self) -> None:
        for site in self.sites.values():
            site.advance()

    def overview(self) -> object:
        return {
            "sites": [
                {
                    "site_id": site.id,
                    "connections": _statuses(site),
                    "providers_down": sorted(site.down),
                    "bookings": len(site.bookings),
                    "premium": site.premium,
                    "bookings_installed": site.bookings_installed,
                }
                for site in self.sites.values()
            ],
            "tokens_minted": sum(self.credentials.mints.values()),
            "switches": {field.name: getattr(self.switches, field.name) for field in fields(self.switches)},
        }

    def _serve(self, call: Call, operation: Operation | None, connection_id: str) -> Reply:
        if operation is None:
            if call.path.startswith(_RETIRED):
                raise application_error(503, "FUNCTION_REMOVED", "This function has been removed")
            return html_reply(404, "404 Not Found")
        if operation.method != call.method:
            raise empty_error(501)
        if operation.service is Service.OAUTH:
            return _OAUTH[operation.name](self.credentials, call)
        if operation.service is Service.SITE_LIST:
            return self._list_sites(call, operation)
        caller = self.credentials.authorize(call, {site.id: site.account_id for site in self.sites.values()})
        site = self.sites[caller.site_id]
        self._throttle(site.bucket)
        if not operation.permissions & caller.permissions:
            raise _missing(operation, self.switches)
        if not site.bookings_installed:
            raise application_error(428, "BOOKINGS_APP_NOT_INSTALLED", "Wix Bookings is not installed on this site")
        if not site.premium and operation.service is Service.EXTERNAL_CALENDARS:
            raise application_error(403, "PREMIUM_FEATURE_NOT_ENABLED", "The site's plan does not include this feature")
        context = CallContext(call, site, caller, self.switches, self._stage.now(), connection_id)
        return _HANDLERS[operation.name](context)

    def _list_sites(self, call: Call, operation: Operation) -> Reply:
        """Answer a call of account level (docs/platforms/wix-sites.md)."""
        account_id, key = self.credentials.authorize_account(call)
        self._throttle(self._buckets.setdefault(account_id, TokenBucket(self.switches, self._stage.now)))
        if not operation.permissions & key.permissions:
            raise _missing(operation, self.switches)
        owned = [site for site in self.sites.values() if site.account_id == account_id]
        return site_list_api.query_sites(call, owned, self.switches)

    def _throttle(self, bucket: TokenBucket) -> None:
        """200 requests a minute for a site; nobody has published what a 429 carries (wix.md 10)."""
        wait = bucket.take()
        if not wait:
            return
        moment = self._stage.now() + wait
        after = {"absent": "", "seconds": str(int(wait) + 1), "date": formatdate(int(moment) + 1, usegmt=True)}
        headers = (("retry-after", after[self.switches.retry_after]),) if after[self.switches.retry_after] else ()
        raise empty_error(429, headers)


_OAUTH: Final[Mapping[str, Callable[[Credentials, Call], Reply]]] = {
    "CreateAccessToken": Credentials.create_access_token,
    "GetTokenInfo": Credentials.token_info,
    "RefreshAccessToken": Credentials.refresh_access_token,
}


_HANDLERS: Final[Mapping[str, Callable[[CallContext], Reply]]] = {
    "ListConnections": calendars_api.list_connections,
    "GetConnection": calendars_api.get_connection,
    "ListProviders": calendars_api.list_providers,
    "ListEvents": events_api.list_events,
    "ListCalendars": calendars_api.list_calendars,
    "ConnectByOAuth": calendars_api.connect_by_oauth,
    "ConnectByCredentials": calendars_api.connect_by_credentials,
    "UpdateSyncConfig": calendars_api.update_sync_config,
    "Disconnect": calendars_api.disconnect,
    "CountExtendedBookings": reader_api.count_bookings,
    "QueryExtendedBookings": reader_api.query_bookings,
    "QuerySchedules": reader_api.query_schedules,
    "QueryStaffMembers": directory_api.query_staff_members,
    "QueryServices": directory_api.query_services,
    "ListAvailabilityTimeSlots": slots_api.list_availability_time_slots,
}


def _missing(operation: Operation, switches: Switches) -> ApiError:
    """Return the 403 for a right that is missing; time slots have a code of their own for it (wix.md 7.2)."""
    slots = operation.service is Service.TIME_SLOTS
    if slots and switches.slots_refusal == "empty":
        return empty_error(403)
    code = "UNAUTHORIZED_OPERATION" if slots else "PERMISSION_DENIED"
    return application_error(403, code, f"Permission {min(operation.permissions)} is required")


def _statuses(site: Site) -> dict[str, int]:
    counted: dict[str, int] = {}
    for connection in site.connections:
        counted[str(connection.status)] = counted.get(str(connection.status), 0) + 1
    return counted
