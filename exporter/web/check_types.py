"""The part of ``/api/v1/status`` that no status of a connection tells."""

from __future__ import annotations

import msgspec

from exporter.connection_checks import UnprotectedReason
from exporter.web.moments import Moment


class CalendarProbe(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the platform could read the calendars of a connection's account at ``at``, and since when it is so."""

    succeeded: bool
    at: Moment
    since: Moment
    since_known: bool


class Probes(msgspec.Struct, frozen=True, kw_only=True):
    """Of the ``connections`` that are to be probed, how many were ``asked`` about since the start, whatever came of it.

    Of those ``cannot_be_probed`` counts whose provider has no list of calendars, or of whom the platform refuses it.
    """

    asked: int
    connections: int
    cannot_be_probed: int = 0


class ImportCalendars(msgspec.Struct, frozen=True, kw_only=True):
    """Of the calendars that a connection is told to import, how many its account has, and how many it has not."""

    present: int
    missing: int


class UnprotectedStaff(msgspec.Struct, frozen=True, kw_only=True):
    """A staff member who takes bookings without a working import: the schedule, and why."""

    schedule: str
    reason: UnprotectedReason


class Staff(msgspec.Struct, frozen=True, kw_only=True):
    """How many staff members who take bookings have a working import, and who has none; ``accepted`` are meant to have none."""

    protected: int
    unknown: int
    unprotected: tuple[UnprotectedStaff, ...]
    accepted: tuple[UnprotectedStaff, ...]
