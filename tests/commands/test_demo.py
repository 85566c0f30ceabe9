"""What the demo says as it runs."""

from __future__ import annotations

from exporter.commands import demo
from exporter.simulator import Simulator
from exporter.simulator.drills import INCIDENTS, SCENARIOS, demo_world
from tests.harness.clock import ManualClock
from tests.monitoring.servers import free_port


async def test_each_incident_is_told_with_who_notices_it() -> None:
    said: list[str] = []

    clock = ManualClock()
    simulator = Simulator(clock, build=demo_world.build)
    async with demo.playing(simulator, SCENARIOS["bad-night"], said.append):
        await clock.advance(2_610.0)
    begun = [line for line in said if line.startswith(">> ")]
    assert [incident.name for incident in INCIDENTS] == [line[3:].partition(":")[0] for line in begun]
    told = {line[3:].partition(":")[0]: line.rpartition(" (")[2].removesuffix(")") for line in begun}
    assert "the board shows this with the next poll" == told["token-revoked"]
    assert "the board shows this with the next check" == told["access-lost"]
    assert "the board shows this with the first poll after the `grace` of the pair" == told["booking-lost"]
    assert "the board shows this after 1 h; here it ends before" == told["sync-stuck"]
    after = "the board shows this after 24 h, if it saw the same day a week before"
    assert f"{after}; here it ends before" == told["intake-stopped"]


async def test_an_incident_that_stays_is_not_said_to_end() -> None:
    said: list[str] = []

    clock = ManualClock()
    async with demo.playing(Simulator(clock, build=demo_world.build), SCENARIOS["sync-stuck"], said.append):
        await clock.advance(1.0)
    assert ["(the board shows this after 1 h)"] == [line[line.rindex("(") :] for line in said]


async def test_a_demo_that_is_ended_before_its_first_polls_says_its_addresses_and_nothing_of_itself() -> None:
    said: list[str] = []
    await demo._welcome(f"http://127.0.0.1:{free_port()}", "http://simulator.invalid", "calm", said.append, said.append)
    assert [line for line in said if "Status board" in line]
    assert "Ctrl-C ends it" in said[-1]
