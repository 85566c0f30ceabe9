"""Deadlines that count only the time that could be used."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from exporter.clock.deadlines import detached, paused
from tests.harness.clock import ManualClock


@pytest.fixture
async def clock() -> ManualClock:
    return ManualClock()


async def within(clock: ManualClock, seconds: float, work: Awaitable[object]) -> None:
    async with clock.timeout(seconds):
        await work


async def test_a_block_that_lasts_too_long_is_ended_with_a_timeout_error(clock: ManualClock) -> None:
    running = asyncio.create_task(within(clock, 30, asyncio.Event().wait()))
    await clock.advance(29.9)
    assert not running.done()
    await clock.advance(0.2)
    with pytest.raises(TimeoutError):
        await running


async def test_a_block_that_ends_in_time_hears_nothing_of_its_deadline(clock: ManualClock) -> None:
    await within(clock, 30, asyncio.sleep(0))
    await clock.advance(60)


async def test_time_in_which_our_own_loop_stood_still_does_not_count(clock: ManualClock) -> None:
    running = asyncio.create_task(within(clock, 30, asyncio.Event().wait()))
    await clock.advance(10)
    await clock.stall(600)
    assert not running.done(), "ten minutes without CPU are nobody's silence"
    await clock.advance(19)
    assert not running.done()
    await clock.advance(2)
    with pytest.raises(TimeoutError):
        await running


async def test_an_answer_that_came_while_the_loop_stood_still_counts(clock: ManualClock) -> None:
    answered = asyncio.Event()
    running = asyncio.create_task(within(clock, 5, answered.wait()))
    await clock.settle()
    answered.set()
    await clock.stall(60)
    await running


async def test_a_pause_holds_up_every_deadline_around_it(clock: ManualClock) -> None:
    async def wait_for_a_turn() -> None:
        with paused():
            await clock.sleep(100)
        await asyncio.Event().wait()

    running = asyncio.create_task(within(clock, 20, within(clock, 10, wait_for_a_turn())))
    await clock.advance(109)
    assert not running.done()
    await clock.advance(2)
    with pytest.raises(TimeoutError):
        await running


async def test_a_pause_in_a_task_that_the_block_started_holds_its_deadline_up(clock: ManualClock) -> None:
    async def wait_for_a_turn() -> None:
        with paused():
            await clock.sleep(100)

    async def start() -> None:
        await asyncio.create_task(wait_for_a_turn())

    running = asyncio.create_task(within(clock, 10, start()))
    await clock.advance(101)
    await running


async def test_a_pause_that_outlives_its_block_disturbs_nobody(clock: ManualClock) -> None:
    async def wait_for_a_turn() -> None:
        with paused():
            await clock.sleep(100)

    async def start() -> asyncio.Task[None]:
        task = asyncio.create_task(wait_for_a_turn())
        await asyncio.sleep(0)
        return task

    async with clock.timeout(10):
        task = await start()
    await clock.advance(200)
    await task


async def test_pauses_that_overlap_hold_a_deadline_up_once(clock: ManualClock) -> None:
    async def wait_for_a_turn(seconds: float) -> None:
        with paused():
            await clock.sleep(seconds)

    async def both() -> None:
        await asyncio.gather(wait_for_a_turn(50), wait_for_a_turn(80))
        await asyncio.Event().wait()

    running = asyncio.create_task(within(clock, 10, both()))
    await clock.advance(89)
    assert not running.done()
    await clock.advance(2)
    with pytest.raises(TimeoutError):
        await running


async def test_a_pause_is_told_how_long_the_deadlines_around_it_allow(clock: ManualClock) -> None:
    async with clock.timeout(300, slack=60), clock.timeout(30):
        with paused() as first:
            assert 60 == first
            sleeping = asyncio.create_task(clock.sleep(45))
            await clock.advance(45)
            await sleeping
        with paused() as second:
            assert 15 == second
    with paused() as third:
        assert third is None


async def test_a_loop_that_is_kept_busy_stretches_a_deadline_to_three_times_its_length_at_most() -> None:
    clock = ManualClock()
    ended: list[float] = []

    async def exchange() -> None:
        try:
            async with clock.timeout(5):
                await asyncio.Event().wait()
        except TimeoutError:
            ended.append(clock.monotonic())

    task = asyncio.create_task(exchange())
    await clock.settle()
    while not ended and clock.monotonic() < 100:
        await clock.stall(0.3)
        await clock.advance(0.01)
    assert 14 <= ended[0] <= 17
    await task


async def test_a_process_that_was_stopped_for_an_hour_blames_no_peer() -> None:
    clock = ManualClock()
    async with clock.timeout(5):
        await clock.advance(4)
        await clock.stall(3600)


async def test_what_is_detached_is_neither_bound_by_the_deadlines_around_it_nor_holds_them_up(clock: ManualClock) -> None:
    async with clock.timeout(30, slack=5) as deadline:
        with detached():
            with paused() as slack:
                clock.now += 10
            assert slack is None
            async with clock.timeout(20, slack=4) as inner:
                with paused() as slack:
                    clock.now += 3
                assert 4 == slack
            assert 3 == inner.held_up
        assert 0 == deadline.held_up
        with paused() as slack:
            assert 5 == slack
