"""Hosts: with a port in one text and apart, in the letters of name servers, and whether a credential may go there."""

from __future__ import annotations

from ipaddress import IPv6Network
from typing import Final

import idna

from exporter.errors import ConfigError, Problem

_PORTS: Final = range(65_536)


def parse_address(address: str, flag: str = "--web.listen-address") -> tuple[str, int]:
    """Split ``address``, the value of ``flag``, into host (empty for every interface) and port.

    Raises :class:`~exporter.errors.ConfigError`.
    """
    host, colon, port = address.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not (port.isascii() and port.isdecimal()) or int(port) not in _PORTS or (":" in host and not bracketed):
        problem = Problem(
            flag,
            f"{address!r} is not an address",
            "write HOST:PORT, [IPV6]:PORT, or :PORT for every interface",
        )
        raise ConfigError([problem])
    return host[1:-1] if bracketed else host, int(port)


def join_address(host: str, port: int | None) -> str:
    """Return ``host:port`` as a URL has it: an IPv6 address in brackets; without a port the host alone."""
    name = f"[{host}]" if ":" in host else host
    return name if port is None else f"{name}:{port}"


def plain_address(address: str) -> str:
    """Return the ``address`` of a peer as everybody writes it: a socket of both families has IPv4 as ``::ffff:192.0.2.1``."""
    return address.removeprefix("::ffff:") if "." in address else address


def neighbourhood(address: str) -> str:
    """Return for whom the ``address`` of a peer stands: itself in IPv4, its /64 in IPv6, all of which one machine may have."""
    plain = plain_address(address)
    return str(IPv6Network((plain.partition("%")[0], 64), strict=False)) if ":" in plain else plain


_LABEL: Final = 63
_NAME: Final = 254  # with the dot at its end


def ascii_host(host: str) -> str:
    """Return ``host`` as name servers know it: small letters, an international name in punycode (IDNA 2008).

    Raises :class:`ValueError` for a name that cannot be written so, for punycode that stands for no name, and for parts
    between dots of no length or of more than the 63 that DNS has room for.
    """
    name = host.lower() if host.isascii() else idna.encode(host, uts46=True).decode()
    labels = name.removesuffix(".").split(".")
    if not all(0 < len(label) <= _LABEL for label in labels) or len(name) > _NAME:
        raise ValueError(name)
    if name.startswith("xn--"):
        idna.decode(name)  # httpx does when somebody asks for the host of a URL
    return name


_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def is_loopback(host: str) -> bool:
    """Return whether ``host`` is this machine for everybody on the way.

    Exactly the three names that also bypass a proxy of the environment: ``x.localhost`` goes to DNS on some systems, and
    127.0.0.2 to ``HTTP_PROXY``, each with the credential in clear text.
    """
    return host.lower() in _LOOPBACK


def keeps_secrets(scheme: str, host: str) -> bool:
    """Return whether a credential may be sent to ``scheme://host``: https, or http that never leaves this machine."""
    return scheme == "https" or (scheme == "http" and is_loopback(host))
