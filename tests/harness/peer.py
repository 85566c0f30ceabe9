"""Both ends of a connection over real sockets: a peer that sends what a test wants, and the pool that asks it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from random import Random

import httpx
from aiohttp.abc import AbstractResolver

from exporter.clock import SystemClock
from exporter.fields.routes import parse_proxy
from exporter.platforms.answer_kinds import BATCH
from exporter.platforms.base import Services
from exporter.platforms.exchange import Answer, exchange, new_request
from exporter.platforms.http_pool import HttpPool
from exporter.platforms.proxies import Proxies
from exporter.polling.admission import Admission
from exporter.state.status_history import StatusHistory
from tests.harness.clock import ManualClock
from tests.harness.events import RecordedEvents

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@dataclass
class Peer:
    """A server that speaks bytes: ``answer`` gets each request and says what to send, ``None`` to hang up instead."""

    answer: Callable[[bytes, int], bytes | None]
    requests: list[bytes] = field(default_factory=list)
    connections: list[asyncio.StreamWriter] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    origin: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.append(writer)
        if task := asyncio.current_task():
            self.tasks.append(task)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                _, _, told = head.lower().partition(b"content-length:")
                length = int(told.split(b"\r\n")[0] or 0)
                self.requests.append(head + await reader.readexactly(length))
                reply = self.answer(self.requests[-1], len(self.requests))
                if reply is None:
                    writer.transport.abort()
                    return
                writer.write(reply)
                await writer.drain()


@contextlib.asynccontextmanager
async def peer(
    answer: Callable[[bytes, int], bytes | None] = lambda *_: OK, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Peer]:
    """Serve on a free port of ``host`` while the block runs; over TLS the origin's host is ``localhost``."""
    served = Peer(answer)
    server = await asyncio.start_server(served.serve, host, 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    name = f"[{host}]" if ":" in host else "localhost" if tls else host
    served.origin = f"{'https' if tls else 'http'}://{name}:{port}"
    try:
        yield served
    finally:
        server.close()
        for writer in served.connections:
            writer.transport.abort()
        await asyncio.gather(*served.tasks)


@dataclass
class Client:
    """The exporter's side: its pool, and what it counted."""

    http: httpx.AsyncBaseTransport
    clock: SystemClock | ManualClock = field(default_factory=SystemClock)
    events: RecordedEvents = field(default_factory=RecordedEvents)

    async def ask(self, url: str, *, method: str = "POST", once: bool = False, timeout: float = 10.0) -> Answer:
        """Ask as a poll does, within ``timeout`` seconds; raises what a poll would."""
        services = Services(self.http, self.clock, Random(1), self.events, StatusHistory(), Admission(self.clock))
        request = new_request(method, httpx.URL(url), content=b"[1]" if method == "POST" else None, once=once)
        return await exchange(services, "list", request, kind=BATCH, timeout=timeout)


@contextlib.asynccontextmanager
async def client_with(
    *, tls: ssl.SSLContext | None = None, proxy: str = "", names: AbstractResolver | None = None
) -> AsyncIterator[Client]:
    """Open a pool on the real clock while the block runs; ``proxy`` is what the environment would say."""
    proxies = Proxies(parse_proxy(proxy) if proxy else None)
    async with HttpPool(SystemClock(), tls=tls or ssl.create_default_context(), proxies=proxies, names=names) as pool:
        yield Client(pool)
