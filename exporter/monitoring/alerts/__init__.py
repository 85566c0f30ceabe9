"""The alerts, as data: one module per topic."""

from exporter.monitoring.alerts.alert import Alert, AlertGroup, Board, Choice, FixedBy, Severity
from exporter.monitoring.alerts.bookings import booking_alerts
from exporter.monitoring.alerts.connections import connection_alerts
from exporter.monitoring.alerts.exporter import exporter_alerts
from exporter.monitoring.options import Options

__all__ = ["Alert", "AlertGroup", "Board", "Choice", "FixedBy", "Severity", "alert_groups"]


def alert_groups(options: Options) -> tuple[AlertGroup, ...]:
    """Return all alerts, by topic."""
    return (exporter_alerts(options), connection_alerts(options), booking_alerts())
