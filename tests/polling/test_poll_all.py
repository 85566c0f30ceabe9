"""A command that polls a fleet once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

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
