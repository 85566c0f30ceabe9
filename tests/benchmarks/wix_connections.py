"""How long a poll of 5,000 Wix connections holds the event loop: ``python -m tests.benchmarks.wix_connections [connections]``.

The simulator runs in a process of its own, so that only the exporter's side is measured. A stretch is the processor time
between two turns of a task that sleeps 1 ms at a time, so a busy machine does not blur it; exit code 1 when the longest
stretch exceeds 50 ms.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import sys
import time
from multiprocessing.connection import Connection as Pipe
from random import Random
from zoneinfo import ZoneInfo

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
from tests.harness.events import RecordedEvents
from tests.harness.pool import pool

POLLS = 10
MAX_SECONDS = 0.050


def serve(pipe: Pipe, connections: int) -> None:
    """Run a simulated site until the parent closes the pipe."""

    async def run() -> None:
        simulator = Simulator()
        site = simulator.wix.add_site()
        site.connect_many(connections)
        key = simulator.wix.add_key(site)
        async with running(simulator.app) as url:
            pipe.send((url, site.id, key.value))
            await asyncio.to_thread(pipe.recv)

    asyncio.run(run())


async def watch(stretches: list[float]) -> None:
    """Note the processor time that passed between two turns."""
    before = time.thread_time()
    while True:
        await asyncio.sleep(0.001)
        now = time.thread_time()
        stretches.append(now - before)
        before = now


async def measure(url: str, site_id: str, key: str) -> float:
    settings = WixConnections(interval=60, max_age=300, windows=(WindowSpec("next_24h", "now", "now+24h"),))
    target = WixTarget(
        name="large",
        platform="wix",
        timeout=30,
        timezone=ZoneInfo("UTC"),
        base_url=url,
        site_id=site_id,
        api_key=Secret(key),
        collectors=WixCollectors(connections=settings),
    )
    worst = 0.0
    clock = SystemClock()
    async with pool(clock) as http:
        services = Services(http, clock, Random(1), RecordedEvents(), StatusHistory(), Admission(clock))
        collector = open_session(target, services).collectors[CollectorName.CONNECTIONS]
        for number in range(POLLS):
            stretches: list[float] = []
            watcher = asyncio.create_task(watch(stretches))
            await asyncio.sleep(0.01)
            began = time.thread_time()
            result = await collector.poll()
            seconds = time.thread_time() - began
            await asyncio.sleep(0.01)
            watcher.cancel()
            assert isinstance(result.observation, ConnectionsObservation)
            found = len(result.observation.connections)
            report = f"{seconds * 1000:.0f} ms of processor time, longest stretch {max(stretches) * 1000:.1f} ms"
            print(f"poll {number}: {found} connections, {report}")
            worst = max(worst, *stretches)
    return worst


def main() -> int:
    connections = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs, connections), daemon=True)
    process.start()
    gc.collect()
    gc.freeze()  # as the daemon does: else the longest stretch is a collection of all imported modules
    try:
        worst = asyncio.run(measure(*ours.recv()))
    finally:
        ours.send("stop")
        process.join()
    print(f"longest stretch: {worst * 1000:.1f} ms")
    return int(worst > MAX_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
