"""The sites of a Wix account (docs/platforms/wix-sites.md): what a user may write to have them found, and who finds them.

Asked for are published sites that have Wix Bookings, headless ones included. A list is whole or it is an error: whoever takes a
part of it for all would stop watching the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

import msgspec
from pydantic import AfterValidator, Field, ValidationInfo

from exporter.errors import InvalidResponseError, Reason, TargetConfigError
from exporter.fields.kinds import Id
from exporter.limits import QUERY_ROWS, SITES
from exporter.model import Message
from exporter.platforms.base import Services
from exporter.platforms.decoding import off_the_loop, rows_in
from exporter.platforms.discovery import Discoverer, Discovery, FoundSite, FoundSites, Template
from exporter.platforms.exchange import Answer
from exporter.platforms.wix.answers import decode, row, short_hash
from exporter.platforms.wix.api import WixApi
from exporter.platforms.wix.api_errors import invalid
from exporter.platforms.wix.endpoints import Endpoint
from exporter.platforms.wix.naming import GUID
from exporter.platforms.wix.settings import ApiKey, WixTarget

BOOKINGS_APP_ID: Final = "13d21c63-b5ec-5912-8397-c3a5ddb27a97"
_PAGE_ROWS: Final = QUERY_ROWS.number
_MAX_PAGES: Final = 2 * SITES.number // _PAGE_ROWS + 10
_MAX_NAME: Final = 1000  # less is shown, but no secret in a name may be cut before it is masked

_FIRST: Final[Mapping[str, object]] = MappingProxyType(
    {
        "filter": {
            "published": True,
            "namespace": {"$in": ["WIX", "HEADLESS"]},
            "appIds": {"$hasSome": [BOOKINGS_APP_ID]},
        },
        "sort": [{"fieldName": "createdDate", "order": "ASC"}],
        "cursorPaging": {"limit": _PAGE_ROWS},
    }
)
_LEFT_OUT: Final = frozenset({"name", "platform", "site_id", "api_key", "app_id", "app_secret", "instance_id"})


def _with_key(target: WixTarget, info: ValidationInfo) -> WixTarget:
    return target.model_copy(update={"api_key": info.data.get("api_key")})


class WixDiscovery(Discovery):
    """The sites of a Wix account that are published and have Wix Bookings: each becomes a target, and leaves with its site."""

    platform: Literal["wix"] = Field(description="`wix`.")
    account_id: Id = Field(description="Id of the account, which the API Keys Manager shows beside the keys.")
    api_key: ApiKey = Field(
        description="API key of that account for all of its sites, with the permissions for calendars and bookings and with "
        '"Read Site Data".'
    )
    target: Annotated[WixTarget, Template(_LEFT_OUT), AfterValidator(_with_key)] = Field(
        default_factory=lambda: WixTarget(name="site", platform="wix"),
        description="Settings of each of its sites: the keys of a Wix target except `name`, `platform` and its credential.",
    )

    @property
    def account(self) -> str:
        return f"wix {self.account_id.lower()}"

    def target_of(self, site_id: str, name: str) -> WixTarget:
        return self.target.model_copy(update={"name": name, "site_id": site_id})


class _Cursors(msgspec.Struct):
    next: str | None = None


class _Metadata(msgspec.Struct, rename="camel"):
    has_next: Any = None
    cursors: _Cursors | None = None


class _Sites(msgspec.Struct):
    sites: list[msgspec.Raw]
    metadata: _Metadata


class _Site(msgspec.Struct, rename="camel"):
    id: str
    display_name: Any = None
    name: Any = None
    published: Any = None
    trashed_date: Any = None


class SiteFinder:
    """Reads all sites of an account, page by page. Implements :class:`~exporter.platforms.discovery.Finder`."""

    def __init__(self, rule: WixDiscovery, services: Services) -> None:
        self._services = services
        self._api = WixApi(rule.target_of("", rule.name), services, account_id=rule.account_id)

    async def sites(self) -> FoundSites:
        """Return the sites of the account, read page by page (docs/platforms/wix-sites.md).

        Raises :class:`~exporter.errors.TargetConfigError` when the account lists more sites than the cap allows, and
        :class:`~exporter.errors.InvalidResponseError` for pages of another shape or without end.
        """
        found: dict[str, FoundSite] = {}
        gone: set[str] = set()
        odd, used = 0, set[str]()
        query = dict(_FIRST)
        for _ in range(_MAX_PAGES):
            answer = await self._api.call(Endpoint.QUERY_SITES, body={"query": query})
            page, cursor = await off_the_loop(self._services.admission, rows_in(answer.body), _page, answer)
            found |= {site.id: site for site in page.sites}
            gone |= page.gone
            odd += page.odd
            if len(found) > SITES.number:
                raise TargetConfigError(f"the account lists more than {SITES}")
            if not cursor:
                return FoundSites(tuple(site for site in found.values() if site.id not in gone), frozenset(gone), odd)
            mark = short_hash(cursor)  # one may be as long as a page
            if mark in used:
                raise InvalidResponseError("Wix sends the same page of sites again and again")
            used.add(mark)
            query = {"cursorPaging": {"limit": _PAGE_ROWS, "cursor": cursor}}
        raise InvalidResponseError("Wix sends pages of sites without end, most of them nearly empty")


def _page(answer: Answer) -> tuple[FoundSites, str]:
    """Return what a page lists, and the cursor of the next one; empty on the last."""
    raw = decode(answer, Endpoint.QUERY_SITES, _Sites, "something that is not a page of sites")
    if len(raw.sites) > _PAGE_ROWS:
        raise invalid(answer, Endpoint.QUERY_SITES, f"more than {QUERY_ROWS}")
    cursor = (raw.metadata.cursors.next if raw.metadata.cursors else None) or ""
    # By the end that it tells: with a page missing the list would pass for a whole one.
    if raw.metadata.has_next is True and not cursor:
        raise invalid(answer, Endpoint.QUERY_SITES, "a page of sites that has no way to the next one")
    if not isinstance(raw.metadata.has_next, bool) and not cursor and len(raw.sites) >= _PAGE_ROWS:
        raise invalid(answer, Endpoint.QUERY_SITES, "a full page of sites that does not say whether it is the last")
    rows = [read for item in raw.sites if (read := row(item, _Site)) is not None and GUID.fullmatch(read.id.lower())]
    in_use = [one for one in rows if one.trashed_date is None and one.published is not False]
    sites = tuple(FoundSite(one.id.lower(), _text(one.display_name) or _text(one.name)) for one in in_use)
    gone = frozenset(one.id.lower() for one in rows) - {site.id for site in sites}
    more = raw.metadata.has_next is not False
    return FoundSites(sites, gone, len(raw.sites) - len(rows)), cursor if more else ""


def _text(value: object) -> str:
    return value[:_MAX_NAME] if isinstance(value, str) else ""


_OWNER: Final = Message(
    'The account\'s owner opens the API Keys Manager and gives the key all sites and the permission "Read Site Data"; the '
    "exporter's operator compares `account_id` with the id that is shown there."
)

DISCOVERER: Final = Discoverer(
    WixDiscovery,
    SiteFinder,
    MappingProxyType({Reason.AUTH: _OWNER, Reason.PERMISSION: _OWNER, Reason.NOT_FOUND: _OWNER}),
    _LEFT_OUT,
)
