"""The ``check-config`` command: the files, and with ``--online`` what the platforms say to them."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

from prometheus_client import CollectorRegistry
from rich.console import Console
from rich.markup import escape
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from exporter.clock import Clock
from exporter.commands.found_sites import with_found_sites
from exporter.commands.site_users import with_users_of
from exporter.commands.target_factory import known_secrets, opened_target_factory
from exporter.config import Config, load_config, shard_of
from exporter.errors import ConfigError, PollError
from exporter.fields.credentials import shown_source
from exporter.metrics import Instruments
from exporter.model import ConnectionsObservation, Shard
from exporter.platforms.base import RefusedPart
from exporter.platforms.policy import policy_of
from exporter.platforms.retry import MAX_WAIT_SECONDS, wait_allowance
from exporter.platforms.routes import host_route
from exporter.platforms.settings import Target
from exporter.polling import AT_ONCE, sanitized_error
from exporter.runtime import KnownSites, TargetFactory
from exporter.state.advice import asked_once, for_failure, plain
from exporter.state.advice import moved as advice_moved
from exporter.state.config_warnings import of_observation
from exporter.state.status_history import StatusHistory
from exporter.support.listing import first_names
from exporter.support.redaction import visible
from exporter.web import WebConfig, web_warnings

T = TypeVar("T")

SIGN_OF_LIFE_SECONDS: Final = 5.0
_NAMED: Final = 3  # of those that are waited for, or have one warning


@dataclass(frozen=True, slots=True)
class Checked:
    """What the check of one target brought: ``problems`` is empty if the target can be polled. Warnings have their fix."""

    says: str = "the credential works"
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def check(
    config_file: Path | None,
    web_config: Path | None,
    online: bool,
    say: Callable[[str], None],
    warn: Callable[[str], None],
    *,
    folder: Path | None = None,
    secrets: bool = True,
    shard: Shard | None = None,
) -> tuple[list[str], str]:
    """Check both files, and with ``online`` what the platforms say to it. Returns the problems, and what there is to watch.

    Without ``secrets`` those that stand elsewhere are not looked for, and which they are is said. With a ``shard`` it is said
    what falls to it, and the platforms are asked of nothing else.
    """
    problems: list[str] = []

    def checked(read: Callable[[], T]) -> T | None:
        try:
            return read()
        except ConfigError as error:
            for warning in error.warnings:
                warn(str(warning))
            problems.extend(str(problem) for problem in error.problems)
            return None

    route = checked(host_route)
    config = checked(lambda: with_users_of(web_config, load_config(config_file, folder=folder, opens_secrets=secrets)))
    web = checked(lambda: WebConfig.load(web_config))
    of_config = (*config.warnings, *config.gaps) if config else ()
    for warning in (*of_config, *(web_warnings(web, time.time()) if web else ())):
        warn(str(warning))
    for rule in config.discover if config and not online else ():
        say(f"discover[{rule.name}]: with --online its list is read, and its sites are tried")
    if config is not None and shard is not None:
        config = shard_of(config, shard.index, shard.count)
        for target in config.targets:
            say(f"{target.name}: watched by shard {shard}")
    if config is not None and config.unopened:
        places = [shown_source(source, "") for source in config.unopened]
        say(f"not checked: {len(places):,} secret{'' if len(places) == 1 else 's'} ({first_names(places)})")
    if config is not None and online and route is not None:
        problems += asyncio.run(check_online(config, say, warn))
    return problems, _counted(config) if config else ""


def _counted(config: Config) -> str:
    kinds = (
        (config.targets, "target", "targets"),
        (config.discover, "rule that finds sites", "rules that find sites"),
        (config.pairs, "pair", "pairs"),
    )
    *others, last = [f"{len(rows)} {one if len(rows) == 1 else many}" for rows, one, many in kinds if rows] or ["no target"]
    return f"{', '.join(others)} and {last}" if others else last


async def check_online(config: Config, say: Callable[[str], None], warn: Callable[[str], None]) -> list[str]:
    """Try the credential of every target with a few cheap reads, side by side. Returns a problem for each that failed.

    ``say`` hears of each that works, ``warn`` of what is there and not watched, as soon as it is known. On a terminal one sees
    how many are done, elsewhere from time to time who is still waited for.
    """
    config, sites = await with_found_sites(config)
    unread = list(_of_rules(config, sites, say, warn))
    known = known_secrets(config.secrets, config.names)
    names = [target.name for target in config.targets]
    async with opened_target_factory(Instruments(CollectorRegistry()), known) as factory, AsyncExitStack() as shown:
        factory.paired.arrange(config.pair_specs, config.targets)
        if Console(stderr=True).is_terminal:
            done = shown.enter_context(_progress(len(names)))
        else:
            done = await shown.enter_async_context(signs_of_life(names, factory.clock, _on_standard_error))
        return unread + await check_all(config.targets, lambda target: _checked(factory, target), say, warn, done)


def _of_rules(config: Config, sites: KnownSites, say: Callable[[str], None], warn: Callable[[str], None]) -> Iterator[str]:
    """Yield which lists cannot be read; ``say`` hears how many sites the others have, ``warn`` what is odd about them."""
    for state, rule in zip(sites.states(config), config.discover, strict=True):
        told = [f"discover[{rule.name}]: {_line(message, fix)}" for message, fix in sites.trouble(rule)]
        if not state.up:
            yield from told
            continue
        say(f"discover[{rule.name}]: finds {state.sites} site{'' if state.sites == 1 else 's'} to watch")
        for line in told:
            warn(line)


async def check_all(
    targets: Sequence[Target],
    check: Callable[[Target], Awaitable[Checked]],
    say: Callable[[str], None],
    warn: Callable[[str], None],
    done: Callable[[str], None] = lambda _: None,
) -> list[str]:
    """``check`` all ``targets``, :data:`~exporter.polling.AT_ONCE` side by side. Returns the problems in their order."""
    places = asyncio.Semaphore(AT_ONCE)
    times: Counter[str] = Counter()

    async def one(target: Target) -> Sequence[str]:
        async with places:
            checked = await check(target)
        done(target.name)
        if not checked.problems:
            say(f"{target.name}: {checked.says}")
        for warning in checked.warnings:
            times[warning] += 1
            if times[warning] <= _NAMED:
                warn(f"{target.name}: {warning}")
        return checked.problems

    checks = [asyncio.create_task(one(target), name=f"check {target.name}") for target in targets]
    try:
        found = zip(targets, [await checking for checking in checks], strict=True)
        for warning, number in times.items():
            if number > _NAMED:
                warn(f"{number - _NAMED:,} more target{'' if number == _NAMED + 1 else 's'}: {warning}")
        return [f"{target.name}: {problem}" for target, problems in found for problem in problems]
    finally:  # a bug in one, or Ctrl-C, ends the others
        for checking in checks:
            checking.cancel()
        await asyncio.gather(*checks, return_exceptions=True)


@asynccontextmanager
async def signs_of_life(
    names: Sequence[str], clock: Clock, tell: Callable[[str], None]
) -> AsyncIterator[Callable[[str], None]]:
    """Tell every :data:`SIGN_OF_LIFE_SECONDS` which of ``names`` are waited for; what it yields hears of each that is done."""
    left = dict.fromkeys(names)  # in their order

    async def signs() -> None:
        while True:
            await clock.sleep(SIGN_OF_LIFE_SECONDS)
            more = f" and {len(left) - _NAMED} more" if len(left) > _NAMED else ""
            tell(f"still waiting for {len(left)} of {len(names)}: {', '.join(islice(left, _NAMED))}{more}")

    alive = asyncio.create_task(signs(), name="signs of life")
    try:
        yield lambda name: left.pop(name, None)
    finally:
        alive.cancel()
        await asyncio.gather(alive, return_exceptions=True)


def _on_standard_error(text: str) -> None:
    print(visible(text), file=sys.stderr)  # noqa: T201


@contextlib.contextmanager
def _progress(targets: int) -> Iterator[Callable[[str], None]]:
    """Show on a terminal how many of ``targets`` are done; what is printed meanwhile stands above."""
    columns = (SpinnerColumn(), TextColumn("checking"), MofNCompleteColumn(), TextColumn("{task.description}"))
    # What goes into a file or a pipe must not be led to the terminal.
    here = sys.stdout.isatty()
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=here) as progress:
        task = progress.add_task("", total=targets)
        yield lambda name: progress.update(task, advance=1, description=escape(visible(name)))


async def _checked(factory: TargetFactory, target: Target) -> Checked:
    if target.paused:
        return Checked("paused, not polled")
    try:
        live = factory.open_target(target, StatusHistory())
        try:
            with wait_allowance(MAX_WAIT_SECONDS):  # as in a poll: who refuses slowly is not asked four times
                found = await live.session.check()
            moved = live.session.usage().moved
        finally:
            await live.session.aclose()
    except PollError as failed:
        return Checked(problems=(_problem(factory, target, failed),))
    refused = [each for each in found if isinstance(each, RefusedPart)]
    seen = [each for each in found if not isinstance(each, RefusedPart)]
    policy = policy_of(target).at(factory.clock.time())
    told = [warning for each in seen for warning in of_observation(target.name, each, policy)]
    warnings = [_line(warning.message, warning.fix) for warning in told if warning.kind not in policy.warnings]
    silent = {row.label for each in seen if isinstance(each, ConnectionsObservation) for row in each.providers if not row.up}
    for provider in sorted(silent):
        message = f"the calendar provider {provider} does not answer the platform now: its connections could not be read"
        warnings.append(_line(message, "try again in a few minutes"))
    if moved is not None:
        advice = advice_moved(moved)
        warnings.append(_line(advice.meaning, advice.fix))
    problems = [
        _problem(factory, target, part.error, f"the collector {part.collector} needs {part.needs}. " if part.needs else "")
        for part in refused
    ]
    return Checked(problems=tuple(problems), warnings=tuple(warnings))


def _problem(factory: TargetFactory, target: Target, failed: PollError, needs: str = "") -> str:
    error = sanitized_error(failed, factory.known)
    fix = needs + plain(asked_once(for_failure(target.platform, error.reason, target.sign_in).fix))
    return f"{error.reason.value}: {plain(error.message)} (fix: {fix})"


def _line(message: str, fix: str) -> str:
    return f"{plain(message)} (fix: {plain(fix)})"
