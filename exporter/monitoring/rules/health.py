"""How each target is, as one number, and what of it makes it so: the table of verdicts over what the metrics tell.

0 is ok, 1 a warning, 2 critical, 3 unknown, as ``probe`` exits. Rows of the table that no metric tells are left out: a platform
that asked to wait, an account that moved, what a configuration lacks.
"""

from __future__ import annotations

from typing import Final

from exporter.model import ConnectionStatus, ErrorReason
from exporter.monitoring.promql import CONNECTION, FOLDED_LABELS, TENANT_LABELS, newest, one_per
from exporter.monitoring.rules.bookings import CONFLICTS, UNLINKED, UNVERIFIED, VERIFIED
from exporter.monitoring.rules.connections import ACCEPTED, DOWN, EXPORT, LOST, REASON, STATUS
from exporter.monitoring.rules.many import EMPTY, Symptom
from exporter.monitoring.rules.recording import Recording, RecordingGroup
from exporter.monitoring.rules.targets import (
    ACCESS,
    AVAILABLE,
    BUDGET,
    COMPLETE,
    DARK,
    LIMITED,
    OVERDUE,
    PROVIDER,
    WHY,
    WHY_FAILING,
)
from exporter.state.verdict import (
    LINKS_SAMPLE,
    OVERDUE_INTERVALS,
    RENEW_SECONDS,
    SOON_SECONDS,
    STUCK_SECONDS,
    UNLINKED_SHARE,
    UNVERIFIED_SHARE,
    Verdict,
)

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


def health_recordings() -> RecordingGroup:
    """Return what is recorded of the health of each target."""
    return RecordingGroup(
        "booking-sync-health",
        "1m",
        (*_moments(), _of_collectors(), _of_connections(), _of_bookings(), _of_account(), _of_target()),
    )


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


def _finding(alert: str, condition: str, verdict: Verdict = Verdict.WARNING, **instead: str) -> str:
    """Return ``verdict`` where ``condition`` has a series, with the name of the alert that says the same once it lasts.

    ``instead`` are other alerts for some of the reasons, as a regular expression.
    """
    found = f"{verdict:d} * (\n  {condition}\n) ^ 0"
    for label, value, by, pattern in (
        ("alertname", alert, "", ""),
        *(("alertname", f"BookingSync{other}", "reason", reasons) for other, reasons in instead.items()),
        ("severity", verdict.name.lower(), "", ""),
    ):
        found = f'label_replace({found}, "{label}", "{value}", "{by}", "{pattern}")'
    return found


def _any(*findings: str) -> str:
    return "\nor\n".join(findings)


def _duration(seconds: float) -> str:
    """Return a number of seconds as people count them: rules hold no other."""
    days = seconds / 86_400
    return f"{days:g} * 24 * 60 * 60" if days >= 1 else f"{seconds / 60:g} * 60"


def _of_collectors() -> Recording:
    access, limited = "|".join(ACCESS), "|".join(LIMITED)
    dark = f"{DARK} == 1"
    return Recording(
        OF_COLLECTORS,
        _any(
            _finding(
                "BookingSyncDataExpired",
                f"{WHY_FAILING} and ignoring (reason) {dark} or ignoring (reason) {dark}",
                Verdict.CRITICAL,
                AccessDenied=access,
            ),
            _finding(
                "BookingSyncDataExpired",
                f"({WHY} or ignoring (reason) {AVAILABLE} == 0) unless ignoring (collector, reason) {dark}",
                AccessDenied=access,
                ApiLimited=limited,
            ),
            _finding("BookingSyncProviderDown", f"{PROVIDER} == 0"),
            _finding(
                "BookingSyncPollOverdue", f"{OVERDUE} > {OVERDUE_INTERVALS:g} and {OVERDUE} offset 2m > {OVERDUE_INTERVALS:g}"
            ),
        ),
        "What the newest poll says, at once: the alert by whose name it goes waits. A poll that is under way is not overdue.",
    )


def _of_connections() -> Recording:
    owner = "|".join(OWNER_REASONS)
    age = f"max by (job, {', '.join(TENANT_LABELS)}) (booking_sync_time_seconds)"
    lasting = f"{age} - on (job, {', '.join(TENANT_LABELS)}) group_right () {SINCE_STATUS} > {_duration(STUCK_SECONDS)}"

    def state(*statuses: ConnectionStatus) -> str:
        return f'{STATUS}{{status=~"{"|".join(statuses)}"}}'

    def because_of_status(expression: str) -> str:
        return (
            "max without (status) (label_replace(\n"
            f'    {expression}\n    unless ignoring (status) {ACCEPTED},\n    "reason", "$1", "status", "(.*)"\n  ))'
        )

    exporting = f"{state(ConnectionStatus.CONNECTED)} unless ignoring (status) {EXPORT}"
    idle = f"{state(ConnectionStatus.SYNC_IN_PROGRESS)} or {exporting}"
    unclear = state(ConnectionStatus.UNDEFINED, ConnectionStatus.UNKNOWN)
    cut = f"{state(ConnectionStatus.DISCONNECTED)} and ignoring (status) max_over_time({LOST}[1d])"
    in_error = f"max without (status) ({state(ConnectionStatus.ERROR)})"
    named = one_per(CONNECTION, "calendar_type", "site")
    listed = f'max without (status) ({STATUS}{{status!="{ConnectionStatus.SYNCED}"}})'
    single = _any(
        _finding(
            "BookingSyncConnectionError",
            f"({REASON} or ignoring (reason) {in_error}) unless ignoring (reason) {ACCEPTED}",
            ConnectionNeedsOwner=owner,
        ),
        _finding("BookingSyncConnectionDisconnected", because_of_status(cut)),
        _finding(
            "BookingSyncConnectionStuck",
            because_of_status(f"({idle} or {unclear}) and ignoring (status) {lasting}"),
            ConnectionUnclear=f"{ConnectionStatus.UNDEFINED}|{ConnectionStatus.UNKNOWN}",
        ),
    )
    return Recording(
        OF_CONNECTIONS,
        f"(\n{single}\n)\n* ignoring (alertname, severity, reason, calendar_type, site) group_left (calendar_type, site) (\n"
        f"  {named} ^ 0\n  or ignoring (calendar_type, site) {listed} ^ 0\n)\n"
        f"or\n{_finding('BookingSyncAllConnectionsFailing', DOWN, Verdict.CRITICAL)}",
        "What is accepted is no finding.",
    )


def _of_bookings() -> Recording:
    start = "booking_sync_next_conflict_timestamp_seconds"
    begins = newest(f"{start} - ignoring (target, platform) group_left () booking_sync_time_seconds", "min")

    def conflicts(window: str) -> str:
        return f'max without (window) ({CONFLICTS}{{window="{window}"}} > 0)'

    return Recording(
        OF_BOOKINGS,
        _any(
            _finding(
                "BookingSyncDoubleBooking",
                f"{conflicts('next_24h')} or {begins} < {_duration(SOON_SECONDS)}",
                Verdict.CRITICAL,
            ),
            _finding("BookingSyncDoubleBooking", f"{conflicts('next_7d')} or {begins}"),
            _finding(
                "BookingSyncUnlinkedBookings",
                f"max without (window) ({UNLINKED} > {UNLINKED_SHARE:g} and {VERIFIED} >= {LINKS_SAMPLE})",
            ),
            _finding("BookingSyncLinksUnverified", f"max without (window) ({UNVERIFIED} > {UNVERIFIED_SHARE:g})"),
            _finding("BookingSyncWindowIncomplete", f"max without (window) ({COMPLETE} == 0)"),
            _finding(
                "BookingSyncIntakeSilent", f'max without (symptom) ({EMPTY}{{symptom="{Symptom.NOTHING_NEW_FOR_A_DAY}"}})'
            ),
        ),
        "An overlap that begins soon is told by its start as well: the window is that of the newest poll.",
    )


def _of_account() -> Recording:
    expiry = "booking_sync_credential_expiry_timestamp_seconds"
    left = newest(f"{expiry} - ignoring (target, platform) group_left () booking_sync_time_seconds")
    return Recording(
        OF_ACCOUNT,
        _any(
            _finding("BookingSyncApiBudgetLow", f'{BUDGET}{{budget="operating"}} <= 0'),
            _finding("BookingSyncCredentialExpiring", f"{left} < {_duration(RENEW_SECONDS)}"),
        ),
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
