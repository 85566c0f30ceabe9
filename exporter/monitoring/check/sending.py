"""Asks a Prometheus whether its alerts leave it for an Alertmanager, and unchanged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from exporter.monitoring.check import prometheus_config as configs
from exporter.monitoring.check.needs import PrometheusNeeds
from exporter.monitoring.check.outcome import CheckResult, again, missing, ok, reasons, unknown
from exporter.monitoring.check.prometheus_answers import STARTUP_SECONDS, Prometheus
from exporter.monitoring.check.server_client import NotServedError

SCRAPE_ITSELF: Final = "let Prometheus scrape itself, as the rendered prometheus.yml does"
"""How to mend it where a Prometheus knows nothing of itself."""
_MAX_LOST: Final = 0.5
"""The share of messages that may be lost: one goes at a reload, and each is sent again in a minute."""


@dataclass(frozen=True, slots=True)
class Sending:
    """The questions, one method each."""

    prometheus: Prometheus
    wanted: PrometheusNeeds

    async def alerts(self) -> CheckResult:
        """Return whether alerts leave the server unchanged."""
        changed = configs.changed_alerts(configs.parsed(await self.prometheus.config()), self.wanted.alerts)
        if not changed:
            return ok(f"none of {len({alert.name for alert in self.wanted.alerts})}")
        return missing(
            reasons(changed), "take it out of alert_relabel_configs, or leave out alertname =~ Watchdog|BookingSync.+ there"
        )

    async def knows(self) -> CheckResult:
        """Return whether the server knows an Alertmanager."""
        count = await self.prometheus.alertmanagers()
        if not count and await self.prometheus.is_young(STARTUP_SECONDS):
            return unknown("none yet, so soon after a start or a reload", again(STARTUP_SECONDS))
        return ok(str(count)) if count else missing("none: no message is ever sent", "name it in prometheus.yml under alerting")

    async def delivers(self) -> CheckResult:
        """Return whether the Alertmanagers take what the server sends."""
        lost, sent = await self._within_minutes("dropped"), await self._within_minutes("sent")
        failed = await self.prometheus.number(
            "max(sum by (alertmanager) (increase(prometheus_notifications_errors_total[5m]))"
            " / sum by (alertmanager) (increase(prometheus_notifications_sent_total[5m])))"
        )
        if lost is None or sent is None:
            return unknown("it does not scrape itself, or has for less than two scrapes", SCRAPE_ITSELF)
        # What is dropped went to no Alertmanager, and counts once; what is sent counts once for each of them.
        tried = sent / max(1, await self._alertmanagers())
        look = "look into Prometheus' log: is Alertmanager up, is the password right?"
        if lost >= _MAX_LOST * tried and lost:
            return missing(f"within 5 minutes {lost:.0f} of {max(lost, tried):.0f} went to no Alertmanager", look)
        if failed is not None and failed >= _MAX_LOST:
            return missing(f"within 5 minutes one Alertmanager did not take {failed:.0%} of its messages", look)
        return ok(
            f"within 5 minutes {tried:.0f}, {lost:.0f} of them lost" if lost else f"within 5 minutes {tried:.0f}, none lost"
        )

    async def _within_minutes(self, name: str) -> float | None:
        return await self.prometheus.number(f"sum(increase(prometheus_notifications_{name}_total[5m]))")

    async def _alertmanagers(self) -> int:
        try:
            return await self.prometheus.alertmanagers()
        except NotServedError:
            return 1
