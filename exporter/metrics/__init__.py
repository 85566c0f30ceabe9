"""Everything that stands on the metrics page: the families as data, the counters, and the page itself.

It leans on the state and the model, and knows no platform.
"""

from exporter.metrics.exposition import Format
from exporter.metrics.families.catalog import FAMILIES
from exporter.metrics.families.family import Family, Histogram
from exporter.metrics.instruments import Instruments, TargetInstruments
from exporter.metrics.page import MetricsPage
from exporter.support.segments import MadePage

__all__ = ["FAMILIES", "Family", "Format", "Histogram", "Instruments", "MadePage", "MetricsPage", "TargetInstruments"]
