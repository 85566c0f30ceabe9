"""The names of alerts that are kept back together, by what they are about; a name may be a regular expression."""

from __future__ import annotations

from typing import Final

OF_CONNECTIONS: Final = (
    "BookingSyncConnection.+",
    "BookingSyncStaffUnprotected",
    "BookingSyncAllConnectionsFailing",
    "BookingSyncErrorBudgetBurn",
)
OF_BOOKINGS: Final = (
    "BookingSyncDoubleBooking",
    "BookingSyncDoubleBookingMarked",
    "BookingSyncNoBookingsAhead",
    "BookingSyncIntakeSilent",
    "BookingSyncUnlinkedBookings",
)
OF_EVENTS: Final = (
    "BookingSyncExternalConflict",
    "BookingSyncBookedOver",
    "BookingSyncImportSilent",
    "BookingSyncImportFrozen",
    "BookingSyncImportShortened",
    "BookingSyncHeartbeatMissing",
)
OF_SLOTS: Final = ("BookingSyncSlotsOverBusy", "BookingSyncNoOpenSlots")
OF_PROOFS: Final = (
    "BookingSyncBookingNotInCalendar",
    "BookingSyncCalendarShifted",
    "BookingSyncCalendarNotBlocking",
    "BookingSyncCancelledBookingStillInCalendar",
    "BookingSyncProofNeverLearnt",
)
OF_TARGETS: Final = ("BookingSyncAccessDenied", "BookingSyncDataExpired", "BookingSyncDataStale", "BookingSyncApiLimited")
# What can be believed of a target of which nothing is known any more: that its credential ends.
BLIND: Final = (
    *OF_TARGETS,
    *OF_CONNECTIONS,
    *OF_BOOKINGS,
    *OF_EVENTS,
    *OF_SLOTS,
    *OF_PROOFS,
    "BookingSyncLinksUnverified",
    "BookingSyncStaffCalendarMismatch",
    "BookingSyncProviderDown",
    "BookingSyncWindowIncomplete",
    "BookingSyncApiBudgetLow",
    "BookingSyncAnswersNotUnderstood",
    "BookingSyncPollOverdue",
    "BookingSyncTargetUnsteady",
)
KNOWN_OF_A_TARGET: Final = (*OF_TARGETS, *OF_CONNECTIONS, *OF_BOOKINGS, *OF_EVENTS, *OF_SLOTS, *OF_PROOFS)
