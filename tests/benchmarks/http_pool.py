"""What one request costs beside connections that lie idle: our pool, httpx's own, and aiohttp without an interface.

The server runs in a process of its own; measured is the CPU of this one, for a request and its answer of 300 bytes, over TLS
and without. Ours is aiohttp's pool behind httpx's interface, so aiohttp alone is the least that it can cost. httpx's own pool
is left out at 1,000 idle connections, since opening them takes it minutes.
"""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import aiohttp
import httpx

from exporter.clock import SystemClock
from exporter.platforms.exchange import new_request
from exporter.platforms.http_pool import HttpPool
from exporter.polling.admission import Admission
from tests.benchmarks.figures import Figure, in_turns_async
from tests.benchmarks.report import main
from tests.harness.certificates import self_signed

IDLE: Final = (1, 100)
MANY_IDLE: Final = 1_000
REQUESTS: Final = 60
SERVE: Final = """
import asyncio, ssl, sys
class Answer(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
    def data_received(self, data):
        wait = 0.0
        if b"/hold" in data:
            wait = float(data.split(b"/hold")[1].split(b" ")[0])
        reply = b"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: 300\\r\\n\\r\\n" + b"x" * 300
        asyncio.get_running_loop().call_later(wait, self.transport.write, reply)
async def main():
    context = None
    if len(sys.argv) > 1:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*sys.argv[1:])
    server = await asyncio.get_running_loop().create_server(Answer, "127.0.0.1", 0, ssl=context, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""

Ask = Callable[[str], Awaitable[None]]


@asynccontextmanager
async def serving(*files: Path) -> AsyncIterator[str]:
    """Serve in another process, over TLS when a certificate and its key are given."""
    process = subprocess.Popen([sys.executable, "-c", SERVE, *files], stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220  once
    try:
        assert process.stdout is not None
        yield f"{'https' if files else 'http'}://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()


async def through_httpx(transport: httpx.AsyncBaseTransport, url: str) -> None:
    """Ask as a platform does."""
    response = await transport.handle_async_request(new_request("GET", httpx.URL(url)))
    assert isinstance(response.stream, httpx.AsyncByteStream)
    async for _ in response.stream:
        pass
    await response.aclose()


async def through_aiohttp(session: aiohttp.ClientSession, url: str) -> None:
    """Ask with nothing in between."""
    async with session.get(url) as response:
        await response.read()


async def cpu_of_one(ask: Ask, url: str, idle: int) -> float:
    """Return the milliseconds of one request, after as many at once as shall lie idle; anew, since ours closes what idles."""
    await asyncio.gather(*(ask(f"{url}/hold{1 + idle / 150}") for _ in range(idle)))
    began = time.process_time()
    for _ in range(REQUESTS):
        await ask(url)
    return (time.process_time() - began) / REQUESTS * 1000


async def compare(rounds: int, url: str, tls: ssl.SSLContext, idle: int) -> dict[str, tuple[float, ...]]:
    """Measure every client that can hold so many connections."""
    limits = httpx.Limits(max_connections=4096, max_keepalive_connections=4096, keepalive_expiry=90)
    async with AsyncExitStack() as stack:
        clock = SystemClock()
        ours = await stack.enter_async_context(HttpPool(clock, tls=tls, admit=Admission(clock).connection))
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=90, ssl=tls)
        alone = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        asks: dict[str, Ask] = {"ours": partial(through_httpx, ours), "aiohttp": partial(through_aiohttp, alone)}
        if idle != MANY_IDLE:
            theirs = await stack.enter_async_context(httpx.AsyncHTTPTransport(verify=tls, limits=limits))
            asks["httpx"] = partial(through_httpx, theirs)
        return await in_turns_async(rounds, {name: partial(cpu_of_one, ask, url, idle) for name, ask in asks.items()})


async def measure(rounds: int) -> list[Figure]:
    """Measure without TLS and with it."""
    found: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        files = self_signed(Path(folder))
        tls = ssl.create_default_context(cafile=str(files[0]))
        for name, keys, numbers in (("plain", (), IDLE), ("TLS", files, (*IDLE, MANY_IDLE))):
            async with serving(*keys) as url:
                for idle in numbers:
                    cpu = await compare(rounds, url, tls, idle)
                    figure = f"a request beside {idle:,} idle, {name}: CPU"
                    found.append(Figure(figure, "ms", cpu.pop("ours"), cpu, limit="aiohttp"))
    return found


if __name__ == "__main__":
    main("http_pool", __doc__, lambda rounds: asyncio.run(measure(rounds)), beside=("httpx", "httpcore", "aiohttp"))
