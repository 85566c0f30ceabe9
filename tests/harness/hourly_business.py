"""The exporter on the small business, asked once an hour: meanwhile nothing happens but what a test does."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from exporter.runtime.targets import LiveTarget
from exporter.simulator import Fault, FaultKind
from tests.harness.application import RunningApplication, application
from tests.harness.business import Business, running_business
from tests.harness.clock import ManualClock
from tests.harness.faults import met

HOURLY = {"connections": {"interval": "1h"}}


def calm(business: Business, name: str = "wix", **changes: object) -> dict[str, Any]:
    return business.wix_target(name, **{"collectors": HOURLY, **changes})


def portal(business: Business, name: str = "b24", **changes: object) -> dict[str, Any]:
    return business.bitrix24_target(name, **{"collectors": {"bookings": {"interval": "1h"}}, **changes})


@contextlib.asynccontextmanager
async def hourly_application(
    folder: Path, targets: Callable[[Business], tuple[dict[str, Any], ...]]
) -> AsyncIterator[tuple[RunningApplication, Business]]:
    """Run the exporter on ``targets`` of a business while the block runs, after the first poll of each collector."""
    async with running_business(folder) as business:
        clock = ManualClock(
            business.simulator.now()
        )  # the simulator runs on the machine's clock, so the exporter starts at its time
        async with application(business.config(*targets(business)), clock) as app:
            await app.finished_polls()
            yield app, business


async def hang(app: RunningApplication, business: Business) -> None:
    """Let the time pass until a poll has begun that never ends."""
    business.simulator.faults.add(Fault(FaultKind.NEVER, times=1))
    while not app.app._scheduler._polling:
        await app.clock.advance(5)
    await met(business.simulator)


def live(app: RunningApplication) -> dict[str, LiveTarget]:
    return app.app._live
