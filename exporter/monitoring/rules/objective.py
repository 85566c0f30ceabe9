"""The averages that the error budget of the connections is judged by."""

from __future__ import annotations

from exporter.monitoring.rules.recording import Recording, RecordingGroup


def _average(window: str) -> Recording:
    return Recording(
        f"target:booking_sync_connections_bad:ratio_avg{window}",
        f"avg_over_time(target:booking_sync_connections_bad:ratio[{window}])",
    )


def objective_recordings() -> RecordingGroup:
    """Return the short averages that the error budget is judged by."""
    return RecordingGroup("booking-sync-slo", "1m", tuple(map(_average, ("5m", "30m", "1h", "2h", "6h"))))


def long_objective_recordings() -> RecordingGroup:
    """Return the averages over days."""
    return RecordingGroup("booking-sync-slo-long", "5m", tuple(map(_average, ("1d", "3d", "30d"))))
