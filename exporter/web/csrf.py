"""What a browser may be made to ask of us by the page of somebody else."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_HTTP: Final = 80


def is_cross_site(headers: Headers) -> bool:
    """Return whether a browser says that the page behind this request is not ours; scrapers and curl say nothing.

    Browsers leave ``Sec-Fetch-Site`` out over plain HTTP to another machine, but send ``Origin`` with every form.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"none", "same-origin"}
    origin = headers.get("origin")
    return origin is not None and _netloc(origin) != headers.get("host", "").lower()


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


class DnsRebindingGuard:
    """Refuses requests to a foreign name at our own port, on a listener that only this machine can reach.

    That is DNS rebinding: a web site lets its name point to 127.0.0.1 and reads us through the visitor's browser, as the same
    site. Its requests cannot hide name and port. A reverse proxy that hands its own public name on does so without our port.
    """

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        self._port = port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and is_foreign(Headers(scope=scope).get("host", ""), self._port):
            text = "This exporter listens on the loopback only and is not known by that name; ask localhost.\n"
            await PlainTextResponse(text, 421)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def is_foreign(host: str, port: int) -> bool:
    """Return whether the ``Host`` header names a domain of the internet together with ``port``."""
    try:
        parts = urlsplit(f"//{host}")
        asked = parts.port or _HTTP
    except ValueError:
        return False  # no browser sends it
    name = (parts.hostname or "").rstrip(".")
    if asked != port or "." not in name or name.endswith(".localhost"):
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return True
    return False


def only_here(address: str) -> bool:
    """Return whether a socket bound to ``address`` is reached from this machine alone."""
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback
