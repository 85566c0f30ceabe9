"""What is recorded of connections and staff that no status tells of."""

from __future__ import annotations

from typing import Final

from exporter.monitoring.promql import newest
from exporter.monitoring.rules.connections import ACCEPTED, BROKEN, CALENDAR_MISSING, LISTED, PROBE_FAILED, STATUS, STATUS_CODES
from exporter.monitoring.rules.recording import Recording, RecordingGroup
from exporter.state import advice

SHARING: Final = "target:booking_sync_connections_sharing_account:max"
UNPROTECTED: Final = "target_reason:booking_sync_staff_unprotected:max"


def calendar_check_recordings() -> RecordingGroup:
    """Return what is recorded of the checks."""
    words = "|".join(status for status, code in STATUS_CODES.items() if code < BROKEN)
    judged = f'and ignoring (status) {STATUS}{{status=~"{words}"}}\nunless {ACCEPTED}'
    calendars = "booking_sync_connection_import_calendars"
    missing = newest(f'{calendars}{{state="missing"}} > 0 or {calendars}{{state="present"}} == 0')
    reasons = (reason.value for reason in advice.UNPROTECTED)
    unprotected = f'booking_sync_staff_unprotected{{reason=~"{"|".join(reasons)}"}} > 0'
    return RecordingGroup(
        "booking-sync-calendar-checks",
        "1m",
        (
            Recording(
                PROBE_FAILED,
                f"{newest('booking_sync_connection_probe_success == 0')}\n{judged}",
                "Exists while a status says that a connection works and its calendars cannot be read.",
            ),
            Recording(
                CALENDAR_MISSING, f"max without (state) ({missing})\n{judged}", "How many are gone; 0 where none is chosen."
            ),
            Recording(SHARING, newest("booking_sync_connections_sharing_account > 0")),
            Recording(
                UNPROTECTED,
                f"{newest(unprotected)}\nand ignoring (reason) {LISTED} > 0",
                "Where the site has connections, without what a connection's own alert tells.",
            ),
        ),
    )
