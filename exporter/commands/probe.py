"""The ``probe`` command: progress on a terminal, then a report, JSON or the metrics page."""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec
from prometheus_client import CollectorRegistry
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from exporter.clock import Clock
from exporter.commands.found_sites import with_found_sites
from exporter.commands.probe_table import left_out, print_report
from exporter.commands.target_factory import known_secrets, opened_target_factory
from exporter.config import Config, pair_specs
from exporter.errors import ConfigError, ConfigProblem
from exporter.metrics import Format, Instruments, MetricsPage
from exporter.platforms.discovery import Discovery
from exporter.platforms.settings import Target
from exporter.polling import Job, poll_all
from exporter.proof import PairSpec
from exporter.runtime import KnownSites
from exporter.state.advice import plain
from exporter.state.config_warnings import with_warnings
from exporter.state.findings import findings, overall
from exporter.state.snapshot import CollectorState, Snapshot, View
from exporter.state.status_history import StatusHistory
from exporter.state.thresholds import Thresholds
from exporter.state.verdict_row import Verdict
from exporter.support.known_secrets import KnownSecrets
from exporter.support.standard_streams import write_output
from exporter.web import encode_status, status_of


async def probe_now(config: Config, targets: Sequence[str], output: str) -> int:
    """Poll once, print, and return the exit code of the monitoring-plugin convention.

    Raises :class:`~exporter.errors.ConfigError` for a target that is unknown or cannot be opened.
    """
    config, sites = await with_found_sites(config, targets)
    if not config.targets:
        raise ConfigError([_found_none(rule, sites) for rule in config.discover])
    known = {target.name for target in config.targets}
    if strangers := [name for name in targets if name not in known]:
        raise ConfigError([ConfigProblem("", f"no target named {', '.join(strangers)}; there are {', '.join(sorted(known))}")])
    wanted = frozenset(targets) or frozenset(known)
    began = time.monotonic()
    instruments = Instruments(CollectorRegistry())
    chosen = tuple(target for target in config.targets if target.name in wanted)
    specs = tuple(pair_specs(config.pairs, chosen))
    known_to_mask = known_secrets(config.secrets, config.names)
    view = await _polled(chosen, specs, config.verdicts.thresholds, instruments, known_to_mask)
    view = sites.shown(with_warnings(view, config.unwatched), config)
    if output == "json":
        write_output(encode_status(view) + b"\n")  # bytes: UTF-8 whatever the terminal speaks
    elif output == "metrics":
        write_output(MetricsPage(instruments).render(view, Format.TEXT, None))
    else:
        print_report(status_of(view), exit_code(view), time.monotonic() - began, left_out(), once=True)
    return exit_code(view)


def _found_none(rule: Discovery, sites: KnownSites) -> ConfigProblem:
    message, fix = next(
        iter(sites.trouble(rule)),
        ("finds no site to watch", "check `only` and `without` of the rule, and the sites of the account"),
    )
    return ConfigProblem(f"discover[{rule.name}]", plain(message), plain(fix))


def exit_code(view: View) -> Verdict:
    """Return the exit code of the monitoring-plugin convention for a view that remembers nothing."""
    return overall(view, findings(view))


async def _polled(
    targets: Sequence[Target],
    specs: Sequence[PairSpec],
    thresholds: Thresholds,
    instruments: Instruments,
    known: KnownSecrets,
) -> View:
    """Poll ``targets`` once. Raises :class:`~exporter.errors.ConfigError` when one cannot be opened.

    The pairs of ``specs``, both ends of which are among them, are judged by it: what one poll shows proves nothing yet.
    """
    snapshot = Snapshot(thresholds)
    snapshot.arrange_pairs(specs)
    async with opened_target_factory(instruments, known) as world:
        world.paired.arrange(specs, targets)
        live = await world.open_targets(targets, StatusHistory())
        try:
            for target in live.values():
                target.show_counters(instruments)
                snapshot.put_target(target.entry(), {job.name: job.initial_state() for job in target.jobs})
            states = await _poll_with_progress([job for target in live.values() for job in target.jobs], world.clock)
            for state in states:
                snapshot.put(state)
            view = snapshot.view(world.clock.steady(), world.clock.stepped())
            return msgspec.structs.replace(view, remembers=False)
        finally:
            for target in live.values():
                await target.session.aclose()


async def _poll_with_progress(jobs: Sequence[Job], clock: Clock) -> tuple[CollectorState, ...]:
    columns = (SpinnerColumn(), TextColumn("polling"), MofNCompleteColumn(), TextColumn("{task.description}"))
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=len(jobs))

        def finished(state: CollectorState) -> None:
            progress.update(task, advance=1, description=f"{state.target} {state.collector.value}")

        return await poll_all(jobs, clock, finished)
