"""What is recorded of targets that come and go: each time they answer again before a page about them is due.

Only a target that fails has series of these, so that they cost next to nothing in a calm fleet.
"""

from __future__ import annotations

from typing import Final

from exporter.monitoring.rules.recording import Recording, RecordingGroup
from exporter.monitoring.rules.targets import FAILING

UNSTEADY: Final = "target:booking_sync_target_unsteady:count2h"
UNSTEADY_TARGETS: Final = "platform:booking_sync_targets_unsteady:count"

_MINUTES: Final = "target:booking_sync_target_failing:minutes"
_FELL: Final = "target:booking_sync_target_failing:fell"
_LASTED: Final = "target:booking_sync_target_failing:lasted"
_TIMES: Final = 3
_LONG: Final = 20
"""Minutes after which a target has been told by a page of its own, or of what it shares."""


def unsteady_recordings() -> RecordingGroup:
    """Return what is recorded of targets that come and go."""
    within = {window: f"count_over_time({_FELL}[{window}])" for window in ("20m", "1h", "2h")}
    begins = f"{within['2h']} >= {_TIMES} and {within['20m']} and count_over_time({_FELL}[1h] offset 1h)"
    return RecordingGroup(
        "booking-sync-unsteady",
        "1m",
        (
            Recording(
                _MINUTES,
                f"1 + (last_over_time({_MINUTES}[5m]) unless {FAILING} offset 1m == 0) and {FAILING} == 1\nor\n{FAILING} == 1",
                "For how many evaluations on end a target has failed. Exists only while it does; a scrape that is missing\n"
                "between two failures begins nothing anew.",
            ),
            Recording(
                _FELL,
                f"{_MINUTES} == 2",
                "Exists for one evaluation each time a target begins to fail. What is over within a minute is a retry.",
            ),
            Recording(
                _LASTED,
                f"{_MINUTES} == {_LONG}",
                "Exists for one evaluation when a failure has lasted for so long that a page of its own tells it.",
            ),
            Recording(
                UNSTEADY,
                f"{within['2h']}\nand {within['1h']}\nand (\n  last_over_time({UNSTEADY}[5m])\n  or {begins}\n"
                f"  unless count_over_time({_LASTED}[2h])\n)",
                "How often a target began to fail within two hours. Exists from the third time on, if one was an hour ago: an\n"
                "outage that begins or ends by and by is none of these, nor one that lasted. It ends when the target has\n"
                "not begun to fail for an hour.",
            ),
            Recording(UNSTEADY_TARGETS, f"count without (target) ({UNSTEADY})"),
        ),
    )
