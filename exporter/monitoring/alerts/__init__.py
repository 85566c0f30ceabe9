"""The alerts, as data: one module per topic."""

from dataclasses import replace

from exporter.monitoring.alerts.alert import Alert, AlertGroup, AlertSeverity, Choice, Dashboard, FixedBy
from exporter.monitoring.alerts.bookings import booking_alerts
from exporter.monitoring.alerts.calendar_checks import calendar_check_alerts
from exporter.monitoring.alerts.connections import connection_alerts
from exporter.monitoring.alerts.many import many_alerts
from exporter.monitoring.alerts.process import process_alerts
from exporter.monitoring.alerts.proof import proof_alerts
from exporter.monitoring.alerts.shared import shared_alerts
from exporter.monitoring.alerts.targets import target_alerts
from exporter.monitoring.alerts.unsteady import unsteady_alerts
from exporter.monitoring.options import Options

__all__ = ["Alert", "AlertGroup", "AlertSeverity", "Choice", "Dashboard", "FixedBy", "alert_groups"]


def alert_groups(options: Options) -> tuple[AlertGroup, ...]:
    """Return all alerts that are wanted, by topic."""
    groups = (
        process_alerts(options),
        shared_alerts(options),
        target_alerts(options),
        connection_alerts(options),
        calendar_check_alerts(options),
        booking_alerts(options),
        proof_alerts(options),
        many_alerts(options),
        unsteady_alerts(),
    )
    wanted = (replace(group, alerts=[alert for alert in group.alerts if alert.name not in options.off]) for group in groups)
    return tuple(group.hurried(options.hurry) for group in wanted if group.alerts)
