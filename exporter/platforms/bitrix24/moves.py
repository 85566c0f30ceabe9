"""Moves of a portal and its auth server, safe from SSRF: which new addresses may get a credential (bitrix24.md 1 and 9.2).

Whoever names the place gets a credential. A portal that is renamed stays in Bitrix24's cloud, and Bitrix24 has two auth
servers; whatever lies beyond is for the operator to say.
"""

from __future__ import annotations

import re
from typing import Final

import httpx
import structlog

from exporter.errors import TargetConfigError
from exporter.platforms.bitrix24.credential import Access, PortalAddress, checked_origin, origin_of
from exporter.support.net import join_address
from exporter.support.redaction import sanitized

log = structlog.get_logger(__name__)

DEFAULT_SERVER: Final = "https://oauth.bitrix24.tech"
_AUTH_SERVERS: Final = frozenset({"oauth.bitrix24.tech", "oauth.bitrix.info"})

_CLOUD_HOST: Final = re.compile(
    r"[a-z0-9-]+\.bitrix24\.(com|eu|de|fr|it|es|pl|uk|ru|by|kz|ua|in|cn|jp|vn|id|mx|co|com\.br|com\.tr|tech)"
)
_LOGIN: Final = "booking-sync-exporter bitrix24-login"


class Moves:
    """Where a target's portal is by its own redirects: until a call there fails, since one wrong redirect must not last."""

    def __init__(self) -> None:
        self._move: tuple[PortalAddress, httpx.URL] | None = None
        self._told: httpx.URL | None = None

    def followed(self, access: Access) -> Access:
        """Return ``access`` where its portal is by now."""
        if self._move is None or self._move[0] != access.place:
            return access
        return access.at(self._move[1])

    def moved(self, access: Access, origin: httpx.URL) -> None:
        """Ask the portal of ``access`` at ``origin`` from now on."""
        self._move = access.place, origin

    def answered(self, access: Access) -> None:
        """Note that the portal of ``access`` gave data where it was asked."""
        if self._move is not None and self._move[0] == access.place and self._move[1] != self._told:
            self._told = self._move[1]
            log.warning("portal_moved", portal=access.portal, host=self._told.host)

    def moved_to(self) -> str | None:
        """Return the host at which the portal gave data, if it is another one than the credential names."""
        if self._move is None or (place := self._move[1]) != self._told:
            return None
        return sanitized(join_address(_host(place), place.port))

    def failed(self) -> None:
        """Ask where the credential says again."""
        self._move = None


def may_move(origin: httpx.URL, place: httpx.URL) -> bool:
    """Return whether a portal at ``origin`` may say that it moved to ``place``, whatever the paths: within the cloud."""
    return _where(origin) == _where(place) or (_is_cloud(origin) and _is_cloud(place))


def stray_portal(named: str, known: str, *, is_identified: bool, approved: httpx.URL | None) -> TargetConfigError | None:
    """Return why ``named`` may not replace the ``client_endpoint`` that is ``known``; ``None`` when it may, or is empty.

    ``is_identified`` says that the portal is known by its ``member_id``, too; ``approved`` is an origin that the operator set.
    """
    if not named or named == known:
        return None
    try:
        url, old = httpx.URL(named), httpx.URL(known)
        checked_origin(url)
    except (httpx.InvalidURL, TargetConfigError):
        return _stray_portal("an address that may get no credential")
    stays = _where(url) == _where(old) or (approved is not None and _where(url) == _where(approved))
    may = stays or (is_identified and may_move(old, url))
    if may and url.path.rstrip("/") == old.path.rstrip("/") and not (url.userinfo or url.query or url.fragment):
        return None
    return _stray_portal(sanitized(join_address(_host(url), url.port)))


def _stray_portal(whereto: str) -> TargetConfigError:
    return TargetConfigError(
        f"the authorisation server says that the portal moved to {whereto}, so the old address is kept; if that is right, "
        f"run {_LOGIN} again, or set base_url"
    )


def stray_server(named: str, asked: httpx.URL) -> TargetConfigError | None:
    """Return why ``named`` may not become the ``server_endpoint``; ``None`` when it is ``asked`` or one of Bitrix24's."""
    if not named:
        return None
    try:
        origin = server_origin(None, named)
    except TargetConfigError:
        return _stray_server("an address that may get no credential")
    if _where(origin) == _where(asked) or is_auth_server(origin):
        return None
    return _stray_server(sanitized(join_address(_host(origin), origin.port)))


def _stray_server(whereto: str) -> TargetConfigError:
    return TargetConfigError(
        f"the authorisation server says that {whereto} takes its place, which is not a server of Bitrix24, so the old "
        f"address is "
        f"kept; if that is right, run {_LOGIN} again with --oauth-server, or set oauth.server"
    )


def server_origin(configured: str | None, known: str) -> httpx.URL:
    """Return where the auth server is: as configured, else as the last answer named it, else Bitrix24's own."""
    address = configured or known or DEFAULT_SERVER
    return origin_of(address if "://" in address else f"https://{address}")


def is_auth_server(origin: httpx.URL) -> bool:
    """Return whether ``origin`` is an auth server of Bitrix24's."""
    return origin.scheme == "https" and origin.port is None and _host(origin) in _AUTH_SERVERS


def _is_cloud(origin: httpx.URL) -> bool:
    return origin.scheme == "https" and origin.port is None and _CLOUD_HOST.fullmatch(_host(origin)) is not None


def _where(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, _host(url), url.port


def _host(url: httpx.URL) -> str:
    return url.raw_host.decode("ascii")  # as it was checked; httpx's own would be decoded, which fails for some
