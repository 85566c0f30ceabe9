"""A whole poll of a pair by free-busy: a calendar with 10,000 busy times in the nine days that are read, and 500 bookings.

A server of its own process answers the ``free-busy-query``. Measured is all that the exporter does from the question to what
the pair proves: the request, reading the answer, joining its busy times, the observation, and judging both ends. To read the
bookings is the work of their platform (``bitrix24_reading``); the private dates are known to it.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from contextlib import AsyncExitStack
from multiprocessing.connection import Connection as Pipe
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from exporter.calendar_busy import BusyObservation, Period
from exporter.clock import SystemClock
from exporter.counting.windows import WindowSpec
from exporter.model import BookingsObservation, CollectorName
from exporter.paired_bookings import PairedBooking, PairedBookings
from exporter.platforms.base import Services
from exporter.platforms.calendar import open_session
from exporter.platforms.calendar.settings import BusySettings, CalDav, CalendarCollectors, CalendarTarget
from exporter.polling.admission import Admission
from exporter.private_calendar import EventsObservation, PairedEvents
from exporter.proof import PairSpec
from exporter.runtime import garbage
from exporter.state.pairs import Pairs
from exporter.state.status_history import StatusHistory
from exporter.support.secret import Secret
from exporter.support.threads import set_switch_interval
from tests.benchmarks.figures import Figure
from tests.benchmarks.goals import PAIR_POLL
from tests.benchmarks.pairs import BOOKINGS, DAY, MAX_AGE, PERIODS, booked_among
from tests.benchmarks.report import main
from tests.fleet.calendars import written
from tests.fleet.http import Answer, Connections, HttpProtocol
from tests.harness.events import RecordedEvents
from tests.harness.pool import pool

WARM_UP: Final = 3


def busy_times(now: float) -> list[Period]:
    """Return the busy times of nine days around ``now``, none of which touches another."""
    step = 9 * DAY / PERIODS
    first = now - DAY
    return [(round(first + at * step), round(first + (at + 0.6) * step)) for at in range(PERIODS)]


def answer_of(busy: list[Period]) -> bytes:
    """Return what a server says about them, one to a line as Radicale writes it."""
    lines = [f"FREEBUSY;FBTYPE=BUSY:{written(start)}/{written(end)}" for start, end in busy]
    ends = ("BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VFREEBUSY"), ("END:VFREEBUSY", "END:VCALENDAR", "")
    return "\r\n".join([*ends[0], *lines, *ends[1]]).encode()


def serve(pipe: Pipe, body: bytes) -> None:
    """Give the same answer until the parent says so; tell the address first."""

    async def run() -> None:
        answer, connections = Answer(200, body, "text/calendar; charset=utf-8"), Connections()
        server = await asyncio.get_running_loop().create_server(
            lambda: HttpProtocol(lambda _: answer, delay=0, connections=connections), "127.0.0.1", 0
        )
        pipe.send(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await asyncio.to_thread(pipe.recv)
        server.close()

    asyncio.run(run())


async def polls(rounds: int, url: str, busy: list[Period], now: float) -> tuple[float, ...]:
    """Return the milliseconds of CPU of so many polls, after some that nobody counts."""
    set_switch_interval()  # as the daemon does
    clock = SystemClock()
    caldav = CalDav(url=Secret(f"{url}/anna/"), username=Secret("anna"), password=Secret("planted-password"))
    collectors = CalendarCollectors(
        busy=BusySettings(interval=300.0, max_age=MAX_AGE, windows=(WindowSpec("next_7d", "now", "now+7d"),))
    )
    target = CalendarTarget(
        name="calendar", platform="calendar", timezone=ZoneInfo("Europe/Berlin"), caldav=caldav, collectors=collectors
    )
    pairs = Pairs()
    pairs.arrange([PairSpec("anna", "site", "chair", "calendar", 1800.0)])
    booked = booked_among(busy, now, BOOKINGS)
    taken = set(booked)
    rows = tuple(PairedBooking(f"b{at}", *one) for at, one in enumerate(booked))
    dates = tuple(one for one in busy if one not in taken)
    taken_ms = []
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(pool(clock))
        services = Services(http, clock, Random(1), RecordedEvents(), StatusHistory(), Admission(clock), None)
        collector = open_session(target, services).collectors[CollectorName.BUSY]
        garbage.collect_and_freeze()  # ditto, when its targets are open
        for _ in range(WARM_UP + rounds):
            at, moment = clock.steady(), clock.time()
            bookings = PairedBookings("chair", moment - DAY, moment + 8 * DAY, rows)
            events = PairedEvents("chair", moment, moment + 7 * DAY, dates)
            began = time.process_time()
            pairs.observed("site", EventsObservation(at, (), paired=(events,)), moment, max_age=MAX_AGE)
            observation = (await collector.poll()).observation
            assert isinstance(observation, BusyObservation)
            pairs.observed("calendar", observation, clock.time(), max_age=MAX_AGE)
            pairs.observed("site", BookingsObservation(clock.steady(), (), paired=(bookings,)), clock.time(), max_age=MAX_AGE)
            (proof,) = pairs.proofs("site", clock.time())
            taken_ms.append((time.process_time() - began) * 1000)
            assert len(observation.periods) > PERIODS * 0.99
            assert proof.windows
    return tuple(taken_ms[WARM_UP:])


def figures(rounds: int) -> list[Figure]:
    """Measure whole polls."""
    now = time.time()
    busy = busy_times(now)
    context = multiprocessing.get_context("spawn")
    pipe, theirs = context.Pipe()
    context.Process(target=serve, args=(theirs, answer_of(busy)), daemon=True).start()
    try:
        found = asyncio.run(polls(rounds, pipe.recv(), busy, now))
    finally:
        pipe.send("")
    return [
        Figure(
            f"{PERIODS:,} busy times and {BOOKINGS} bookings: CPU of a whole poll by free-busy",
            "ms",
            found,
            goal=PAIR_POLL,
            limited_by="reading the lines of the answer; then judging the busy times that the platform is to know",
        )
    ]


if __name__ == "__main__":
    main("calendar_poll", __doc__, figures)
