"""Which proxy the environment wants for which address: ``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY``, ``NO_PROXY``."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]  # typeshed lacks it

import httpx

from exporter.errors import ConfigError, Problem

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_SCHEMES: Final = frozenset({"http", "https"})
_WANTED: Final = ("http", "https", "all")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy: its address without user and password, and the header that carries them."""

    url: str
    headers: Mapping[str, str] = field(repr=False)


class Proxies:
    """The proxies by scheme of the address that is asked. This machine is asked directly: here the simulator answers."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self._proxies = {kind: _proxy(kind, environment[kind]) for kind in _WANTED if environment.get(kind)}

    def for_url(self, url: httpx.URL) -> Proxy | None:
        """Return the proxy for ``url``, or ``None`` for a direct connection."""
        if not self._proxies or url.host in _LOOPBACK:
            return None
        proxy = self._proxies.get(url.scheme) or self._proxies.get("all")
        where = url.host if url.port is None else f"{url.host}:{url.port}"
        return None if proxy is None or proxy_bypass_environment(where, self._environment) else proxy


def proxies_of_environment() -> Proxies:
    """Read the environment. Raises :class:`~exporter.errors.ConfigError` for a proxy of another kind than HTTP."""
    return Proxies(getproxies_environment())


def _proxy(kind: str, address: str) -> Proxy:
    name = f"{kind.upper()}_PROXY"
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        if not parts.hostname:
            raise ValueError  # noqa: TRY301  one message for all that cannot be used
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        where = host if parts.port is None else f"{host}:{parts.port}"
    except ValueError:
        raise ConfigError([Problem(name, "is not the address of a proxy", "write http://HOST:PORT")]) from None
    if parts.scheme not in _SCHEMES:
        problem = Problem(name, f"names a {parts.scheme} proxy", "only http:// and https:// proxies can be used")
        raise ConfigError([problem])
    headers = {}
    if parts.username is not None:
        secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Proxy-Authorization"] = "Basic " + base64.b64encode(secret.encode()).decode()
    return Proxy(urlunsplit((parts.scheme, where, "", "", "")), headers)
