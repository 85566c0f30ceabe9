"""The decision table of verdicts: which state is how bad. Board, ``/api/v1/status`` and ``probe`` judge by it, rules can.

A row for each state, worst first. :mod:`exporter.state.findings` holds a view against them; ``docs/verdicts.md`` is made of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from exporter.errors import Reason
from exporter.state.thresholds import DEFAULTS as _OF
from exporter.state.thresholds import Thresholds
from exporter.state.verdict_events import (
    BOOKED_OVER,
    EXTERNAL_CONFLICT_LATER,
    EXTERNAL_CONFLICT_SOON,
    HEARTBEAT_MISSING,
    IMPORT_FROZEN,
    IMPORT_SHORTENED,
    IMPORT_SILENT,
    NO_OPEN_SLOTS,
    SLOTS_OVER_BUSY,
)
from exporter.state.verdict_proof import (
    CALENDAR_NOT_BLOCKING,
    CALENDAR_SHIFTED,
    CANCELLED_IN_CALENDAR,
    NOT_IN_CALENDAR_LATER,
    NOT_IN_CALENDAR_SOON,
    PROOF_NEVER_LEARNT,
)
from exporter.state.verdict_row import Kind, Verdict, VerdictRow, hours

SILENT_SECONDS: Final = 24 * 3600.0
MISMATCH_SOON_SECONDS: Final = 24 * 3600.0
USUAL_BEFORE_SECONDS: Final = 7 * 24 * 3600.0

LIMITS: Final = frozenset({Reason.RATE_LIMITED, Reason.OPERATING_LIMIT, Reason.OVERLOAD})
"""Failures that say that we ask too much, and nothing of the target."""


def _days(seconds: float) -> str:
    return f"{seconds / 86_400:g} days"


_WORKED = "`synced`, `sync_in_progress` or `connected`"
_LIMITS = ", ".join(f"`{reason}`" for reason in Reason if reason in LIMITS)

NOT_POLLED: Final = VerdictRow(
    Kind.NOT_POLLED, Verdict.UNKNOWN, "No poll of the target has finished yet.", alerts=("BookingSyncNotReady",)
)
TARGET_FAILING: Final = VerdictRow(
    Kind.COLLECTOR_FAILING,
    Verdict.CRITICAL,
    "The newest poll of the collector failed, and no other collector of the target has fresh data; or the newest polls of all "
    f"its collectors failed for another reason than a limit ({_LIMITS}).",
    alerts=("BookingSyncAccessDenied", "BookingSyncDataExpired"),
)
TARGET_EXPIRED: Final = VerdictRow(
    Kind.DATA_EXPIRED,
    Verdict.CRITICAL,
    "The data of the collector was withdrawn because it reached `max_age`, and no other collector of the target has fresh "
    "data.",
    alerts=("BookingSyncDataExpired", "BookingSyncAccessDenied"),
)
CONNECTIONS_DOWN: Final = VerdictRow(
    Kind.CONNECTIONS_DOWN,
    Verdict.CRITICAL,
    f"{_OF.connections_down_least} or more connections of the target were {_WORKED} within "
    f"{hours(_OF.connections_down_within)}, or one that is gone was, and now none of the connections is.",
    history=True,
    alerts=("BookingSyncAllConnectionsFailing",),
)
CONFLICT_SOON: Final = VerdictRow(
    Kind.CONFLICT,
    Verdict.CRITICAL,
    f"Two bookings overlap on a resource, beginning within {hours(_OF.conflict_soon)} or already.",
    alerts=("BookingSyncDoubleBooking",),
)
COLLECTOR_FAILING: Final = VerdictRow(
    Kind.COLLECTOR_FAILING,
    Verdict.WARNING,
    "The newest poll of the collector failed completely or in part, but the target still has fresh data.",
    alerts=("BookingSyncAccessDenied", "BookingSyncApiLimited", "BookingSyncDataStale", "BookingSyncDataExpired"),
)
DATA_EXPIRED: Final = VerdictRow(
    Kind.DATA_EXPIRED,
    Verdict.WARNING,
    "The data of the collector was withdrawn because it reached `max_age`; another collector of the target has fresh data.",
    alerts=("BookingSyncDataExpired", "BookingSyncAccessDenied", "BookingSyncApiLimited"),
)
PROVIDER_FAILING: Final = VerdictRow(
    Kind.PROVIDER_FAILING,
    Verdict.WARNING,
    "A calendar provider of the site could not be read; its connections are shown as last known.",
    alerts=("BookingSyncProviderDown",),
)
CONFLICT_LATER: Final = VerdictRow(
    Kind.CONFLICT,
    Verdict.WARNING,
    f"Two bookings overlap on a resource, beginning in {hours(_OF.conflict_soon)} or later.",
    alerts=("BookingSyncDoubleBooking",),
)
CONFLICT_MARKED: Final = VerdictRow(
    Kind.CONFLICT_MARKED,
    Verdict.WARNING,
    "The platform itself marks bookings of the next 7 days as double-booked, and the exporter does not read them "
    "(`conflicts: false`).",
    alerts=("BookingSyncDoubleBookingMarked",),
)
CALENDAR_MISMATCH: Final = VerdictRow(
    Kind.CALENDAR_MISMATCH,
    Verdict.WARNING,
    f"A booking that begins within {hours(MISMATCH_SOON_SECONDS)} differs from its copy in the staff's calendar: the copy is "
    "missing, has moved, or was declined.",
    alerts=("BookingSyncStaffCalendarMismatch",),
)
CONNECTION_ERROR: Final = VerdictRow(
    Kind.CONNECTION_ERROR,
    Verdict.WARNING,
    "A connection is in `error`.",
    alerts=("BookingSyncConnectionNeedsOwner", "BookingSyncConnectionError"),
)
CONNECTION_CUT: Final = VerdictRow(
    Kind.CONNECTION_DISCONNECTED,
    Verdict.WARNING,
    "A connection is `disconnected`, and the exporter saw within "
    f"{hours(_OF.connection_disconnected_within)} that it became so.",
    history=True,
    alerts=("BookingSyncConnectionDisconnected",),
)
CONNECTION_STUCK: Final = VerdictRow(
    Kind.CONNECTION_STUCK,
    Verdict.WARNING,
    f"A connection has been `sync_in_progress`, or `connected` although it exports, for more than "
    f"{hours(_OF.connection_stuck_after)}.",
    history=True,
    alerts=("BookingSyncConnectionStuck",),
)
CONNECTION_UNCLEAR: Final = VerdictRow(
    Kind.CONNECTION_UNCLEAR,
    Verdict.WARNING,
    f"A connection has been `undefined` or `unknown` for more than {hours(_OF.connection_unclear_after)}.",
    history=True,
    alerts=("BookingSyncConnectionUnclear",),
)
PROBE_FAILED: Final = VerdictRow(
    Kind.CONNECTION_PROBE_FAILED,
    Verdict.WARNING,
    f"A connection is {_WORKED}, and the platform cannot read the calendars of its account.",
    alerts=("BookingSyncConnectionProbeFailed",),
)
IMPORT_CALENDAR_MISSING: Final = VerdictRow(
    Kind.IMPORT_CALENDAR_MISSING,
    Verdict.WARNING,
    f"A connection is {_WORKED}, and it imports from no calendar, or from one that its account does not have.",
    alerts=("BookingSyncConnectionCalendarMissing",),
)
ACCOUNT_SHARED: Final = VerdictRow(
    Kind.ACCOUNT_SHARED,
    Verdict.WARNING,
    "One external account is connected to several schedules.",
    alerts=("BookingSyncConnectionsShareAccount",),
)
STAFF_UNPROTECTED: Final = VerdictRow(
    Kind.STAFF_UNPROTECTED,
    Verdict.WARNING,
    "A staff member of a site that has connections takes bookings, and no connection imports that member's appointments; what "
    "a connection's own row tells is left out.",
    alerts=("BookingSyncStaffUnprotected",),
)
API_LIMITED: Final = VerdictRow(
    Kind.API_LIMITED,
    Verdict.WARNING,
    "The platform asked the exporter to wait, and that time has not passed; no collector has failed because of it yet.",
)
BUDGET_SPENT: Final = VerdictRow(
    Kind.BUDGET_SPENT,
    Verdict.WARNING,
    "The target has used up its operating time for ten minutes.",
    alerts=("BookingSyncApiBudgetLow",),
)
CREDENTIAL_EXPIRY: Final = VerdictRow(
    Kind.CREDENTIAL_EXPIRY,
    Verdict.WARNING,
    f"A credential that a person must renew ends within {_days(_OF.credential_expiry_within)}, or has ended.",
    alerts=("BookingSyncCredentialExpiring",),
)
PORTAL_MOVED: Final = VerdictRow(
    Kind.PORTAL_MOVED, Verdict.WARNING, "The account answers at an address other than the configured one."
)
UNLINKED_BOOKINGS: Final = VerdictRow(
    Kind.UNLINKED_BOOKINGS,
    Verdict.WARNING,
    f"More than {_OF.unlinked_bookings_share:.0%} of the bookings of a window have no link to a CRM entity, among at least "
    f"{_OF.unlinked_bookings_least} that were verified.",
    alerts=("BookingSyncUnlinkedBookings",),
)
INTAKE_SILENT: Final = VerdictRow(
    Kind.INTAKE_SILENT,
    Verdict.WARNING,
    f"No new booking for {hours(SILENT_SECONDS)}, although polls succeeded, and at least {_OF.intake_silent_least} in the "
    f"same time {_days(USUAL_BEFORE_SECONDS)} before; no `closed` day is among them.",
    history=True,
    alerts=("BookingSyncIntakeSilent",),
)
WINDOW_INCOMPLETE: Final = VerdictRow(
    Kind.WINDOW_INCOMPLETE,
    Verdict.WARNING,
    "A window could not be read completely.",
    alerts=("BookingSyncWindowIncomplete",),
)
LINKS_UNVERIFIED: Final = VerdictRow(
    Kind.LINKS_UNVERIFIED,
    Verdict.WARNING,
    f"The links of more than {_OF.links_unverified_share:.0%} of the bookings of a window were read longer ago than `max_age`.",
    history=True,
    alerts=("BookingSyncLinksUnverified",),
)
POLL_OVERDUE: Final = VerdictRow(
    Kind.POLL_OVERDUE,
    Verdict.WARNING,
    f"The next poll should have begun more than {_OF.poll_overdue_intervals:g} interval ago, and none runs.",
    history=True,
    alerts=("BookingSyncPollOverdue",),
)
CONFIG_WARNING: Final = VerdictRow(
    Kind.CONFIG_WARNING,
    Verdict.WARNING,
    "The configuration watches less than it seems to, or shows more to some users.",
    alerts=("BookingSyncWindowMissing",),
)
CHECK_REFUSED: Final = VerdictRow(
    Kind.CONFIG_WARNING, Verdict.OK, "The platform refuses a check that is on unless it is switched off."
)
RELOAD_REFUSED: Final = VerdictRow(
    Kind.RELOAD_REFUSED,
    Verdict.WARNING,
    "The configuration was changed and refused; the previous one is in force.",
    history=True,
    alerts=("BookingSyncConfigReloadFailed",),
)
TARGET_PAUSED: Final = VerdictRow(
    Kind.TARGET_PAUSED, Verdict.OK, "The configuration pauses the target; nothing else of it is judged."
)
TARGET_CLOSED: Final = VerdictRow(Kind.TARGET_CLOSED, Verdict.OK, "It is one of the target's `closed` days.")
CONNECTION_ACCEPTED: Final = VerdictRow(
    Kind.CONNECTION_ACCEPTED, Verdict.OK, "A connection does not work, and the configuration accepts that."
)
CONFLICT_ACCEPTED: Final = VerdictRow(
    Kind.CONFLICT_ACCEPTED, Verdict.OK, "Two bookings overlap on a resource, and the configuration accepts one of them."
)
WARNING_ACCEPTED: Final = VerdictRow(
    Kind.WARNING_ACCEPTED, Verdict.OK, "The configuration watches less than it seems to, and accepts that."
)
CALENDAR_MISMATCH_LATER: Final = VerdictRow(
    Kind.CALENDAR_MISMATCH,
    Verdict.OK,
    f"A booking that begins in {hours(MISMATCH_SOON_SECONDS)} or later differs from its copy in the staff's calendar, and "
    "none that begins sooner.",
)
CONNECTION_CUT_BEFORE: Final = VerdictRow(
    Kind.CONNECTION_DISCONNECTED,
    Verdict.OK,
    f"A connection is `disconnected`, and has been for {hours(_OF.connection_disconnected_within)} or since "
    "before the exporter first looked.",
)

TABLE: Final = (
    NOT_POLLED,
    TARGET_FAILING,
    TARGET_EXPIRED,
    CONNECTIONS_DOWN,
    CONFLICT_SOON,
    EXTERNAL_CONFLICT_SOON,
    SLOTS_OVER_BUSY,
    NOT_IN_CALENDAR_SOON,
    COLLECTOR_FAILING,
    DATA_EXPIRED,
    PROVIDER_FAILING,
    CONFLICT_LATER,
    CONFLICT_MARKED,
    EXTERNAL_CONFLICT_LATER,
    BOOKED_OVER,
    NO_OPEN_SLOTS,
    CALENDAR_SHIFTED,
    NOT_IN_CALENDAR_LATER,
    CALENDAR_NOT_BLOCKING,
    CANCELLED_IN_CALENDAR,
    CALENDAR_MISMATCH,
    CONNECTION_ERROR,
    CONNECTION_CUT,
    CONNECTION_STUCK,
    CONNECTION_UNCLEAR,
    PROBE_FAILED,
    IMPORT_CALENDAR_MISSING,
    ACCOUNT_SHARED,
    STAFF_UNPROTECTED,
    IMPORT_SILENT,
    IMPORT_FROZEN,
    IMPORT_SHORTENED,
    HEARTBEAT_MISSING,
    API_LIMITED,
    BUDGET_SPENT,
    CREDENTIAL_EXPIRY,
    PORTAL_MOVED,
    UNLINKED_BOOKINGS,
    INTAKE_SILENT,
    WINDOW_INCOMPLETE,
    LINKS_UNVERIFIED,
    POLL_OVERDUE,
    CONFIG_WARNING,
    RELOAD_REFUSED,
    TARGET_PAUSED,
    TARGET_CLOSED,
    CHECK_REFUSED,
    CONNECTION_ACCEPTED,
    CONFLICT_ACCEPTED,
    WARNING_ACCEPTED,
    CALENDAR_MISMATCH_LATER,
    PROOF_NEVER_LEARNT,
    CONNECTION_CUT_BEFORE,
)
"""Of the rows that hold for a target the first one is its verdict; where none holds it is OK."""

PLACE: Final = {row: place for place, row in enumerate(TABLE)}
"""Where in the table a row stands."""

RANKS: Final = {verdict: rank for rank, verdict in enumerate(dict.fromkeys(row.verdict for row in TABLE))}
"""In which order the table has the verdicts."""

_UNMOVABLE: Final = (COLLECTOR_FAILING, DATA_EXPIRED, API_LIMITED, PORTAL_MOVED, CONFIG_WARNING, RELOAD_REFUSED)

MOVABLE: Final = tuple(row for row in TABLE if row.verdict is Verdict.WARNING and row not in _UNMOVABLE)
"""The warnings whose severity a user may choose: each is told by alerts that tell of nothing else."""


def verdict_by(row: VerdictRow, thresholds: Thresholds) -> Verdict:
    """Return how bad it is that ``row`` holds, where a user chose ``thresholds``."""
    return Verdict[thresholds.severity(row.kind).upper()] if row in MOVABLE else row.verdict


def verdict_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict on something of which these were found: the first of them in the table; OK when there are none."""
    return min(verdicts, key=RANKS.__getitem__, default=Verdict.OK)


_GRAVITY: Final = (Verdict.OK, Verdict.UNKNOWN, Verdict.WARNING, Verdict.CRITICAL)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict on several things together; UNKNOWN when there are none."""
    return max(verdicts, key=_GRAVITY.index, default=Verdict.UNKNOWN)
