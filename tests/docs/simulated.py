"""The simulated businesses, watched by an exporter in this process on a clock that moves only here: what documents claim."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import yaml

from exporter.commands.demo import demo_targets
from exporter.simulator import Simulator
from exporter.simulator.drills import demo_world
from exporter.web import status_of
from exporter.web import status_types as api
from tests.harness.application import RunningApplication, application
from tests.harness.board import page, words
from tests.harness.clock import ManualClock

SITE: Final = f"{demo_world.SALON}-wix"
"""The target that a test may configure otherwise."""


@dataclass
class World:
    """The simulated businesses, watched by an exporter in this process. Nothing goes through sockets."""

    simulator: Simulator
    app: RunningApplication
    clock: ManualClock

    async def minutes(self, number: float) -> None:
        """Let the time pass; what is polled meanwhile has its answers."""
        for _ in range(int(number * 15)):
            await self.clock.advance(4.0)
            for _ in range(60):
                await asyncio.sleep(0)

    @property
    def status(self) -> api.Status:
        return status_of(self.app.app.view())

    def target(self, name: str) -> api.Target:
        return next(target for target in self.status.targets if target.name == name)

    @property
    def connections(self) -> Sequence[api.CalendarConnection]:
        found = self.target(SITE).connections
        assert found is not None
        return found.connections

    def problems(self, kind: str) -> list[api.Problem]:
        return [problem for problem in self.status.problems if problem.kind == kind]

    @property
    def board(self) -> str:
        return words(page(self.app.app.view()))


@asynccontextmanager
async def world(folder: Path, *, changed: str = SITE, **changes: object) -> AsyncIterator[World]:
    """Watch the demo's businesses with the defaults of everything, and ``changes`` of the target ``changed``."""
    clock = ManualClock()
    simulator = Simulator(clock, build=demo_world.build)
    targets = demo_targets("http://127.0.0.1:8099")
    next(target for target in targets if target["name"] == changed).update(changes)
    file = folder / "exporter.yml"
    file.write_text(yaml.safe_dump({"timezone": "Europe/Berlin", "targets": targets}))
    async with application(file, clock, through=httpx.ASGITransport(simulator.app)) as app:
        there = World(simulator, app, clock)
        await there.minutes(2)
        yield there
