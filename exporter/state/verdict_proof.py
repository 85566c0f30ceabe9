"""The rows of the table of verdicts about pairs: whether bookings are in their owner's own calendar, and the way back."""

from __future__ import annotations

from typing import Final

from exporter.state.verdict_row import Kind, Verdict, VerdictRow, hours

SOON_SECONDS: Final = 24 * 3600.0
NEVER_LEARNT_SECONDS: Final = 7 * 24 * 3600.0

NOT_IN_CALENDAR_SOON: Final = VerdictRow(
    Kind.BOOKING_NOT_IN_CALENDAR,
    Verdict.CRITICAL,
    f"A booking that begins within {hours(SOON_SECONDS)} is not in its owner's calendar; the pair's bookings arrive there.",
    history=True,
    alerts=("BookingSyncBookingNotInCalendar",),
)
NOT_IN_CALENDAR_LATER: Final = VerdictRow(
    Kind.BOOKING_NOT_IN_CALENDAR,
    Verdict.WARNING,
    f"A booking that begins in {hours(SOON_SECONDS)} or later, within 7 days, is not in its owner's calendar; the pair's "
    "bookings arrive there, and what is missing is not there at another time.",
    history=True,
    alerts=("BookingSyncBookingNotInCalendar",),
)
CALENDAR_SHIFTED: Final = VerdictRow(
    Kind.CALENDAR_SHIFTED,
    Verdict.WARNING,
    "All bookings that are missing in their owner's calendar, three or more, are there by the same number of half hours too "
    "early or too late.",
    history=True,
    alerts=("BookingSyncCalendarShifted",),
)
CALENDAR_NOT_BLOCKING: Final = VerdictRow(
    Kind.CALENDAR_NOT_BLOCKING,
    Verdict.WARNING,
    "The platform does not know a busy time of a calendar that it imports.",
    history=True,
    alerts=("BookingSyncCalendarNotBlocking",),
)
CANCELLED_IN_CALENDAR: Final = VerdictRow(
    Kind.CANCELLED_IN_CALENDAR,
    Verdict.WARNING,
    "A booking that had arrived in its owner's calendar was cancelled, and its time is still busy there.",
    history=True,
    alerts=("BookingSyncCancelledBookingStillInCalendar",),
)
PROOF_NEVER_LEARNT: Final = VerdictRow(
    Kind.PROOF_NEVER_LEARNT,
    Verdict.OK,
    f"For {hours(NEVER_LEARNT_SECONDS)} bookings of a pair were due and none of them was busy in its owner's calendar, so that "
    "the pair proves nothing.",
    history=True,
)
