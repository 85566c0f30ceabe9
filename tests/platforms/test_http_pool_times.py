"""How long the pool keeps what it has: connections that idle, addresses that were found."""

from __future__ import annotations

import asyncio
import socket
import ssl

import aiohttp.connector
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from exporter.clock import SystemClock
from exporter.platforms.http_pool import HttpPool
from tests.harness.peer import Client, peer


class Time:
    """aiohttp's time. It takes no clock, so its own is replaced: nobody waits a minute for a test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(aiohttp.connector, "monotonic", lambda: self.now)


class Asked(AbstractResolver):
    """Names that all mean this machine; counts who asks."""

    def __init__(self) -> None:
        self.hosts: list[str] = []

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        self.hosts.append(host)
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=family, proto=0, flags=0)]

    async def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(("idle", "connections"), [(14.9, 1), (15.1, 2)])
def test_a_connection_that_idles_is_used_again_within_15_seconds(
    monkeypatch: pytest.MonkeyPatch, idle: float, connections: int
) -> None:
    async def main() -> None:
        time = Time(monkeypatch)
        async with peer() as server, HttpPool(SystemClock(), tls=ssl.create_default_context()) as pool:
            await Client(pool).ask(server.origin)
            time.now += idle
            await Client(pool).ask(server.origin)
            assert connections == len(server.connections)

    asyncio.run(main())


@pytest.mark.parametrize(("later", "lookups"), [(59.9, 1), (60.1, 2)])
def test_an_address_that_was_found_is_used_for_60_seconds(monkeypatch: pytest.MonkeyPatch, later: float, lookups: int) -> None:
    async def main() -> None:
        time, names = Time(monkeypatch), Asked()
        async with peer() as server, HttpPool(SystemClock(), tls=ssl.create_default_context(), names=names) as pool:
            url = server.origin.replace("127.0.0.1", "portal.example")
            await Client(pool).ask(url, once=True)
            time.now += later
            await Client(pool).ask(url, once=True)
            assert ["portal.example"] * lookups == names.hosts

    asyncio.run(main())
