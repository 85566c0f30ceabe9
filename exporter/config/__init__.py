"""A file becomes a validated, immutable configuration, or a list of problems that say how to mend it."""

from exporter.config.effective import config_hash, effective_config
from exporter.config.load import load_config
from exporter.config.settings import (
    BitrixBookings,
    BitrixBookingsOptions,
    BitrixCollectors,
    BitrixLinks,
    BitrixTarget,
    Budget,
    CollectorSettings,
    Config,
    OAuth,
    Target,
    WixBookings,
    WixCollectors,
    WixConnections,
    WixTarget,
    collector_settings,
    shard_of,
)

__all__ = [
    "BitrixBookings",
    "BitrixBookingsOptions",
    "BitrixCollectors",
    "BitrixLinks",
    "BitrixTarget",
    "Budget",
    "CollectorSettings",
    "Config",
    "OAuth",
    "Target",
    "WixBookings",
    "WixCollectors",
    "WixConnections",
    "WixTarget",
    "collector_settings",
    "config_hash",
    "effective_config",
    "load_config",
    "shard_of",
]
