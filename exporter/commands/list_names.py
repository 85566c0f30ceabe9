"""The ``list`` command: what each account has, by name and id, and what of it the configuration can take.

It is asked now, printed, and kept nowhere: names of staff are personal data.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import indent
from typing import Final

import msgspec
import typer
import yaml
from prometheus_client import CollectorRegistry
from rich.cells import cell_len
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from exporter.commands.found_sites import with_found_sites
from exporter.commands.target_factory import known_secrets, opened_target_factory
from exporter.config import Config
from exporter.errors import PollError
from exporter.metrics import Instruments
from exporter.model import Value
from exporter.platforms.inventory import Gap, Inventory, Listing, suggested
from exporter.platforms.registry import PLATFORMS
from exporter.platforms.settings import Target
from exporter.polling import AT_ONCE, sanitized_error, sanitized_inventory
from exporter.runtime import TargetFactory
from exporter.state.advice import for_failure
from exporter.state.status_history import StatusHistory
from exporter.support.redaction import visible

_BECOME_LABELS: Final = "aliases become labels that Prometheus stores, so use only names that may be stored"

EXIT_INCOMPLETE: Final = 1
EXIT_NO_SUCH_TARGET: Final = 2


class TargetListing(Value, frozen=True):
    """What is printed of one target; ``names`` has, by key of its configuration, a name for each id."""

    target: str
    platform: str
    listings: tuple[Listing, ...]
    names: Mapping[str, Mapping[str, str]]
    gaps: tuple[Gap, ...]


async def list_names(config: Config, targets: Sequence[str], output: str) -> int:
    """Ask, print, and return the exit code: 1 when something could not be read, 2 for a target that there is not."""
    config, _ = await with_found_sites(config, targets)
    known = {target.name for target in config.targets}
    if unknown := [name for name in targets if name not in known]:
        message = f"error: no target named {', '.join(unknown)}; there are {', '.join(sorted(known))}"
        print(visible(message), file=sys.stderr)  # noqa: T201
        return EXIT_NO_SUCH_TARGET
    wanted = [target for target in config.targets if not targets or target.name in targets]
    async with opened_target_factory(Instruments(CollectorRegistry()), known_secrets(config.secrets, config.names)) as factory:
        found = await _read_all(factory, wanted)
    if output == "json":
        typer.echo(_json(found))  # bytes: UTF-8 whatever the terminal speaks
    else:
        typer.echo(_yaml(found) if output == "yaml" else "\n".join(_tables(found)))
    return EXIT_INCOMPLETE if any(one.gaps for one in found) else 0


async def _read_all(factory: TargetFactory, targets: Sequence[Target]) -> Sequence[TargetListing]:
    places = asyncio.Semaphore(AT_ONCE)
    columns = (SpinnerColumn(), TextColumn("reading"), MofNCompleteColumn(), TextColumn("{task.description}"))
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=len(targets))

        async def one(target: Target) -> TargetListing:
            async with places:
                found = await _read(factory, target)
            progress.update(task, advance=1, description=visible(target.name))
            return found

        return await asyncio.gather(*map(one, targets))


async def _read(factory: TargetFactory, target: Target) -> TargetListing:
    if target.paused:
        what = "the target is paused in the configuration, so it is not polled"
        return TargetListing(target.name, target.platform, (), {}, (Gap("everything", what, "remove `paused` to list it"),))
    try:
        live = factory.open_target(target, StatusHistory())
        try:
            inventory = await PLATFORMS[target.platform].inventory(live.session)
        finally:
            await live.session.aclose()
    except PollError as failed:
        error = sanitized_error(failed, factory.known)
        inventory = Inventory(
            gaps=(Gap("everything", error.message, for_failure(target.platform, error.reason, target.sign_in).fix),)
        )
    told = sanitized_inventory(inventory, factory.known)
    # Named after they were masked: what reads the same now would be refused as one name of two.
    names = {one.key: suggested(one.found, _configured(target, one.key)) for one in told.names}
    return TargetListing(target.name, target.platform, told.listings, names, told.gaps)


def _configured(target: Target, key: str) -> Mapping[str, str]:
    """Return what the configuration says already under ``key``, which is one of this platform's."""
    configured: Mapping[str, str] = getattr(target, key, {})
    return configured


def _tables(found: Iterable[TargetListing]) -> Iterator[str]:
    for one in found:
        yield visible(f"{one.target} ({one.platform})")
        for listing in one.listings:
            if listing.rows:
                yield f"\n  {listing.what}"
                yield from _table(listing)
        if any(one.names.values()):
            yield f"\n  for the configuration, under this target; {_BECOME_LABELS}:\n"
            yield _block(one.names)
        for gap in one.gaps:
            yield f"  not complete: {_sentence(gap)}"
        if not (one.gaps or any(one.names.values()) or any(listing.rows for listing in one.listings)):
            yield "  has nothing with a name"
        yield ""


def _table(listing: Listing) -> Iterator[str]:
    """Yield aligned lines that no terminal's width cuts: ids are there to be copied."""
    rows = (listing.columns, *listing.rows)
    widths = [max(map(cell_len, cells)) for cells in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True))
        yield f"    {'  '.join(cells)}".rstrip()


def _yaml(found: Iterable[TargetListing]) -> str:
    """Return all names as they stand in a configuration, and what is missing as comments."""
    lines = [f"# {_BECOME_LABELS}", "targets:"]
    for one in found:
        lines.append(indent(_dump([{"name": one.target}]).rstrip(), "  "))
        lines += [f"    # not complete: {_sentence(gap)}" for gap in one.gaps]
        lines.append(_block(one.names))
    return "\n".join(line for line in lines if line)


def _block(names: Mapping[str, Mapping[str, str]]) -> str:
    """Return the keys with something in them, indented as they stand below a target."""
    return indent("".join(_dump({key: dict(by_id)}) for key, by_id in names.items() if by_id).rstrip(), "    ")


def _dump(value: object) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=10_000)


def _sentence(gap: Gap) -> str:
    return f"{gap.what}: {gap.message}" + (f" (fix: {gap.fix})" if gap.fix else "")


def _json(found: Iterable[TargetListing]) -> bytes:
    targets = [
        {
            "name": one.target,
            "platform": one.platform,
            **{
                listing.what: [dict(zip(listing.columns, row, strict=True)) for row in listing.rows] for listing in one.listings
            },
            "configuration": one.names,
            "not_complete": one.gaps,
        }
        for one in found
    ]
    return msgspec.json.format(msgspec.json.encode({"targets": targets}))
