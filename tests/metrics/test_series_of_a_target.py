"""How many series a target costs on the real page: the exporter polls the simulator with its default collectors."""

from __future__ import annotations

import asyncio
from pathlib import Path

import yaml

from exporter.commands.demo import demo_targets
from exporter.simulator import Simulator, running
from exporter.simulator.drills import demo_world
from tests.harness.application import application
from tests.harness.clock import ManualClock


def series_of(folder: Path, name: str, polls: int = 3) -> list[str]:
    """Return the series of a target of the demo world after some polls."""

    async def run() -> str:
        clock = ManualClock()
        simulator = Simulator(clock, build=demo_world.build)
        async with running(simulator.app) as origin:
            config = folder / "exporter.yml"
            [target] = [one for one in demo_targets(origin) if one["name"] == name]
            config.write_text(yaml.safe_dump({"targets": [target]}))
            async with application(config, clock) as app:
                while not all(
                    state.finished_polls >= polls for target in app.app.view().targets for state in target.collectors
                ):
                    await app.pass_time(5.0)
                return await app.page()

    return [line for line in asyncio.run(run()).splitlines() if f'target="{name}"' in line]


def test_a_wix_site_with_four_connections_costs_no_more_series_than_it_did(tmp_path: Path) -> None:
    # 180 are meant. Of those above, 76 are durations and retries of requests, which need no label `target`.
    series = series_of(tmp_path, "salon-berlin-wix")
    assert 4 == sum(line.startswith("booking_sync_connection_info{") for line in series)
    assert len(series) <= 293
