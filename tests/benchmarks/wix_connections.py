"""What a poll of 5,000 Wix connections costs: ours with all its counts, and a lean reader that only decodes the same pages.

The simulator runs in a process of its own. The loop is held for as long as the processor time between two turns of a task that
sleeps a millisecond at a time, so a busy machine does not blur it.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

import aiohttp
import httpx
import msgspec

from exporter.clock import SystemClock
from exporter.counting.windows import WindowSpec
from exporter.model import CollectorName, ConnectionsObservation
from exporter.platforms.base import Services
from exporter.platforms.wix import open_session
from exporter.platforms.wix.settings import WixCollectors, WixConnections, WixTarget
from exporter.polling.admission import Admission
from exporter.simulator import Simulator, running
from exporter.state.status_history import StatusHistory
from exporter.support.secret import Secret
from tests.benchmarks.figures import Figure, in_turns_async
from tests.benchmarks.goals import CONNECTIONS_HELD
from tests.benchmarks.held_loop import longest_hold
from tests.benchmarks.report import main
from tests.harness.events import RecordedEvents
from tests.harness.pool import ObservedPool, pool

CONNECTIONS: Final = 5_000


@dataclass(frozen=True)
class Site:
    """A simulated site, served by another process."""

    url: str
    id: str
    key: str


@dataclass(frozen=True)
class Cost:
    """What one reading took, in milliseconds of the processor."""

    cpu: float
    held: float


def serve(pipe: Pipe) -> None:
    """Run a simulated site until the parent closes the pipe."""

    async def run() -> None:
        simulator = Simulator()
        site = simulator.wix.add_site()
        site.connect_many(CONNECTIONS)
        key = simulator.wix.add_key(site)
        async with running(simulator.app) as url:
            pipe.send(Site(url, site.id, key.value))
            await asyncio.to_thread(pipe.recv)

    asyncio.run(run())


def collector(site: Site, http: ObservedPool) -> Callable[[], Awaitable[int]]:
    """Return the exporter's own way to read the connections."""
    clock = SystemClock()
    windows = (WindowSpec("next_24h", "now", "now+24h"),)
    settings = WixConnections(interval=60, max_age=300, windows=windows, max_connections=CONNECTIONS)
    target = WixTarget(
        name="large",
        platform="wix",
        timeout=30,
        timezone=ZoneInfo("UTC"),
        base_url=site.url,
        site_id=site.id,
        api_key=Secret(site.key),
        collectors=WixCollectors(connections=settings),
    )
    services = Services(http, clock, Random(1), RecordedEvents(), StatusHistory(), Admission(clock))
    connections = open_session(target, services).collectors[CollectorName.CONNECTIONS]

    async def read() -> int:
        observation = (await connections.poll()).observation
        assert isinstance(observation, ConnectionsObservation)
        return len(observation.connections)

    return read


class Recorded:
    """The requests of a poll, which a lean reader sends again and decodes, and no more."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._requests: list[httpx.Request] = []

    async def note(self, request: httpx.Request) -> None:
        """Remember a request that goes out."""
        self._requests.append(request)

    def begin(self) -> None:
        """Forget those of the poll before."""
        self._requests.clear()

    async def read(self) -> int:
        """Return how many rows came."""
        found = 0
        for request in self._requests:
            asked = self._session.request(request.method, str(request.url), headers=request.headers, data=request.content)
            async with asked as response:
                rows = msgspec.json.decode(await response.read())
                found += sum(len(value) for value in rows.values() if isinstance(value, list))
        return found


async def cost(read: Callable[[], Awaitable[int]], before: Callable[[], None] = lambda: None) -> Cost:
    """Read all of them once."""
    before()
    began = time.process_time()
    rows, held = await longest_hold(read)
    taken = time.process_time() - began
    assert rows >= CONNECTIONS
    return Cost(taken * 1000, held * 1000)


async def measure(site: Site, rounds: int) -> list[Figure]:
    """Measure both over connections that are open; what was seen once is a change no longer."""
    async with pool(SystemClock()) as http, aiohttp.ClientSession(auto_decompress=True) as session:
        recorded, read = Recorded(session), collector(site, http)
        http.on_request = recorded.note
        await read()
        gc.collect()
        gc.freeze()  # as the daemon does: else the longest hold is a collection of all imported modules
        taken = await in_turns_async(
            rounds, {"ours": lambda: cost(read, recorded.begin), "lean reader": lambda: cost(recorded.read)}
        )
    ours, lean = taken["ours"], taken["lean reader"]
    return [
        Figure(
            "a poll of 5,000 connections: CPU",
            "ms",
            tuple(one.cpu for one in ours),
            {"lean reader": tuple(one.cpu for one in lean)},
            limit="lean reader",
        ),
        Figure(
            "the loop held at most", "ms", tuple(one.held for one in ours), goal=CONNECTIONS_HELD, limited_by="one page's rows"
        ),
    ]


def figures(rounds: int) -> list[Figure]:
    """Serve the site and measure."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    try:
        return asyncio.run(measure(ours.recv(), rounds))
    finally:
        ours.send("stop")
        process.join()


if __name__ == "__main__":
    main("wix_connections", __doc__, figures, beside=("aiohttp", "msgspec"))
