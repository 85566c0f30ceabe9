"""What the demo says as it runs."""

from __future__ import annotations

import asyncio

from exporter.commands import demo
from exporter.simulator import Simulator
from exporter.simulator.drills import INCIDENTS, SCENARIOS, demo_world
from tests.harness.clock import ManualClock


def test_each_incident_is_told_with_who_notices_it() -> None:
    said: list[str] = []

    async def run() -> None:
        clock = ManualClock()
        simulator = Simulator(clock, build=demo_world.build)
        async with demo.playing(simulator, SCENARIOS["bad-night"], said.append):
            await clock.advance(15 * 60)

    asyncio.run(run())
    begun = [line for line in said if line.startswith(">> ")]
    assert [incident.name for incident in INCIDENTS] == [line[3:].partition(":")[0] for line in begun]
    told = {line[3:].partition(":")[0]: line.rpartition(" (")[2].removesuffix(")") for line in begun}
    assert "the board shows this with the next poll" == told["token-revoked"]
    assert "the board shows this after 1 h" == told["sync-stuck"]
    assert "only an alert notices this" == told["intake-stopped"]
