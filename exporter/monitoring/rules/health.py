"""How each target is, as one number, and what of it makes it so: the table of verdicts over what the metrics tell.

0 is ok, 1 a warning, 2 critical, 3 unknown, as ``probe`` exits. Rows of the table that no metric tells are left out: a platform
that asked to wait, an account that moved, what a configuration lacks.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from exporter.fields.durations import format_duration
from exporter.model import ConnectionStatus, ErrorReason
from exporter.monitoring.promql import CONNECTION, FOLDED_LABELS, JOB_LABELS, in_promql, newest, one_per
from exporter.monitoring.rules.bookings import CONFLICTS, MARKED, UNLINKED, UNVERIFIED, VERIFIED
from exporter.monitoring.rules.calendar_checks import SHARING, UNPROTECTED, where_the_site_has_connections
from exporter.monitoring.rules.connections import (
    ACCEPTED,
    CALENDAR_MISSING,
    DOWN,
    EXPORT,
    LOST,
    PROBE_FAILED,
    REASON,
    STATUS,
)
from exporter.monitoring.rules.copies import NEXT_MISMATCH
from exporter.monitoring.rules.events import BOOKED_OVER, NOT_BLOCKED, SUSPECT
from exporter.monitoring.rules.many import EMPTY, Symptom
from exporter.monitoring.rules.proof import LEFT, NOT_THERE, SHIFTED, UNKNOWN
from exporter.monitoring.rules.recording import Recording, RecordingGroup
from exporter.monitoring.rules.slots import NONE_OPEN, OVER_BUSY
from exporter.monitoring.rules.targets import (
    ACCESS,
    AVAILABLE,
    BUDGET,
    COMPLETE,
    DARK,
    LIMITED,
    OUTAGE,
    OVERDUE,
    PROVIDER,
    WHY,
    WHY_FAILING,
)
from exporter.private_calendar import ImportFault
from exporter.state import verdict, verdict_events, verdict_proof
from exporter.state.thresholds import Thresholds
from exporter.state.verdict import verdict_by
from exporter.state.verdict_row import Verdict, VerdictRow

_DAY: Final = 86_400.0

HEALTH: Final = "target:booking_sync_health:code"
OF_COLLECTORS: Final = "collector:booking_sync_health:code"
OF_CONNECTIONS: Final = "connection:booking_sync_health:code"
OF_BOOKINGS: Final = "bookings:booking_sync_health:code"
SINCE_STATUS: Final = "connection:booking_sync_connection_status:since"
LAST_SUCCESS: Final = "collector:booking_sync_collector_failing:since"
OF_ACCOUNT: Final = "account:booking_sync_health:code"
FINDINGS: Final = (OF_COLLECTORS, OF_CONNECTIONS, OF_BOOKINGS, OF_ACCOUNT)

OWNER_REASONS: Final = (
    ErrorReason.TOKEN_REVOKED,
    ErrorReason.EXTERNAL_CALENDAR_CREATION_FAILED,
    ErrorReason.EXTERNAL_CALENDAR_DELETED,
)
"""Errors of a connection that only the owner of the calendar can mend."""

OF_FINDINGS: Final = (
    "alertname",
    "severity",
    "collector",
    "connection",
    "provider",
    "reason",
    "budget",
    "calendar_type",
    "site",
)
"""The labels that a finding has beyond those of its target."""


def health_recordings(thresholds: Thresholds) -> RecordingGroup:
    """Return what is recorded of the health of each target."""
    found = (
        (OF_COLLECTORS, _of_collectors(thresholds), _OF_COLLECTORS),
        (OF_CONNECTIONS, _of_connections(thresholds), "What is accepted is no finding."),
        (OF_BOOKINGS, _of_bookings(thresholds), _OF_BOOKINGS),
        (OF_ACCOUNT, _of_account(thresholds), ""),
    )
    recordings = (Recording(name, expression, comment) for name, expression, comment in found if expression)
    return RecordingGroup("booking-sync-health", "1m", (*_moments(), *recordings, _of_target()))


def _moments() -> tuple[Recording, Recording]:
    folded = ", ".join((*FOLDED_LABELS, "status"))
    return (
        Recording(
            SINCE_STATUS,
            newest(
                "\n  booking_sync_connection_status_since_timestamp_seconds\n"
                f'  and ignoring ({folded}) {STATUS}{{status!="{ConnectionStatus.SYNCED}"}}\n',
                "min",
            ),
            "Only of connections that are not synced: most are.",
        ),
        Recording(
            LAST_SUCCESS,
            f"{newest('booking_sync_collector_last_success_timestamp_seconds')} > 0\nand ignoring (reason) {WHY}",
            "Only of collectors whose polls fail.",
        ),
    )


def _found(thresholds: Thresholds, row: VerdictRow, condition: str, alert: str, **instead: str) -> Iterator[str]:
    """Yield the verdict of ``row`` where ``condition`` has a series, with the alert that says the same once it lasts.

    It is as bad as it is to a user; what is no problem is no finding. ``instead`` are other alerts for some of the reasons,
    as a regular expression.
    """
    found = verdict_by(row, thresholds)
    if found is Verdict.OK:
        return
    expression = f"{found:d} * (\n  {condition}\n) ^ 0"
    for label, value, by, pattern in (
        ("alertname", f"BookingSync{alert}", "", ""),
        *(("alertname", f"BookingSync{other}", "reason", reasons) for other, reasons in instead.items()),
        ("severity", found.name.lower(), "", ""),
    ):
        expression = f'label_replace({expression}, "{label}", "{value}", "{by}", "{pattern}")'
    yield expression


_OR: Final = "\nor\n"


_OF_COLLECTORS: Final = (
    "What the newest poll says, at once: the alert by whose name it goes waits. A poll that is under way is not overdue."
)


def _of_collectors(thresholds: Thresholds) -> str:
    access, limited = "|".join(ACCESS), "|".join(LIMITED)
    dark, intervals = f"{DARK} == 1", f"{thresholds.poll_overdue_intervals:.15g}"
    find = partial(_found, thresholds)
    return _OR.join(
        (
            *find(
                verdict.TARGET_FAILING,
                f"{WHY_FAILING} and ignoring (reason) {dark} or ignoring (reason) {dark}",
                "DataExpired",
                AccessDenied=access,
            ),
            *find(
                verdict.COLLECTOR_FAILING,
                f"({WHY} or ignoring (reason) {AVAILABLE} == 0) unless ignoring (collector, reason) {dark}",
                "DataExpired",
                AccessDenied=access,
                ApiLimited=limited,
            ),
            *find(verdict.PROVIDER_FAILING, f"{PROVIDER} == 0", "ProviderDown"),
            *find(verdict.POLL_OVERDUE, f"{OVERDUE} > {intervals} and {OVERDUE} offset 2m > {intervals}", "PollOverdue"),
        )
    )


def _of_connections(thresholds: Thresholds) -> str:
    owner = "|".join(OWNER_REASONS)
    age = f"max by ({', '.join(JOB_LABELS)}) (booking_sync_time_seconds)"
    find = partial(_found, thresholds)

    def state(*statuses: ConnectionStatus) -> str:
        return f'{STATUS}{{status=~"{"|".join(statuses)}"}}'

    def because_of_status(expression: str) -> str:
        return (
            "max without (status) (label_replace(\n"
            f'    {expression}\n    unless ignoring (status) {ACCEPTED},\n    "reason", "$1", "status", "(.*)"\n  ))'
        )

    def lasting(expression: str, seconds: float) -> str:
        lasts = f"{age} - on ({', '.join(JOB_LABELS)}) group_right () {SINCE_STATUS} > {in_promql(seconds)}"
        return because_of_status(f"({expression}) and ignoring (status) {lasts}")

    exporting = f"{state(ConnectionStatus.CONNECTED)} unless ignoring (status) {EXPORT}"
    idle = f"{state(ConnectionStatus.SYNC_IN_PROGRESS)} or {exporting}"
    unclear = state(ConnectionStatus.UNDEFINED, ConnectionStatus.UNKNOWN)
    lost = f"max_over_time({LOST}[{format_duration(thresholds.connection_disconnected_within)}])"
    in_error = f"max without (status) ({state(ConnectionStatus.ERROR)})"
    single = _OR.join(
        (
            *find(
                verdict.CONNECTION_ERROR,
                f"({REASON} or ignoring (reason) {in_error}) unless ignoring (reason) {ACCEPTED}",
                "ConnectionError",
                ConnectionNeedsOwner=owner,
            ),
            *find(
                verdict.CONNECTION_CUT,
                because_of_status(f"{state(ConnectionStatus.DISCONNECTED)} and ignoring (status) {lost}"),
                "ConnectionDisconnected",
            ),
            *find(verdict.CONNECTION_STUCK, lasting(idle, thresholds.connection_stuck_after), "ConnectionStuck"),
            *find(verdict.CONNECTION_UNCLEAR, lasting(unclear, thresholds.connection_unclear_after), "ConnectionUnclear"),
            *find(verdict.PROBE_FAILED, PROBE_FAILED, "ConnectionProbeFailed"),
            *find(verdict.IMPORT_CALENDAR_MISSING, CALENDAR_MISSING, "ConnectionCalendarMissing"),
        )
    )
    named = one_per(CONNECTION, "calendar_type", "site")
    listed = f'max without (status) ({STATUS}{{status!="{ConnectionStatus.SYNCED}"}})'
    with_names = (
        f"(\n{single}\n)\n* ignoring (alertname, severity, reason, calendar_type, site) group_left (calendar_type, site) (\n"
        f"  {named} ^ 0\n  or ignoring (calendar_type, site) {listed} ^ 0\n"
        f"  or ignoring (calendar_type, site) {PROBE_FAILED} ^ 0 or ignoring (calendar_type, site) {CALENDAR_MISSING} ^ 0\n)"
    )
    down = find(verdict.CONNECTIONS_DOWN, DOWN, "AllConnectionsFailing")
    shared = find(verdict.ACCOUNT_SHARED, SHARING, "ConnectionsShareAccount")
    staff = find(verdict.STAFF_UNPROTECTED, where_the_site_has_connections(UNPROTECTED), "StaffUnprotected")
    imports = (  # of connections that work, which have no recorded name
        *find(verdict_events.IMPORT_SILENT, f'{SUSPECT}{{reason="{ImportFault.SILENT}"}}', "ImportSilent"),
        *find(verdict_events.IMPORT_FROZEN, f'{SUSPECT}{{reason="{ImportFault.FROZEN}"}}', "ImportFrozen"),
        *find(verdict_events.IMPORT_SHORTENED, f'{SUSPECT}{{reason="{ImportFault.SHORTENED}"}}', "ImportShortened"),
        *find(verdict_events.HEARTBEAT_MISSING, f'{SUSPECT}{{reason="{ImportFault.HEARTBEAT}"}}', "HeartbeatMissing"),
    )
    return _OR.join((*((with_names,) if single else ()), *imports, *down, *shared, *staff))


_OF_BOOKINGS: Final = "An overlap that begins soon is also recognised by its start: the window is that of the newest poll."


def _of_bookings(thresholds: Thresholds) -> str:
    start = "booking_sync_next_conflict_timestamp_seconds"
    begins = newest(f"{start} - ignoring (target, platform) group_left () booking_sync_time_seconds", "min")
    soon, find = thresholds.conflict_soon, partial(_found, thresholds)

    def conflicts(window: str) -> str:
        return f'max without (window) ({CONFLICTS}{{window="{window}"}} > 0)'

    def not_blocked(window: str) -> str:
        return f'max without (window) ({NOT_BLOCKED}{{window="{window}"}} > 0)'

    external = newest(
        "booking_sync_next_external_conflict_timestamp_seconds"
        " - ignoring (target, platform) group_left () booking_sync_time_seconds",
        "min",
    )
    within_a_day = f"{conflicts('next_24h')} or " if soon >= _DAY else ""
    unlinked = f"{UNLINKED} > {thresholds.unlinked_bookings_share:.15g} and {VERIFIED} >= {thresholds.unlinked_bookings_least}"
    return _OR.join(
        (
            *find(verdict.CONFLICT_SOON, f"{within_a_day}{begins} < {in_promql(soon)}", "DoubleBooking"),
            *find(verdict.CONFLICT_LATER, f"{conflicts('next_7d')} or {begins}", "DoubleBooking"),
            *find(verdict.CONFLICT_MARKED, f"max without (window) ({MARKED} > 0)", "DoubleBookingMarked"),
            *find(
                verdict_events.EXTERNAL_CONFLICT_SOON,
                f"{not_blocked('next_24h') + ' or ' if thresholds.external_conflict_soon >= _DAY else ''}"
                f"{external} < {in_promql(thresholds.external_conflict_soon)}",
                "ExternalConflict",
            ),
            *find(verdict_events.EXTERNAL_CONFLICT_LATER, f"{not_blocked('next_7d')} or {external}", "ExternalConflict"),
            *find(verdict_events.SLOTS_OVER_BUSY, OVER_BUSY, "SlotsOverBusy"),
            *find(verdict_events.NO_OPEN_SLOTS, NONE_OPEN, "NoOpenSlots"),
            *find(verdict_proof.NOT_IN_CALENDAR_SOON, _not_there("next_24h"), "BookingNotInCalendar"),
            *find(verdict_proof.CALENDAR_SHIFTED, SHIFTED, "CalendarShifted"),
            *find(verdict_proof.NOT_IN_CALENDAR_LATER, _not_there("next_7d"), "BookingNotInCalendar"),
            *find(verdict_proof.CALENDAR_NOT_BLOCKING, UNKNOWN, "CalendarNotBlocking"),
            *find(verdict_proof.CANCELLED_IN_CALENDAR, LEFT, "CancelledBookingStillInCalendar"),
            *find(verdict_events.BOOKED_OVER, f"max without (window) ({BOOKED_OVER} > 0)", "BookedOver"),
            *find(
                verdict.CALENDAR_MISMATCH,
                f"{NEXT_MISMATCH} < {in_promql(verdict.MISMATCH_SOON_SECONDS)}",
                "StaffCalendarMismatch",
            ),
            *find(verdict.UNLINKED_BOOKINGS, f"max without (window) ({unlinked})", "UnlinkedBookings"),
            *find(
                verdict.LINKS_UNVERIFIED,
                f"max without (window) ({UNVERIFIED} > {thresholds.links_unverified_share:.15g})",
                "LinksUnverified",
            ),
            *find(
                verdict.WINDOW_INCOMPLETE, f"max without (window) ({COMPLETE} == 0)\nunless {OUTAGE} == 1", "WindowIncomplete"
            ),
            *find(
                verdict.INTAKE_SILENT,
                f'max without (symptom) ({EMPTY}{{symptom="{Symptom.NOTHING_NEW_FOR_A_DAY}"}})',
                "IntakeSilent",
            ),
        )
    )


def _not_there(window: str) -> str:
    return f'max without (window) ({NOT_THERE}{{window="{window}"}})'


def _of_account(thresholds: Thresholds) -> str:
    expiry = "booking_sync_credential_expiry_timestamp_seconds"
    left = newest(f"{expiry} - ignoring (target, platform) group_left () booking_sync_time_seconds")
    find = partial(_found, thresholds)
    return _OR.join(
        (
            *find(verdict.BUDGET_SPENT, f'{BUDGET}{{budget="operating"}} <= 0', "ApiBudgetLow"),
            *find(
                verdict.CREDENTIAL_EXPIRY, f"{left} < {in_promql(thresholds.credential_expiry_within)}", "CredentialExpiring"
            ),
        )
    )


def _of_target() -> Recording:
    paused, found = newest("booking_sync_target_paused"), "\n  or ".join(FINDINGS)
    return Recording(
        HEALTH,
        f"0 * ({paused} == 1)\n"
        f"or\nmax without ({', '.join(OF_FINDINGS)}) (\n  {found}\n) and {DARK}\n"
        f"or\n0 * {DARK}\nor\n{Verdict.UNKNOWN:d} * ({paused} == 0) ^ 0",
        "A paused target is not judged, and one that has not been polled is unknown. Without an exporter there is no series.",
    )
