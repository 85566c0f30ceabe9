"""Alerts about what many targets share: one page for one cause."""

from __future__ import annotations

from exporter.monitoring.alerts.alert import Alert, AlertGroup, Board, FixedBy, Severity


def shared_alerts() -> AlertGroup:
    """Return the alerts about causes that many targets have in common."""
    return AlertGroup("booking-sync-shared-alerts", _platform())


def _platform() -> tuple[Alert, ...]:
    return (
        Alert(
            name="BookingSyncPlatformDown",
            expr=(
                "min_over_time(platform:booking_sync_targets_silent:ratio[5m]) > 0.5\n"
                "and last_over_time(platform:booking_sync_targets:count[5m]) >= 5"
            ),
            hold="3m",
            keep="15m",
            severity=Severity.CRITICAL,
            fixed_by=FixedBy.PLATFORM,
            summary="A booking platform answers for few of its targets.",
            description="{{ $value | humanizePercentage }} of the {{ $labels.platform }} targets get no answer.",
            fix=(
                "The exporter's operator checks the network of the host and a credential that these targets share, then the "
                "platform's status page; a fault of the platform has to be waited for."
            ),
            board=Board.FLEET,
            link=("job",),
            comment="One page for an outage of the platform, not one for each of a thousand targets.",
        ),
    )
