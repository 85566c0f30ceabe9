"""The ``check-config`` command: what it asks of the platforms when it is told ``--online``."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from prometheus_client import CollectorRegistry

from exporter.clock import SystemClock
from exporter.config import Config
from exporter.errors import PollError
from exporter.metrics import Instruments
from exporter.platforms.http_pool import open_pool
from exporter.polling.admission import Admission
from exporter.runtime.targets import World
from exporter.state.advice import for_failure
from exporter.state.status_history import StatusHistory


async def check_online(config: Config, say: Callable[[str], None]) -> list[str]:
    """Try the credential of every target with one cheap read. Returns a problem for each that failed."""
    problems = []
    clock = SystemClock()
    async with open_pool(clock) as http:
        instruments = Instruments(CollectorRegistry())
        world = World(http, clock, Random(), instruments, Admission(clock))  # noqa: S311  jitter, not cryptography
        for target in config.targets:
            try:
                live = world.open_target(target, StatusHistory())
                try:
                    await live.session.check()
                finally:
                    await live.session.aclose()
            except PollError as error:
                advice = for_failure(target.platform, error.reason)
                problems.append(f"{target.name}: {error.reason.value}: {error.message} (fix: {advice.fix})")
            else:
                say(f"{target.name}: the credential works")
    return problems
