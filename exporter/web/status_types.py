"""The types of ``/api/v1/status``; ``docs/status.schema.json`` is made of them.

Within ``v1`` fields are only added. Moments are RFC 3339 in UTC with whole seconds, but those whose names begin with
``local_``: these have the offset of the target's zone. Durations are seconds. ``null`` means not measured or no data, never 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from exporter.errors import Reason
from exporter.model import CalendarType, CollectorName, ConnectionStatus, ErrorReason, Shard
from exporter.policy import WarningKind
from exporter.state.findings import Kind, Severity
from exporter.web.account_types import Budget, OperatingTime
from exporter.web.busy_types import Busy
from exporter.web.check_types import CalendarProbe, ImportCalendars, Probes, Staff
from exporter.web.events_types import Events
from exporter.web.events_types import OverlappedBooking as OverlappedBooking  # noqa: PLC0414  others take it from here
from exporter.web.links_types import EntityLinks as EntityLinks  # noqa: PLC0414  ditto
from exporter.web.links_types import Links as Links  # noqa: PLC0414  ditto
from exporter.web.links_types import LinksWindow as LinksWindow  # noqa: PLC0414  ditto
from exporter.web.moments import Moment
from exporter.web.proof_types import BusyTime, NotInCalendar
from exporter.web.proof_types import Pair as Pair  # noqa: PLC0414  ditto
from exporter.web.proof_types import SilentPair as SilentPair  # noqa: PLC0414  ditto
from exporter.web.slots_types import Slots
from exporter.web.status_copies import MismatchedBooking

VERSION: Final = 1

TargetState = Literal["critical", "warning", "waiting", "healthy"]
CollectorCondition = Literal["failing", "partial", "expired", "waiting", "ok"]


class Acceptance(msgspec.Struct, frozen=True, kw_only=True):
    """Why something is meant to be as it is: it is listed, not judged, up to the moment ``until``, or without an end."""

    why: str
    until: Moment | None


class BookingConflict(msgspec.Struct, frozen=True, kw_only=True):
    """Two booking ids that overlap on a resource from ``start`` to ``end``.

    ``resource_name`` is what the platform calls the resource, ``resource_alias`` what the configuration does. ``local_start``
    and ``local_end`` are the same moments with the offset of the target's zone. A minute that began counts.
    ``accepted`` is null unless the overlap is meant.
    """

    resource: str
    resource_name: str | None
    resource_alias: str | None
    first: str
    second: str
    start: Moment
    end: Moment
    local_start: Moment
    local_end: Moment
    overlap_minutes: int
    accepted: Acceptance | None


class UnlinkedBooking(msgspec.Struct, frozen=True, kw_only=True):
    """The id of a booking that is tied to no CRM entity, and when it begins: in UTC, and on the clock of the target's zone."""

    booking: str
    start: Moment
    local_start: Moment


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One broken thing: where, since when, what it means and who fixes it.

    ``since`` is null when it cannot be known; without ``since_known`` it is broken since then at least. ``target`` is empty for
    what concerns the exporter as a whole. ``site`` is the label of that name, ``zone`` the IANA zone of the target;
    ``calendar_type`` is that of a connection. The data of ``collector`` says so. ``unlinked`` are the first bookings that
    somebody has to link, ``mismatched`` those that differ from their copies in the staff's calendar, both soonest first,
    ``overlapped`` those that private events overlap; ``more`` counts further ones of the target, at one of its problems.
    ``first`` is when the first slot begins that lies over a private event. ``not_in_calendar`` are the first bookings that are
    missing in their owner's calendar, ``busy_times`` the first times that are busy there and should not be, or are not known.
    """

    severity: Severity
    kind: Kind
    target: str
    site: str | None
    zone: str
    collector: CollectorName | None
    subject: str
    calendar_type: CalendarType | None
    title: str
    since: Moment | None
    until: Moment | None
    reason: str | None
    detail: str | None
    meaning: str
    fix: str
    conflict: BookingConflict | None
    since_known: bool
    unlinked: tuple[UnlinkedBooking, ...] = ()
    overlapped: tuple[OverlappedBooking, ...] = ()
    mismatched: tuple[MismatchedBooking, ...] = ()
    first: Moment | None = None
    more: int = 0
    not_in_calendar: tuple[NotInCalendar, ...] = ()
    busy_times: tuple[BusyTime, ...] = ()


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """At ``at`` it was first seen in ``state``: a connection's status, or ``ok``, ``failing`` or ``expired`` of a collector.

    A connection was ``gone`` while it was not listed. ``reason`` is why the collector was failing. Without ``known`` the state
    may be older: it is the first that was seen, or it changed while nobody looked.
    """

    at: Moment
    state: str
    reason: str | None
    known: bool


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is not judged, because the configuration accepts it, or because it has been so for long.

    ``why`` and ``until`` are as the configuration has them; ``since`` is null when it cannot be known, ``message`` and ``fix``
    where there is nothing to say, ``fix`` also where the configuration accepts it.
    """

    kind: Kind
    target: str
    subject: str
    title: str
    since: Moment | None
    until: Moment | None
    why: str | None
    conflict: BookingConflict | None
    message: str | None = None
    fix: str | None = None


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why the last poll did not fully succeed. ``count`` polls failed in a row, the first at ``since``."""

    reason: Reason
    message: str
    meaning: str
    fix: str
    at: Moment
    since: Moment | None
    count: int
    http_status: int | None
    code: str | None
    request_id: str | None


class Collector(msgspec.Struct, frozen=True, kw_only=True):
    """One collector. ``data_at`` is the moment of the data shown, null when there is none or it was withdrawn.

    ``polling_since`` is when the poll began that runs now, null when none does. ``since`` and what follows is as with a
    connection; its states are ``ok``, ``failing`` and ``expired``, and it has none before its first poll.
    """

    name: CollectorName
    condition: CollectorCondition
    up: bool
    interval_seconds: float
    max_age_seconds: float
    finished_polls: int
    last_poll: Moment | None
    last_poll_duration_seconds: float | None
    last_success: Moment | None
    next_poll: Moment | None
    polling_since: Moment | None
    data_at: Moment | None
    data_age_seconds: float | None
    data_expired: bool
    failure: Failure | None
    since: Moment | None
    since_known: bool
    changes: tuple[Change, ...]
    changed_times: int
    changed_times_24h: int
    flapping: bool


class CalendarConnection(msgspec.Struct, frozen=True, kw_only=True):
    """One external calendar connection. ``broken`` says that it is among the problems.

    Without ``since_known`` it has its status since ``since`` at least. ``changes`` are the states that it had, the oldest
    first: the one that held seven days ago, or that was seen first, then the changes of these days, of which ``changed_times``
    is the number; 49 at most, older ones are forgotten. ``flapping`` says that six or more are of the last 24 hours.
    ``accepted`` is null unless it is meant to be as it is. ``probe`` and ``import_calendars`` are null where they are not
    known; ``shares_account`` says that its external account is connected to another schedule, too, ``probe_awaited`` that its
    first probe is still to come.
    """

    connection: str
    calendar_type: CalendarType
    provider: str
    schedule: str
    status: ConnectionStatus
    since: Moment
    observed_at: Moment
    error_reason: ErrorReason | None
    import_enabled: bool
    export_enabled: bool
    broken: bool
    accepted: Acceptance | None
    meaning: str
    fix: str
    since_known: bool
    changes: tuple[Change, ...]
    changed_times: int
    changed_times_24h: int
    flapping: bool
    probe: CalendarProbe | None
    import_calendars: ImportCalendars | None
    shares_account: bool
    probe_awaited: bool


class CalendarProvider(msgspec.Struct, frozen=True, kw_only=True):
    """A calendar provider of a site, and whether its last lookup worked."""

    provider: str
    up: bool


class Connections(msgspec.Struct, frozen=True, kw_only=True):
    """The connections of a Wix site at ``at``, those that do not work first where there are more than ``max_connections``.

    ``dropped_connections`` and ``dropped_providers`` count those beyond the caps, which are not listed. ``sharing_account`` is
    how many share their external account with another schedule and are not accepted; it and ``staff`` are null where they are
    not known, ``probes`` where none are made. ``staff_awaited`` says that the staff was not asked for yet.
    """

    at: Moment
    connections: tuple[CalendarConnection, ...]
    providers: tuple[CalendarProvider, ...]
    dropped_connections: int
    dropped_providers: int
    sharing_account: int | None
    staff: Staff | None
    probes: Probes | None
    staff_awaited: bool


class BookingsWindow(msgspec.Struct, frozen=True, kw_only=True):
    """Bookings of one half-open window. ``conflicting`` is null where conflicts are not measured.

    ``accepted_conflicting`` are those of them whose every overlap is accepted.
    """

    window: str
    start: Moment
    end: Moment
    complete: bool
    bookings: int
    conflicting: int | None
    accepted_conflicting: int | None
    by_status: Mapping[str, int] | None
    by_resource: Mapping[str, int] | None


class Bookings(msgspec.Struct, frozen=True, kw_only=True):
    """Booking counts at ``at``. ``conflicts`` holds the first ten, soonest first, the accepted ones behind the others.

    ``next_conflict`` is the start of the soonest overlap that is neither accepted nor over. ``platform_conflicting`` are the
    bookings that the platform itself marks as double-booked, by windows that begin now; empty where that is not known.
    """

    at: Moment
    windows: tuple[BookingsWindow, ...]
    platform_conflicting: Mapping[str, int]
    next_booking_measured: bool
    next_booking: Moment | None
    next_conflict: Moment | None
    conflicts: tuple[BookingConflict, ...]
    resource_names: Mapping[str, str]
    dropped_resources: int


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One target. ``connections``, ``bookings``, ``links``, ``events``, ``slots`` and ``busy`` are null without data.

    ``zone`` is the IANA zone of its people, ``resource_aliases`` the names that the configuration gives to resource ids.
    One that is ``paused`` has no collectors: it is not asked. ``closed`` says that it is a day without bookings. ``pairs`` tie
    its bookings to their owners' calendars, as far as both have data; ``silent_pairs`` are those that lack it.
    """

    name: str
    platform: str
    labels: Mapping[str, str]
    zone: str
    resource_aliases: Mapping[str, str]
    state: TargetState
    paused: bool
    closed: bool
    collectors: tuple[Collector, ...]
    connections: Connections | None
    bookings: Bookings | None
    links: Links | None
    budgets: tuple[Budget, ...]
    operating: tuple[OperatingTime, ...]
    credential_expiry: Moment | None
    events: Events | None = None
    slots: Slots | None = None
    busy: Busy | None = None
    pairs: tuple[Pair, ...] = ()
    silent_pairs: tuple[SilentPair, ...] = ()


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """A collector that has not finished its first poll."""

    target: str
    collector: CollectorName


class ConfigWarning(msgspec.Struct, frozen=True, kw_only=True):
    """What is watched less than the configuration makes believe. ``target`` is null for what concerns no single one."""

    kind: WarningKind
    target: str | None
    message: str
    fix: str


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """How many targets are in which state (each counts once, its worst), and how many problems there are.

    ``targets_paused`` are those of the healthy ones that are not watched.
    """

    targets: int
    targets_critical: int
    targets_warning: int
    targets_waiting: int
    targets_healthy: int
    problems_critical: int
    problems_warning: int
    targets_paused: int = 0


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The whole answer. ``schema_version`` changes only together with the path.

    ``standby`` says that the process waits for another one to end: it polls nothing and has no targets to show. ``shard`` is
    null where the targets are not divided, and on the pages of one site. ``page`` is null where no page was asked for,
    ``pages`` how many the targets fill. ``truncated`` says that problems or targets were left out because the answer would grow
    too large: then ask page by page. ``summary`` counts all of them all the same, and ``verdict`` is the worst of all. What is
    ``listed`` is not judged.
    """

    schema_version: Literal[1]
    exporter_version: str
    generated_at: Moment
    ready: bool
    standby: bool
    shard: Shard | None = None
    page: int | None
    pages: int
    truncated: bool
    missing: tuple[Missing, ...]
    verdict: TargetState
    summary: Summary
    config_warnings: tuple[ConfigWarning, ...]
    problems: tuple[Problem, ...]
    listed: tuple[Listed, ...]
    targets: tuple[Target, ...]
