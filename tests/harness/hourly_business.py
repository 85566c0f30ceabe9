"""The exporter on the small business, asked once an hour: meanwhile nothing happens but what a test does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from exporter.runtime.targets import LiveTarget
from exporter.simulator import Fault, FaultKind
from tests.harness.application import RunningApplication, application
from tests.harness.business import Business, with_business
from tests.harness.clock import ManualClock

Scenario = Callable[[RunningApplication, Business], Coroutine[Any, Any, None]]
HOURLY = {"connections": {"interval": "1h"}}


def calm(business: Business, name: str = "wix", **changes: object) -> dict[str, Any]:
    return business.wix_target(name, **{"collectors": HOURLY, **changes})


def portal(business: Business, name: str = "b24", **changes: object) -> dict[str, Any]:
    return business.bitrix24_target(name, **{"collectors": {"bookings": {"interval": "1h"}}, **changes})


def with_application(tmp_path: Path, targets: Callable[[Business], tuple[dict[str, Any], ...]], scenario: Scenario) -> None:
    async def with_platforms(business: Business) -> None:
        # The simulator runs on the machine's clock, so the exporter starts at its time.
        async with application(business.config(*targets(business)), ManualClock(business.simulator.now())) as app:
            await app.finished_polls()
            await scenario(app, business)

    with_business(tmp_path, with_platforms)


async def hang(app: RunningApplication, business: Business) -> None:
    """Let the time pass until a poll has begun that never ends."""
    business.simulator.faults.add(Fault(FaultKind.NEVER))
    while not app.app._scheduler._polling:
        await app.clock.advance(5)
    await asyncio.sleep(0.2)  # into the exchange


def live(app: RunningApplication) -> dict[str, LiveTarget]:
    return app.app._live
