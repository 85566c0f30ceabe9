"""The polling loop on a clock that only moves when told to."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random

import pytest
import structlog.testing

from exporter.clock.deadlines import paused
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
from exporter.model import BookingsObservation, CollectorName, Observation
from exporter.platforms.base import PollResult
from exporter.polling.admission import Admission
from exporter.polling.poll import Job, phase_of
from exporter.polling.scheduler import Scheduler, retry_delay
from exporter.state.snapshot import CollectorState
from tests.harness.clock import ManualClock
from tests.harness.lag import LateLag

Script = Callable[[int], Awaitable[PollResult]]


@dataclass
class ScriptedCollector:
    """Answers the n-th poll (from 0) as the script says and remembers when it was asked."""

    clock: ManualClock
    script: Script
    polled_at: list[float] = field(default_factory=list)

    async def poll(self) -> PollResult:
        self.polled_at.append(self.clock.monotonic())
        return await self.script(len(self.polled_at) - 1)


@dataclass
class Recorder:
    polls: list[tuple[CollectorName, Reason | None]] = field(default_factory=list)

    def poll_finished(self, collector: CollectorName, seconds: float, reason: Reason | None) -> None:
        assert seconds >= 0
        self.polls.append((collector, reason))


@dataclass
class Bench:
    clock: ManualClock
    published: dict[str, list[CollectorState]] = field(default_factory=dict)
    recorder: Recorder = field(default_factory=Recorder)

    def __post_init__(self) -> None:
        self.lateness: list[tuple[str, float]] = []
        self.died: list[str] = []
        self.bugs: list[str] = []  # what is to crash next, by name
        self.expected: dict[str, tuple[ScriptedCollector, list[float]]] = {}
        self.admit_by(None)

    def admit_by(self, lag: LateLag | None) -> None:
        """Poll with a new scheduler, on a loop that is as late as ``lag`` says."""
        self.scheduler = Scheduler(
            clock=self.clock,
            random=Random(1),
            admission=Admission(self.clock, lag),
            publish=self._publish,
            observe_lateness=self._observe_lateness,
            died=self.died.append,
        )

    def _observe_lateness(self, platform: str, late: float) -> None:
        self._crash("lateness")
        self.lateness.append((platform, late))

    def _crash(self, what: str) -> None:
        if self.bugs and self.bugs[0] == what:
            self.bugs.pop(0)
            raise RuntimeError(f"bug in {what}")

    def _publish(self, state: CollectorState) -> None:
        self._crash("publish" if state.up else "publish_failure")
        self.published.setdefault(state.target, []).append(state)

    def job(self, script: Script, *, target: str = "a", interval: float = 60.0) -> tuple[Job, ScriptedCollector]:
        collector = ScriptedCollector(self.clock, script)
        job = Job(target, "wix", CollectorName.BOOKINGS, interval, 3 * interval, collector, self.recorder)
        return job, collector

    def last(self, target: str = "a") -> CollectorState:
        return self.published[target][-1]


def observation(at: float = 0.0) -> Observation:
    return BookingsObservation(at, ())


async def good(_: int) -> PollResult:
    return PollResult(observation())


def failing(error: PollError) -> Script:
    async def script(_: int) -> PollResult:
        raise error

    return script


def run(test: Callable[[Bench], Awaitable[None]]) -> None:
    async def main() -> None:
        bench = Bench(ManualClock())
        try:
            await test(bench)
        finally:
            stopping = asyncio.create_task(bench.scheduler.stop(grace=0.0))
            await bench.clock.advance(1.0)
            await stopping

    asyncio.run(main())


def test_the_loop_has_a_turn_after_every_200_polls_that_a_fleet_starts() -> None:
    async def scenario(bench: Bench) -> None:
        begun: list[int] = []

        async def watch() -> None:
            while True:
                begun.append(len(bench.published))
                await asyncio.sleep(0)

        watching = asyncio.create_task(watch())
        await asyncio.sleep(0)
        await bench.scheduler.start(bench.job(good, target=f"site-{number}")[0] for number in range(1000))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        watching.cancel()
        assert 1000 == begun[-1]
        assert 200 == max(after - before for before, after in itertools.pairwise(begun))

    run(scenario)


def test_a_collector_is_polled_at_once_and_then_on_a_fixed_grid() -> None:
    async def scenario(bench: Bench) -> None:
        job, collector = bench.job(good)
        await bench.scheduler.start([job])
        await bench.clock.advance(185)
        assert [0, 60, 120, 180] == collector.polled_at

    run(scenario)


def test_a_slow_poll_does_not_shift_the_grid_and_never_overlaps_itself() -> None:
    async def scenario(bench: Bench) -> None:
        async def slow(_: int) -> PollResult:
            await bench.clock.sleep(70)
            return PollResult(observation())

        job, collector = bench.job(slow)
        await bench.scheduler.start([job])
        await bench.clock.advance(250)
        assert [0, 120, 240] == collector.polled_at

    run(scenario)


def test_from_the_second_poll_on_a_collector_keeps_its_phase() -> None:
    async def scenario(bench: Bench) -> None:
        for phase, second in {0.0: 60, 29.0: 89, 31.0: 31, 59.0: 59}.items():
            job, collector = bench.job(good, target=f"phase {phase}")
            await bench.scheduler.start([dataclasses.replace(job, phase=phase)])
            await bench.clock.settle()
            bench.expected[f"phase {phase}"] = (collector, [0, second, second + 60, second + 120])
        await bench.clock.advance(210)
        for collector, expected in bench.expected.values():
            assert expected == collector.polled_at[:4]

    run(scenario)


def test_a_fleet_is_spread_over_its_interval_and_each_target_keeps_its_place() -> None:
    phases = [phase_of(f"site-{number}", CollectorName.BOOKINGS, 300.0) for number in range(3000)]
    assert phases == [phase_of(f"site-{number}", CollectorName.BOOKINGS, 300.0) for number in range(3000)]
    in_tenths = Counter(int(phase // 30) for phase in phases)
    assert sorted(in_tenths) == list(range(10))
    assert max(in_tenths.values()) < 390, "a tenth of the interval gets a tenth of the polls, give or take a third"


async def started_late(bench: Bench, lateness: float) -> tuple[LateLag, ScriptedCollector]:
    """Start polling a target on a loop that is ``lateness`` seconds late."""
    lag = LateLag(bench.clock)
    bench.admit_by(lag)
    lag.lateness = lateness
    job, collector = bench.job(good)
    await bench.scheduler.start([job])
    return lag, collector


def test_a_poll_that_waits_for_admission_is_late_and_says_so() -> None:
    async def scenario(bench: Bench) -> None:
        lag, collector = await started_late(bench, 1.0)
        await bench.clock.advance(20)
        assert collector.polled_at == []
        lag.lateness = 0.0
        await bench.clock.advance(1)
        assert len(collector.polled_at) == 1
        ((platform, late),) = bench.lateness
        assert platform == "wix"
        assert 20 <= late < 21

    run(scenario)


def test_a_poll_that_waits_for_its_connection_is_late_and_says_so() -> None:
    async def scenario(bench: Bench) -> None:
        admission = Admission(bench.clock)

        async def connect() -> None:
            async with admission.connection("api.example:443"):
                pass

        async def asks(_: int) -> PollResult:
            await connect()
            return PollResult(observation())

        before = [asyncio.create_task(connect()) for _ in range(2_000)]
        await bench.clock.settle()
        await bench.scheduler.start([bench.job(asks)[0]])
        await bench.clock.advance(15)
        assert all(task.done() for task in before)
        ((_, late),) = bench.lateness
        assert 9 <= late <= 11, "two thousand before it at two hundred a second"

    run(scenario)


def test_a_loop_that_never_gets_better_delays_a_poll_by_one_interval_only() -> None:
    async def scenario(bench: Bench) -> None:
        _, collector = await started_late(bench, 9.0)
        await bench.clock.advance(59)
        assert collector.polled_at == []
        await bench.clock.advance(2)
        assert [60] == collector.polled_at

    run(scenario)


def test_a_poll_may_wait_for_turns_of_ours_for_an_interval_in_all() -> None:
    async def scenario(bench: Bench) -> None:
        allowed: list[float | None] = []

        async def waits(_: int) -> PollResult:
            for _ in range(2):
                with paused() as most:
                    allowed.append(most)
                    await bench.clock.sleep(45)
            return PollResult(observation())

        job, _ = bench.job(waits)
        await bench.scheduler.start([job])
        await bench.clock.advance(100)
        assert [60, 15] == allowed[:2]

    run(scenario)


def test_a_poll_that_waits_for_admission_does_not_hold_up_the_stop() -> None:
    async def scenario(bench: Bench) -> None:
        _, collector = await started_late(bench, 9.0)
        await bench.clock.advance(5)
        stopping = asyncio.create_task(bench.scheduler.stop(grace=8.0))
        await bench.clock.settle()
        assert stopping.done()
        assert collector.polled_at == []

    run(scenario)


def test_success_publishes_the_observation_and_the_next_poll() -> None:
    async def scenario(bench: Bench) -> None:
        job, _ = bench.job(good)
        await bench.scheduler.start([job])
        await bench.clock.settle()
        state = bench.last()
        assert state.up
        assert observation() == state.observation
        assert bench.clock.time() == state.last_success
        assert state.next_poll == bench.clock.time() + 60
        assert [(CollectorName.BOOKINGS, None)] == bench.recorder.polls

    run(scenario)


def test_a_failed_poll_keeps_the_last_observation_and_the_last_success() -> None:
    async def scenario(bench: Bench) -> None:
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

    run(scenario)


def test_a_partial_success_publishes_its_data_but_is_not_up() -> None:
    async def scenario(bench: Bench) -> None:
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

    run(scenario)


def test_a_bug_in_one_collector_is_counted_as_internal_and_leaves_the_others_alone() -> None:
    async def scenario(bench: Bench) -> None:
        async def bug(_: int) -> PollResult:
            raise ZeroDivisionError

        broken, _ = bench.job(bug, target="broken")
        fine, collector = bench.job(good, target="fine")
        await bench.scheduler.start([broken, fine])
        await bench.clock.advance(130)
        assert bench.last("fine").up
        assert len(collector.polled_at) == 3
        failure = bench.last("broken").failure
        assert failure is not None
        assert failure.reason is Reason.INTERNAL
        assert "ZeroDivisionError" in failure.message

    run(scenario)


def test_a_hanging_collector_is_given_up_at_its_deadline_and_leaves_the_others_alone() -> None:
    async def scenario(bench: Bench) -> None:
        async def hang(_: int) -> PollResult:
            await asyncio.Event().wait()
            raise AssertionError

        hanging, asked = bench.job(hang, target="hanging")
        fine, collector = bench.job(good, target="fine")
        await bench.scheduler.start([hanging, fine])
        await bench.clock.advance(299)
        assert len(asked.polled_at) == 1
        await bench.clock.advance(20)
        failure = bench.last("hanging").failure
        assert failure is not None
        assert failure.reason is Reason.TIMEOUT
        assert len(asked.polled_at) == 2
        assert len(collector.polled_at) == 6

    run(scenario)


def test_a_fault_that_passes_by_itself_is_retried_sooner_than_the_interval() -> None:
    async def scenario(bench: Bench) -> None:
        job, collector = bench.job(failing(ServerError("down")), interval=300)
        await bench.scheduler.start([job])
        await bench.clock.advance(301)
        assert len(collector.polled_at) >= 5
        assert 5 <= collector.polled_at[1] <= 10

    run(scenario)


def test_recovery_returns_to_the_normal_interval() -> None:
    async def scenario(bench: Bench) -> None:
        async def recovers(poll: int) -> PollResult:
            if poll < 2:
                raise ServerError("down")
            return PollResult(observation())

        job, collector = bench.job(recovers)
        await bench.scheduler.start([job])
        await bench.clock.advance(300)
        first, *gaps = [
            later - earlier for earlier, later in zip(collector.polled_at[2:], collector.polled_at[3:], strict=False)
        ]
        assert 30 <= first < 90, "back to its own phase"
        assert gaps
        assert {60.0} == set(gaps)
        assert bench.last().failure is None

    run(scenario)


@pytest.mark.parametrize("interval", [1.0, 60.0, 300.0])
def test_back_off_after_server_errors_never_exceeds_the_interval_or_ten_seconds(interval: float) -> None:
    delays = [retry_delay(interval, ServerError("down"), failures, Random(failures)) for failures in range(1, 40)]
    assert max(delays) <= max(interval, 10.0)
    assert min(delays) > 0


@pytest.mark.parametrize("error", [AuthError("no"), PermissionDeniedError("no")])
def test_back_off_after_a_refusal_grows_to_fifteen_minutes(error: PollError) -> None:
    delays = [retry_delay(60.0, error, failures, Random(0)) for failures in range(1, 9)]
    assert [60, 120, 240, 480, 900, 900, 900, 900] == delays


def test_a_time_out_inside_of_a_poll_is_a_bug_and_not_the_end_of_the_polls_time() -> None:
    async def script(_: int) -> PollResult:
        raise TimeoutError

    async def scenario(bench: Bench) -> None:
        job, _ = bench.job(script)
        await bench.scheduler.start([job])
        await bench.clock.advance(1)
        failure = bench.last().failure
        assert failure is not None
        assert failure.reason is Reason.INTERNAL

    run(scenario)


def test_what_the_platform_asks_to_wait_is_waited() -> None:
    assert retry_delay(60.0, RateLimitedError("slow down", retry_after=90.0), 1, Random(0)) == 90
    assert retry_delay(60.0, RateLimitedError("slow down", retry_after=5.0), 1, Random(0)) == 5
    assert retry_delay(60.0, RateLimitedError("slow down"), 1, Random(0)) == 60
    assert retry_delay(60.0, OverloadError("blocked"), 1, Random(0)) == 900
    assert retry_delay(60.0, ServerError("maintenance", retry_after=240.0), 1, Random(0)) == 240
    assert retry_delay(60.0, AuthError("no", retry_after=1200.0), 1, Random(0)) == 1200


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


def test_stopping_lets_a_running_poll_end_and_starts_no_new_one() -> None:
    async def scenario(bench: Bench) -> None:
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
        assert len(collector.polled_at) == 1

    run(scenario)


def test_stopping_gives_up_a_poll_that_outlasts_the_grace_time() -> None:
    async def scenario(bench: Bench) -> None:
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

    run(scenario)


def test_stopping_one_target_leaves_the_others_running() -> None:
    async def scenario(bench: Bench) -> None:
        first, gone = bench.job(good, target="gone")
        second, stays = bench.job(good, target="stays")
        await bench.scheduler.start([first, second])
        await bench.clock.advance(1)
        await bench.scheduler.stop(["gone"], grace=1.0)
        await bench.clock.advance(121)
        assert len(gone.polled_at) == 1
        assert len(stays.polled_at) == 3

    run(scenario)


def test_a_cancellation_from_inside_is_a_failed_poll_and_not_the_end_of_the_collector() -> None:
    async def scenario(bench: Bench) -> None:
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

    run(scenario)


def until_released(released: asyncio.Event) -> Script:
    """Return a poll that swallows every cancellation until it is ``released``."""

    async def stubborn(_: int) -> PollResult:
        while not released.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await released.wait()
        return PollResult(observation(1.0))

    return stubborn


def test_a_poll_that_swallows_its_end_holds_up_neither_the_stop_nor_its_successor() -> None:
    async def scenario(bench: Bench) -> None:
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
        assert len(asked.polled_at) == 1

    run(scenario)


def test_a_poll_has_its_grace_time_although_a_predecessor_that_swallowed_its_end_ends_meanwhile() -> None:
    async def scenario(bench: Bench) -> None:
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

    run(scenario)


def test_a_bug_of_ours_in_the_loop_is_logged_and_leaves_the_others_alone() -> None:
    async def scenario(bench: Bench) -> None:
        class Broken(Recorder):
            def poll_finished(self, collector: CollectorName, seconds: float, reason: Reason | None) -> None:
                raise ZeroDivisionError(collector, seconds, reason)

        broken, _ = bench.job(good, target="broken")
        fine, collector = bench.job(good, target="fine")
        with structlog.testing.capture_logs() as logged:
            await bench.scheduler.start([dataclasses.replace(broken, recorder=Broken()), fine])
            await bench.clock.advance(130)
        assert [("task_died", "poll", "broken")] * 3 == [
            (line["event"], line["task"], line["target"]) for line in logged if line["log_level"] == "error"
        ]
        assert len(collector.polled_at) == 3

    run(scenario)


def test_a_poll_that_a_bug_ends_while_its_target_is_stopped_is_not_begun_again() -> None:
    async def scenario(bench: Bench) -> None:
        class Broken(Recorder):
            def poll_finished(self, collector: CollectorName, seconds: float, reason: Reason | None) -> None:
                raise ZeroDivisionError(collector, seconds, reason)

        async def slow(_: int) -> PollResult:
            await bench.clock.sleep(2)
            return PollResult(observation())

        job, collector = bench.job(slow, interval=3.0)
        await bench.scheduler.start([dataclasses.replace(job, recorder=Broken())])
        await bench.clock.advance(1)
        stopping = asyncio.create_task(bench.scheduler.stop(["a"], grace=20.0))
        await bench.clock.advance(20)
        await stopping
        assert [0] == collector.polled_at

    run(scenario)


def test_a_poll_that_runs_is_told_with_its_beginning_until_it_ends() -> None:
    async def scenario(bench: Bench) -> None:
        release = asyncio.Event()

        async def slow(_: int) -> PollResult:
            await release.wait()
            return PollResult(observation())

        job, _ = bench.job(slow)
        await bench.scheduler.start([job])
        await bench.clock.advance(0)
        began = bench.clock.steady()
        await bench.clock.advance(25)
        assert {("a", CollectorName.BOOKINGS): began} == dict(bench.scheduler.polling)
        release.set()
        await bench.clock.advance(0)
        assert {} == dict(bench.scheduler.polling)

    run(scenario)


def test_a_stopped_target_leaves_nothing_behind() -> None:
    async def scenario(bench: Bench) -> None:
        job, _ = bench.job(failing(ServerError("down")))
        await bench.scheduler.start([job])
        await bench.clock.advance(100)
        await bench.scheduler.stop(["a"], grace=1.0)
        inside = bench.scheduler
        assert ({}, {}, {}) == (inside._tasks, inside._polling, inside._failures._rows)

    run(scenario)


def test_a_failure_remembers_since_when_and_how_often_in_a_row() -> None:
    async def scenario(bench: Bench) -> None:
        job, collector = bench.job(failing(ServerError("down")))
        await bench.scheduler.start([job])
        await bench.clock.settle()
        began = bench.clock.time()
        await bench.clock.advance(100)
        failure = bench.last().failure
        assert failure is not None
        assert (began, len(collector.polled_at)) == (failure.since, failure.count)
        assert failure.at > began

    run(scenario)


@pytest.mark.parametrize("bug", ["publish", "lateness"])
def test_a_collector_whose_poll_cannot_be_shown_says_so_keeps_its_data_and_is_polled_again_an_interval_later(bug: str) -> None:
    async def scenario(bench: Bench) -> None:
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

    run(scenario)


def test_a_bug_that_stays_is_told_less_and_less_often_and_asks_no_more_of_the_platform() -> None:
    async def scenario(bench: Bench) -> None:
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

    run(scenario)


def test_a_platform_that_asked_to_wait_is_not_asked_earlier_because_of_a_bug() -> None:
    async def scenario(bench: Bench) -> None:
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

    run(scenario)


def test_a_poll_that_gets_no_thread_names_the_limit_and_no_bug() -> None:
    async def scenario(bench: Bench) -> None:
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

    run(scenario)
