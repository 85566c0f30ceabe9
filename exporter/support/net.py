"""Hosts: with a port in one text and apart, in the letters of name servers, and whether a credential may go there."""

from __future__ import annotations

import contextlib
import re
from ipaddress import IPv6Address, IPv6Network
from typing import Final

import idna

from exporter.errors import ConfigError, ConfigProblem

_PORTS: Final = range(65_536)


def parse_address(address: str, flag: str = "--web.listen-address") -> tuple[str, int]:
    """Split ``address``, the value of ``flag``, into host (empty for every interface) and port.

    Raises :class:`~exporter.errors.ConfigError`.
    """
    host, colon, port = address.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    is_number = port.isascii() and port.isdecimal()
    is_host = bracketed or not re.search(r"[\s/@:\[\]]", host)
    if not colon or not is_number or int(port) not in _PORTS or not is_host:
        problem = ConfigProblem(flag, f"{address!r} is not an address", _instead_of(address))
        raise ConfigError([problem])
    return host[1:-1] if bracketed else host, int(port)


_FORMS: Final = "write HOST:PORT, [IPV6]:PORT, or :PORT for every interface"


def _instead_of(address: str) -> str:
    """Return how to write what somebody meant by an ``address`` that is none."""
    scheme, is_url, rest = address.partition("://")
    if is_url and scheme.isalpha():
        return f"write {rest.partition('/')[0]}, without {scheme}:// and a path"
    host, colon, port = address.rpartition(":")
    is_number = port.isascii() and port.isdecimal()
    if is_number and not colon and int(port) in _PORTS:
        return f"write :{port} for every interface, or 127.0.0.1:{port} for this machine alone"
    if is_number and int(port) not in _PORTS:
        return f"use a port up to {_PORTS[-1]:,}"
    for ipv6, behind in ((host, port), (address, "PORT")):  # ::1:10888 is an address as a whole, too, and hardly meant as one
        with contextlib.suppress(ValueError):
            return f"put the IPv6 address in brackets: [{IPv6Address(ipv6)}]:{behind}"
    if re.fullmatch(r"[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]", address):
        return f"add a port: {address}:PORT"
    return _FORMS


def join_address(host: str, port: int | None) -> str:
    """Return ``host:port`` as a URL has it: an IPv6 address in brackets; without a port the host alone."""
    name = f"[{host}]" if ":" in host else host
    return name if port is None else f"{name}:{port}"


def plain_address(address: str) -> str:
    """Return the ``address`` of a peer as everybody writes it: a socket of both families has IPv4 as ``::ffff:192.0.2.1``."""
    return address.removeprefix("::ffff:") if "." in address else address


def network_prefix(address: str) -> str:
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


def is_confidential(scheme: str, host: str) -> bool:
    """Return whether a credential may be sent to ``scheme://host``: https, or http that never leaves this machine.

    A credential may be sent there: over TLS, or without leaving this machine.
    """
    return scheme == "https" or (scheme == "http" and is_loopback(host))
