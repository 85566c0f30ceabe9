"""One HTTP exchange beside connections that lie idle: CPU of httpx's own pool and of ours, over TLS and without.

The server runs in a process of its own; measured is the CPU of this one, for a request and its answer of 300 bytes. Each
figure is the median of five rounds; rounds of all clients alternate. httpx's own pool is left out at 1,000 idle connections,
since opening them takes minutes.
"""

from __future__ import annotations

import asyncio
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx

from exporter.clock import SystemClock
from exporter.platforms.exchange import new_request
from exporter.platforms.http_pool import HttpPool
from tests.harness.certificates import self_signed

IDLE = (1, 100, 1000)
MAX_FOR_HTTPX = 100
ROUNDS, REQUESTS = 5, 60
SERVE = """
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


@asynccontextmanager
async def serving(*files: Path) -> AsyncIterator[str]:
    process = subprocess.Popen([sys.executable, "-c", SERVE, *files], stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220  once
    try:
        assert process.stdout is not None
        yield f"{'https' if files else 'http'}://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()


async def ask(transport: httpx.AsyncBaseTransport, url: str) -> None:
    response = await transport.handle_async_request(new_request("GET", httpx.URL(url)))
    assert isinstance(response.stream, httpx.AsyncByteStream)
    async for _ in response.stream:
        pass
    await response.aclose()


async def cpu_of_one(transport: httpx.AsyncBaseTransport, url: str) -> float:
    began = time.process_time()
    for _ in range(REQUESTS):
        await ask(transport, url)
    return (time.process_time() - began) / REQUESTS * 1000


async def compare(url: str, tls: ssl.SSLContext, idle: int) -> dict[str, float]:
    limits = httpx.Limits(max_connections=4096, max_keepalive_connections=4096, keepalive_expiry=90)
    makers: dict[str, Callable[[], httpx.AsyncBaseTransport]] = {"ours": lambda: HttpPool(SystemClock(), tls=tls)}
    if idle <= MAX_FOR_HTTPX:
        makers["httpx"] = lambda: httpx.AsyncHTTPTransport(verify=tls, limits=limits)
    async with AsyncExitStack() as stack:
        transports = {name: await stack.enter_async_context(make()) for name, make in makers.items()}
        figures: dict[str, list[float]] = {name: [] for name in transports}
        for _ in range(ROUNDS):
            for name, transport in transports.items():
                # As many at once as shall lie idle afterwards, anew for each round: ours closes what idles for long.
                await asyncio.gather(*(ask(transport, f"{url}/hold{1 + idle / 300}") for _ in range(idle)))
                figures[name].append(await cpu_of_one(transport, url))
    return {name: statistics.median(values) for name, values in figures.items()}


async def main() -> None:
    print(f"{'':8}{'idle':>6}{'ours, ms':>12}{'httpx, ms':>12}{'ratio':>8}")
    with tempfile.TemporaryDirectory() as folder:
        files = self_signed(Path(folder))
        tls = ssl.create_default_context(cafile=str(files[0]))
        for name, keys in (("plain", ()), ("TLS", files)):
            async with serving(*keys) as url:
                for idle in IDLE:
                    found = await compare(url, tls, idle)
                    other = found.get("httpx")
                    beside = f"{other:12.2f}{found['ours'] / other:8.2f}" if other else f"{'-':>12}{'-':>8}"
                    print(f"{name:8}{idle:6}{found['ours']:12.2f}{beside}")


if __name__ == "__main__":
    asyncio.run(main())
