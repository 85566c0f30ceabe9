"""The polling loop on a clock that only moves when told to, and collectors that answer as a script says."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from random import Random

from exporter.errors import PollError, Reason
from exporter.model import BookingsObservation, CollectorName, Observation
from exporter.platforms.base import PollResult
from exporter.polling.admission import Admission
from exporter.polling.poll import Job
from exporter.polling.scheduler import Scheduler
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


@contextlib.asynccontextmanager
async def scripted_polls() -> AsyncIterator[Bench]:
    """Stop the scheduler of a bench after the block."""
    bench = Bench(ManualClock())
    try:
        yield bench
    finally:
        stopping = asyncio.create_task(bench.scheduler.stop(grace=0.0))
        await bench.clock.advance(1.0)
        await stopping
