"""How a request is addressed and signed: what a request needs, and the incoming webhook (bitrix24.md 1 and 9.1)."""

from __future__ import annotations

import httpx
import msgspec

from exporter.errors import TargetConfigError
from exporter.platforms.credentials import Credential
from exporter.support.net import ascii_host, is_confidential
from exporter.support.redaction import sanitized
from exporter.support.secret import Secret


class PortalAddress(msgspec.Struct, frozen=True):
    """Who shares a portal's limit: those who ask the same ``origin`` for the same ``portal``.

    ``portal`` is the host that names the portal, with a port if it has its own. A token file or an auth server can name any;
    only what is really asked there may hold others up.
    """

    origin: str
    portal: str


class Access(msgspec.Struct, frozen=True):
    """Everything that one request needs. ``endpoint`` ends in ``/`` and may hold the webhook's code, hence a secret.

    ``token`` goes into the body.
    """

    place: PortalAddress
    endpoint: Secret
    token: Secret | None = None

    @property
    def portal(self) -> str:
        """The portal as texts name it."""
        return self.place.portal

    def at(self, origin: httpx.URL) -> Access:
        """Return the same for the portal's new address."""
        return access_at(origin, portal_of(origin), httpx.URL(self.endpoint.reveal()).path, self.token)


def access_at(origin: httpx.URL, portal: str, path: str, token: Secret | None = None) -> Access:
    """Return what it takes to ask ``origin`` for ``portal``."""
    return Access(PortalAddress(str(origin), portal), Secret(str(origin.copy_with(path=path))), token)


class Webhook(Credential[Access]):
    """An incoming webhook: the whole credential is the path of its URL, ``/rest/USER_ID/CODE/``.

    ``base_url`` is where it is sent instead, if anywhere; the portal is known by the URL's own host all the same.
    """

    def __init__(self, secret: Secret, base_url: str | None) -> None:
        url = httpx.URL(secret.reveal())
        origin = origin_of(base_url) if base_url else checked_origin(url)
        self._access = access_at(origin, portal_of(url), url.path)

    @property
    def place(self) -> PortalAddress:
        return self._access.place

    async def access(self) -> Access:
        return self._access

    async def renew(self, spent: Access) -> bool:
        del spent
        return False


def portal_of(url: httpx.URL) -> str:
    """Return what names the portal behind ``url``: two ports of a machine are two portals.

    Raises :class:`TargetConfigError` when nothing does.
    """
    if not url.netloc:
        raise TargetConfigError("an address has no host")
    return url.netloc.decode("ascii")


def portal_in(client_endpoint: str) -> str:
    """Return the host of the portal of a token pair, for people; empty when that is no address."""
    try:
        return httpx.URL(client_endpoint).host
    except (httpx.InvalidURL, UnicodeError):
        return ""


def origin_of(address: str) -> httpx.URL:
    """Return scheme, host and port of ``address``. Raises :class:`TargetConfigError` when it cannot carry a credential."""
    try:
        return checked_origin(httpx.URL(address))
    except httpx.InvalidURL:
        raise TargetConfigError("an address is not a URL") from None


def checked_origin(url: httpx.URL) -> httpx.URL:
    """Return scheme, host and port of ``url``; https, or http on loopback. Raises :class:`TargetConfigError`."""
    try:
        ascii_host(url.raw_host.decode("ascii"))
    except ValueError:
        raise TargetConfigError("an address has a host name that is not valid") from None
    if not url.host or not is_confidential(url.scheme, url.host):
        where = sanitized(f"{url.scheme or 'nothing'}://{url.host}")
        raise TargetConfigError(f"a credential is sent to https:// only, not to {where}")
    return httpx.URL(scheme=url.scheme, host=url.host, port=url.port)
