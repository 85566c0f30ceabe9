"""Service discovery while the exporter runs: each rule's list is read now and then, and a change goes the way of a reload.

The configuration file is not read for it: what somebody is just editing comes into force when they say so. While a changed file
is refused, sites neither come nor leave, since a swap would look as if that file had been mended.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import structlog

from exporter.errors import ConfigError, PollError, PollTimeoutError
from exporter.platforms.discovery import Discovery, Finder, FoundSites
from exporter.platforms.registry import PLATFORMS
from exporter.platforms.retry import wait_allowance
from exporter.polling import sanitized_error
from exporter.runtime.application import Application
from exporter.runtime.targets import TargetFactory
from exporter.state.advice import for_failure
from exporter.support.backoff import exponential

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 1.0
INITIAL_PAUSE_SECONDS: Final = 60.0
DEADLINE_SECONDS: Final = 300.0
_MAX_WAIT_SECONDS: Final = 30.0


@dataclass(slots=True)
class _Asking:
    """A rule, who reads its list, when that is due (monotonic), and how often in a row it failed."""

    rule: Discovery
    finder: Finder
    due: float
    failures: int = field(default=0)


async def discover(app: Application, factory: TargetFactory) -> None:
    """Read the lists of the rules of ``app`` and put what changes into force, for ever."""
    asking: dict[str, _Asking] = {}
    while True:
        if app.standby:
            factory.sites.forget_file()
        else:
            now = factory.clock.monotonic()
            asking = {rule.name: _of(rule, asking.get(rule.name), factory) for rule in app.config.discover}
            factory.sites.keep_rules(asking)
            await asyncio.gather(*(_ask(each, factory) for each in asking.values() if each.due <= now))
            await put_into_force(app, factory)
        await factory.clock.sleep(LOOK_SECONDS)


def _of(rule: Discovery, before: _Asking | None, factory: TargetFactory) -> _Asking:
    """Return what was known of asking by a rule that says the same as before, else begin anew: its key may be another one."""
    if before is not None and before.rule == rule:
        return before
    return _Asking(rule, factory.open_finder(rule), factory.clock.monotonic())


async def _ask(each: _Asking, factory: TargetFactory) -> None:
    rule, clock, before = each.rule, factory.clock, factory.sites.trouble(each.rule)
    error = await ask(rule, each.finder, factory)
    after = factory.sites.trouble(rule)
    for message, fix in after if after != before else ():
        log.warning("discovery_trouble", discovery=rule.name, problem=message, fix=fix)
    if before and not after:
        log.info("discovery_works_again", discovery=rule.name)
    if error is None:
        each.failures, each.due = 0, clock.monotonic() + rule.interval
    else:
        pause = exponential(
            each.failures, initial_seconds=INITIAL_PAUSE_SECONDS, max_seconds=rule.interval, random=factory.random
        )
        each.failures += 1
        each.due = clock.monotonic() + max(pause, error.retry_after or 0.0)


async def ask(rule: Discovery, finder: Finder, factory: TargetFactory) -> PollError | None:
    """Read the list of ``rule`` and note what came of it. Returns why it could not be read, if so."""
    try:
        found = await _read(finder, factory)
    except PollError as failed:
        error = sanitized_error(failed, factory.known)
        factory.sites.failed(rule, error, _fix(rule, error))
        return error
    factory.sites.take(rule, found, factory.clock.steady())
    return None


async def _read(finder: Finder, factory: TargetFactory) -> FoundSites:
    deadline = factory.clock.timeout(DEADLINE_SECONDS)
    try:
        with wait_allowance(_MAX_WAIT_SECONDS):
            async with deadline:
                return await finder.sites()
    except TimeoutError:
        if not deadline.expired:
            raise
        raise PollTimeoutError(f"the list of sites did not end within {DEADLINE_SECONDS:g} s") from None


def _fix(rule: Discovery, error: PollError) -> str:
    discoverer = PLATFORMS[rule.platform].discoverer
    of_list = discoverer.fixes.get(error.reason) if discoverer else None
    return of_list or for_failure(rule.platform, error.reason, rule.target.sign_in).fix


async def put_into_force(app: Application, factory: TargetFactory) -> None:
    """Swap in what the rules know by now, if that is another configuration, and write it down."""
    if factory.sites.in_force == factory.sites.version or app.view().rejected_config is not None:
        factory.sites.settle()
        return
    version = factory.sites.version
    with contextlib.suppress(ConfigError):  # logged and counted where it happened; the stop is one
        await app.reload(lambda: factory.sites.put_into(app.config))
        factory.sites.in_force = version
    factory.sites.settle()
    await asyncio.to_thread(partial(factory.sites.save, app.config))
