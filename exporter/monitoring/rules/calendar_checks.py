"""What is recorded of accounts that schedules share, and of staff without a working import."""

from __future__ import annotations

from typing import Final

from exporter.monitoring.promql import newest
from exporter.monitoring.rules.connections import LISTED
from exporter.monitoring.rules.recording import Recording, RecordingGroup
from exporter.state import advice

SHARING: Final = "target:booking_sync_connections_sharing_account:max"
UNPROTECTED: Final = "target_reason:booking_sync_staff_unprotected:max"


def calendar_check_recordings() -> RecordingGroup:
    """Return what is recorded of the checks that look at a whole site."""
    reasons = "|".join(reason.value for reason in advice.UNPROTECTED)
    unprotected = f'booking_sync_staff_unprotected{{reason=~"{reasons}"}} > 0'
    return RecordingGroup(
        "booking-sync-calendar-checks",
        "1m",
        (
            Recording(SHARING, newest("booking_sync_connections_sharing_account > 0")),
            Recording(UNPROTECTED, newest(unprotected), "Without what a connection's own alert tells."),
        ),
    )


def where_the_site_has_connections(unprotected: str) -> str:
    """Return ``unprotected``, series of staff by reason, of the sites that have connections: of others a warning tells."""
    return f"{unprotected}\nand ignoring (reason) last_over_time({LISTED}[5m]) > 0"
