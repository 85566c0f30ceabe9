"""What is recorded of the calendar connections."""

from __future__ import annotations

from exporter.model import ConnectionStatus
from exporter.monitoring.promql import CONNECTION, SITE, TENANT_LABELS, newest, one_per
from exporter.monitoring.rules.recording import Recording, RecordingGroup

STATUS_CODES: dict[ConnectionStatus, int] = {
    ConnectionStatus.UNDEFINED: 0,
    ConnectionStatus.UNKNOWN: 1,
    ConnectionStatus.CONNECTED: 2,
    ConnectionStatus.SYNC_IN_PROGRESS: 3,
    ConnectionStatus.SYNCED: 4,
    ConnectionStatus.DISCONNECTED: 5,
    ConnectionStatus.ERROR: 6,
}
"""One number per status, for timelines; where two replicas disagree the higher one, the worse, is shown."""

LIVE_STATUSES = (
    ConnectionStatus.SYNCED,
    ConnectionStatus.SYNC_IN_PROGRESS,
    ConnectionStatus.CONNECTED,
    ConnectionStatus.ERROR,
)
"""The connections that the objective is about: ``disconnected`` may be wanted, ``undefined`` and ``unknown`` say nothing."""


def connection_recordings() -> RecordingGroup:
    """Return what is recorded of the calendar connections."""
    status = "connection_status:booking_sync_connection_status:max"
    by_status, live = "target_status:booking_sync_connections:sum", "target:booking_sync_connections_live:sum"
    bad = "target:booking_sync_connections_bad:sum"
    calendar = one_per(f"max without (provider, schedule) ({newest('booking_sync_connection_info')})", "calendar_type")
    tied = f"on (job, {', '.join(TENANT_LABELS)}, target, platform) group_left (site)"
    codes = "\n  or ".join(f'{code} * {status}{{status="{word}"}}' for word, code in STATUS_CODES.items())
    return RecordingGroup(
        "booking-sync-connections",
        "1m",
        (
            Recording(status, newest("booking_sync_connection_status")),
            Recording("connection_reason:booking_sync_connection_error:max", newest("booking_sync_connection_error")),
            Recording("connection:booking_sync_connection_accepted:max", newest("booking_sync_connection_accepted")),
            Recording(
                "connection:booking_sync_connection_status:code",
                f"max without (status) (\n     {codes}\n)",
                "One number per connection for timelines; max, not sum, because two replicas may disagree for one poll.",
            ),
            Recording(
                by_status,
                f"sum without (calendar_type) ({newest('booking_sync_connections')})",
                "Replicas first, then calendar types: the other way round two replicas would double every number.",
            ),
            Recording(
                SITE,
                f'max by (job, {", ".join(TENANT_LABELS)}, target, platform, site) (booking_sync_target_info{{site!=""}})',
                "For the texts of alerts: the label that people know a target by.",
            ),
            Recording(
                CONNECTION,
                f"{calendar}\n* {tied} {one_per(SITE, 'site')}\nor ignoring (site)\n{calendar}",
                "For the texts of alerts: what people know a connection by; a target needs no site for it.",
            ),
            Recording("target:booking_sync_connections:sum", f"sum without (status) ({by_status})"),
            Recording(live, f'sum without (status) ({by_status}{{status=~"{"|".join(LIVE_STATUSES)}"}})'),
            Recording(
                "target:booking_sync_connections_synced:ratio",
                f'sum without (status) ({by_status}{{status="synced"}}) / ({live} > 0)',
            ),
            Recording(bad, f'sum without (status) ({by_status}{{status="error"}})'),
            Recording("target:booking_sync_connections_bad:ratio", f"{bad} / ({live} > 0)"),
        ),
    )
