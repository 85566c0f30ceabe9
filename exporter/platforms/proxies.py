"""Which proxy an address is asked through: the target's own, or that of ``HTTPS_PROXY``, ``ALL_PROXY``, ``NO_PROXY``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Final

import httpx
import msgspec
from pydantic_core import PydanticCustomError

from exporter.errors import ConfigError, ConfigProblem
from exporter.fields.routes import Proxy, parse_proxy
from exporter.support.net import ascii_host, is_loopback
from exporter.support.secret import is_quoted

_HTTPS_PORT: Final = 443


class Proxies(msgspec.Struct, frozen=True):
    """A proxy, and the entries of ``NO_PROXY`` that are asked without it.

    This machine is asked directly, always: here the simulator answers, and nothing else is asked over plain HTTP.
    """

    proxy: Proxy | None = None
    direct: tuple[str, ...] = ()

    def for_url(self, url: httpx.URL) -> Proxy | None:
        """Return the proxy for ``url``, or ``None`` for a direct connection."""
        if self.proxy is None:
            return None
        host = url.raw_host.decode("ascii")
        if is_loopback(host) or any(_names(entry, host, url.port or _HTTPS_PORT) for entry in self.direct):
            return None
        return self.proxy


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
        domain = _ascii(entry.removeprefix("*").removeprefix("."))
        return host == domain or host.endswith(f".{domain}")


def _ascii(domain: str) -> str:
    try:
        return ascii_host(domain)
    except ValueError:
        return domain  # it names no host, so it is never met


def proxies_of_environment(environ: Mapping[str, str] = os.environ) -> Proxies:
    """Read the environment. Raises :class:`~exporter.errors.ConfigError` for a proxy that cannot be used, and for quotes.

    As for curl a name in small letters comes before one in capitals, also when it is empty. ``ALL_PROXY`` is not looked at
    where ``HTTPS_PROXY`` says the way: desktops set both, and the first to a SOCKS proxy.
    """
    problems: list[ConfigProblem] = []
    name, direct = _variable("no_proxy", environ)
    if is_quoted(direct):  # its first and last entry would name no host, and their requests go to the proxy
        fix = f"remove them; docker run --env-file keeps quotes; or unset {name}"
        problems.append(ConfigProblem(name, "has quotes inside the value", fix))
    entries = tuple(direct.lower().replace(",", " ").split())
    name, address = _variable("https_proxy", environ)
    if not address:
        name, address = _variable("all_proxy", environ)
    proxy = None
    try:
        proxy = parse_proxy(address) if address else None
    except PydanticCustomError as error:
        told = error.context or {}
        problems.append(ConfigProblem(name, told["message"], f"{told['fix']}; or unset {name}"))
    if problems:
        raise ConfigError(problems)
    return Proxies(proxy, entries)


def _variable(name: str, environ: Mapping[str, str]) -> tuple[str, str]:
    return next(((key, environ[key].strip()) for key in (name, name.upper()) if key in environ), (name, ""))
