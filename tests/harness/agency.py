"""The account of an agency at the simulated Wix, and an exporter that finds its sites, on a clock of the test's."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import yaml

from exporter.runtime import discover
from exporter.simulator import Fault, FaultKind, Simulator, running
from exporter.simulator.wix.world import Site
from tests.harness.application import RunningApplication, application
from tests.harness.clock import ManualClock

KEY = "IST.planted-api-key-5b1c"
ACCOUNT = "15f02319-40ff-4288-b8e6-69c791adae5e"
HOURLY = {"connections": {"interval": "1h"}}


def guid(number: int) -> str:
    return f"{number:08x}-2f0e-4f9c-9a55-3d8a5b1f6a10"


class Agency:
    """The account of an agency at the simulated Wix, and the exporter that watches it."""

    def __init__(self, simulator: Simulator, url: str, folder: Path) -> None:
        self.simulator = simulator
        self.url = url
        self.folder = folder
        self.clock = ManualClock(simulator.now())

    def open(self, number: int, name: str = "") -> Site:
        site = self.simulator.wix.add_site(guid(number), account_id=ACCOUNT, display_name=name or f"Salon {number}")
        site.created += number
        return site

    def close(self, *numbers: int) -> None:
        for number in numbers:
            del self.simulator.wix.sites[guid(number)]

    def site(self, number: int) -> Site:
        return self.simulator.wix.sites[guid(number)]

    def rule(self, *, paused: bool = False, **changes: object) -> dict[str, Any]:
        """Return a rule; with ``paused`` its sites are targets that are not polled, which takes long for many."""
        target = {"base_url": self.url, "timeout": "5s", "collectors": HOURLY, "paused": paused}
        return {"name": "agency", "platform": "wix", "account_id": ACCOUNT, "api_key": KEY, "target": target, **changes}

    def by_hand(self, name: str, number: int, **changes: object) -> dict[str, Any]:
        account = {"platform": "wix", "site_id": guid(number), "api_key": KEY}
        return {"name": name, **account, "base_url": self.url, "collectors": HOURLY, **changes}

    def config(self, *rules: dict[str, Any], name: str = "exporter.yml", **top: object) -> Path:
        path = self.folder / name
        path.write_text(yaml.safe_dump({"discover": list(rules) or [self.rule()], **top}))
        return path

    def asked(self) -> int:
        return self.simulator.log.count("QuerySites")

    def fail(self, kind: FaultKind, **options: Any) -> None:  # noqa: ANN401  fields of Fault
        self.simulator.faults.add(Fault(kind, operation="QuerySites", **options))

    @contextlib.asynccontextmanager
    async def exporter(self, config: Path, **options: Any) -> AsyncIterator[RunningApplication]:  # noqa: ANN401  of the harness
        async with application(config, self.clock, **options) as app:
            task = asyncio.create_task(discover(app.app, app.factory))
            try:
                yield app
            finally:
                assert not task.done(), "discovery has ended"
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)


def called(*numbers: int) -> list[str]:
    """Return the names of the targets of these sites."""
    return [f"salon-{number}-{number:08x}" for number in numbers]


@contextlib.asynccontextmanager
async def running_agency(folder: Path, sites: int = 3) -> AsyncIterator[Agency]:
    """Serve an agency whose one key sees ``sites`` sites while the block runs."""
    simulator = Simulator()
    async with running(simulator.app) as url:
        agency = Agency(simulator, url, folder)
        for number in range(1, sites + 1):
            agency.open(number)
        if sites:
            simulator.wix.add_key(agency.site(1), KEY)
        yield agency
