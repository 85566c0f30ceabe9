"""The polling loop on a clock that only moves when told to: when a collector is polled, and what is shown of that."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter

import msgspec
import pytest

from exporter.clock.deadlines import paused
from exporter.model import CollectorName
from exporter.platforms.base import PollResult
from exporter.polling.admission import Admission
from exporter.polling.poll import phase_of
from tests.harness.lag import LateLag
from tests.harness.scripted_polls import Bench, ScriptedCollector, good, observation


@pytest.mark.slow
async def test_the_loop_has_a_turn_after_every_200_polls_that_a_fleet_starts(bench: Bench) -> None:
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


async def test_a_collector_is_polled_at_once_and_then_on_a_fixed_grid(bench: Bench) -> None:
    job, collector = bench.job(good)
    await bench.scheduler.start([job])
    await bench.clock.advance(185)
    assert [0, 60, 120, 180] == collector.polled_at


async def test_a_slow_poll_does_not_shift_the_grid_and_never_overlaps_itself(bench: Bench) -> None:
    async def slow(_: int) -> PollResult:
        await bench.clock.sleep(70)
        return PollResult(observation())

    job, collector = bench.job(slow)
    await bench.scheduler.start([job])
    await bench.clock.advance(250)
    assert [0, 120, 240] == collector.polled_at


async def test_from_the_second_poll_on_a_collector_keeps_its_phase(bench: Bench) -> None:
    for phase, second in {0.0: 60, 29.0: 89, 31.0: 31, 59.0: 59}.items():
        job, collector = bench.job(good, target=f"phase {phase}")
        await bench.scheduler.start([msgspec.structs.replace(job, phase=phase)])
        await bench.clock.settle()
        bench.expected[f"phase {phase}"] = (collector, [0, second, second + 60, second + 120])
    await bench.clock.advance(210)
    for collector, expected in bench.expected.values():
        assert expected == collector.polled_at[:4]


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


@pytest.mark.slow
async def test_a_poll_that_waits_for_admission_is_late_and_says_so(bench: Bench) -> None:
    lag, collector = await started_late(bench, 1.0)
    await bench.clock.advance(20)
    assert [] == collector.polled_at
    lag.lateness = 0.0
    await bench.clock.advance(1)
    assert 1 == len(collector.polled_at)
    ((platform, late),) = bench.lateness
    assert "wix" == platform
    assert 20 <= late < 21


@pytest.mark.slow
async def test_a_poll_that_waits_for_its_connection_is_late_and_says_so(bench: Bench) -> None:
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


@pytest.mark.slow
async def test_a_loop_that_never_gets_better_delays_a_poll_by_one_interval_only(bench: Bench) -> None:
    _, collector = await started_late(bench, 9.0)
    await bench.clock.advance(59)
    assert [] == collector.polled_at
    await bench.clock.advance(2)
    assert [60] == collector.polled_at


async def test_a_poll_may_wait_for_turns_of_ours_for_an_interval_in_all(bench: Bench) -> None:
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


async def test_a_poll_that_waits_for_admission_does_not_hold_up_the_stop(bench: Bench) -> None:
    _, collector = await started_late(bench, 9.0)
    await bench.clock.advance(5)
    stopping = asyncio.create_task(bench.scheduler.stop(grace=8.0))
    await bench.clock.settle()
    assert stopping.done()
    assert [] == collector.polled_at


async def test_success_publishes_the_observation_and_the_next_poll(bench: Bench) -> None:
    job, _ = bench.job(good)
    await bench.scheduler.start([job])
    await bench.clock.settle()
    state = bench.last()
    assert state.up
    assert observation() == state.observation
    assert bench.clock.time() == state.last_success
    assert state.next_poll == bench.clock.time() + 60
    assert [(CollectorName.BOOKINGS, None)] == bench.recorder.polls


async def test_a_poll_that_runs_is_told_with_its_beginning_until_it_ends(bench: Bench) -> None:
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
