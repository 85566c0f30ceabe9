"""Everything that stands on the metrics page: the families as data, the counters, and the page itself."""

from exporter.metrics.exposition import Format
from exporter.metrics.families.catalog import FAMILIES
from exporter.metrics.families.family import Family
from exporter.metrics.instruments import Instruments, TargetInstruments
from exporter.metrics.page import Page

__all__ = ["FAMILIES", "Family", "Format", "Instruments", "Page", "TargetInstruments"]
