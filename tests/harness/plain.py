"""The same page as prometheus-client alone would make it: what ours is compared with, in value and in time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import GaugeMetricFamily

from exporter.metrics.families.catalog import GROUPS, TARGET_INFO, target_observations
from exporter.metrics.families.process import CONFIG_WARNINGS, READY, STANDBY, TIME
from exporter.policy import WarningKind
from exporter.state.snapshot import View


class PlainGauges:
    """A custom collector that reads the declared gauges of a view."""

    def __init__(self, view: View) -> None:
        self._view = view

    def collect(self) -> Iterable[Metric]:
        yield self._target_info()
        for group in GROUPS:
            pieces = [
                (target, piece)
                for target in self._view.targets
                if (piece := group.piece(target_observations(target))) is not None
            ]
            for gauge in group.gauges:
                metric = GaugeMetricFamily(gauge.name, gauge.help, labels=gauge.labels)
                for target, piece in pieces:
                    for values, number in gauge.read(piece):
                        metric.add_metric([target.name, target.platform, *values], number)
                yield metric
        yield GaugeMetricFamily(TIME.name, TIME.help, value=self._view.at)
        yield GaugeMetricFamily(READY.name, READY.help, value=self._view.ready)
        warnings = GaugeMetricFamily(CONFIG_WARNINGS.name, CONFIG_WARNINGS.help, labels=CONFIG_WARNINGS.labels)
        for kind in WarningKind:
            warnings.add_metric([kind], sum(warning.kind == kind for warning in self._view.config_warnings))
        yield warnings
        yield GaugeMetricFamily(STANDBY.name, STANDBY.help, value=self._view.standby)

    def _target_info(self) -> Metric:
        metric = Metric(TARGET_INFO.name, TARGET_INFO.help, "gauge")
        for target in self._view.targets:
            metric.add_sample(TARGET_INFO.name, {"target": target.name, "platform": target.platform, **target.labels}, 1)
        return metric

    def describe(self) -> Iterator[Metric]:
        return iter(())


def registry_of(view: View) -> CollectorRegistry:
    """Return a registry that holds nothing but the gauges of ``view``."""
    registry = CollectorRegistry()
    registry.register(PlainGauges(view))
    return registry
