"""A process that was stopped, or its machine suspended: what came due meanwhile is polled at once, and nobody is blamed."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import msgspec
import pytest

from exporter.clock import Clock
from exporter.model import CollectorName
from exporter.platforms.base import PollResult
from exporter.polling.poll import phase_of
from tests.harness.lag import LateLag
from tests.harness.scripted_polls import Bench, Script, ScriptedCollector, observation

FLEET = 600
INTERVAL = 60.0


def answering_in(clock: Clock, seconds: float, *, within: float) -> Script:
    """Return the script of a collector whose platform takes ``seconds`` and is given ``within`` seconds."""

    async def poll(_: int) -> PollResult:
        async with clock.timeout(within):
            await clock.sleep(seconds)
        return PollResult(observation())

    return poll


async def started(bench: Bench) -> list[ScriptedCollector]:
    """Start a fleet on a punctual loop, each collector with its phase; return when each has its own pace."""
    bench.admit_by(LateLag(bench.clock))
    script = answering_in(bench.clock, 0.2, within=30)
    pairs = [bench.job(script, target=f"site-{number}", interval=INTERVAL) for number in range(FLEET)]
    phases = [phase_of(job.target, CollectorName.BOOKINGS, INTERVAL) for job, _ in pairs]
    await bench.scheduler.start(
        msgspec.structs.replace(job, phase=phase) for (job, _), phase in zip(pairs, phases, strict=True)
    )
    await bench.clock.advance(1.6 * INTERVAL)
    return [collector for _, collector in pairs]


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [10.0, 60.0])
async def test_what_came_due_is_polled_once_each_within_two_seconds_and_all_is_on_time_an_interval_later(
    bench: Bench, seconds: float
) -> None:
    fleet = await started(bench)
    before = [len(collector.polled_at) for collector in fleet]
    await bench.clock.stall(seconds)
    stood_until = bench.clock.monotonic()
    await bench.clock.advance(2)
    polls = [len(collector.polled_at) - count for collector, count in zip(fleet, before, strict=True)]
    due = FLEET * min(1.0, (seconds + 2) / INTERVAL)
    assert max(polls) <= 2, "once for all that was missed, and perhaps once for what came due since"
    assert sum(map(bool, polls)) >= 0.85 * due
    await bench.clock.advance(INTERVAL)
    bench.lateness.clear()
    await bench.clock.advance(1.1 * INTERVAL)
    assert 1.05 * FLEET <= len(bench.lateness) <= 1.15 * FLEET
    assert max(late for _, late in bench.lateness) <= 0.25
    for collector in fleet:
        after = [at for at in collector.polled_at if at > stood_until + INTERVAL]
        assert max((later - sooner for sooner, later in pairwise(after)), default=0) <= INTERVAL + 0.5


@pytest.mark.slow
async def test_no_poll_fails_because_the_process_was_stopped_while_it_waited_for_its_answer(bench: Bench) -> None:
    answers = asyncio.Event()

    async def poll(_: int) -> PollResult:
        async with bench.clock.timeout(30):
            await answers.wait()
        return PollResult(observation())

    bench.admit_by(LateLag(bench.clock))
    await bench.scheduler.start([bench.job(poll, target=f"site-{number}")[0] for number in range(20)])
    await bench.clock.advance(10)
    await bench.clock.stall(3600)
    await bench.clock.advance(19)  # the platform is slow, but within its time
    answers.set()
    await bench.clock.advance(1)
    assert [(CollectorName.BOOKINGS, None)] * 20 == bench.recorder.polls
