"""Which proxy the environment wants for which address: ``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY``, ``NO_PROXY``."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Final
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import getproxies_environment

import httpx

from exporter.errors import ConfigError, Problem
from exporter.support.net import is_loopback

_SCHEMES: Final = frozenset({"http", "https"})
_WANTED: Final = ("http", "https", "all")
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy: its address without user and password, and the header that carries them."""

    url: str
    headers: Mapping[str, str] = field(repr=False)


class Proxies:
    """The proxies by scheme of the address that is asked. This machine is asked directly: here the simulator answers."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._direct = environment.get("no", "").lower().replace(",", " ").split()
        self._proxies = {kind: _proxy(kind, environment[kind]) for kind in _WANTED if environment.get(kind)}

    def for_url(self, url: httpx.URL) -> Proxy | None:
        """Return the proxy for ``url``, or ``None`` for a direct connection."""
        if not self._proxies or is_loopback(url.host):
            return None
        port = url.port or _PORTS.get(url.scheme, 0)
        if any(_names(entry, url.host, port) for entry in self._direct):
            return None
        return self._proxies.get(url.scheme) or self._proxies.get("all")


def _names(entry: str, host: str, port: int) -> bool:
    """Whether an entry of ``NO_PROXY`` means ``host``: ``*``, an address, a network, a domain with all below it; ``:PORT``."""
    if entry == "*":
        return True
    name, colon, of_port = entry.rpartition(":")
    if colon and of_port.isdecimal() and (":" not in name or name.endswith("]")):
        if int(of_port) != port:
            return False
        entry = name
    entry = entry.strip("[]")
    try:
        return ip_address(host) in ip_network(entry, strict=False)
    except ValueError:
        domain = entry.removeprefix("*").removeprefix(".")
        return host == domain or host.endswith(f".{domain}")


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
