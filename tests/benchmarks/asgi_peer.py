"""prometheus-client's ``make_asgi_app`` under uvicorn, serving the samples of one of our pages, in a process of its own.

``python -m tests.benchmarks.asgi_peer PAGE`` prints its port. It makes the text of a page from its samples at each scrape and
compresses it when asked to, as any exporter does that is written with it.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from prometheus_client import CollectorRegistry, Metric, make_asgi_app
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route


@dataclass(frozen=True)
class Peer:
    """The running peer: where it listens, and whose processor time is its own."""

    url: str
    port: int
    pid: int


class Samples(Collector):
    """The samples of a page, parsed once."""

    def __init__(self, page: str) -> None:
        self._families = list(text_string_to_metric_families(page))

    def collect(self) -> Iterable[Metric]:
        return self._families


async def healthy(_: Request) -> Response:
    """Say what ours says."""
    return PlainTextResponse("healthy.\n")


@asynccontextmanager
async def asgi_peer(page: Path) -> AsyncIterator[Peer]:
    """Serve the samples of the file ``page`` while the block runs."""
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    words = (sys.executable, "-m", "tests.benchmarks.asgi_peer", str(page))
    process = await asyncio.create_subprocess_exec(*words, stdout=pipe, stderr=nothing)
    try:
        assert process.stdout is not None
        port = int(await process.stdout.readline())
        yield Peer(f"http://127.0.0.1:{port}", port, process.pid)
    finally:
        process.kill()
        await process.wait()


def serve(page: str) -> None:
    """Serve until the process ends."""
    registry = CollectorRegistry()
    registry.register(Samples(page))
    app = Starlette(routes=[Route("/-/healthy", healthy), Mount("/metrics", make_asgi_app(registry))])
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sys.stdout.write(f"{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False)).run([listening])


if __name__ == "__main__":
    serve(Path(sys.argv[1]).read_text())
