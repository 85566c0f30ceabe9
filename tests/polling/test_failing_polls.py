"""Polls that fail, hang or crash: what is shown of them, and when their collector is polled again."""

from __future__ import annotations

import asyncio
from random import Random

import msgspec
import pytest
import structlog.testing

from exporter.errors import (
    AuthError,
    OperatingLimitError,
    OverloadError,
    PermissionDeniedError,
    PollError,
    RateLimitedError,
    Reason,
    ServerError,
)
from exporter.model import CollectorName
from exporter.platforms.base import PollResult
from exporter.polling.scheduler import retry_delay
from tests.harness.scripted_polls import Bench, Recorder, failing, good, observation


async def test_a_failed_poll_keeps_the_last_observation_and_the_last_success(bench: Bench) -> None:
    async def once_good(poll: int) -> PollResult:
        if poll == 0:
            return PollResult(observation())
        raise ServerError("down", status=503)

    job, _ = bench.job(once_good)
    await bench.scheduler.start([job])
    await bench.clock.settle()
    first = bench.clock.time()
    await bench.clock.advance(61)
    state = bench.last()
    assert not state.up
    assert observation() == state.observation
    assert first == state.last_success
    assert state.failure is not None
    assert (Reason.SERVER_ERROR, 503, 1) == (state.failure.reason, state.failure.status, state.failure.count)
    assert (CollectorName.BOOKINGS, Reason.SERVER_ERROR) == bench.recorder.polls[-1]


async def test_a_partial_success_publishes_its_data_but_is_not_up(bench: Bench) -> None:
    async def partial(_: int) -> PollResult:
        return PollResult(observation(7.0), ServerError("google failed"))

    job, collector = bench.job(partial)
    await bench.scheduler.start([job])
    await bench.clock.advance(61)
    state = bench.last()
    assert not state.up
    assert observation(7.0) == state.observation
    assert state.last_success is None
    assert (CollectorName.BOOKINGS, Reason.SERVER_ERROR) == bench.recorder.polls[-1]
    assert [0, 60] == collector.polled_at, "a partial answer needs no back-off"


@pytest.mark.slow
async def test_a_bug_in_one_collector_is_counted_as_internal_and_leaves_the_others_alone(bench: Bench) -> None:
    async def bug(_: int) -> PollResult:
        raise ZeroDivisionError

    broken, _ = bench.job(bug, target="broken")
    fine, collector = bench.job(good, target="fine")
    await bench.scheduler.start([broken, fine])
    await bench.clock.advance(130)
    assert bench.last("fine").up
    assert 3 == len(collector.polled_at)
    failure = bench.last("broken").failure
    assert failure is not None
    assert failure.reason is Reason.INTERNAL
    assert "ZeroDivisionError" in failure.message


async def test_a_hanging_collector_is_given_up_at_its_deadline_and_leaves_the_others_alone(bench: Bench) -> None:
    async def hang(_: int) -> PollResult:
        await asyncio.Event().wait()
        raise AssertionError

    hanging, asked = bench.job(hang, target="hanging")
    fine, collector = bench.job(good, target="fine")
    await bench.scheduler.start([hanging, fine])
    await bench.clock.advance(299)
    assert 1 == len(asked.polled_at)
    await bench.clock.advance(20)
    failure = bench.last("hanging").failure
    assert failure is not None
    assert failure.reason is Reason.TIMEOUT
    assert 2 == len(asked.polled_at)
    assert 6 == len(collector.polled_at)


async def test_a_fault_that_passes_by_itself_is_retried_sooner_than_the_interval(bench: Bench) -> None:
    job, collector = bench.job(failing(ServerError("down")), interval=300)
    await bench.scheduler.start([job])
    await bench.clock.advance(301)
    assert len(collector.polled_at) >= 5
    assert 5 <= collector.polled_at[1] <= 10


async def test_recovery_returns_to_the_normal_interval(bench: Bench) -> None:
    async def recovers(poll: int) -> PollResult:
        if poll < 2:
            raise ServerError("down")
        return PollResult(observation())

    job, collector = bench.job(recovers)
    await bench.scheduler.start([job])
    await bench.clock.advance(300)
    first, *gaps = [later - earlier for earlier, later in zip(collector.polled_at[2:], collector.polled_at[3:], strict=False)]
    assert 30 <= first < 90, "back to its own phase"
    assert gaps
    assert {60.0} == set(gaps)
    assert bench.last().failure is None


@pytest.mark.parametrize("interval", [1.0, 60.0, 300.0])
def test_back_off_after_server_errors_never_exceeds_the_interval_or_ten_seconds(interval: float) -> None:
    delays = [retry_delay(interval, ServerError("down"), failures, Random(failures)) for failures in range(1, 40)]
    assert max(delays) <= max(interval, 10.0)
    assert min(delays) > 0


@pytest.mark.parametrize("error", [AuthError("no"), PermissionDeniedError("no")])
def test_back_off_after_a_refusal_grows_to_fifteen_minutes(error: PollError) -> None:
    delays = [retry_delay(60.0, error, failures, Random(0)) for failures in range(1, 9)]
    assert [60, 120, 240, 480, 900, 900, 900, 900] == delays


async def test_a_time_out_inside_of_a_poll_is_a_bug_and_not_the_end_of_the_polls_time(bench: Bench) -> None:
    async def script(_: int) -> PollResult:
        raise TimeoutError

    job, _ = bench.job(script)
    await bench.scheduler.start([job])
    await bench.clock.advance(1)
    failure = bench.last().failure
    assert failure is not None
    assert failure.reason is Reason.INTERNAL


def test_what_the_platform_asks_to_wait_is_waited() -> None:
    assert 90 == retry_delay(60.0, RateLimitedError("slow down", retry_after=90.0), 1, Random(0))
    assert 5 == retry_delay(60.0, RateLimitedError("slow down", retry_after=5.0), 1, Random(0))
    assert 60 == retry_delay(60.0, RateLimitedError("slow down"), 1, Random(0))
    assert 900 == retry_delay(60.0, OverloadError("blocked"), 1, Random(0))
    assert 240 == retry_delay(60.0, ServerError("maintenance", retry_after=240.0), 1, Random(0))
    assert 1200 == retry_delay(60.0, AuthError("no", retry_after=1200.0), 1, Random(0))


@pytest.mark.parametrize("kind", [RateLimitedError, OperatingLimitError])
def test_a_short_wait_that_ended_in_another_refusal_grows_to_the_interval_and_a_long_one_ends_on_time(
    kind: type[PollError],
) -> None:
    def delays(interval: float, asked: float) -> list[float]:
        return [retry_delay(interval, kind("no", retry_after=asked), failures, Random(0)) for failures in range(1, 9)]

    assert [0.4, 10, 20, 40, 80, 160, 300, 300] == delays(300.0, 0.4)
    assert [1, 5, 5, 5, 5, 5, 5, 5] == delays(5.0, 1.0)
    assert [90] * 5 == delays(60.0, 90.0)[:5]
    assert [60] * 3 == [retry_delay(60.0, kind("no"), failures, Random(0)) for failures in (1, 2, 30)]


async def test_a_cancellation_from_inside_is_a_failed_poll_and_not_the_end_of_the_collector(bench: Bench) -> None:
    async def cancelled_inside(poll: int) -> PollResult:
        if poll == 0:
            raise asyncio.CancelledError
        return PollResult(observation())

    job, collector = bench.job(cancelled_inside)
    await bench.scheduler.start([job])
    await bench.clock.settle()
    failure = bench.last().failure
    assert failure is not None
    assert failure.reason is Reason.INTERNAL
    await bench.clock.advance(60)
    assert len(collector.polled_at) > 1
    assert bench.last().up


async def test_a_bug_of_ours_in_the_loop_is_logged_and_leaves_the_others_alone(bench: Bench) -> None:
    class Broken(Recorder):
        def poll_finished(self, collector: CollectorName, seconds: float, reason: Reason | None) -> None:
            raise ZeroDivisionError(collector, seconds, reason)

    broken, _ = bench.job(good, target="broken")
    fine, collector = bench.job(good, target="fine")
    with structlog.testing.capture_logs() as logged:
        await bench.scheduler.start([msgspec.structs.replace(broken, recorder=Broken()), fine])
        await bench.clock.advance(130)
    assert [("task_died", "poll", "broken")] * 3 == [
        (line["event"], line["task"], line["target"]) for line in logged if line["log_level"] == "error"
    ]
    assert 3 == len(collector.polled_at)


async def test_a_failure_remembers_since_when_and_how_often_in_a_row(bench: Bench) -> None:
    job, collector = bench.job(failing(ServerError("down")))
    await bench.scheduler.start([job])
    await bench.clock.settle()
    began = bench.clock.time()
    await bench.clock.advance(100)
    failure = bench.last().failure
    assert failure is not None
    assert (began, len(collector.polled_at)) == (failure.since, failure.count)
    assert failure.at > began


@pytest.mark.parametrize("bug", ["publish", "lateness"])
async def test_a_collector_whose_poll_cannot_be_shown_says_so_keeps_its_data_and_is_polled_again_an_interval_later(
    bench: Bench, bug: str
) -> None:
    (job, collector), (other, others) = bench.job(good), bench.job(good, target="b")
    await bench.scheduler.start([job, other])
    await bench.clock.advance(30)
    before = bench.last()
    assert (True, 1) == (before.up, before.finished_polls)
    bench.bugs.append(bug)
    with structlog.testing.capture_logs() as logged:
        await bench.clock.advance(60)
    hurt = next(name for name in "ab" if not bench.last(name).up)
    state, well = bench.last(hurt), bench.last("b" if hurt == "a" else "a")
    assert state.failure is not None
    assert (Reason.INTERNAL, 2, before.observation) == (state.failure.reason, state.finished_polls, before.observation)
    assert (True, 2) == (well.up, well.finished_polls)
    assert ["poll"] == bench.died
    (line,) = [line for line in logged if line["event"] == "task_died"]
    assert ("poll", hurt, "bookings", True) == (line["task"], line["target"], line["collector"], line["exc_info"])
    await bench.clock.advance(60)
    assert [0, 60, 120] == collector.polled_at == others.polled_at
    assert (True, None, 3) == (bench.last(hurt).up, bench.last(hurt).failure, bench.last(hurt).finished_polls)


@pytest.mark.slow
async def test_a_bug_that_stays_is_told_less_and_less_often_and_asks_no_more_of_the_platform(bench: Bench) -> None:
    job, collector = bench.job(good)
    await bench.scheduler.start([job])
    await bench.clock.advance(30)
    bench.bugs += ["publish", *["publish_failure"] * 1000]
    await bench.clock.advance(3600)
    assert 60 <= len(bench.died) <= 130, "a pause of up to a minute between two of them"
    assert [0, 60] == collector.polled_at
    bench.bugs.clear()
    await bench.clock.advance(180)
    assert bench.last().up
    assert len(collector.polled_at) >= 4


@pytest.mark.slow
async def test_a_platform_that_asked_to_wait_is_not_asked_earlier_because_of_a_bug(bench: Bench) -> None:
    job, collector = bench.job(failing(RateLimitedError("too many", retry_after=600)))
    await bench.scheduler.start([job])
    await bench.clock.advance(599)
    assert [0] == collector.polled_at
    bench.bugs += ["publish_failure"]
    await bench.clock.advance(10)
    assert [0, 600] == collector.polled_at
    await bench.clock.advance(590)
    assert [0, 600] == collector.polled_at
    await bench.clock.advance(10)
    assert [0, 600, 1200] == collector.polled_at


async def test_a_poll_that_gets_no_thread_names_the_limit_and_no_bug(bench: Bench) -> None:
    async def script(_: int) -> PollResult:
        raise RuntimeError("can't start new thread")

    job, _ = bench.job(script)
    with structlog.testing.capture_logs() as logged:
        await bench.scheduler.start([job])
        await bench.clock.advance(1)
    failure = bench.last().failure
    assert failure is not None
    assert (Reason.CONFIG, False, True) == (failure.reason, "bug" in failure.message, "TasksMax" in failure.message)
    assert ["poll_failed"] == [line["event"] for line in logged if line["log_level"] != "debug"]
