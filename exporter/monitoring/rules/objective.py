"""The averages that the error budget of the connections is judged by.

Each is made of a shorter one, looked at in steps: that of a month would read 40,000 samples of each target otherwise. The
newest ``or`` is for a target whose first step is not over.
"""

from __future__ import annotations

from exporter.monitoring.rules.recording import Recording, RecordingGroup

FASTEST_BURN = "14.4"
"""How many times as fast as the objective allows the error budget burns when the fastest of its pages comes."""

SLOWER_BURN = "6"
"""The same of the slower one of its pages."""

AVERAGE = "target:booking_sync_connections_bad:ratio_avg"
"""What the names of the averages begin with; the window follows."""


def _average(window: str, of: str, step: str) -> Recording:
    return Recording(f"{AVERAGE}{window}", f"avg_over_time({AVERAGE}{of}[{window}:{step}])\nor {AVERAGE}{of}")


def objective_recordings() -> RecordingGroup:
    """Return the averages that pages depend on."""
    shortest = Recording(f"{AVERAGE}5m", "avg_over_time(target:booking_sync_connections_bad:ratio[5m])")
    return RecordingGroup(
        "booking-sync-slo",
        "1m",
        (shortest, _average("30m", "5m", "5m"), _average("1h", "5m", "5m"), _average("6h", "30m", "30m")),
    )


def long_objective_recordings() -> RecordingGroup:
    """Return the averages that only tickets depend on; whoever reads them looks back over two evaluations."""
    return RecordingGroup(
        "booking-sync-slo-long",
        "5m",
        (_average("2h", "5m", "5m"), _average("1d", "2h", "2h"), _average("3d", "2h", "2h")),
    )


def month_objective_recordings() -> RecordingGroup:
    """Return the average of a month, which only a board shows."""
    return RecordingGroup("booking-sync-slo-month", "1h", (_average("30d", "1d", "6h"),))
