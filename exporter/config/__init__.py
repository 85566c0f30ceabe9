"""A file becomes a validated, immutable configuration, or a list of problems that say how to mend it.

It leans on the registry of platforms, which bring their own settings, and knows none by name.
"""

from exporter.config.access import refuse_opening
from exporter.config.discovered import name_of, with_sites
from exporter.config.effective import config_hash, effective_config
from exporter.config.files import read_text
from exporter.config.load import load_config
from exporter.config.load_cache import LoadCache
from exporter.config.load_verdicts import load_thresholds
from exporter.config.messages import field_problems, problems_of_file
from exporter.config.pairs import pair_specs, paired_resources
from exporter.config.settings import Config
from exporter.config.shards import shard_of

__all__ = [
    "Config",
    "LoadCache",
    "config_hash",
    "effective_config",
    "field_problems",
    "load_config",
    "load_thresholds",
    "name_of",
    "pair_specs",
    "paired_resources",
    "problems_of_file",
    "read_text",
    "refuse_opening",
    "shard_of",
    "with_sites",
]
