"""What is recorded of bookable slots: those over private events, and services without any."""

from __future__ import annotations

from typing import Final

from exporter.monitoring.promql import newest
from exporter.monitoring.rules.recording import Recording

OVER_BUSY: Final = "target:booking_sync_slots_over_busy:sum"
NONE_OPEN: Final = "target:booking_sync_open_slots:count_none"


def slot_recordings() -> tuple[Recording, ...]:
    """Return what is recorded of bookable slots. Nothing where no target looks at them, or all is well.

    A service without slots within 48 hours may be one that is closed on weekends: those of the next 7 days tell.
    """
    return (
        Recording(OVER_BUSY, f"sum without (schedule) ({newest('booking_sync_slots_over_busy')} > 0)"),
        Recording(
            NONE_OPEN,
            f"count without (service) ({newest('booking_sync_open_slots')} == 0"
            f" unless {newest('booking_sync_next_open_slot_timestamp_seconds')})",
        ),
    )
