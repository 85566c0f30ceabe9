"""How long scrapers wait for 100,000 series, gzip: eight at once, and one while 99,900 bookings of a portal are polled.

The exporter and the portal are processes of their own; the bookings are read in the loop that answers the scrapes. One target
in a hundred is polled before each page. Eight scrapers ask again as soon as they have their page. The one beside the poll asks
ten times a second, and is held to what it waits while no booking is read, in the same run. On a busy machine waits are the
machine's.
"""

from __future__ import annotations

import asyncio
import math
import multiprocessing
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import httpx

from tests.benchmarks import goals
from tests.benchmarks.figures import Figure, in_turns_async
from tests.benchmarks.metrics_page import TARGETS, scrape
from tests.benchmarks.page_server import PageServer, page_server
from tests.benchmarks.portal_of_bytes import serve as serve_portal
from tests.benchmarks.report import main
from tests.fleet.processes import memory_mib

SCRAPERS: Final = 8
TIMES: Final = 15
BOOKINGS: Final = 99_900
EVERY_SECONDS: Final = 0.1
IDLE: Final = "idle"
CHANGED: Final = 0.01


def percentile(waits: Sequence[float], share: float) -> float:
    """Return the wait that ``share`` of all are at most."""
    return sorted(waits)[math.ceil(share * len(waits)) - 1]


async def wait_of(http: httpx.AsyncClient, server: PageServer) -> float:
    """Return the milliseconds of a scrape, infinity where it failed."""
    began = time.perf_counter()
    try:
        await scrape(http, server)
    except (httpx.HTTPError, AssertionError):
        return math.inf
    return (time.perf_counter() - began) * 1e3


async def at_once(http: httpx.AsyncClient, server: PageServer) -> list[float]:
    """Return all waits of scrapers that ask again and again."""

    async def one() -> list[float]:
        return [await wait_of(http, server) for _ in range(TIMES)]

    return [wait for waits in await asyncio.gather(*(one() for _ in range(SCRAPERS))) for wait in waits]


async def beside(http: httpx.AsyncClient, server: PageServer, seconds: float | None = None) -> float:
    """Return the p99 of the waits of one scraper, in milliseconds: for so many seconds, or beside a poll of the portal."""
    other = asyncio.create_task(server.poll_portal() if seconds is None else asyncio.sleep(seconds))
    waits = [await wait_of(http, server)]
    while not other.done():
        await asyncio.sleep(EVERY_SECONDS)
        waits.append(await wait_of(http, server))
    await other
    return percentile(waits, 0.99)


@asynccontextmanager
async def portal(bookings: int) -> AsyncIterator[str]:
    """Run a portal while the block runs."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve_portal, args=(theirs, bookings), daemon=True)
    process.start()
    try:
        yield await asyncio.to_thread(ours.recv)
    finally:
        process.kill()
        process.join()


async def measured(rounds: int, targets: int = TARGETS, bookings: int = BOOKINGS, seconds: float = 3) -> list[Figure]:
    """Let all of them scrape in turns."""
    async with page_server(targets) as server, httpx.AsyncClient(timeout=60, trust_env=False) as http, portal(bookings) as url:
        await server.poll_before_each_scrape(CHANGED)
        await scrape(http, server)
        crowds = [await at_once(http, server) for _ in range(rounds)]
        _, peak = memory_mib(server.pid)
        await server.open_portal(url)
        found = await in_turns_async(
            rounds, {IDLE: lambda: beside(http, server, seconds), "poll": lambda: beside(http, server)}
        )
    failed = tuple(float(waits.count(math.inf)) for waits in crowds)
    eight = f"{SCRAPERS} scrapers at once"
    return [
        Figure(f"{eight}: p99", "ms", tuple(percentile(waits, 0.99) for waits in crowds), goal=goals.SCRAPERS_WAIT),
        Figure(f"{eight}: p50", "ms", tuple(percentile(waits, 0.5) for waits in crowds)),
        Figure(f"{eight}: failed scrapes", "scrapes", failed, goal=goals.SCRAPERS_FAIL),
        Figure(f"{eight}: memory at its peak", "MiB", (peak,)),
        Figure(
            f"a scrape while {bookings:,} bookings are polled: p99",
            "ms",
            found["poll"],
            {IDLE: found[IDLE]},
            goals.SCRAPE_BESIDE_POLL,
            limited_by="one interpreter for both: a step of C over all bookings, such as a sort, gives no turn to a scrape",
        ),
    ]


def figures(rounds: int) -> list[Figure]:
    """Measure all of them."""
    return asyncio.run(measured(rounds))


if __name__ == "__main__":
    main("scrapers", __doc__, figures, beside=("isal", "uvicorn", "httpx"))
