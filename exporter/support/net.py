"""Host and port in one text, and apart."""

from __future__ import annotations

from typing import Final

from exporter.errors import ConfigError, Problem

_PORTS: Final = range(65_536)


def parse_address(address: str) -> tuple[str, int]:
    """Split ``address`` into host (empty for every interface) and port. Raises :class:`~exporter.errors.ConfigError`."""
    host, colon, port = address.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not (port.isascii() and port.isdecimal()) or int(port) not in _PORTS or (":" in host and not bracketed):
        problem = Problem(
            "--web.listen-address",
            f"{address!r} is not an address",
            "write HOST:PORT, [IPV6]:PORT, or :PORT for every interface",
        )
        raise ConfigError([problem])
    return host[1:-1] if bracketed else host, int(port)


def join_address(host: str, port: int) -> str:
    """Return ``host:port`` as a URL has it: an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


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
