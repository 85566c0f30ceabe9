"""Guards against CSRF and DNS rebinding: what the page of somebody else may make a visitor's browser ask of this exporter.

CSRF: a foreign page sends a form to a path that changes something; :func:`is_cross_site` recognises it. DNS rebinding: a
foreign site lets its own name point to this machine, so that the browser takes both for one site; :class:`DnsRebindingGuard`
refuses it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.errors import ConfigError, ConfigProblem
from exporter.support.log_sampling import LogSampler
from exporter.support.redaction import sanitized

_HTTP: Final = 80
_LOOPBACK_NAMES: Final = frozenset({"localhost.localdomain", "localhost4.localdomain4", "localhost6.localdomain6"})
"""What ``/etc/hosts`` of Red Hat's systems calls the loopback."""

_HOST_NAME: Final = re.compile(
    r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?", re.ASCII | re.IGNORECASE
)
_LOCAL_SUFFIXES: Final = (".localhost", ".svc", ".svc.cluster.local", ".internal")
"""No web site has such a name: RFC 6761, Kubernetes' Services, and what ICANN keeps for private networks."""

_MAX_NAME: Final = 100
_REFUSAL: Final = (
    "This exporter is not known by that name at this port; ask localhost or the address, or start it with "
    "--web.allowed-hosts=NAME.\n"
)

_log = structlog.get_logger("exporter.web")


def is_cross_site(headers: Headers) -> bool:
    """Return whether a browser says that the page behind this request is not ours; scrapers and curl say nothing.

    Browsers leave ``Sec-Fetch-Site`` out over plain HTTP to another machine, but send ``Origin`` with every form.
    Scrapers and curl send neither header; their requests count as our own.
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
    """Refuses requests to a foreign name at our own port: DNS rebinding.

    A web site lets its name point to 127.0.0.1, or to an address of the visitor's network, and reads us through the visitor's
    browser, as the same site. Its requests cannot hide name and port. A reverse proxy that hands its own public name on does so
    without our port.
    ``allowed`` are names by which scrapers come, as :func:`allowed_hosts` returns them. Each name that is refused is logged
    once, with the way out.
    """

    def __init__(self, app: ASGIApp, port: int, allowed: frozenset[str] = frozenset()) -> None:
        self._app = app
        self._port = port
        self._allowed = allowed
        self._sampler = LogSampler()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (name := foreign_name(Headers(scope=scope).get("host", ""), self._port, self._allowed)):
            self._tell(name)
            await PlainTextResponse(_REFUSAL, 421)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _tell(self, name: str) -> None:
        """Log that ``name`` is refused, unless that was said: who asks again and again must not flood the log, nor memory."""
        name = sanitized(name, _MAX_NAME)
        was_full = self._sampler.full
        if self._sampler.count_if_logged(name) != 1:
            return
        _log.warning("host_refused", host=name, fix="if one of your scrapers uses this name, give it to --web.allowed-hosts")
        if self._sampler.full and not was_full:
            _log.warning(
                "more_hosts_refused",
                fix="further refused names are not logged; give names that your scrapers use to --web.allowed-hosts",
            )


def foreign_name(host: str, port: int, allowed: frozenset[str] = frozenset()) -> str | None:
    """Return the domain of the internet that the ``Host`` header names together with ``port``; ``None`` when it names none."""
    try:
        parts = urlsplit(f"//{host}")
        asked = parts.port or _HTTP
    except ValueError:
        return None  # no browser sends it
    name = (parts.hostname or "").rstrip(".")
    if asked != port or "." not in name or name in _LOOPBACK_NAMES or name in allowed or name.endswith(_LOCAL_SUFFIXES):
        return None
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name
    return None


def allowed_hosts(flags: Iterable[str]) -> frozenset[str]:
    """Return the names in ``--web.allowed-hosts``, given once or more, each a list with commas.

    Raises :class:`~exporter.errors.ConfigError` with everything in it that is not the name of a host.
    """
    names = [name.strip() for flag in flags for name in flag.split(",")]
    bad = [name for name in names if not _HOST_NAME.fullmatch(name)]
    if bad:
        problems = [
            ConfigProblem(
                "--web.allowed-hosts",
                f"{name!r} is not the name of a host",
                _bare(name) or "write NAME or NAME,NAME: no port, no *, xn--… for other alphabets",
            )
            for name in bad
        ]
        raise ConfigError(problems)
    return frozenset(name.rstrip(".").lower() for name in names)


def _bare(written: str) -> str:
    """Return what to write instead of an address with a scheme, a port or a path; empty for anything else."""
    host = written.partition("://")[2] or written
    name = re.split("[:/]", host, maxsplit=1)[0]
    return f"write {name}: the name alone" if name != written and _HOST_NAME.fullmatch(name) else ""
