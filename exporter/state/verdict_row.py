"""What a row of the decision table of verdicts is made of: a kind of finding, and how bad it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Verdict(IntEnum):
    """The exit codes of the monitoring-plugin convention. In ``/api/v1/status`` OK is ``healthy``, UNKNOWN ``waiting``."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


class Kind(StrEnum):
    """What is found, the ``kind`` of ``/api/v1/status``. Within its ``v1`` words are only added."""

    NOT_POLLED = "not_polled"
    COLLECTOR_FAILING = "collector_failing"
    DATA_EXPIRED = "data_expired"
    CONNECTIONS_DOWN = "connections_down"
    CONFLICT = "conflict"
    CONFLICT_MARKED = "conflict_marked"
    EXTERNAL_CONFLICT = "external_conflict"
    SLOTS_OVER_BUSY = "slots_over_busy"
    BOOKED_OVER = "booked_over"
    NO_OPEN_SLOTS = "no_open_slots"
    BOOKING_NOT_IN_CALENDAR = "booking_not_in_calendar"
    CALENDAR_SHIFTED = "calendar_shifted"
    CALENDAR_NOT_BLOCKING = "calendar_not_blocking"
    CANCELLED_IN_CALENDAR = "cancelled_in_calendar"
    PROOF_NEVER_LEARNT = "proof_never_learnt"
    CALENDAR_MISMATCH = "calendar_mismatch"
    PROVIDER_FAILING = "provider_failing"
    CONNECTION_ERROR = "connection_error"
    CONNECTION_DISCONNECTED = "connection_disconnected"
    CONNECTION_STUCK = "connection_stuck"
    CONNECTION_UNCLEAR = "connection_unclear"
    CONNECTION_PROBE_FAILED = "connection_probe_failed"
    IMPORT_CALENDAR_MISSING = "import_calendar_missing"
    ACCOUNT_SHARED = "account_shared"
    STAFF_UNPROTECTED = "staff_unprotected"
    IMPORT_SILENT = "import_silent"
    IMPORT_FROZEN = "import_frozen"
    IMPORT_SHORTENED = "import_shortened"
    HEARTBEAT_MISSING = "heartbeat_missing"
    API_LIMITED = "api_limited"
    BUDGET_SPENT = "budget_spent"
    CREDENTIAL_EXPIRY = "credential_expiry"
    PORTAL_MOVED = "portal_moved"
    UNLINKED_BOOKINGS = "unlinked_bookings"
    INTAKE_SILENT = "intake_silent"
    WINDOW_INCOMPLETE = "window_incomplete"
    LINKS_UNVERIFIED = "links_unverified"
    POLL_OVERDUE = "poll_overdue"
    CONFIG_WARNING = "config_warning"
    RELOAD_REFUSED = "reload_refused"
    TARGET_PAUSED = "target_paused"
    TARGET_CLOSED = "target_closed"
    CONNECTION_ACCEPTED = "connection_accepted"
    CONFLICT_ACCEPTED = "conflict_accepted"
    WARNING_ACCEPTED = "warning_accepted"


@dataclass(frozen=True, slots=True, eq=False)
class VerdictRow:
    """One state. ``condition`` says when it holds.

    ``history`` says that only an exporter that has been running can know; a ``probe`` leaves it out. ``alerts`` are the rules
    that give the same state the same verdict, by name.
    """

    kind: Kind
    verdict: Verdict
    condition: str
    history: bool = False
    alerts: tuple[str, ...] = ()


def hours(seconds: float) -> str:
    """Return ``seconds`` as the texts of the table have them."""
    return f"{seconds / 3600:g} h"
