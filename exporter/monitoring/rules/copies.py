"""What is recorded of the copies of bookings in the staff's calendar."""

from __future__ import annotations

from exporter.monitoring.promql import newest
from exporter.monitoring.rules.recording import Recording, RecordingGroup

NEXT_MISMATCH = "target:booking_sync_next_calendar_mismatch:seconds"
MISMATCHES = "target_window_kind:booking_sync_calendar_mismatches:max"


def copy_recordings() -> RecordingGroup:
    """Return what is recorded of the copies."""
    moment = "booking_sync_next_calendar_mismatch_timestamp_seconds"
    return RecordingGroup(
        "booking-sync-calendar",
        "1m",
        (
            Recording(
                NEXT_MISMATCH,
                newest(f"{moment} - ignoring (target, platform) group_left () booking_sync_time_seconds", "min"),
                "In how many seconds the next booking begins that differs from its copy, as of the newest poll.",
            ),
            Recording(MISMATCHES, newest("booking_sync_calendar_mismatches")),
        ),
    )
