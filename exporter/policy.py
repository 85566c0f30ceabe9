"""What the configuration says of a target besides how to ask it, and what is wrong with that: values that pass between layers.

Moments are Unix seconds (``float``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum
from itertools import chain

import msgspec

from exporter.model import Conflict, Connection, GoneConnection, Value


class AcceptedReason(Value, frozen=True, gc=False):
    """Why something is as the configuration says that it is meant to be: listed, not judged, until the moment ``until``."""

    why: str = ""
    until: float | None = None

    def holds(self, now: float) -> bool:
        """Return whether it still counts at ``now`` (Unix seconds)."""
        return self.until is None or now < self.until


class TargetPolicy(Value, frozen=True, gc=False):
    """What the configuration says of a target besides how to ask it: the zone of its people, their names, what is meant.

    ``zone`` is an IANA name. ``resource_aliases`` are names by resource id. ``sign_in`` is how the account is signed in to, a
    word of its platform, empty where there is only one way. ``connections`` are known by the label value of the
    connection or of its schedule, ``bookings`` by the booking's id, ``warnings`` by their kind. ``closed`` are half-open
    intervals of Unix seconds. ``expired`` names, for people, what was accepted up to a moment that has come.
    ``credential`` is where the credential comes from, and nothing of it: the path of its file as written, the name of its
    variable, or ``inline:TARGET``. Targets that share one fail together.
    """

    zone: str = "UTC"
    resource_aliases: Mapping[str, str] = msgspec.field(default_factory=dict)
    sign_in: str = ""
    paused: AcceptedReason | None = None
    closed: tuple[tuple[float, float], ...] = ()
    connections: Mapping[str, AcceptedReason] = msgspec.field(default_factory=dict)
    bookings: Mapping[str, AcceptedReason] = msgspec.field(default_factory=dict)
    credential: str = ""
    warnings: Mapping[str, AcceptedReason] = msgspec.field(default_factory=dict)
    expired: tuple[str, ...] = ()

    def at(self, now: float) -> TargetPolicy:
        """Return what holds at ``now`` (Unix seconds)."""
        if not (self.connections or self.bookings or self.warnings):
            return self
        accepted = {"connection": self.connections, "booking": self.bookings, "warning": self.warnings}
        over = tuple(
            f"{what} {name}" for what, known in accepted.items() for name, each in known.items() if not each.holds(now)
        )
        if not over:
            return self
        held = [{name: each for name, each in known.items() if each.holds(now)} for known in accepted.values()]
        connections, bookings, warnings = held
        return msgspec.structs.replace(
            self, connections=connections, bookings=bookings, warnings=warnings, expired=self.expired + over
        )

    def holds_until(self, now: float) -> float:
        """Return until when what :meth:`at` and :meth:`is_closed` say at ``now`` stays (Unix seconds)."""
        if not (self.closed or self.connections or self.bookings or self.warnings):
            return math.inf
        accepted = (*self.connections.values(), *self.bookings.values(), *self.warnings.values())
        ends = [known.until for known in accepted if known.until is not None]
        return min((moment for moment in (*ends, *chain(*self.closed)) if moment > now), default=math.inf)

    def is_closed(self, now: float) -> bool:
        """Return whether ``now`` (Unix seconds) lies on one of the days without bookings."""
        return any(start <= now < end for start, end in self.closed)

    def accepted_connection(self, connection: Connection | GoneConnection) -> AcceptedReason | None:
        """Return why ``connection`` is meant to be as it is, if it is."""
        return self.accepted_label(connection.key, connection.schedule)

    def accepted_label(self, connection: str, schedule: str) -> AcceptedReason | None:
        """Return why the connection with this label, of the schedule with that one, is meant to be as it is, if it is."""
        return self.connections.get(connection) or self.connections.get(schedule)

    def accepted_conflict(self, conflict: Conflict) -> AcceptedReason | None:
        """Return why the overlap is meant, if it is: one of its two bookings is accepted."""
        return self.bookings.get(conflict.first) or self.bookings.get(conflict.second)


class WarningKind(StrEnum):
    """Why less is watched than it seems, or will be: values of the label ``kind`` of ``config_warnings``.

    The first five are known from the configuration alone, the others from what was seen; ``DISCOVERY`` is of no single target.
    ``CHECK_REFUSED`` is a check that is on unless it is switched off, and that the platform refuses: nothing else is missing.
    """

    CONFLICTS_OFF = "conflicts_off"
    WINDOW_MISSING = "window_missing"
    SAME_ACCOUNT = "same_account"
    EXPIRED = "expired"
    OPERATORS_BY_DEFAULT = "operators_by_default"
    UNKNOWN_SCHEDULE = "unknown_schedule"
    UNKNOWN_ALIAS = "unknown_alias"
    UNKNOWN_RESOURCE = "unknown_resource"
    UNKNOWN_SERVICE = "unknown_service"
    UNKNOWN_ACCEPTED = "unknown_accepted"
    NO_CONNECTIONS = "no_connections"
    MISSING_RIGHT = "missing_right"
    CHECK_REFUSED = "check_refused"
    DISCOVERY = "discovery"


class ConfigWarning(Value, frozen=True, gc=False):
    """What the configuration watches less than it seems to, or shows to more people. ``kind`` is a :class:`WarningKind`.

    ``target`` is ``None`` for what concerns no single one. ``to_site`` is said instead of a ``message`` that names another
    target to the customer whose ``target`` it is, who may know of no other.
    """

    kind: str
    target: str | None
    message: str
    fix: str
    to_site: str = ""

    def for_site(self) -> ConfigWarning:
        """Return the warning as that customer may read it."""
        return msgspec.structs.replace(self, message=self.to_site or self.message, to_site="")


class RejectedConfig(Value, frozen=True, gc=False):
    """A changed configuration that is not in force: since when, and the first of its ``problems``, fit to be shown."""

    at: float
    problem: str
    problems: int
