"""The frozen values about bookable slots: how many a service has, and which are offered over private events.

Moments are Unix seconds (``float``). Of a slot nothing is kept but its times; whom it names is a schedule's label here.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from exporter.value import Value


class SlotsPart(StrEnum):
    """What the collector ``slots`` asks for beside slots: each may be refused by itself."""

    STAFF = "staff"
    EVENTS = "events"

    __hash__ = str.__hash__  # an enum's own is a call of Python each time


class ServiceSlots(Value, frozen=True, gc=False):
    """How many slots of a ``service`` (its name in the configuration) can be booked; ``None`` where nobody knows.

    ``first`` is when the first slot of the next 7 days begins, ``None`` where there is none or nobody knows.
    """

    service: str
    open: int | None
    first: float | None = None

    @property
    def has_none(self) -> bool:
        """Whether it is known that in the next 7 days there is none."""
        return self.open == 0 and self.first is None


class ScheduleSlots(Value, frozen=True, gc=False):
    """How many slots name the staff member of a ``schedule`` (alias or hash) over a private event.

    ``first`` is when the first of them begins, ``None`` where there is none.
    """

    schedule: str
    over_busy: int
    first: float | None = None


class SlotsObservation(Value, frozen=True, gc=False):
    """The bookable slots of the next 48 hours at ``at``.

    ``schedules`` are those whose staff member a slot names, and of whom it is known; ``dropped_schedules`` counts those beyond
    the cap. ``unknown_services`` are the names of services that the site does not have, or that take no appointments.
    ``refused`` is why the platform refuses a part.
    """

    at: float
    services: tuple[ServiceSlots, ...]
    schedules: tuple[ScheduleSlots, ...] = ()
    unknown_services: tuple[str, ...] = ()
    refused: Mapping[SlotsPart, str] = msgspec.field(default_factory=dict)
    dropped_schedules: int = 0
