"""Stops of the polling loop, or of some of its targets: what runs may end, and nothing holds them up."""

from __future__ import annotations

import asyncio
import contextlib

import msgspec
import pytest
import structlog.testing

from exporter.errors import Reason, ServerError
from exporter.model import CollectorName
from exporter.platforms.base import PollResult
from tests.harness.scripted_polls import Bench, Recorder, Script, failing, good, observation


async def test_stopping_lets_a_running_poll_end_and_starts_no_new_one(bench: Bench) -> None:
    async def slow(_: int) -> PollResult:
        await bench.clock.sleep(5)
        return PollResult(observation())

    job, collector = bench.job(slow)
    await bench.scheduler.start([job])
    await bench.clock.advance(1)
    stopping = asyncio.create_task(bench.scheduler.stop(grace=10.0))
    await bench.clock.advance(5)
    await stopping
    assert bench.last().up
    await bench.clock.advance(200)
    assert 1 == len(collector.polled_at)


async def test_stopping_gives_up_a_poll_that_outlasts_the_grace_time(bench: Bench) -> None:
    async def hang(_: int) -> PollResult:
        await asyncio.Event().wait()
        raise AssertionError

    job, _ = bench.job(hang)
    await bench.scheduler.start([job])
    await bench.clock.settle()
    stopping = asyncio.create_task(bench.scheduler.stop(grace=10.0))
    await bench.clock.advance(9)
    assert not stopping.done()
    await bench.clock.advance(2)
    await stopping


async def test_stopping_one_target_leaves_the_others_running(bench: Bench) -> None:
    first, gone = bench.job(good, target="gone")
    second, stays = bench.job(good, target="stays")
    await bench.scheduler.start([first, second])
    await bench.clock.advance(1)
    await bench.scheduler.stop(["gone"], grace=1.0)
    await bench.clock.advance(121)
    assert 1 == len(gone.polled_at)
    assert 3 == len(stays.polled_at)


def until_released(released: asyncio.Event) -> Script:
    """Return a poll that swallows every cancellation until it is ``released``."""

    async def stubborn(_: int) -> PollResult:
        while not released.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await released.wait()
        return PollResult(observation(1.0))

    return stubborn


async def test_a_poll_that_swallows_its_end_holds_up_neither_the_stop_nor_its_successor(bench: Bench) -> None:
    released = asyncio.Event()

    old, asked = bench.job(until_released(released))
    await bench.scheduler.start([old])
    await bench.clock.settle()
    with structlog.testing.capture_logs() as logged:
        stopping = asyncio.create_task(bench.scheduler.stop(grace=5.0))
        await bench.clock.advance(10)
        await stopping
    assert ["polls_do_not_end"] == [line["event"] for line in logged]

    async def successor(_: int) -> PollResult:
        return PollResult(observation(2.0))

    new, _ = bench.job(successor)
    await bench.scheduler.start([new])
    await bench.clock.settle()
    released.set()
    await bench.clock.settle()
    assert observation(2.0) == bench.last().observation, "the old one publishes nothing"
    await bench.clock.advance(200)
    assert 1 == len(asked.polled_at)


async def test_a_poll_has_its_grace_time_although_a_predecessor_that_swallowed_its_end_ends_meanwhile(bench: Bench) -> None:
    released = asyncio.Event()

    async def slow(_: int) -> PollResult:
        await bench.clock.sleep(5)
        return PollResult(observation())

    async def stop() -> None:
        await bench.scheduler.stop(grace=6.0)

    await bench.scheduler.start([bench.job(until_released(released))[0]])
    await bench.clock.settle()
    stopping = asyncio.create_task(stop())
    await bench.clock.advance(10)
    await stopping
    await bench.scheduler.start([bench.job(slow)[0]])
    await bench.clock.advance(1)
    released.set()
    await bench.clock.advance(1)
    stopping = asyncio.create_task(stop())
    await bench.clock.advance(5)
    await stopping
    assert [(CollectorName.BOOKINGS, None)] * 2 == bench.recorder.polls
    assert bench.last().up, "the poll that ran ended and was shown"


@pytest.mark.slow
async def test_a_poll_that_a_bug_ends_while_its_target_is_stopped_is_not_begun_again(bench: Bench) -> None:
    class Broken(Recorder):
        def poll_finished(self, collector: CollectorName, seconds: float, reason: Reason | None) -> None:
            raise ZeroDivisionError(collector, seconds, reason)

    async def slow(_: int) -> PollResult:
        await bench.clock.sleep(2)
        return PollResult(observation())

    job, collector = bench.job(slow, interval=3.0)
    await bench.scheduler.start([msgspec.structs.replace(job, recorder=Broken())])
    await bench.clock.advance(1)
    stopping = asyncio.create_task(bench.scheduler.stop(["a"], grace=20.0))
    await bench.clock.advance(20)
    await stopping
    assert [0] == collector.polled_at


async def test_a_stopped_target_leaves_nothing_behind(bench: Bench) -> None:
    job, _ = bench.job(failing(ServerError("down")))
    await bench.scheduler.start([job])
    await bench.clock.advance(100)
    await bench.scheduler.stop(["a"], grace=1.0)
    inside = bench.scheduler
    assert ({}, {}, {}) == (inside._tasks, inside._polling, inside._failures._rows)
