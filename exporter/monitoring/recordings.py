"""All recording rules of the bundle: those of the metrics, and what is made of them and of the alerts."""

from __future__ import annotations

from exporter.monitoring.causes import cause_recordings
from exporter.monitoring.options import Options
from exporter.monitoring.rules import RecordingGroup, recording_groups


def all_recording_groups(options: Options) -> tuple[RecordingGroup, ...]:
    """Return the groups of all recording rules, in the order in which they lean on each other."""
    return (*recording_groups(options), cause_recordings(options).hurried(options.hurry))
