"""The leaky bucket that all collectors of a portal share."""

from __future__ import annotations

import asyncio
import itertools

import pytest
import structlog.testing

from exporter.clock import SystemClock
from exporter.errors import (
    AuthError,
    ClientError,
    OverloadError,
    PermissionDeniedError,
    PollError,
    RateLimitedError,
    ServerError,
)
from exporter.platforms.limiter import LeakyBucket
from tests.harness.bucket import REFUSAL, bucket
from tests.harness.clock import ManualClock
from tests.harness.events import RecordedEvents


async def test_a_burst_passes_at_once_and_the_rest_at_the_rate() -> None:
    clock = ManualClock(auto=True)
    limiter, events = bucket(clock)
    moments = []
    for _ in range(15):
        await limiter.acquire()
        moments.append(clock.monotonic())
    assert [0.0] * 10 == moments[:10]
    assert pytest.approx([1.0, 2.0, 3.0, 4.0, 5.0], abs=0.001) == moments[10:]
    assert pytest.approx(5.0, abs=0.001) == sum(events.waited)


async def test_the_bucket_never_holds_more_than_the_burst_over_any_stretch() -> None:
    clock = ManualClock(auto=True)
    limiter, _ = bucket(clock, rate=2.0, burst=5.0)
    moments = []
    for number in range(200):
        await limiter.acquire()
        moments.append(clock.monotonic())
        if number % 17 == 0:
            await clock.sleep(1.3)
    for first in range(len(moments)):
        for last in range(first, len(moments)):
            assert last - first + 1 <= 5.0 + 2.0 * (moments[last] - moments[first]) + 1e-3


async def test_a_pause_holds_everybody_and_leaves_no_budget() -> None:
    clock = ManualClock(auto=True)
    limiter, _ = bucket(clock)
    limiter.pause(30.0, REFUSAL)
    limiter.pause(5.0, REFUSAL)
    assert 0 == limiter.remaining()
    assert 30 == limiter.paused_for()
    assert clock.time() + 30 == limiter.paused_until()
    await limiter.take()
    assert 30 == clock.monotonic()
    assert limiter.paused_until() is None


async def test_a_pause_that_begins_while_somebody_waits_holds_him_too() -> None:
    clock = ManualClock()
    limiter, _ = bucket(clock, burst=1.0)
    await limiter.acquire()
    waiter = asyncio.create_task(limiter.take())
    await clock.settle()
    limiter.pause(20.0, REFUSAL)
    await clock.advance(19)
    assert not waiter.done()
    await clock.advance(1.1)
    await waiter


async def test_waiters_are_served_in_their_order() -> None:
    clock = ManualClock()
    limiter, _ = bucket(clock, burst=1.0)
    served = []

    async def caller(number: int) -> None:
        await limiter.acquire()
        served.append(number)

    tasks = [asyncio.create_task(caller(number)) for number in range(5)]
    await clock.advance(10)
    await asyncio.gather(*tasks)
    assert [0, 1, 2, 3, 4] == served


async def test_a_cancelled_waiter_takes_nothing_and_its_wait_is_counted() -> None:
    clock = ManualClock()
    limiter, events = bucket(clock, burst=1.0)
    await limiter.acquire()
    waiter = asyncio.create_task(limiter.acquire())
    await clock.advance(0.4)
    waiter.cancel()
    await asyncio.gather(waiter, return_exceptions=True)
    assert pytest.approx(0.4) == sum(events.waited)
    await clock.advance(10)
    assert 1 == limiter.remaining()


async def test_what_remains_grows_back_with_time() -> None:
    clock = ManualClock()
    limiter, _ = bucket(clock)
    for _ in range(4):
        await limiter.acquire()
    assert 6 == limiter.remaining()
    await clock.advance(3)
    assert 9 == limiter.remaining()


async def test_a_pause_that_outlasts_the_patience_of_a_poll_ends_it_with_what_was_refused_and_what_is_left() -> None:
    clock = ManualClock()
    limiter, events = bucket(clock)
    limiter.pause(50.0, ServerError("busy", status=503, code="BUSY", retry_after=50.0))
    await clock.advance(15)
    with pytest.raises(ServerError) as caught:
        await limiter.take()
    error = caught.value
    assert ("busy", 503, "BUSY", 35.0) == (error.message, error.status, error.code, error.retry_after)
    assert [] == events.waited
    assert 0 == limiter.remaining()
    await clock.advance(35)
    assert 10 == limiter.remaining()


def test_the_log_has_a_line_when_a_pause_begins_and_one_when_the_platform_answers_again() -> None:
    clock = ManualClock()
    limiter, _ = bucket(clock)
    with structlog.testing.capture_logs() as logged:
        limiter.answered()
        for seconds in (2.0, 4.0, 8.0):
            limiter.pause(seconds, REFUSAL)
            clock.now += seconds
        limiter.answered()
        limiter.answered()
    begun, ended = logged
    assert ("requests_paused", "warning", "salon", 2.0) == tuple(begun[key] for key in ("event", "log_level", "of", "seconds"))
    assert ("rate_limited", "slow down", 429, "SLOW") == tuple(begun[key] for key in ("reason", "message", "status", "code"))
    assert ("requests_go_on", "info", "salon", 14.0) == tuple(ended[key] for key in ("event", "log_level", "of", "seconds"))


@pytest.mark.parametrize("kind", [AuthError, PermissionDeniedError, ClientError])
async def test_what_one_request_is_refused_for_holds_the_others_for_a_minute_and_is_not_said_of_them(
    kind: type[PollError],
) -> None:
    clock = ManualClock()
    limiter, _ = bucket(clock)
    limiter.pause(3600.0, kind("not you", status=403, code="NO", request_id="r1", retry_after=3600.0))
    with pytest.raises(RateLimitedError) as caught:
        await limiter.take()
    error = caught.value
    assert ("salon asked the exporter to wait when it refused another request (HTTP 403)", 60.0) == (
        error.message,
        error.retry_after,
    )
    assert (403, "NO", "r1") == (error.status, error.code, error.request_id)
    clock.now += 60
    await limiter.take()


def test_who_refuses_again_after_the_time_that_it_named_is_asked_once_in_so_many_seconds_since_the_first() -> None:
    clock = ManualClock()
    limiter, _ = bucket(clock)
    asked_at = []
    for _ in range(5):
        asked_at.append(clock.monotonic())
        limiter.pause(1.0, REFUSAL, each=60.0)
        limiter.pause(1.0, REFUSAL, each=60.0)  # was on its way meanwhile
        clock.now += limiter.paused_for()
    assert pytest.approx([0, 1, 120, 180, 240]) == asked_at
    limiter.answered()
    limiter.pause(1.0, REFUSAL, each=60.0)
    assert 1 == limiter.paused_for()


def test_each_reason_of_a_pause_has_one_line_and_all_have_one_end() -> None:
    clock = ManualClock()
    limiter, _ = bucket(clock)
    with structlog.testing.capture_logs() as logged:
        for _ in range(2):
            for _ in range(3):
                limiter.pause(2.0, REFUSAL)
                limiter.pause(900.0, OverloadError("blocked"))
                clock.now += 900
            limiter.answered()
    lines = [(line["event"], line.get("reason"), line["seconds"]) for line in logged]
    assert [
        ("requests_paused", "rate_limited", 2.0),
        ("requests_paused", "overload", 900.0),
        ("requests_go_on", None, 2700.0),
    ] * 2 == lines


def test_the_end_of_a_pause_is_the_very_same_moment_however_the_clocks_are_read() -> None:
    ticks = itertools.count()
    clock = SystemClock(wall=lambda: 1_790_000_000.0 + next(ticks) * 1.7e-6, monotonic=lambda: 5000.0 + next(ticks) * 1.3e-6)
    limiter = LeakyBucket("salon", 1.0, 10.0, clock=clock, events=RecordedEvents())
    limiter.pause(60.0, REFUSAL)
    assert 1 == len({limiter.paused_until() for _ in range(100)})
