"""The Grafana dashboards, as data."""

from exporter.monitoring.boards.fleet import fleet
from exporter.monitoring.boards.internals import internals
from exporter.monitoring.boards.target import target

__all__ = ["fleet", "internals", "target"]
