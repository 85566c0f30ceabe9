"""The ``check-config`` command: what it asks of the platforms when it is told ``--online``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from prometheus_client import CollectorRegistry

from exporter.commands.world import known_secrets, opened_world
from exporter.config import Config
from exporter.errors import PollError
from exporter.metrics import Instruments
from exporter.platforms.retry import MAX_PATIENCE_SECONDS, patience
from exporter.platforms.settings import Target
from exporter.polling import AT_ONCE, told_error
from exporter.runtime import World
from exporter.state.advice import for_failure, plain
from exporter.state.status_history import StatusHistory


async def check_online(config: Config, say: Callable[[str], None]) -> list[str]:
    """Try the credential of every target with one cheap read, side by side. Returns a problem for each that failed.

    ``say`` hears of each that works. Both come in the order of the configuration, as soon as all before it is known.
    """
    async with opened_world(Instruments(CollectorRegistry()), known_secrets(config.secrets, config.names)) as world:
        return await check_all(config.targets, lambda target: _problem(world, target), say)


async def check_all(
    targets: Sequence[Target], check: Callable[[Target], Awaitable[str | None]], say: Callable[[str], None]
) -> list[str]:
    """``check`` all ``targets``, :data:`~exporter.polling.AT_ONCE` side by side; ``None`` is one that works."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(target: Target) -> str | None:
        async with places:
            return await check(target)

    checks = [asyncio.create_task(one(target), name=f"check {target.name}") for target in targets]
    problems = []
    try:
        for target, checked in zip(targets, checks, strict=True):
            if (problem := await checked) is not None:
                problems.append(problem)
            else:
                say(f"{target.name}: the credential works")
    finally:  # a bug in one, or Ctrl-C, ends the others
        for checked in checks:
            checked.cancel()
        await asyncio.gather(*checks, return_exceptions=True)
    return problems


async def _problem(world: World, target: Target) -> str | None:
    try:
        live = world.open_target(target, StatusHistory())
        try:
            with patience(MAX_PATIENCE_SECONDS):  # as in a poll: who refuses slowly is not asked four times
                await live.session.check()
        finally:
            await live.session.aclose()
    except PollError as failed:
        error = told_error(failed, world.known)
        fix = plain(for_failure(target.platform, error.reason, target.sign_in).fix)
        return f"{target.name}: {error.reason.value}: {plain(error.message)} (fix: {fix})"
    return None
