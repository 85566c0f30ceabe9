"""How long the pool keeps what it has: connections that idle, addresses that were found."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Coroutine

import aiohttp.connector
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from exporter.clock import SystemClock
from exporter.platforms.http_pool import HttpPool
from tests.harness.peer import Client, Peer, peer


class Time:
    """aiohttp's time. It takes no clock, so its own is replaced: nobody waits a minute for a test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(aiohttp.connector, "monotonic", lambda: self.now)


class MovedLoop(asyncio.SelectorEventLoop):
    """A loop whose time is that of ``moved``: its timers ring when that is moved."""

    moved: Time

    def time(self) -> float:
        return self.moved.now


class Asked(AbstractResolver):
    """Names that all mean this machine; counts who asks."""

    def __init__(self) -> None:
        self.hosts: list[str] = []

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        self.hosts.append(host)
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=family, proto=0, flags=0)]

    async def close(self) -> None:
        """Nothing is open."""


@pytest.mark.slow
@pytest.mark.parametrize(("idle", "connections"), [(4.9, 1), (5.1, 2)])
async def test_a_connection_that_idles_is_used_again_within_5_seconds(
    monkeypatch: pytest.MonkeyPatch, idle: float, connections: int
) -> None:
    time = Time(monkeypatch)
    async with peer() as server, HttpPool(SystemClock(), tls=ssl.create_default_context()) as pool:
        await Client(pool).ask(server.origin)
        time.now += idle
        await Client(pool).ask(server.origin)
        assert connections == len(server.connections)


async def pass_by(time: Time, seconds: int) -> None:
    """Let ``seconds`` pass, one by one; after each what came due happens, in both ends of a connection."""
    for _ in range(seconds):
        time.now += 1
        for _ in range(20):
            await asyncio.sleep(0)


def still_open(*servers: Peer) -> int:
    return sum(not task.done() for server in servers for task in server.tasks)


@pytest.mark.slow
def test_of_a_burst_those_connections_are_kept_that_are_needed_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests of many sites go to one origin: 40 at once now and then, later one a second."""
    time = Time(monkeypatch)

    async def main() -> None:
        async with peer() as server, HttpPool(SystemClock(), tls=ssl.create_default_context()) as pool:
            await asyncio.gather(*(Client(pool).ask(server.origin) for _ in range(40)))
            assert 40 == still_open(server)
            for _ in range(10):
                await pass_by(time, 1)
                await Client(pool).ask(server.origin)
            assert 1 == still_open(server)
            assert 40 == len(server.connections)

    run_in(time, main)


@pytest.mark.slow
def test_a_connection_whose_next_use_is_minutes_away_is_closed_within_10_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each portal is an origin of its own: a hundred of them, polled every five minutes, have none open in between."""
    time = Time(monkeypatch)

    async def main() -> None:
        async with contextlib.AsyncExitStack() as stack:
            portals = [await stack.enter_async_context(peer()) for _ in range(100)]
            pool = await stack.enter_async_context(HttpPool(SystemClock(), tls=ssl.create_default_context()))
            for _ in range(3):  # the calls of a poll
                await asyncio.gather(*(Client(pool).ask(portal.origin) for portal in portals))
                await pass_by(time, 1)
            assert 100 == still_open(*portals) == sum(len(portal.connections) for portal in portals)
            await pass_by(time, 10)
            assert 0 == still_open(*portals)

    run_in(time, main)


def run_in(time: Time, main: Callable[[], Coroutine[None, None, None]]) -> None:
    """Run ``main`` in a loop on ``time``."""

    def loop() -> MovedLoop:
        made = MovedLoop()
        made.moved = time
        return made

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(main())


@pytest.mark.parametrize(("later", "lookups"), [(59.9, 1), (60.1, 2)])
async def test_an_address_that_was_found_is_used_for_60_seconds(
    monkeypatch: pytest.MonkeyPatch, later: float, lookups: int
) -> None:
    time, names = Time(monkeypatch), Asked()
    async with peer() as server, HttpPool(SystemClock(), tls=ssl.create_default_context(), names=names) as pool:
        url = server.origin.replace("127.0.0.1", "portal.example")
        await Client(pool).ask(url, once=True)
        time.now += later
        await Client(pool).ask(url, once=True)
        assert ["portal.example"] * lookups == names.hosts
