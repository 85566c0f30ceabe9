"""What is recorded of the copies of bookings in the staff's calendar, in the group of the bookings."""

from __future__ import annotations

from exporter.monitoring.promql import newest
from exporter.monitoring.rules.recording import Recording

NEXT_MISMATCH = "target:booking_sync_next_calendar_mismatch:seconds"


def copy_recording() -> Recording:
    """Return what is recorded of the copies."""
    moment = "booking_sync_next_calendar_mismatch_timestamp_seconds"
    return Recording(
        NEXT_MISMATCH,
        newest(f"{moment} - ignoring (target, platform) group_left () booking_sync_time_seconds", "min"),
        "In how many seconds the next booking begins that differs from its copy, as of the newest poll.",
    )
