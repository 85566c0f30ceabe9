"""What the rules of ``discover`` find, for a command that asks the platforms once; nothing is written down."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from prometheus_client import CollectorRegistry

from exporter.commands.target_factory import known_secrets, opened_target_factory
from exporter.config import Config
from exporter.metrics import Instruments
from exporter.runtime import KnownSites, ask


async def with_found_sites(config: Config, wanted: Collection[str] = ()) -> tuple[Config, KnownSites]:
    """Return ``config`` with the sites that its rules find now, and what is known of them; a list that fails is among that.

    Sites have the names under which a running exporter remembers them beside its state file. Nobody is asked when all targets
    that are ``wanted`` stand in the file.
    """
    sites = KnownSites()
    if not config.discover or (wanted and {target.name for target in config.targets}.issuperset(wanted)):
        return config, sites
    known = known_secrets(config.secrets, config.names)
    async with opened_target_factory(Instruments(CollectorRegistry()), known) as factory:
        await asyncio.to_thread(factory.sites.remember, config)
        await asyncio.gather(*(ask(rule, factory.open_finder(rule), factory) for rule in config.discover))
        return factory.sites.put_into(config), factory.sites
