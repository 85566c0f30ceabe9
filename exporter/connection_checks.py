"""What no status of a connection tells, as frozen values: live probes, imported calendars, who is protected by an import.

Moments are Unix seconds (``float``).
"""

from __future__ import annotations

from enum import StrEnum

from exporter.value import Value


class CalendarProbe(Value, frozen=True, gc=False):
    """What the newest live probe of a connection showed at ``at``: whether the platform could read its account's calendars.

    The same was seen since ``since``, at the latest, unless ``since_known`` says that another answer came before.
    """

    succeeded: bool
    at: float
    since: float
    since_known: bool = False


class ProbesAsked(Value, frozen=True, gc=False):
    """Of the ``connections`` that are to be probed, how many were ``asked`` about since the start, whatever came of it.

    Of those ``cannot_be_probed`` counts whose provider has no list of calendars, or of whom the platform refuses it.
    """

    asked: int
    connections: int
    cannot_be_probed: int = 0


class ImportCalendars(Value, frozen=True, gc=False):
    """Of the calendars that a connection is told to import, how many its account has, and how many it has not."""

    present: int
    missing: int


class UnprotectedReason(StrEnum):
    """Why no personal appointment of a staff member blocks booking times (docs/platforms/wix.md 7.1)."""

    NO_CONNECTION = "no_connection"
    CONNECTION_ERROR = "connection_error"
    IMPORT_OFF = "import_off"
    NO_CALENDAR_CHOSEN = "no_calendar_chosen"
    INVITE_PENDING = "invite_pending"
    INVITE_EXPIRED = "invite_expired"
    USER_DISCONNECTED = "user_disconnected"

    __hash__ = str.__hash__


class UnprotectedStaff(Value, frozen=True, gc=False):
    """A staff member who takes bookings without a working import: the label of the ``schedule``, and why."""

    schedule: str
    reason: UnprotectedReason


class StaffProtection(Value, frozen=True, gc=False):
    """Of the staff members who take bookings, how many a working import protects, and who is not.

    Of ``unknown`` ones nothing can be said now. ``accepted`` are meant to have none, and are in no other number.
    """

    protected: int
    unknown: int
    unprotected: tuple[UnprotectedStaff, ...]
    accepted: tuple[UnprotectedStaff, ...] = ()
