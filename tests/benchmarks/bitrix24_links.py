"""Asking a portal about the links of 10,000 bookings, none of them known yet: ``python -m tests.benchmarks.bitrix24_links``.

The simulated portal takes 30 ms for a command, has the bucket of the ordinary plan (2 requests a second, 50 at once) and
refuses what does not fit. Time is measured once on a clock that jumps over every wait, so that it is the same on every
machine, and once with ten times life's speed over real connections to a process of its own, beside ``fast_bitrix24`` with at
most four requests at once, which gets the ids as a present; that one is as in life only on a machine that does nothing else.
The bound is what the bucket allows for so many calls.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from exporter.booking_links import LinksObservation
from exporter.clock import SystemClock
from exporter.model import CollectorName
from exporter.platforms.base import PollResult, Services
from exporter.platforms.bitrix24 import open_session
from exporter.platforms.bitrix24.session import Shared
from exporter.platforms.bitrix24.settings import BitrixCollectors, BitrixLinks, BitrixTarget, Budget
from exporter.polling.admission import Admission
from exporter.simulator import running
from exporter.simulator.bitrix24 import Bitrix24Simulator
from exporter.simulator.platform import Call
from exporter.simulator.stage import Stage
from exporter.state.status_history import StatusHistory
from exporter.support.secret import Secret
from tests.benchmarks.figures import Figure, in_turns_async, peer
from tests.benchmarks.goals import LINKS_REFUSED, LINKS_TIME
from tests.benchmarks.report import main
from tests.harness.events import RecordedEvents
from tests.harness.pool import pool
from tests.harness.timed_portal import CODE, NEXT_7D, WHOLE_PLAN, TimedBench

BOOKINGS: Final = 10_000
METHOD: Final = "booking.v1.booking.externalData.list"
SECONDS_EACH: Final = 0.03
HASTE: Final = 10.0
AT_ONCE: Final = 4

OURS: Final = "ours"
BOUND: Final = "the budget's bound"
SLOW: Final = "fast_bitrix24, slow(4)"


@dataclass(frozen=True)
class Run:
    """What one way of asking cost; ``seconds`` are life's."""

    bookings: int
    seconds: float
    calls: int
    refused: int
    cpu: float


def bound(calls: int, budget: Budget) -> float:
    """Return the seconds within which a bucket takes so many calls at the soonest."""
    return max(0.0, (calls - budget.burst) / budget.requests_per_second)


def asked(result: PollResult) -> int:
    """Return about how many bookings there is an answer."""
    assert isinstance(result.observation, LinksObservation)
    [window] = result.observation.windows
    return window.linked + window.unlinked


def simulated(bookings: int, budget: Budget) -> Run:
    """Poll on a clock that jumps."""

    async def run() -> Run:
        bench = TimedBench(bookings, lambda commands: SECONDS_EACH * commands)
        began = time.process_time()
        poll = bench.open(budget=budget).collectors[CollectorName.LINKS].poll()
        result, seconds = await bench.timed(poll)
        calls, refused = len(bench.http.calls), len(bench.http.refused())
        return Run(asked(result), seconds, calls, refused, time.process_time() - began)

    return asyncio.run(run())


class Hastened(SystemClock):
    """The portal's clock: it runs ten times as fast as life's."""

    def __init__(self) -> None:
        super().__init__()
        self._began = time.time()

    def time(self) -> float:
        return self._began + (time.time() - self._began) * HASTE


def serve(pipe: Pipe, bookings: int) -> None:
    """Run the portal until the parent says so; asked for its counts it tells the calls and the refusals, and forgets them."""
    clock = Hastened()
    simulator = Bitrix24Simulator(Stage(clock, 1))
    portal = simulator.add_portal("salon")
    portal.costs.clear()
    # A day of slack on both sides: no booking leaves the window while we measure.
    portal.world.fill(bookings, clock.time(), days=(1, 6))
    simulator.add_webhook(portal, code=CODE)
    statuses: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        headers = {"content-type": request.headers.get("content-type", "")}
        reply = await simulator.answer(Call("POST", request.url.path, "", headers, body, "127.0.0.1", "portal"))
        statuses.append(reply.status)
        if reply.status == 200:
            await asyncio.sleep(SECONDS_EACH * max(1, body.count(b"?")) / HASTE)
        await Response(reply.body, reply.status, dict(reply.headers), reply.content_type)(scope, receive, send)

    async def run() -> None:
        async with running(app) as url:
            pipe.send((url, [row.id for row in portal.world.bookings()]))
            while await asyncio.to_thread(pipe.recv):
                pipe.send((len(statuses), sum(status != 200 for status in statuses)))
                statuses.clear()
                portal.set_plan("standard")  # with an empty bucket

    asyncio.run(run())


@asynccontextmanager
async def portal_in_a_process(bookings: int) -> AsyncIterator[tuple[str, list[int], Callable[[], tuple[int, int]]]]:
    """Yield a portal's webhook, the ids of its bookings, and what tells how often it was called and refused."""
    context = multiprocessing.get_context("spawn")
    pipe, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, bookings), daemon=True)
    process.start()
    url, ids = pipe.recv()

    def counts() -> tuple[int, int]:
        pipe.send(True)
        calls, refused = pipe.recv()
        return calls, refused

    try:
        yield f"{url}/rest/1/{CODE}/", ids, counts
    finally:
        pipe.send(False)
        process.join()


async def ours(webhook: str) -> int:
    """Poll the collector ``links`` of a target that nothing is known of."""
    budget = Budget(requests_per_second=WHOLE_PLAN.requests_per_second * HASTE, burst=WHOLE_PLAN.burst, operating_seconds=600.0)
    target = BitrixTarget(
        name="salon",
        platform="bitrix24",
        timeout=70.0,
        timezone=ZoneInfo("Europe/Berlin"),
        webhook_url=Secret(webhook),
        budget=budget,
        collectors=BitrixCollectors(links=BitrixLinks(interval=900.0, max_age=2700.0, windows=NEXT_7D, calendar=False)),
    )
    clock = SystemClock()
    async with pool(clock) as http:
        services = Services(http, clock, Random(1), RecordedEvents(), StatusHistory(), Admission(clock), Shared())
        session = open_session(target, services)
        try:
            return asked(await session.collectors[CollectorName.LINKS].poll())
        finally:
            await session.aclose()


async def slow(webhook: str, ids: list[int]) -> int:
    """Ask as the documentation of ``fast_bitrix24`` says, a few requests at once; it brings the links of all in one list."""
    client = peer("fast_bitrix24").BitrixAsync(
        webhook, verbose=False, request_pool_size=WHOLE_PLAN.burst, requests_per_second=WHOLE_PLAN.requests_per_second * HASTE
    )
    with client.slow(max_concurrent_requests=AT_ONCE), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it would rather page through the links of one booking
        found = await client.call(METHOD, [{"bookingId": number} for number in ids])
    assert len(found) > len(ids), "most have several"
    return len(ids)


async def hastened(bookings: int, rounds: int) -> dict[str, tuple[Run, ...]]:
    """Measure both in turns, each with an empty bucket."""
    async with portal_in_a_process(bookings) as (webhook, ids, counts):

        async def measured(ask: Callable[[], Awaitable[int]]) -> Run:
            counts()
            began, cpu = time.perf_counter(), time.process_time()
            found = await ask()
            seconds, cpu = (time.perf_counter() - began) * HASTE, time.process_time() - cpu
            return Run(found, seconds, *counts(), cpu)

        return await in_turns_async(
            rounds, {OURS: lambda: measured(lambda: ours(webhook)), SLOW: lambda: measured(lambda: slow(webhook, ids))}
        )


def figures(rounds: int, bookings: int = BOOKINGS) -> list[Figure]:
    """Return what each way costs."""
    found = asyncio.run(hastened(bookings, rounds))
    assert {bookings} == {run.bookings for runs in found.values() for run in runs}
    ours, theirs = found[OURS], found[SLOW]
    least = -(-bookings // 50)
    return [
        *timed(bookings),
        Figure(
            f"{bookings:,} links, as in life",
            "s",
            tuple(run.seconds for run in ours),
            {SLOW: tuple(run.seconds for run in theirs), BOUND: tuple(bound(run.calls, WHOLE_PLAN) for run in ours)},
            limit=BOUND,
            limited_by="the pages of bookings are read one call after the other; and other work on this machine",
        ),
        Figure(
            f"{bookings:,} links: asked",
            "calls",
            tuple(run.calls for run in ours),
            {SLOW: tuple(run.calls for run in theirs), BOUND: (least,)},
            limit=BOUND,
            limited_by="the list of bookings, which the peer was given",
        ),
        Figure(
            f"{bookings:,} links: refused",
            "calls",
            tuple(run.refused for run in ours),
            {SLOW: tuple(run.refused for run in theirs)},
            LINKS_REFUSED,
        ),
        Figure(f"{bookings:,} links: CPU", "s", tuple(run.cpu for run in ours), {SLOW: tuple(run.cpu for run in theirs)}),
    ]


def timed(bookings: int) -> list[Figure]:
    """Return the time by a clock that jumps over every wait, with all that the plan allows and with our defaults."""
    found = []
    for words, budget, goal in (("the whole plan", WHOLE_PLAN, LINKS_TIME), ("the default budget", Budget(), None)):
        run = simulated(bookings, budget)
        assert (bookings, 0) == (run.bookings, run.refused)
        found.append(
            Figure(
                f"{bookings:,} links, {words}: simulated time",
                "s",
                (run.seconds,),
                {BOUND: (bound(run.calls, budget),)},
                goal,
                limit=BOUND,
                limited_by="the pages of bookings are read one call after the other",
            )
        )
    return found


if __name__ == "__main__":
    main("bitrix24_links", __doc__, figures, beside=("fast_bitrix24",))
