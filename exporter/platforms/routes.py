"""The ways to targets: whom a connection trusts, and through which proxy it goes.

All of them share one pool. It tells connections apart by their way, so targets that go the same way to the same host share
connections, and all share the limits, the names and the idle time.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from typing import Final
from weakref import WeakValueDictionary

import httpx
import msgspec

from exporter.errors import ConfigError, ConfigProblem
from exporter.fields.routes import CaFile, Proxy
from exporter.platforms.proxies import Proxies, proxies_of_environment
from exporter.platforms.trust import host_trust, trust_with

ROUTE: Final = "route"
"""Extension of a request that goes another way than the pool's own: a :class:`Detour`."""


class NetworkRoute(msgspec.Struct, frozen=True):
    """Whom a connection trusts, and through which proxy it goes."""

    trust: ssl.SSLContext
    proxies: Proxies


class Detour(msgspec.Struct, frozen=True):
    """What a target has of its own; the rest is as the host has it."""

    trust: ssl.SSLContext | None = None
    proxies: Proxies | None = None

    def of(self, usual: NetworkRoute) -> NetworkRoute:
        return NetworkRoute(self.trust or usual.trust, self.proxies or usual.proxies)


def host_route(environ: Mapping[str, str] = os.environ) -> NetworkRoute:
    """Return the way that the environment of the process says.

    Raises :class:`~exporter.errors.ConfigError` with every variable that cannot be used.
    """
    problems: list[ConfigProblem] = []
    try:
        trust = host_trust(environ)
    except ConfigError as error:
        problems += error.problems
    try:
        proxies = proxies_of_environment(environ)
    except ConfigError as error:
        problems += error.problems
    if problems:
        raise ConfigError(problems)
    return NetworkRoute(trust, proxies)


class Routes:
    """The detours of a process. Targets with the same CA certificates have the same context, and so share connections."""

    def __init__(self) -> None:
        self._trust: WeakValueDictionary[str, ssl.SSLContext] = WeakValueDictionary()

    def through(self, http: httpx.AsyncBaseTransport, ca_file: CaFile | None, proxy: Proxy | None) -> httpx.AsyncBaseTransport:
        """Return ``http`` for a target with a CA file or a proxy of its own. Raises :class:`~exporter.errors.ConfigError`."""
        if ca_file is None and proxy is None:
            return http
        return _Routed(http, Detour(self._trusting(ca_file) if ca_file else None, Proxies(proxy) if proxy else None))

    def _trusting(self, ca_file: CaFile) -> ssl.SSLContext:
        trust = self._trust.get(ca_file.certificates)
        if trust is None:
            trust = self._trust[ca_file.certificates] = trust_with(ca_file)
        return trust


class _Routed(httpx.AsyncBaseTransport):
    """The shared transport, as one target uses it."""

    def __init__(self, http: httpx.AsyncBaseTransport, detour: Detour) -> None:
        self._http = http
        self._detour = detour

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions[ROUTE] = self._detour
        return await self._http.handle_async_request(request)
