"""What is recorded of private events: bookings that they overlap, and imports that are suspect."""

from __future__ import annotations

from typing import Final

from exporter.monitoring.promql import newest
from exporter.monitoring.rules.connections import ACCEPTED
from exporter.monitoring.rules.recording import Recording
from exporter.private_calendar import Cause

NOT_BLOCKED: Final = "target_window:booking_sync_external_conflicts:sum_not_blocked"
BOOKED_OVER: Final = "target_window:booking_sync_external_conflicts:max_booked_over"
SUSPECT: Final = "connection:booking_sync_connection_import_failing:max_unaccepted"

_CONFLICTS: Final = "booking_sync_external_conflicts"


def event_recordings() -> tuple[Recording, ...]:
    """Return what is recorded of private events. Nothing where no target looks at them."""
    over, not_over = f'cause="{Cause.BOOKED_OVER}"', f'cause!="{Cause.BOOKED_OVER}"'
    return (
        Recording(
            NOT_BLOCKED,
            f"sum without (cause) ({newest(f'{_CONFLICTS}{{{not_over}}}')})",
            "Those of which nobody knows which came first are among them.",
        ),
        Recording(BOOKED_OVER, f"max without (cause) ({newest(f'{_CONFLICTS}{{{over}}}')})"),
        Recording(
            SUSPECT,
            f"{newest('booking_sync_connection_import_failing')}\nunless ignoring (reason) {ACCEPTED}",
            "What is accepted is not suspect.",
        ),
    )
