"""The rows of the table of verdicts about private events: bookings and slots over them, and imports that bring none."""

from __future__ import annotations

from typing import Final

from exporter.state.thresholds import DEFAULTS as _OF
from exporter.state.verdict_row import Kind, Verdict, VerdictRow, hours

EXTERNAL_CONFLICT_SOON: Final = VerdictRow(
    Kind.EXTERNAL_CONFLICT,
    Verdict.CRITICAL,
    "An event of a private calendar does not block a booking that it overlaps and that begins within "
    f"{hours(_OF.external_conflict_soon)} or already: it was there first, or nobody knows.",
    alerts=("BookingSyncExternalConflict",),
)
SLOTS_OVER_BUSY: Final = VerdictRow(
    Kind.SLOTS_OVER_BUSY,
    Verdict.CRITICAL,
    "Customers are offered slots of the next 48 hours that an event of the private calendar overlaps of who is to serve them.",
    alerts=("BookingSyncSlotsOverBusy",),
)
EXTERNAL_CONFLICT_LATER: Final = VerdictRow(
    Kind.EXTERNAL_CONFLICT,
    Verdict.WARNING,
    "An event of a private calendar does not block a booking that it overlaps and that begins in "
    f"{hours(_OF.external_conflict_soon)} or later: it was there first, or nobody knows.",
    alerts=("BookingSyncExternalConflict",),
)
BOOKED_OVER: Final = VerdictRow(
    Kind.BOOKED_OVER,
    Verdict.WARNING,
    "An event of a private calendar overlaps a booking that was there first.",
    history=True,
    alerts=("BookingSyncBookedOver",),
)
NO_OPEN_SLOTS: Final = VerdictRow(
    Kind.NO_OPEN_SLOTS,
    Verdict.WARNING,
    "A service that the configuration names has no slot in the next 7 days that a customer can book, and fewer than three of "
    "them are `closed`.",
    alerts=("BookingSyncNoOpenSlots",),
)
IMPORT_SILENT: Final = VerdictRow(
    Kind.IMPORT_SILENT,
    Verdict.WARNING,
    "A connection works by its status, had private events for a week, and has none for the next 7 days.",
    history=True,
    alerts=("BookingSyncImportSilent",),
)
IMPORT_FROZEN: Final = VerdictRow(
    Kind.IMPORT_FROZEN,
    Verdict.WARNING,
    "The private events of a connection that works by its status have not changed for a week, nor for three times the longest "
    "time that they once took; only where three changes were seen.",
    history=True,
    alerts=("BookingSyncImportFrozen",),
)
IMPORT_SHORTENED: Final = VerdictRow(
    Kind.IMPORT_SHORTENED,
    Verdict.WARNING,
    "The last of the private events of a connection that works by its status lies less than half as far ahead as the day "
    "before; only where there were five or more.",
    history=True,
    alerts=("BookingSyncImportShortened",),
)
HEARTBEAT_MISSING: Final = VerdictRow(
    Kind.HEARTBEAT_MISSING,
    Verdict.WARNING,
    "The configuration expects a heartbeat of the calendar of a connection that works by its status, and among the private "
    "events the next one is missing, or the newest was written too long ago.",
    alerts=("BookingSyncHeartbeatMissing",),
)
