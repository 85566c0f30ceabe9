"""Why there is a cause, in few words: what is measured, where no label names a reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from exporter.monitoring.promql import TENANT_LABELS, newest, recent
from exporter.monitoring.rules.bookings import CONFLICTS, MARKED, UNLINKED, UNVERIFIED
from exporter.monitoring.rules.events import BOOKED_OVER, NOT_BLOCKED

CAUSE_TEXTS: Final[Mapping[str, str]] = {
    "BookingSyncRuleFailures": "rules fail or wait",
    "BookingSyncClockSkewed": "clocks differ",
    "BookingSyncExporterDown": "scrapes fail",
    "BookingSyncInstanceDown": "scrapes fail",
    "BookingSyncScrapesFailing": "scrapes fail",
    "BookingSyncShardMissing": "a shard is gone",
    "BookingSyncRestartsOften": "many starts",
    "BookingSyncReplicaBlind": "its partner reads",
    "BookingSyncReplicasDisagree": "their files differ",
    "BookingSyncNotReady": "polls do not end",
    "BookingSyncConfigReloadFailed": "it has errors",
    "BookingSyncWindowMissing": "not configured",
    "BookingSyncExporterSlow": "it lags behind",
    "BookingSyncPollsLate": "polls begin late",
    "BookingSyncScrapeGrew": "twice as many",
    "BookingSyncNothingAnswers": "all polls fail",
    "BookingSyncCredentialRefused": "refused",
    "BookingSyncPlatformDown": "most polls fail",
    "BookingSyncManyTargetsFailing": "many polls fail",
    "BookingSyncProviderOutage": "no answer",
    "BookingSyncPlatformLimited": "too many calls",
    "BookingSyncAccessDenied": "refused",
    "BookingSyncCredentialExpiring": "it ends soon",
    "BookingSyncDataExpired": "polls fail",
    "BookingSyncDataStale": "no good poll",
    "BookingSyncPollOverdue": "its time is over",
    "BookingSyncWindowIncomplete": "rows are left out",
    "BookingSyncAnswersNotUnderstood": "unknown words",
    "BookingSyncSeriesDropped": "over the limit",
    "BookingSyncApiLimited": "too many calls",
    "BookingSyncApiBudgetLow": "little is left",
    "BookingSyncConnectionNeedsOwner": "it is in error",
    "BookingSyncConnectionError": "it is in error",
    "BookingSyncConnectionDisconnected": "disconnected",
    "BookingSyncExportSwitchedOff": "its export is off",
    "BookingSyncConnectionStuck": "it does not end",
    "BookingSyncConnectionUnclear": "it has no state",
    "BookingSyncConnectionProbeFailed": "cannot be read",
    "BookingSyncConnectionCalendarMissing": "not imported",
    "BookingSyncConnectionsShareAccount": "one account",
    "BookingSyncStaffUnprotected": "not imported",
    "BookingSyncConnectionsFlapping": "on and off",
    "BookingSyncProviderDown": "no answer",
    "BookingSyncAllConnectionsFailing": "none works now",
    "BookingSyncConnectionsVanished": "half are gone",
    "BookingSyncErrorBudgetBurn": "many in error",
    "BookingSyncDoubleBooking": "they overlap",
    "BookingSyncDoubleBookingMarked": "Wix marks some",
    "BookingSyncExternalConflict": "private events",
    "BookingSyncSlotsOverBusy": "staff is busy",
    "BookingSyncBookedOver": "by an event",
    "BookingSyncNoOpenSlots": "none for 7 days",
    "BookingSyncImportSilent": "none for 7 days",
    "BookingSyncImportFrozen": "no change",
    "BookingSyncImportShortened": "half as far",
    "BookingSyncHeartbeatMissing": "missing",
    "BookingSyncBookingNotInCalendar": "within 24 h",
    "BookingSyncManyBookingsNotInCalendar": "within 24 h",
    "BookingSyncCalendarShifted": "wrong time",
    "BookingSyncCalendarNotBlocking": "busy times",
    "BookingSyncCancelledBookingStillInCalendar": "still busy",
    "BookingSyncProofNeverLearnt": "none arrives",
    "BookingSyncNoBookingsAhead": "none for 7 days",
    "BookingSyncIntakeSilent": "unlike last week",
    "BookingSyncBookingsVanished": "half are gone",
    "BookingSyncUnlinkedBookings": "links missing",
    "BookingSyncLinksUnverified": "not read",
    "BookingSyncStaffCalendarMismatch": "within 24 h",
    "BookingSyncPlatformDrift": "bookings differ",
    "BookingSyncManyConnectionsNeedOwner": "many in error",
    "BookingSyncManyCalendarsEmpty": "full a week ago",
    "BookingSyncPlatformUnsteady": "on and off",
    "BookingSyncTargetUnsteady": "on and off",
}
"""What is measured where an alert fires, by its name. It fits into one line of the column."""

_DAY: Final = 86_400


def with_numbers(expression: str, scope: str) -> str:
    """Return causes with a number in the label ``reason`` where it says more than words; ``scope`` selects the targets."""

    def of(series: str, more: str = "") -> str:
        return f"max without (window) ({recent(f'{series}{{{scope}{more}}}')})"

    expiry = newest(recent(f"booking_sync_credential_expiry_timestamp_seconds{{{scope}}}"))
    numbers = "\n  or ".join(
        f'label_replace(label_replace(count_values without () ("number", {number}), "reason", "{words}", "number", "(.+)"), '
        f'"alertname", "BookingSync{alert}", "", "")'
        for alert, number, words in (
            ("DoubleBooking", of(CONFLICTS, ',window=~"next_24h|next_7d"') + " > 0", "$1 overlap"),
            ("DoubleBookingMarked", of(MARKED) + " > 0", "$1 marked"),
            ("ExternalConflict", of(NOT_BLOCKED) + " > 0", "$1 not blocked"),
            ("BookedOver", of(BOOKED_OVER) + " > 0", "$1 booked over"),
            ("UnlinkedBookings", f"round(100 * {of(UNLINKED)})", "$1 % without"),
            ("LinksUnverified", f"round(100 * {of(UNVERIFIED)})", "$1 % not read"),
            ("CredentialExpiring", f"clamp_min(floor(({expiry} - time()) / {_DAY}), 0)", "days left: $1"),
        )
    )
    of_cause = ", ".join(("job", *TENANT_LABELS, "platform", "target", "alertname"))
    return (
        f"({expression}) * on ({of_cause}) group_left (reason) max by ({of_cause}, reason) (\n  {numbers}\n)\n"
        f"or ignoring (reason) ({expression})"
    )
