"""A command that polls a fleet once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import permutations

import pytest

from exporter.errors import Reason
from exporter.model import BookingsObservation, CollectorName
from exporter.platforms.base import PollResult
from exporter.polling.poll import Job, poll_all
from exporter.state.snapshot import CollectorState
from tests.harness.clock import ManualClock


@dataclass
class Crowd:
    """Collectors that each take a second, and how many were asked at a time."""

    clock: ManualClock
    asking: int = 0
    most: int = 0
    recorded: list[CollectorName] = field(default_factory=list)

    async def poll(self) -> PollResult:
        self.asking += 1
        self.most = max(self.most, self.asking)
        await self.clock.sleep(1)
        self.asking -= 1
        return PollResult(BookingsObservation(self.clock.time(), ()))

    def poll_finished(self, collector: CollectorName, seconds: float, reason: Reason | None) -> None:
        assert seconds >= 0
        assert reason is None
        self.recorded.append(collector)


async def test_a_fleet_is_polled_twenty_at_a_time_and_comes_back_in_its_order() -> None:
    crowd = Crowd(ManualClock())
    names = [f"site-{number}" for number in range(100)]
    jobs = [Job(name, "wix", CollectorName.BOOKINGS, 60.0, 300.0, crowd, crowd) for name in names]
    finished: list[CollectorState] = []
    polling = asyncio.create_task(poll_all(jobs, crowd.clock, finished.append))
    await crowd.clock.advance(5.5)
    assert names == [state.target for state in await polling]
    assert (20, 100) == (crowd.most, len(finished))


LEANING = (CollectorName.CONNECTIONS, CollectorName.EVENTS, CollectorName.SLOTS)


@pytest.mark.parametrize("order", [*permutations(LEANING)])
async def test_what_uses_what_connections_and_events_show_is_polled_after_them(order: tuple[CollectorName, ...]) -> None:
    crowd = Crowd(ManualClock())
    jobs = [Job("salon", "wix", name, 60.0, 300.0, crowd, crowd) for name in order]
    polling = asyncio.create_task(poll_all(jobs, crowd.clock))
    await crowd.clock.advance(3.5)
    assert order == tuple(state.collector for state in await polling)
    assert ([*LEANING], 1) == (crowd.recorded, crowd.most)


@pytest.mark.parametrize("name", LEANING)
async def test_nobody_waits_for_a_collector_that_does_not_run_or_is_of_another_target(name: CollectorName) -> None:
    crowd = Crowd(ManualClock())
    jobs = [Job(f"site-{number}", "wix", each, 60.0, 300.0, crowd, crowd) for number, each in enumerate((*LEANING, name))]
    polling = asyncio.create_task(poll_all(jobs, crowd.clock))
    await crowd.clock.advance(1.5)
    assert (4, 4) == (len(await polling), crowd.most)
