"""The pool behind a proxy, over real sockets: the tunnel, the password, and who is named when it fails."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from exporter.clock import SystemClock
from exporter.errors import NetworkError
from exporter.platforms.http_pool import HttpPool
from exporter.platforms.proxies import Proxies
from tests.harness.certificates import contexts
from tests.harness.clock import ManualClock
from tests.harness.peer import OK, Client, client, peer

SECRET = "s3cr3tw3bh00kc0de"


@dataclass
class ConnectProxy:
    """A proxy that tunnels by CONNECT, or refuses with ``status``, or says nothing with status 0."""

    status: int = 200
    heads: list[bytes] = field(default_factory=list)
    ends: list[asyncio.StreamWriter] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if task := asyncio.current_task():
            self.tasks.append(task)
        self.ends.append(writer)
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        if not self.status:
            return
        if self.status != 200:
            writer.write(f"HTTP/1.1 {self.status} Refused\r\nContent-Length: 0\r\n\r\n".encode())
            writer.close()
            return
        if not head.startswith(b"CONNECT "):
            writer.write(OK)
            writer.close()
            return
        host, _, port = head.split(b" ")[1].decode().rpartition(":")
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", int(port))
        self.ends.append(there_writer)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        assert host == "portal.localhost"
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(_pump(reader, there_writer), _pump(there_reader, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(65536):
        writer.write(piece)
    writer.close()


@contextlib.asynccontextmanager
async def proxied(
    proxy: ConnectProxy, tls: ssl.SSLContext, *, user: str = "", clock: SystemClock | ManualClock | None = None
) -> AsyncIterator[Client]:
    clock = clock or SystemClock()
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    async with server:
        address = f"http://{user}127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with HttpPool(clock, tls=tls, proxies=Proxies({"http": address, "https": address})) as pool:
            yield Client(pool, clock)
        for end in proxy.ends:
            end.transport.abort()
        await asyncio.gather(*proxy.tasks)


def test_https_goes_through_a_proxy_in_a_tunnel_and_its_password_to_the_proxy_only(tmp_path: Path) -> None:
    of_server, of_client = contexts(tmp_path, "portal.localhost")

    async def main() -> None:
        proxy = ConnectProxy()
        async with peer(tls=of_server) as server, proxied(proxy, of_client, user="anna:pa%20ss@") as client:
            for _ in range(2):
                assert (await client.ask(server.origin.replace("localhost", "portal.localhost"))).status == 200
            assert len(proxy.heads) == 1, "the tunnel is kept"
            assert b"Proxy-Authorization: Basic YW5uYTpwYSBzcw==" in proxy.heads[0]
            assert b"proxy-authorization" not in server.requests[0].lower()

    asyncio.run(main())


def test_http_goes_through_a_proxy_as_a_whole_address() -> None:
    async def main() -> None:
        proxy = ConnectProxy()
        async with proxied(proxy, ssl.create_default_context(), user="anna:secret@") as client:
            assert (await client.ask("http://portal.example/x", method="GET")).status == 200
        assert proxy.heads[0].startswith(b"GET http://portal.example/x HTTP/1.1")
        assert b"Proxy-Authorization: Basic " in proxy.heads[0]

    asyncio.run(main())


def test_a_proxy_that_refuses_is_named_as_the_one_that_did() -> None:
    async def main() -> None:
        async with proxied(ConnectProxy(407), ssl.create_default_context()) as client:
            expected = r"^cannot reach portal\.example: the proxy refuses to connect \(HTTP 407\)$"
            with pytest.raises(NetworkError, match=expected):
                await client.ask(f"https://portal.example/{SECRET}")

    asyncio.run(main())


def test_a_proxy_that_is_not_there_is_named_as_what_is_missing() -> None:
    async def script(client: Client) -> None:
        with pytest.raises(NetworkError, match=r"^cannot reach portal\.example: cannot connect to the proxy$"):
            await client.ask(f"https://portal.example/{SECRET}")

    client(script, proxy="http://127.0.0.1:1")


def test_a_proxy_that_hangs_is_named_as_what_hangs() -> None:
    async def main() -> None:
        clock, proxy = ManualClock(), ConnectProxy(0)
        async with proxied(proxy, ssl.create_default_context(), clock=clock) as client:
            asking = asyncio.create_task(client.ask(f"https://portal.example/{SECRET}", timeout=30))
            while not proxy.heads:  # noqa: ASYNC110  it is the proxy that is waited for
                await asyncio.sleep(0.001)
            await clock.advance(5.1)
            expected = r"^cannot reach portal\.example: the proxy made no connection within 5 s$"
            with pytest.raises(NetworkError, match=expected):
                await asking

    asyncio.run(main())


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_this_machine_is_asked_without_the_proxy(host: str) -> None:
    async def script(client: Client) -> None:
        async with peer() as server:
            assert (await client.ask(server.origin.replace("127.0.0.1", host))).status == 200

    client(script, proxy="http://127.0.0.1:1")
