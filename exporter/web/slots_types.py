"""The types of ``/api/v1/status`` about bookable slots; see :mod:`exporter.web.status_types`."""

from __future__ import annotations

import msgspec

from exporter.web.moments import Moment


class ServiceSlots(msgspec.Struct, frozen=True, kw_only=True):
    """How many slots of a ``service`` a customer can book within 48 hours; null where that is not known.

    It is null as well where the next 7 days have none and three or more of them are `closed`. ``first`` is when the first slot
    of these days begins, null where there is none.
    """

    service: str
    open: int | None
    first: Moment | None


class ScheduleSlots(msgspec.Struct, frozen=True, kw_only=True):
    """How many bookable slots name the staff member of a ``schedule`` (alias or hash) over a private event of the member.

    ``first`` is the start of the first of them, null where there is none.
    """

    schedule: str
    over_busy: int
    first: Moment | None


class Slots(msgspec.Struct, frozen=True, kw_only=True):
    """Bookable slots of the next 48 hours at ``at``. ``schedules`` are those whose staff member a slot names."""

    at: Moment
    services: tuple[ServiceSlots, ...]
    schedules: tuple[ScheduleSlots, ...]
    dropped_schedules: int
