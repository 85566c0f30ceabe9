"""Where the numbers of the bucket and of its pauses begin and end."""

from __future__ import annotations

import pytest
import structlog.testing

from exporter.errors import (
    AuthError,
    ClientError,
    InvalidResponseError,
    OverloadError,
    PollError,
    RateLimitedError,
    ServerError,
)
from exporter.platforms.retry import wait_allowance
from tests.harness.bucket import REFUSAL, bucket
from tests.harness.clock import ManualClock
from tests.harness.events import RecordedEvents


@pytest.mark.parametrize("kind", [RateLimitedError, ServerError, InvalidResponseError, OverloadError])
async def test_what_is_true_for_everybody_holds_all_for_as_long_as_was_asked_and_is_told_as_it_is(
    kind: type[PollError],
) -> None:
    clock = ManualClock()
    limiter, _ = bucket(clock)
    limiter.pause(600.0, kind("busy"))
    assert 600 == limiter.paused_for()
    with pytest.raises(kind, match="busy"):
        await limiter.wait_for_pause()


async def test_a_credential_that_all_ask_with_holds_all_for_as_long_as_was_asked() -> None:
    clock = ManualClock()
    limiter, _ = bucket(clock)
    limiter.pause(600.0, AuthError("not you"), all_ask_the_same=True)
    assert 600 == limiter.paused_for()
    with pytest.raises(AuthError, match="not you"):
        await limiter.wait_for_pause()
    other, _ = bucket(clock)
    other.pause(600.0, ClientError("not you"))
    assert 60 == other.paused_for()


def test_a_pause_is_over_at_its_end_and_stays_over() -> None:
    clock = ManualClock()
    limiter, _ = bucket(clock)
    limiter.pause(30.0, REFUSAL)
    clock.now += 29.75
    assert (0.25, 0.0) == (limiter.paused_for(), limiter.remaining())
    for later in (0.25, 0.5, 100.0):
        clock.now += later
        assert (0.0, None, 10.0) == (limiter.paused_for(), limiter.paused_until(), limiter.remaining())


def test_the_end_of_a_pause_is_told_on_the_wall_clock_as_somebody_set_it() -> None:
    clock = ManualClock()
    limiter, _ = bucket(clock)
    clock.set_by = 7200.0
    limiter.pause(30.0, REFUSAL)
    assert clock.now + 7230 == limiter.paused_until()


def test_a_second_refusal_without_a_time_for_each_holds_for_as_long_as_it_asks() -> None:
    clock = ManualClock()
    limiter, _ = bucket(clock)
    for _ in range(4):
        limiter.pause(0.25, REFUSAL)
        assert 0.25 == limiter.paused_for()
        clock.now += 0.25


def test_refusals_in_a_row_hold_for_two_times_each_at_most() -> None:
    clock = ManualClock()
    limiter, _ = bucket(clock)
    for _ in range(5):
        limiter.pause(1.0, REFUSAL)
        clock.now += 1
    limiter.pause(1.0, REFUSAL, each=60.0)
    assert 120 == limiter.paused_for()


def test_after_an_answer_refusals_are_counted_from_the_first_again() -> None:
    clock = ManualClock()
    limiter, _ = bucket(clock)
    for _ in range(2):
        for expected in (1.0, 119.0, 60.0):
            limiter.pause(1.0, REFUSAL, each=60.0)
            assert expected == pytest.approx(limiter.paused_for())
            clock.now += expected
        limiter.answered()


async def test_what_was_on_its_way_when_a_pause_began_does_not_end_it_and_a_longer_one_replaces_what_is_told() -> None:
    clock = ManualClock()
    limiter, _ = bucket(clock)
    limiter.pause(40.0, REFUSAL)
    limiter.answered()
    assert 40 == limiter.paused_for()
    limiter.pause(50.0, ServerError("down"))
    limiter.pause(45.0, OverloadError("blocked"))
    with pytest.raises(ServerError, match="down"):
        await limiter.wait_for_pause()


async def test_of_two_refusals_that_ask_for_the_same_moment_the_first_is_told() -> None:
    clock = ManualClock()
    limiter, _ = bucket(clock)
    limiter.pause(50.0, ServerError("down"))
    limiter.pause(50.0, OverloadError("blocked"))
    with pytest.raises(ServerError, match="down"):
        await limiter.wait_for_pause()


def test_a_pause_of_no_length_has_its_end_in_the_log_as_well() -> None:
    clock = ManualClock()
    limiter, _ = bucket(clock)
    with structlog.testing.capture_logs() as logged:
        limiter.pause(0.0, REFUSAL)
        limiter.answered()
    assert [("requests_paused", 0.0), ("requests_go_on", 0.0)] == [(line["event"], line["seconds"]) for line in logged]


@pytest.mark.parametrize("burst", [1.0, 10.0])
async def test_in_the_last_half_second_of_a_pause_nobody_is_let_in_or_waits_for_a_place(burst: float) -> None:
    async def scenario() -> None:
        clock = ManualClock(auto=True)
        limiter, events = bucket(clock, burst=burst)
        assert await limiter.acquire()
        limiter.pause(0.5, REFUSAL)
        assert not await limiter.acquire()
        assert (0.0, []) == (clock.monotonic(), events.waited)

    await scenario()


async def test_at_two_requests_a_second_each_beyond_the_burst_waits_for_half_a_second() -> None:
    async def scenario() -> None:
        clock = ManualClock(auto=True)
        limiter, events = bucket(clock, rate=2.0, burst=1.0)
        for _ in range(4):
            assert await limiter.acquire()
        assert [0.5, 0.5, 0.5] == events.waited

    await scenario()


async def test_waits_are_counted_by_who_waits_and_no_wait_is_none() -> None:
    async def scenario() -> None:
        clock = ManualClock(auto=True)
        limiter, owner = bucket(clock, burst=1.0)
        other = RecordedEvents()
        assert await limiter.acquire()
        assert ([], []) == (owner.waited, other.waited)
        assert await limiter.acquire(other)
        assert [1.0] == pytest.approx(other.waited)
        limiter.pause(20.0, REFUSAL)
        assert not await limiter.acquire(other)
        with wait_allowance(300):
            await limiter.wait_for_pause(other)
            limiter.pause(5.0, REFUSAL)
            await limiter.wait_for_pause()
        assert [1.0, 20.0] == pytest.approx(other.waited)
        assert [5.0] == pytest.approx(owner.waited)

    await scenario()


async def test_who_is_not_let_in_during_a_pause_takes_no_place() -> None:
    async def scenario() -> None:
        clock = ManualClock()
        limiter, _ = bucket(clock)
        limiter.pause(5.0, REFUSAL)
        assert not await limiter.acquire()
        clock.now += 5
        assert 10 == limiter.remaining()

    await scenario()


async def test_an_idle_bucket_saves_up_no_more_than_its_burst_and_one_that_is_overfull_has_nothing_left() -> None:
    async def scenario() -> None:
        clock = ManualClock()
        limiter, _ = bucket(clock, rate=2.0)
        clock.now += 1000
        assert 10 == limiter.remaining()
        for _ in range(4):
            await limiter.acquire()
        assert 6 == limiter.remaining()
        limiter.burst = 2.0  # a target with a smaller budget has joined
        assert 0 == limiter.remaining()
        clock.now += 1.5
        assert 1 == limiter.remaining()

    await scenario()


async def test_the_last_half_second_of_a_pause_is_waited_for_and_an_answer_meanwhile_does_not_end_it() -> None:
    async def scenario() -> None:
        clock = ManualClock(auto=True)
        limiter, events = bucket(clock)
        limiter.pause(30.0, REFUSAL)
        clock.now += 29.5
        limiter.answered()
        assert 0.5 == limiter.paused_for()
        await limiter.wait_for_pause()
        assert (30.0, [0.5]) == (clock.monotonic(), events.waited)

    await scenario()
