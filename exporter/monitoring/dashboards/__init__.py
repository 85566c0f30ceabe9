"""The Grafana dashboards, as data."""

from exporter.monitoring.dashboards.fleet import fleet
from exporter.monitoring.dashboards.internals import internals
from exporter.monitoring.dashboards.target import target

__all__ = ["fleet", "internals", "target"]
