"""How long a poll waits for a platform that refuses, and how often it asks again."""

from __future__ import annotations

import asyncio
import contextlib
from random import Random

import pytest

from exporter.clock import paused
from exporter.errors import PollError, RateLimitedError, ServerError
from exporter.platforms.retry import (
    RetryPolicy,
    charge_block,
    charge_failure,
    send_with_retries,
    usable_seconds,
    wait_allowance,
    wait_within_allowance,
)
from tests.harness.clock import ManualClock

BUSY = RateLimitedError("busy", retry_after=5.0)


@pytest.mark.parametrize(("interval", "most"), [(10, 10), (30, 30), (60, 30), (3600, 30)])
async def test_all_waits_of_a_poll_add_up_to_its_interval_or_half_a_minute(interval: float, most: float) -> None:
    clock = ManualClock(auto=True)
    for _ in range(2):  # each poll anew
        began = clock.monotonic()
        with wait_allowance(interval), contextlib.suppress(RateLimitedError):
            while clock.monotonic() < 1000:
                await wait_within_allowance(1.0, BUSY, clock)
        assert most == clock.monotonic() - began


async def test_a_wait_that_is_too_long_is_not_begun() -> None:
    clock = ManualClock(auto=True)
    with wait_allowance(60):
        with pytest.raises(RateLimitedError, match="busy"):
            await wait_within_allowance(30.1, BUSY, clock)
        await wait_within_allowance(30.0, BUSY, clock)
    assert 30 == clock.monotonic()


async def test_calls_of_one_poll_side_by_side_use_up_its_patience_once() -> None:
    clock = ManualClock()

    async def call(wait: float) -> None:
        await wait_within_allowance(wait, BUSY, clock)
        began = usable_seconds(clock)
        await clock.sleep(5.0)
        charge_failure(usable_seconds(clock) - began, clock)

    async def poll() -> float:
        with wait_allowance(60):
            await asyncio.gather(*(call(wait) for wait in (10.0, 11.0, 12.0, 12.0)))
            with pytest.raises(RateLimitedError):
                await wait_within_allowance(8.1, BUSY, clock)
            await wait_within_allowance(8.0, BUSY, clock)
        return clock.monotonic()

    task = asyncio.create_task(poll())
    await clock.advance(60)
    assert 17 + 8 == await task, "of half a minute, with five seconds left for an attempt as long as the last one"


async def test_polls_side_by_side_have_each_their_own_patience() -> None:
    async def one(clock: ManualClock) -> float:
        began = clock.monotonic()
        with wait_allowance(60):
            await wait_within_allowance(20.0, BUSY, clock)
            await wait_within_allowance(10.0, BUSY, clock)
        return clock.monotonic() - began

    clock = ManualClock()
    polls = asyncio.gather(one(clock), one(clock))
    await clock.advance(31)
    assert (30.0, 30.0) == tuple(await polls)


async def test_a_repetition_is_noted_only_when_it_comes() -> None:
    clock = ManualClock(auto=True)
    noted: list[PollError] = []

    async def send() -> None:
        raise ServerError("busy", retry_after=12.0)

    policy = RetryPolicy(retries=10, initial_seconds=1.0, max_seconds=10.0)
    with wait_allowance(60), pytest.raises(ServerError):
        await send_with_retries(send, policy, may_repeat=lambda _: True, note=noted.append, clock=clock, random=Random(1))
    assert (2, 24.0) == (len(noted), clock.monotonic())


def test_an_error_for_another_call_is_the_same_but_for_when_to_come_back() -> None:
    error = ServerError("busy", status=503, code="BUSY", request_id="r1", retry_after=9.0)
    again: PollError = error.again(3.0)
    assert (ServerError, error.facts(), 3.0) == (type(again), again.facts(), again.retry_after)


@pytest.mark.parametrize(("seconds", "attempts"), [(0.0, 6), (5.0, 5), (12.0, 2), (16.0, 1), (25.0, 1), (40.0, 1)])
async def test_attempts_that_fail_slowly_use_up_the_patience_and_none_begins_that_would_outlast_it(
    seconds: float, attempts: int
) -> None:
    clock = ManualClock(auto=True)
    sent = 0

    async def send() -> None:
        nonlocal sent
        sent += 1
        await clock.sleep(seconds)
        raise ServerError("down")

    policy = RetryPolicy(retries=5, initial_seconds=1.0, max_seconds=1.0)
    with wait_allowance(60), pytest.raises(ServerError):
        await send_with_retries(send, policy, may_repeat=lambda _: True, note=lambda _: None, clock=clock, random=Random(1))
    assert attempts == sent
    assert clock.monotonic() <= max(30.0, seconds)


async def test_neither_our_turns_nor_our_queues_nor_what_succeeds_slowly_use_up_the_patience() -> None:
    clock = ManualClock(auto=True)
    sent = 0

    async def turn() -> None:
        await clock.sleep(100)

    async def send() -> None:
        nonlocal sent
        sent += 1
        with paused():
            await clock.sleep(100)
        clock.late += 100  # ours, too: the loop stood still
        await clock.sleep(100)
        if sent % 3:
            raise ServerError("down")
        await clock.sleep(100)

    policy = RetryPolicy(retries=2, initial_seconds=1.0, max_seconds=1.0)
    with wait_allowance(60):
        async with clock.timeout(1e9):
            for _ in range(5):
                await send_with_retries(
                    send, policy, may_repeat=lambda _: True, note=lambda _: None, clock=clock, random=Random(1), turn=turn
                )
    assert 15 == sent


async def test_a_wait_for_what_another_poll_is_refused_uses_up_the_patience_as_well() -> None:
    clock = ManualClock(auto=True)
    with wait_allowance(60):
        with charge_block(clock):
            await clock.sleep(20)
        await wait_within_allowance(9.0, BUSY, clock)
        with pytest.raises(RateLimitedError):
            await wait_within_allowance(2.0, BUSY, clock)
