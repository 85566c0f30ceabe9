"""Polls of a portal with 1,000, 10,000 and 99,900 bookings: ours with all counts, fast_bitrix24, and a lean reader.

Ours counts windows, conflicts, the next booking, new and vanished ones; the others only read. The lean reader knows how many
pages there are and decodes them with msgspec, so it is the least that reading takes. Only fast_bitrix24 is told a right
``total``, without which it reads 50 rows; portals say 0. Every reader is a process of its own, and so is the portal, which
shares no code with the exporter. Memory is at its peak above what the process had before its first poll; the loop is held by
its own processor time. What is no first poll is one that remembers the one before.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection as Pipe
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

import aiohttp
import msgspec

from exporter.clock import SystemClock
from exporter.counting.windows import WindowSpec
from exporter.model import BookingsObservation, CollectorName
from exporter.platforms.base import Services
from exporter.platforms.bitrix24 import open_session
from exporter.platforms.bitrix24.session import Shared
from exporter.platforms.bitrix24.settings import BitrixBookings, BitrixCollectors, BitrixTarget, Budget
from exporter.polling.admission import Admission
from exporter.runtime import garbage
from exporter.state.status_history import StatusHistory
from exporter.support.secret import Secret
from exporter.support.threads import set_switch_interval
from tests.benchmarks import goals
from tests.benchmarks.figures import Figure, NotRun, in_turns, peer
from tests.benchmarks.held_loop import longest_hold
from tests.benchmarks.memory import forget_peak
from tests.benchmarks.portal_of_bytes import COUNTED, HONEST, serve
from tests.benchmarks.report import main
from tests.fleet.processes import memory_mib
from tests.harness.events import RecordedEvents
from tests.harness.pool import pool

METHOD: Final = "booking.v1.booking.list"
SIZES: Final = (1_000, 10_000, 99_900)
WEEK: Final = 7 * 86_400
WINDOWS: Final = (
    WindowSpec("last_24h", "now-24h", "now"),
    WindowSpec("today", "now/d", "now+1d/d"),
    WindowSpec("next_24h", "now", "now+24h"),
    WindowSpec("next_7d", "now", "now+7d"),
)

Read = Callable[[], Awaitable[int]]


@dataclass(frozen=True)
class Run:
    """What one read cost: bookings, seconds of CPU, MiB at the peak above the first, seconds of the loop."""

    rows: int
    cpu: float
    peak: float
    held: float


async def ours(url: str, stack: AsyncExitStack) -> Read:
    """Return a poll of the collector, which remembers the poll before; it counts the bookings of yesterday and of the week."""
    set_switch_interval()  # as the daemon does
    clock = SystemClock()
    settings = BitrixBookings(interval=300.0, max_age=900.0, windows=WINDOWS)
    target = BitrixTarget(
        name="salon",
        platform="bitrix24",
        timeout=65.0,
        timezone=ZoneInfo("Europe/Berlin"),
        webhook_url=Secret(url + HONEST),
        budget=Budget(requests_per_second=1000.0, burst=10_000, operating_seconds=600.0),
        collectors=BitrixCollectors(bookings=settings),
    )
    http = await stack.enter_async_context(pool(clock))
    services = Services(http, clock, Random(1), RecordedEvents(), StatusHistory(), Admission(clock), Shared())
    collector = open_session(target, services).collectors[CollectorName.BOOKINGS]
    garbage.collect_and_freeze()  # ditto, when its targets are open

    async def read() -> int:
        observation = (await collector.poll()).observation
        assert isinstance(observation, BookingsObservation)
        assert observation.windows[3].conflicting
        return observation.windows[0].bookings + observation.windows[3].bookings

    return read


async def fast(url: str, _: AsyncExitStack) -> Read:
    """Return a read by fast_bitrix24, as its documentation says."""
    client = peer("fast_bitrix24").BitrixAsync(url + COUNTED, verbose=False)

    async def read() -> int:
        now = int(time.time())
        params = {"filter": {"within": {"dateFrom": now, "dateTo": now + WEEK}}}  # it refuses an order
        return len({row["id"] for row in await client.get_all(METHOD, params)})

    return read


class _Moment(msgspec.Struct, gc=False):
    timestamp: int


class _Period(msgspec.Struct, gc=False, rename={"begin": "from"}):
    begin: _Moment
    to: _Moment


class _Row(msgspec.Struct, gc=False):
    id: int
    datePeriod: _Period  # noqa: N815  the API's word
    resourceIds: tuple[int, ...] | None  # noqa: N815  the API's word


class _Rows(msgspec.Struct, gc=False):
    booking: list[_Row]


class _Batch(msgspec.Struct, gc=False):
    result: dict[str, _Rows]


class _Answer(msgspec.Struct, gc=False):
    result: _Batch


async def lean(url: str, stack: AsyncExitStack, pages: int = 0) -> Read:
    """Return a read of ``pages`` pages in batches of 50, and nothing else."""
    session = await stack.enter_async_context(aiohttp.ClientSession())
    decoder = msgspec.json.Decoder(_Answer)

    async def read() -> int:
        ids: set[int] = set()
        for block in range(0, pages, 50):
            commands = {f"p{page}": f"{METHOD}?start={page * 50}" for page in range(block, min(block + 50, pages))}
            async with session.post(url + HONEST + "batch", json={"halt": 0, "cmd": commands}) as response:
                answer = decoder.decode(await response.read())
            for page in answer.result.result.values():
                ids.update([row.id for row in page.booking])
        return len(ids)

    return read


def reader(make: Callable[[str, AsyncExitStack], Awaitable[Read]], url: str, pipe: Pipe) -> None:
    """Read whenever the parent asks, until it asks for nothing more: with ``held`` it is watched how long the loop is held."""

    async def run() -> None:
        async with AsyncExitStack() as stack:
            try:
                read = await make(url, stack)
            except NotRun as missing:
                pipe.send(str(missing))
                return
            pipe.send("")
            before: float | None = None
            while asked := await asyncio.to_thread(pipe.recv):
                process = multiprocessing.current_process().pid or 0
                before = memory_mib(process)[0] if before is None else before
                forget_peak(process)
                began, held = time.process_time(), 0.0
                if asked == "held":
                    rows, held = await longest_hold(read)
                else:
                    rows = await read()
                pipe.send(Run(rows, time.process_time() - began, memory_mib(process)[1] - before, held))

    asyncio.run(run())


class Bench:
    """A portal and those who read it, each in a process of its own."""

    def __init__(self, bookings: int) -> None:
        self._bookings = bookings
        self._context = multiprocessing.get_context("spawn")
        self._pipes: dict[str, Pipe] = {}
        self._portal, portal = self._context.Pipe()
        self._context.Process(target=serve, args=(portal, bookings), daemon=True).start()
        self._url: str = self._portal.recv()

    def add(self, name: str, make: Callable[[str, AsyncExitStack], Awaitable[Read]]) -> None:
        """Start a reader. Raises :class:`NotRun` for one that is not installed."""
        pipe, theirs = self._context.Pipe()
        self._context.Process(target=reader, args=(make, self._url, theirs), daemon=True).start()
        if missing := pipe.recv():
            raise NotRun(missing)
        self._pipes[name] = pipe

    def read(self, name: str, how: str = "read") -> Run:
        """Let one read, and hold it to the number of bookings."""
        self._pipes[name].send(how)
        run: Run = self._pipes[name].recv()
        assert run.rows == self._bookings, f"{name} read {run.rows} of {self._bookings}"
        return run

    def calls(self) -> int:
        """Return how often the portal was called so far."""
        self._portal.send(True)
        calls: int = self._portal.recv()
        return calls

    def close(self) -> None:
        """Let all of them end."""
        for pipe in (*self._pipes.values(), self._portal):
            pipe.send("")


def polls(rounds: int, bookings: int) -> list[Figure]:
    """Measure polls of a portal with so many bookings."""
    bench = Bench(bookings)
    try:
        bench.add("ours", ours)
        bench.add("fast_bitrix24", fast)
        bench.add("msgspec alone", partial(lean, pages=-(-bookings // 50)))
        began = bench.calls()
        cold = bench.read("ours")
        calls = [bench.calls() - began]
        names = "ours", "fast_bitrix24", "msgspec alone"
        for name in names[1:]:
            bench.read(name)
        runs = in_turns(rounds, {name: partial(bench.read, name) for name in names})
        held = [bench.read("ours", "held").held * 1000 for _ in range(rounds)]
        began = bench.calls()
        bench.read("ours")
        calls.append(bench.calls() - began)
    finally:
        bench.close()
    goal = {10_000: goals.BOOKINGS_10K, 99_900: goals.BOOKINGS_100K}.get(bookings)
    large = bookings == max(SIZES)

    def told(of: Callable[[Run], float]) -> dict[str, tuple[float, ...]]:
        return {name: tuple(of(run) for run in found) for name, found in runs.items()}

    cpu, peak = told(lambda run: run.cpu * 1000), told(lambda run: run.peak)
    what = f"{bookings:,} bookings"
    return [
        Figure(
            f"{what}: CPU of a poll",
            "ms",
            cpu.pop("ours"),
            cpu,
            goal,
            limit="msgspec alone",
            limited_by="a third of it is what msgspec takes to read; the rest are Python's steps for each booking",
        ),
        Figure(f"{what}: CPU of the first poll", "ms", (cold.cpu * 1000,)),
        Figure(
            f"{what}: memory at its peak",
            "MiB",
            peak.pop("ours"),
            peak,
            goals.BOOKINGS_100K_MEMORY if large else None,
            limit="msgspec alone",
            limited_by="the ids as text, and what Python holds on to of it",
        ),
        Figure(f"{what}: the loop held", "ms", tuple(held), goal=goals.BOOKINGS_HELD if large else None),
        Figure(f"{what}: calls of a poll", "calls", (float(calls[1]),)),
        Figure(f"{what}: calls of the first poll", "calls", (float(calls[0]),)),
    ]


def figures(rounds: int, sizes: tuple[int, ...] = SIZES) -> list[Figure]:
    """Measure polls of portals of all sizes."""
    return [figure for size in sizes for figure in polls(rounds, size)]


if __name__ == "__main__":
    main("bitrix24_reading", __doc__, figures, beside=("fast_bitrix24", "msgspec", "aiohttp"))
