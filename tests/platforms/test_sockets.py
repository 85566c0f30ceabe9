"""Room for sockets: as many connections as there are file descriptors to spare, and what waits for one."""

from __future__ import annotations

import asyncio
import socket
import ssl

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from exporter.clock import SystemClock
from exporter.errors import InternalError
from exporter.platforms.http_pool import HttpPool
from tests.harness.clock import ManualClock
from tests.harness.peer import Client, peer


class SlowNames(AbstractResolver):
    """Every name is this machine's, after a moment."""

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        del family
        await asyncio.sleep(0.01)
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self) -> None:
        pass


async def test_a_process_without_descriptors_says_so_and_blames_no_platform() -> None:
    clock = ManualClock()
    async with peer() as server, HttpPool(clock, tls=ssl.create_default_context(), max_connections=1) as pool:
        client = Client(pool, clock)
        async with peer(lambda *_: b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n") as slow:
            hanging = asyncio.create_task(client.ask(slow.origin, timeout=600))
            while not slow.requests:  # noqa: ASYNC110  it is the peer that is waited for
                await asyncio.sleep(0.001)

            async def ask() -> None:
                async with clock.timeout(300, slack=60):
                    await client.ask(server.origin)

            asking = asyncio.create_task(ask())
            await clock.advance(59)
            assert not asking.done(), "it waits for room as long as its interval"
            await clock.advance(2)
            with pytest.raises(InternalError, match="no more files: raise LimitNOFILE"):
                await asking
            hanging.cancel()
            await asyncio.gather(hanging, return_exceptions=True)
        assert 200 == (await client.ask(server.origin)).status, "and goes on when there is room again"


async def test_a_connection_that_finds_no_room_takes_that_of_one_that_idles() -> None:
    clock = SystemClock()
    pool = HttpPool(clock, tls=ssl.create_default_context(), max_connections=1)
    async with peer() as first, peer() as second, pool:
        client = Client(pool, clock)
        for _ in range(3):
            assert 200 == (await client.ask(first.origin)).status
            assert 200 == (await client.ask(second.origin)).status
        assert (3, 3) == (len(first.connections), len(second.connections))


async def test_connections_wait_for_the_room_of_another_and_none_is_lost() -> None:
    clock, tls = SystemClock(), ssl.create_default_context()
    async with peer() as server, HttpPool(clock, tls=tls, names=SlowNames(), max_connections=3) as pool:
        client = Client(pool, clock)
        origin = server.origin.replace("127.0.0.1", "portal.test")
        asking = [asyncio.create_task(client.ask(origin, once=True)) for _ in range(30)]
        await asyncio.sleep(0)
        for task in asking[5:10]:
            task.cancel()
        answers = await asyncio.gather(*asking[:5], *asking[10:])
        assert [200] * 25 == [answer.status for answer in answers]
        assert [200] * 3 == [(await client.ask(origin, once=True)).status for _ in range(3)], "no room was lost"
