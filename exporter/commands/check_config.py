"""The ``check-config`` command: what it asks of the platforms when it is told ``--online``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

from prometheus_client import CollectorRegistry

from exporter.clock import SystemClock
from exporter.config import Config
from exporter.errors import PollError
from exporter.metrics import Instruments
from exporter.platforms.http_pool import open_pool
from exporter.platforms.settings import Target
from exporter.polling import AT_ONCE, Admission
from exporter.runtime import World
from exporter.state.advice import for_failure
from exporter.state.status_history import StatusHistory


async def check_online(config: Config, say: Callable[[str], None]) -> list[str]:
    """Try the credential of every target with one cheap read. Returns a problem for each that failed, in their order.

    ``say`` hears of each that works as soon as it is known.
    """
    clock = SystemClock()
    places = asyncio.Semaphore(AT_ONCE)
    async with open_pool(clock) as http:
        instruments = Instruments(CollectorRegistry())
        world = World(http, clock, Random(), instruments, Admission(clock))  # noqa: S311  jitter, not cryptography

        async def check(target: Target) -> str | None:
            async with places:
                try:
                    live = world.open_target(target, StatusHistory())
                    try:
                        await live.session.check()
                    finally:
                        await live.session.aclose()
                except PollError as error:
                    advice = for_failure(target.platform, error.reason)
                    return f"{target.name}: {error.reason.value}: {error.message} (fix: {advice.fix})"
            say(f"{target.name}: the credential works")
            return None

        return list(filter(None, await asyncio.gather(*map(check, config.targets))))
