"""A poll that somebody asks for: it comes at once where only we would have waited, and never against the platform's word."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from exporter.errors import AuthError, OperatingLimitError, OverloadError, PollError, RateLimitedError, Reason, ServerError
from exporter.model import CollectorName
from exporter.platforms.base import PollResult
from exporter.state.poll_requests import PollAnswer, PollRequest
from tests.harness.lag import LateLag
from tests.harness.scripted_polls import Bench, ScriptedCollector, failing, good, observation

NOW = [PollRequest(CollectorName.BOOKINGS, PollAnswer.NOW)]
POLLING = [PollRequest(CollectorName.BOOKINGS, PollAnswer.POLLING)]


def waits(seconds: float) -> list[PollRequest]:
    return [PollRequest(CollectorName.BOOKINGS, PollAnswer.WAITS, seconds)]


async def begun(bench: Bench, script: Callable[[int], Awaitable[PollResult]], interval: float = 300.0) -> ScriptedCollector:
    job, collector = bench.job(script, interval=interval)
    await bench.scheduler.start([job])
    await bench.clock.settle()
    return collector


async def test_the_next_poll_begins_at_once_and_the_others_follow_in_the_phase_of_the_collector(bench: Bench) -> None:
    collector = await begun(bench, good)
    await bench.clock.advance(200)
    assert bench.scheduler.poll_now("a") == NOW
    assert bench.last().next_poll == bench.clock.time()
    await bench.clock.advance(1000)
    assert [0, 200, 600, 900, 1200] == collector.polled_at
    assert [0.0] * 5 == [late for _, late in bench.lateness]


async def test_a_poll_that_runs_has_no_second_one_beside_it(bench: Bench) -> None:
    async def slow(_: int) -> PollResult:
        await bench.clock.sleep(30)
        return PollResult(observation())

    collector = await begun(bench, slow)
    await bench.clock.advance(20)
    assert bench.scheduler.poll_now("a") == POLLING
    await bench.clock.advance(200)
    assert [0] == collector.polled_at
    assert bench.scheduler.poll_now("a") == NOW
    await bench.clock.advance(5)
    assert [] == bench.scheduler.poll_now("a", [CollectorName.LINKS])
    assert [0, 220] == collector.polled_at


async def test_a_poll_that_waits_for_this_machine_is_polling_already(bench: Bench) -> None:
    lag = LateLag(bench.clock)
    bench.admit_by(lag)
    lag.lateness = 9.0
    collector = await begun(bench, good)
    assert bench.scheduler.poll_now("a") == POLLING
    lag.lateness = 0.0
    await bench.clock.advance(1)
    assert 1 == len(collector.polled_at)


@pytest.mark.parametrize("error", [AuthError("no"), ServerError("down")])
async def test_our_own_back_off_ends_and_begins_anew(bench: Bench, error: PollError) -> None:
    collector = await begun(bench, failing(error), interval=60)
    await bench.clock.advance(2000)
    before = len(collector.polled_at)
    failure = bench.last().failure
    assert failure is not None
    assert bench.scheduler.poll_now("a") == NOW
    await bench.clock.advance(61)
    assert 2000 == collector.polled_at[before]
    assert len(collector.polled_at) >= before + 2, "a minute later, not a quarter of an hour"
    again = bench.last().failure
    assert again is not None
    assert again.count >= failure.count + 2, "they are failures in a row all the same"


async def test_back_off_grows_again_after_a_success_that_followed(bench: Bench) -> None:
    async def heals_once(poll: int) -> PollResult:
        if poll == 3:
            return PollResult(observation())
        raise AuthError("no")

    collector = await begun(bench, heals_once, interval=60)
    await bench.clock.advance(200)
    assert [0, 60, 180] == collector.polled_at
    assert bench.scheduler.poll_now("a") == NOW
    await bench.clock.advance(600)
    first, second, third, fourth = collector.polled_at[4:8]
    assert [60, 120, 240] == [second - first, third - second, fourth - third]


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (RateLimitedError("slow down", retry_after=200), 200),
        (RateLimitedError("slow down"), 300),
        (OperatingLimitError("used up", retry_after=240), 240),
        (OverloadError("blocked by hand"), 900),
        (AuthError("no", retry_after=100), 100),
        (ServerError("down", retry_after=100), 100),
    ],
)
async def test_what_the_platform_asked_us_to_wait_is_waited_and_then_it_is_polled(
    bench: Bench, error: PollError, seconds: float
) -> None:
    collector = await begun(bench, failing(error))
    await bench.clock.advance(50)
    assert bench.scheduler.poll_now("a") == waits(seconds - 50)
    assert bench.last().next_poll == bench.clock.time() + seconds - 50
    await bench.clock.advance(seconds - 51)
    assert [0] == collector.polled_at
    await bench.clock.advance(2)
    assert [0, seconds] == collector.polled_at


async def test_who_refuses_again_after_a_short_wait_is_not_asked_sooner_because_somebody_asks_us(bench: Bench) -> None:
    collector = await begun(bench, failing(RateLimitedError("slow down", retry_after=1)))
    await bench.clock.advance(25)
    assert [0, 1, 11] == collector.polled_at
    assert bench.scheduler.poll_now("a") == waits(6)
    await bench.clock.advance(7)
    assert [0, 1, 11, 31] == collector.polled_at


async def test_a_pause_of_the_whole_target_holds_a_collector_that_is_well(bench: Bench) -> None:
    collector = await begun(bench, good)
    await bench.clock.advance(100)
    assert bench.scheduler.poll_now("a", paused=45.0) == waits(45)
    await bench.clock.advance(46)
    assert [0, 145] == collector.polled_at


async def test_nothing_is_put_off_by_asking(bench: Bench) -> None:
    collector = await begun(bench, good)
    await bench.clock.advance(100)
    assert bench.scheduler.poll_now("a", paused=4000.0) == waits(200)
    await bench.clock.advance(201)
    assert [0, 300] == collector.polled_at


async def test_a_target_is_asked_in_this_way_once_in_ten_seconds(bench: Bench) -> None:
    collector = await begun(bench, good)
    await bench.clock.advance(100)
    assert bench.scheduler.poll_now("a") == NOW
    await bench.clock.advance(4)
    assert bench.scheduler.poll_now("a") == [PollRequest(CollectorName.BOOKINGS, PollAnswer.TOO_SOON, 6.0)]
    await bench.clock.advance(6)
    assert bench.scheduler.poll_now("a") == NOW
    await bench.clock.settle()
    assert [0, 100, 110] == collector.polled_at


async def test_a_target_that_is_not_polled_has_nothing_to_ask(bench: Bench) -> None:
    assert [] == bench.scheduler.poll_now("a")
    await begun(bench, good)
    await bench.scheduler.stop(["a"], grace=0.0)
    assert [] == bench.scheduler.poll_now("a")


@pytest.mark.slow
async def test_a_collector_that_a_bug_of_ours_ended_is_polled_as_soon_as_it_is_begun_again(bench: Bench) -> None:
    bench.bugs = ["publish"]
    collector = await begun(bench, good)
    assert ["poll"] == bench.died
    assert bench.scheduler.poll_now("a") == NOW
    await bench.clock.advance(5)
    assert 2 == len(collector.polled_at)
    assert bench.last().up


async def test_the_reason_that_is_shown_stays_until_the_poll_has_ended(bench: Bench) -> None:
    async def hangs_then(poll: int) -> PollResult:
        if poll:
            await bench.clock.sleep(5)
            return PollResult(observation())
        raise AuthError("no")

    await begun(bench, hangs_then)
    assert bench.scheduler.poll_now("a") == NOW
    await bench.clock.advance(4)
    failure = bench.last().failure
    assert failure is not None
    assert Reason.AUTH is failure.reason
    await bench.clock.advance(2)
    assert bench.last().up
