"""`monitoring check`: whether a running Prometheus, Alertmanager and Grafana carry the bundle; one module for each."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping

from exporter.monitoring.check.alertmanager import check_alertmanager
from exporter.monitoring.check.alertmanager_config import integrations
from exporter.monitoring.check.alertmanager_config import parsed as parsed_alertmanager_config
from exporter.monitoring.check.grafana import GrafanaNeeds, check_grafana
from exporter.monitoring.check.needs import PrometheusNeeds
from exporter.monitoring.check.outcome import Check, CheckState
from exporter.monitoring.check.prometheus import check_prometheus
from exporter.monitoring.check.prometheus_answers import Prometheus
from exporter.monitoring.check.rules import wanted_groups
from exporter.monitoring.check.sent_alerts import sent_alerts
from exporter.monitoring.check.server_client import NoAnswerError, ServerClient, Timeouts
from exporter.monitoring.options import Options

__all__ = ["Check", "CheckState", "ServerClient", "Timeouts", "check_bundle", "integrations", "parsed_alertmanager_config"]

_RULES = ("config/prometheus/recording.rules.yml", "config/prometheus/alerting.rules.yml")


async def check_bundle(
    options: Options,
    bundle: Mapping[str, str],
    *,
    prometheus: ServerClient | None,
    alertmanager: ServerClient | None,
    grafana: ServerClient | None,
    now: Callable[[], float] = time.time,
) -> list[Check]:
    """Ask each server that was given, all at the same time, whether it carries ``bundle``: the files of ``options``.

    ``now`` is in Unix seconds.
    """
    asked = []
    groups = wanted_groups(*(bundle[name] for name in _RULES))
    alerts = sent_alerts(groups, options.jobs)
    if prometheus:
        asked.append(
            check_prometheus(prometheus, PrometheusNeeds(options.jobs, groups, options.cluster_label, options.hurry, alerts))
        )
    if alertmanager:
        wanted = bundle["config/alertmanager/alertmanager.yml"]
        asked.append(check_alertmanager(alertmanager, wanted, alerts, lambda: _failed_lately(prometheus), now))
    if grafana:
        boards = [
            json.loads(text) for name, text in bundle.items() if name.startswith("dashboards/") and name.endswith(".json")
        ]
        asked.append(check_grafana(grafana, GrafanaNeeds(options.jobs, options.folder, boards)))
    return [check for found in await asyncio.gather(*asked) for check in found]


async def _failed_lately(server: ServerClient | None) -> Mapping[str, float]:
    """Return how many messages of Alertmanager failed within ten minutes, by way, as Prometheus has counted them."""
    if server is None:
        raise NoAnswerError("was not asked", "give --prometheus-url")
    found = await Prometheus(server).query("sum by (integration) (increase(alertmanager_notifications_failed_total[10m]))")
    return {sample.metric.get("integration", ""): sample.number for sample in found}
