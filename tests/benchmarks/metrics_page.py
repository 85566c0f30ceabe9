"""What a gzip scrape of 100,000 series costs: ours, and prometheus-client's ``make_asgi_app`` with the same samples.

Each serves over HTTP from a process of its own, whose processor time is measured, on a connection that is kept, as Prometheus
does. Half of the targets are Wix sites with five connections, half Bitrix24 portals. A target that changed was polled: its
windows moved, it has one booking more, and its counters counted. Those that changed lie evenly among the others. Bytes are
those of the answer.
"""

from __future__ import annotations

import asyncio
import gzip
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final

import httpx

from tests.benchmarks import goals
from tests.benchmarks.asgi_peer import Peer, asgi_peer
from tests.benchmarks.figures import Figure, in_turns_async, process_cpu
from tests.benchmarks.page_server import PageServer, page_server
from tests.benchmarks.report import main
from tests.fleet.processes import memory_mib

TARGETS: Final = 720
SETTLES_SECONDS: Final = 0.1  # what a server does after its last byte counts, too
ASGI: Final = "make_asgi_app"
TEXT: Final = {"Accept": "text/plain;version=0.0.4", "Accept-Encoding": "gzip"}
OPENMETRICS: Final = {"Accept": "application/openmetrics-text;version=1.0.0", "Accept-Encoding": "gzip"}


async def scrape(http: httpx.AsyncClient, server: PageServer | Peer, accept: dict[str, str] = TEXT) -> bytes:
    """Return the compressed page."""
    async with http.stream("GET", f"{server.url}/metrics", headers=accept, follow_redirects=True) as answer:
        answer.raise_for_status()
        assert "gzip" == answer.headers["content-encoding"]
        return b"".join([part async for part in answer.aiter_raw()])


async def cpu_of_scrape(
    http: httpx.AsyncClient, server: PageServer | Peer, accept: dict[str, str] = TEXT, share: float | None = None
) -> float:
    """Return the milliseconds of the server's processor that a scrape takes after that share of the targets was polled."""
    if share is not None:
        assert isinstance(server, PageServer)
        await server.poll(share)
    before = process_cpu(server.pid)
    await scrape(http, server, accept)
    await asyncio.sleep(SETTLES_SECONDS)
    return (process_cpu(server.pid) - before) * 1e3


def series(page: bytes) -> int:
    """Return how many series a compressed page has."""
    return sum(not line.startswith(b"#") for line in gzip.decompress(page).splitlines())


async def measured(rounds: int, folder: Path, targets: int = TARGETS) -> list[Figure]:
    """Scrape both in turns."""
    async with page_server(targets) as ours, httpx.AsyncClient(timeout=120, trust_env=False) as http:
        first = await scrape(http, ours)
        page = folder / "page.txt"
        page.write_bytes(gzip.decompress(first))
        async with asgi_peer(page) as peer:
            theirs = await scrape(http, peer)
            assert series(theirs) == series(first)
            ways: dict[str, Callable[[], Awaitable[float]]] = {
                ASGI: partial(cpu_of_scrape, http, peer),
                "all": partial(cpu_of_scrape, http, ours, share=1.0),
                "a quarter": partial(cpu_of_scrape, http, ours, share=0.25),
                "1 %": partial(cpu_of_scrape, http, ours, share=0.01),
                "nothing": partial(cpu_of_scrape, http, ours),
                "OpenMetrics, all": partial(cpu_of_scrape, http, ours, OPENMETRICS, share=1.0),
                f"OpenMetrics, {ASGI}": partial(cpu_of_scrape, http, peer, OPENMETRICS),
            }
            for way in ways.values():  # what is made once and kept
                await way()
            found = await in_turns_async(rounds, ways)
            size, their_size = len(await scrape(http, ours)) / 1e3, len(await scrape(http, peer)) / 1e3
        memory, peak = memory_mib(ours.pid)
    number = f"{series(first) / 1e3:.0f}k series"
    return [
        Figure(
            f"{number}, all targets changed",
            "ms",
            found["all"],
            {ASGI: found[ASGI]},
            goals.SCRAPE_ALL,
            limited_by="what Python takes to compare and write 14 families of each target, some 100 us",
        ),
        Figure(f"{number}, a quarter changed", "ms", found["a quarter"], {ASGI: found[ASGI]}),
        Figure(
            f"{number}, 1 % changed",
            "ms",
            found["1 %"],
            {ASGI: found[ASGI]},
            goals.SCRAPE_SOME,
            limited_by="what an unchanged page takes, two turns of a thread, and 60 segments of 32 KiB to compress",
        ),
        Figure(
            f"{number}, nothing changed",
            "ms",
            found["nothing"],
            {ASGI: found[ASGI]},
            goals.SCRAPE_SAME,
            limited_by="HTTP, a millisecond of it in the kernel for 0.5 MB; then the view and the lines of the process",
        ),
        Figure(f"{number}, OpenMetrics, all changed", "ms", found["OpenMetrics, all"], {ASGI: found[f"OpenMetrics, {ASGI}"]}),
        Figure(f"{number}, gzip", "kB", (size,), {ASGI: (their_size,)}),
        Figure(f"{number}, memory", "MiB", (memory,)),
        Figure(f"{number}, memory at its peak", "MiB", (peak,)),
    ]


def figures(rounds: int) -> list[Figure]:
    """Measure with files in a folder that goes."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(measured(rounds, Path(folder)))


if __name__ == "__main__":
    main("metrics_page", __doc__, figures, beside=("prometheus-client", "isal", "uvicorn"))
