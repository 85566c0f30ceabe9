"""Reading a week of bookings beside fast_bitrix24 and a sequential pager: ``python -m tests.benchmarks.bitrix24_reading``.

The simulated portal (10,000 bookings, leaky bucket on) runs in a process of its own, so that CPU is the client's alone. The
bucket is that of the Enterprise plan, so that nobody waits; the last column says what the ordinary plan (2 requests a
second, 50 at once) would add for that many calls. Exit code 1 when our counts are not exact or a warm poll needs more than
6 calls.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from random import Random
from zoneinfo import ZoneInfo

import httpx

from exporter.clock import SystemClock
from exporter.counting.windows import WindowSpec
from exporter.model import BookingsObservation, CollectorName
from exporter.platforms.base import Services
from exporter.platforms.bitrix24 import open_session
from exporter.platforms.bitrix24.session import Shared
from exporter.platforms.bitrix24.settings import BitrixBookings, BitrixCollectors, BitrixTarget
from exporter.polling.admission import Admission
from exporter.simulator import Simulator, running
from exporter.state.status_history import StatusHistory
from exporter.support.secret import Secret
from tests.benchmarks.figures import peer
from tests.harness.events import RecordedEvents
from tests.harness.pool import pool

BOOKINGS = 10_000
METHOD = "booking.v1.booking.list"
MAX_WARM_CALLS = 6
LEAK, THRESHOLD = 2.0, 50


@dataclass(frozen=True)
class Portal:
    """The simulated portal as a client sees it; ``calls`` asks it how often it was called."""

    webhook: str
    calls: Callable[[], int]


@dataclass(frozen=True)
class Run:
    """What one way of reading cost."""

    name: str
    rows: int
    calls: int
    seconds: float
    cpu: float


def serve(pipe: Pipe, bookings: int) -> None:
    """Run the portal until the parent closes the pipe; answer each question with the number of calls so far."""

    async def run() -> None:
        simulator = Simulator()
        portal = simulator.bitrix24.add_portal("salon")
        portal.set_plan("enterprise")
        # Half a day of slack on both sides: no booking leaves the window while we measure.
        portal.world.fill(bookings, simulator.now(), days=(0.5, 6.5))
        webhook = simulator.bitrix24.add_webhook(portal)
        async with running(simulator.app) as url:
            pipe.send(webhook.url(url))
            while await asyncio.to_thread(pipe.recv):
                pipe.send(simulator.log.count(platform="bitrix24"))

    asyncio.run(run())


async def measured(name: str, portal: Portal, read: Callable[[], Awaitable[int]]) -> Run:
    """Run ``read``, which returns the number of rows that it saw, and note what it cost."""
    calls, began, cpu = portal.calls(), time.perf_counter(), time.process_time()
    rows = await read()
    return Run(name, rows, portal.calls() - calls, time.perf_counter() - began, time.process_time() - cpu)


async def ours(portal: Portal) -> list[Run]:
    """Two polls of the collector: cold, and warm with the remembered number of pages."""
    windows = (WindowSpec("next_7d", "now", "now+7d"),)
    settings = BitrixBookings(interval=300.0, max_age=900.0, windows=windows)
    target = BitrixTarget(
        name="salon",
        platform="bitrix24",
        timeout=65.0,
        timezone=ZoneInfo("Europe/Berlin"),
        webhook_url=Secret(portal.webhook),
        collectors=BitrixCollectors(bookings=settings),
    )
    clock = SystemClock()
    async with pool(clock) as http:
        services = Services(http, clock, Random(1), RecordedEvents(), StatusHistory(), Admission(clock), Shared())
        collector = open_session(target, services).collectors[CollectorName.BOOKINGS]

        async def read() -> int:
            observation = (await collector.poll()).observation
            assert isinstance(observation, BookingsObservation)
            return observation.windows[0].bookings

        return [await measured(f"this exporter, {state}", portal, read) for state in ("cold", "warm")]


async def fast_bitrix24(portal: Portal) -> Run:
    """Read with the fastest published client, as its documentation says."""
    client = peer("fast_bitrix24").BitrixAsync(portal.webhook, verbose=False)
    now = int(time.time())

    async def read() -> int:
        params = {"filter": {"within": {"dateFrom": now, "dateTo": now + 7 * 86_400}}}  # it refuses an order
        return len({row["id"] for row in await client.get_all(METHOD, params)})

    return await measured("fast_bitrix24 get_all", portal, read)


async def sequential(portal: Portal) -> Run:
    """Read one page after the other until a short one."""
    now = int(time.time())

    async def read() -> int:
        rows: dict[int, object] = {}
        within = {"dateFrom": now, "dateTo": now + 7 * 86_400}
        async with httpx.AsyncClient() as http:
            for start in range(0, sys.maxsize, 50):
                params = {"filter": {"within": within}, "order": {"id": "ASC"}, "start": start}
                page = (await http.post(portal.webhook + METHOD, json=params)).json()["result"]["booking"]
                rows |= {row["id"]: row for row in page}
                if len(page) < 50:
                    break
        return len(rows)

    return await measured("sequential pager", portal, read)


async def main(bookings: int) -> int:
    """Measure all of them and print a table. Returns the exit code."""
    context = multiprocessing.get_context("spawn")
    pipe, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, bookings), daemon=True)
    process.start()

    def calls() -> int:
        pipe.send(True)
        count: int = pipe.recv()
        return count

    portal = Portal(pipe.recv(), calls)
    runs = [*await ours(portal), await fast_bitrix24(portal), await sequential(portal)]
    pipe.send(False)
    process.join()
    print(f"{bookings} bookings")
    print(f"{'':24} {'rows':>7} {'calls':>6} {'seconds':>8} {'CPU s':>6} {'wait on 2/s, 50':>16}")
    for run in runs:
        wait = max(0.0, (run.calls - THRESHOLD) / LEAK)
        print(f"{run.name:24} {run.rows:7} {run.calls:6} {run.seconds:8.2f} {run.cpu:6.2f} {wait:14.0f} s")
    cold, warm = runs[:2]
    return 0 if cold.rows == warm.rows == bookings and warm.calls <= MAX_WARM_CALLS else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else BOOKINGS)))
