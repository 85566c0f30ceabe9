"""Alerts about the copies of bookings in the staff's calendar."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from exporter.model import Message
from exporter.monitoring.alerts.alert import Alert, AlertSeverity, FixedBy
from exporter.monitoring.alerts.chosen import with_chosen_severity
from exporter.monitoring.alerts.wording import MOMENT_THEN, if_known
from exporter.monitoring.options import Options
from exporter.monitoring.promql import in_promql
from exporter.monitoring.rules.copies import NEXT_MISMATCH
from exporter.state.verdict import MISMATCH_SOON_SECONDS
from exporter.state.verdict_row import Kind

_IF_KNOWN: Final = if_known("booking_sync_next_calendar_mismatch_timestamp_seconds", ("target", "platform"), "min")


def copy_alerts(options: Options) -> Iterator[Alert]:
    """Return the alerts about copies that differ from their bookings."""
    return with_chosen_severity(
        options,
        Kind.CALENDAR_MISMATCH,
        Alert(
            name="BookingSyncStaffCalendarMismatch",
            expr=f"last_over_time({NEXT_MISMATCH}[5m]) < {in_promql(MISMATCH_SOON_SECONDS)}",
            hold="15m",
            severity=AlertSeverity.WARNING,
            fixed_by=FixedBy.FRONT_DESK,
            summary="The staff's calendar differs from the bookings.",
            until_morning="If the booking begins before the morning, nobody may be there for the customer.",
            description=Message(
                "A booking of {{ $labels.target }} within the next 24 hours%(if_known)s, on %(moment)s,{{ end }} is missing in "
                "the staff's calendar, lies there at another time, or was declined.",
                if_known=_IF_KNOWN,
                moment=MOMENT_THEN,
            ),
            fix=(
                "The status board names the bookings, how each differs and the time. The front desk asks the staff member who "
                "serves, then corrects the booking or has the entry in the calendar corrected; an administrator of the account "
                "finds out who or what changed the calendar."
            ),
            comment="The portal renews what it shows with each poll of the collector `links`, 15 minutes by default.",
        ),
    )
