"""The recording rules, as data: one module per topic.

Names are ``level:metric:operations``; a chain lies in one group, in order.
"""

from exporter.monitoring.options import Options
from exporter.monitoring.rules.bookings import NEW_1D, NEW_4H, booking_recordings, intake_recordings
from exporter.monitoring.rules.calendar_checks import calendar_check_recordings
from exporter.monitoring.rules.connections import LIVE_STATUSES, STATUS_CODES, connection_recordings, gap_recordings
from exporter.monitoring.rules.health import health_recordings
from exporter.monitoring.rules.many import many_recordings
from exporter.monitoring.rules.objective import (
    long_objective_recordings,
    month_objective_recordings,
    objective_recordings,
)
from exporter.monitoring.rules.process import process_recordings
from exporter.monitoring.rules.proof import proof_recordings
from exporter.monitoring.rules.recording import Recording, RecordingGroup
from exporter.monitoring.rules.shared import shared_recordings
from exporter.monitoring.rules.targets import target_recordings
from exporter.monitoring.rules.unsteady import unsteady_recordings

__all__ = ["LIVE_STATUSES", "NEW_1D", "NEW_4H", "STATUS_CODES", "Recording", "RecordingGroup", "recording_groups"]


def recording_groups(options: Options) -> tuple[RecordingGroup, ...]:
    """Return all recording rules."""
    groups = (
        process_recordings(),
        target_recordings(),
        shared_recordings(),
        connection_recordings(options.thresholds),
        gap_recordings(),
        calendar_check_recordings(),
        objective_recordings(),
        long_objective_recordings(),
        month_objective_recordings(),
        booking_recordings(),
        intake_recordings(),
        proof_recordings(),
        many_recordings(options),
        unsteady_recordings(),
        health_recordings(options.thresholds),
    )
    return tuple(group.hurried(options.hurry) for group in groups)
