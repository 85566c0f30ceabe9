"""The frozen values that pass between layers.

Platforms build them once from an API answer; snapshot, metrics and web only read them. Moments are Unix seconds
(``float``), windows are half-open ``[start, end)``. No personal data has a place here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Self

import msgspec

from exporter.booking_links import LinksObservation
from exporter.calendar_busy import BusyObservation
from exporter.calendar_busy import Period as Period  # noqa: PLC0414  others take it from here
from exporter.connection_checks import CalendarProbe, ImportCalendars, ProbesAsked, StaffProtection
from exporter.open_slots import SlotsObservation
from exporter.paired_bookings import PairedBookings
from exporter.private_calendar import EventsObservation
from exporter.value import Value as Value  # noqa: PLC0414  others take it from here
from exporter.value import Window as Window  # noqa: PLC0414  ditto


class Message(str):
    """A sentence for people. It is its English text; ``text`` and ``plural`` are what other languages have it under.

    ``arguments`` are what stands in it for ``%(name)s``: names, numbers, or messages again. Which form holds where there is a
    ``plural`` is told by the argument ``number``. What encodes values to JSON takes ``str(message)``.
    """

    __slots__ = ("arguments", "plural", "text")
    text: str
    plural: str
    arguments: Mapping[str, str | int]

    def __new__(cls, text: str, plural: str = "", /, **arguments: str | int) -> Self:
        form = plural if plural and arguments["number"] != 1 else text
        message = super().__new__(cls, form % arguments if arguments else form)
        message.text, message.plural, message.arguments = text, plural, arguments
        return message


class Shard(Value, frozen=True, gc=False):
    """The part of the targets that a process watches: ``index`` of ``count`` parts, counted from 0."""

    index: int
    count: int

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"  # as --shard has it


WHOLE: Final = Shard(0, 1)
"""All of the targets, where they are not divided."""


class CollectorName(StrEnum):
    CONNECTIONS = "connections"
    BOOKINGS = "bookings"
    LINKS = "links"
    EVENTS = "events"
    SLOTS = "slots"
    BUSY = "busy"

    __hash__ = str.__hash__  # an enum's own is a call of Python each time


class ConnectionStatus(StrEnum):
    """Status of a Wix external calendar connection (docs/platforms/wix.md 3.4); ``UNKNOWN``: a word that we do not know."""

    SYNCED = "synced"
    SYNC_IN_PROGRESS = "sync_in_progress"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    ERROR = "error"
    UNDEFINED = "undefined"
    UNKNOWN = "unknown"

    __hash__ = str.__hash__


WORKING: Final = frozenset({ConnectionStatus.SYNCED, ConnectionStatus.SYNC_IN_PROGRESS, ConnectionStatus.CONNECTED})
"""The statuses of a connection that works, as far as a status tells."""


class ErrorReason(StrEnum):
    """Why a connection is in ``ERROR`` (docs/platforms/wix.md 3.5)."""

    TOKEN_REVOKED = "token_revoked"  # noqa: S105  the API's word, not a token
    EXTERNAL_CALENDAR_CREATION_FAILED = "external_calendar_creation_failed"
    EXTERNAL_CALENDAR_DELETED = "external_calendar_deleted"
    UNDEFINED = "undefined"
    UNKNOWN = "unknown"

    __hash__ = str.__hash__


class CalendarType(StrEnum):
    """Normalised calendar type (docs/platforms/wix.md 3.3)."""

    GOOGLE = "google"
    APPLE = "apple"
    MICROSOFT = "microsoft"
    OTHER = "other"
    UNDEFINED = "undefined"
    UNKNOWN = "unknown"

    __hash__ = str.__hash__


class Change(Value, frozen=True, gc=False):
    """At ``at`` something was first seen in ``state``; ``known`` says that it was seen to change then, and not before.

    Without it the state may be older: it is the first that was ever seen, or it changed while nobody looked.
    """

    at: float
    state: str
    known: bool = True


GONE: Final = "gone"
"""State of a connection that is listed no more."""


class Connection(Value, frozen=True, gc=False):
    """One external calendar connection as last seen.

    ``key`` is the label value (alias of the schedule, or the first 12 hex of SHA-256 of the API id); ``error_reason`` is
    ``None`` unless the status is ``ERROR``; ``observed_at`` is older than the observation's own moment when the provider
    failed and the last known state is shown; ``since`` is when we first saw the present status, at the latest, unless
    ``since_known`` says that we saw it change. ``changes`` are the states that it had within a week, the oldest first and the
    present one last. ``schedule`` is the alias or a 12-hex hash of the schedule id. ``import_enabled``/``export_enabled`` are
    configuration, not health (wix.md trap 11). ``probe`` and ``import_calendars`` are ``None`` where they are not known;
    ``shares_account`` says that a connection of another schedule is linked to the same external account, ``probe_awaited``
    that its first probe is still to come.
    """

    key: str
    calendar_type: CalendarType
    provider: str
    schedule: str
    status: ConnectionStatus
    error_reason: ErrorReason | None
    import_enabled: bool
    export_enabled: bool
    since: float
    observed_at: float
    since_known: bool = True
    changes: tuple[Change, ...] = ()
    probe: CalendarProbe | None = None
    import_calendars: ImportCalendars | None = None
    shares_account: bool = False
    probe_awaited: bool = False


class Provider(Value, frozen=True, gc=False):
    """A calendar provider of a site: its label and whether its last lookup worked."""

    label: str
    up: bool


class Conflict(Value, frozen=True, gc=False):
    """Two bookings that overlap on one resource. Ids are the platform's booking ids as text."""

    resource: str
    first: str
    second: str
    start: float
    end: float


class WindowBookings(Value, frozen=True, gc=False):
    """Bookings of one window. ``None`` means "this target does not measure it", never zero.

    ``accepted`` are those of ``conflicting`` none of whose overlaps is left to be judged. ``by_status`` keys are lower case;
    ``by_resource`` keys are resource ids (capped, see ``dropped_resources``).
    """

    window: Window
    bookings: int
    complete: bool = True
    conflicting: int | None = None
    by_status: Mapping[str, int] | None = None
    by_resource: Mapping[str, int] | None = None
    accepted: int | None = None


class GoneConnection(Value, frozen=True, gc=False):
    """A connection that a whole answer does not list any more. ``key`` is the hash of its id, ``schedule`` as it was, if known.

    The last of its ``changes`` is when that was noticed, with the state :data:`GONE`.
    """

    key: str
    schedule: str
    changes: tuple[Change, ...]


class ConnectionsObservation(Value, frozen=True, gc=False):
    """State of all connections of a site at ``at`` (Unix seconds).

    ``connections`` and ``providers`` are those that are shown one by one. Of the connections beyond a cap, ``others`` are
    counted and judged; of the providers, ``dropped_providers`` counts the rest. ``unknown_schedules`` and ``unknown_aliases``
    are the schedules that the configuration names, to pick them or to give them a name, and a whole answer did not. ``gone``
    are the connections that went within a day. ``sharing_account`` is how many share their external account with another
    schedule and are not accepted, ``None`` where no account is known. ``probe_refused`` is why the platform refuses probes,
    ``staff_refused`` why it does not tell the ``staff``; those are ``None`` where they are not known.
    ``probes`` are ``None`` where none are made; ``staff_awaited`` says that the staff was not asked for yet.
    """

    at: float
    connections: tuple[Connection, ...]
    providers: tuple[Provider, ...]
    others: tuple[Connection, ...] = ()
    dropped_providers: int = 0
    unknown_schedules: tuple[str, ...] = ()
    unknown_aliases: tuple[str, ...] = ()
    gone: tuple[GoneConnection, ...] = ()
    sharing_account: int | None = None
    probe_refused: str = ""
    staff: StaffProtection | None = None
    staff_refused: str = ""
    probes: ProbesAsked | None = None
    staff_awaited: bool = False

    @property
    def dropped_connections(self) -> int:
        """How many connections are not shown one by one."""
        return len(self.others)

    @property
    def numbers(self) -> Mapping[tuple[CalendarType, ConnectionStatus], int]:
        """How many connections there are of each calendar type in each status, those of ``others`` included."""
        return Counter((row.calendar_type, row.status) for rows in (self.connections, self.others) for row in rows)


class BookingsObservation(Value, frozen=True, gc=False):
    """Booking counts at ``at``.

    ``next_booking`` is the start of the next booking after ``at``; ``measures_next`` tells "none ahead" (``None`` and
    ``True``) from "not measured" (``None`` and ``False``). ``conflicts`` holds the first ten, soonest first, the accepted ones
    behind the others; ``next_conflict`` is the start of the soonest that is neither accepted nor over.
    ``unknown_resources`` and ``unknown_accepted`` are ids that the configuration names and a whole answer did not.
    ``platform_conflicts`` are the bookings that the platform itself marks as double-booked, by the name of a window that begins
    at ``at``; empty where it has no marks or they are not asked for. ``marks_refused`` is why it refused to count them.
    ``paired`` are the bookings of each resource that a pair names.
    """

    at: float
    windows: tuple[WindowBookings, ...]
    next_booking: float | None = None
    measures_next: bool = False
    conflicts: tuple[Conflict, ...] = ()
    resource_names: Mapping[str, str] = msgspec.field(default_factory=dict)
    dropped_resources: int = 0
    next_conflict: float | None = None
    unknown_resources: tuple[str, ...] = ()
    unknown_accepted: tuple[str, ...] = ()
    platform_conflicts: Mapping[str, int] = msgspec.field(default_factory=dict)
    marks_refused: str = ""
    paired: tuple[PairedBookings, ...] = ()


Observation = (
    ConnectionsObservation | BookingsObservation | LinksObservation | EventsObservation | SlotsObservation | BusyObservation
)


class Budget(Value, frozen=True, gc=False):
    """What an API lets us spend right now: ``name`` is ``requests`` or ``operating``; units are calls or seconds."""

    name: str
    limit: float
    remaining: float


class OperatingTime(Value, frozen=True, gc=False):
    """Bitrix24 operating seconds already summed for an operation, and when the oldest bucket drops out."""

    operation: str
    seconds: float
    reset_at: float | None


class Moved(Value, frozen=True, gc=False):
    """An account that answers at another ``host`` than its configuration's key ``setting`` says."""

    host: str
    setting: str


class ApiUsage(Value, frozen=True, gc=False):
    """Budgets of one target at the moment of asking.

    ``paused_until`` is when the time ends that the platform asked us to wait, if it did; ``moved`` is where the account is by
    now, if it says that it is elsewhere.
    """

    budgets: tuple[Budget, ...] = ()
    operating: tuple[OperatingTime, ...] = ()
    credential_expiry: float | None = None
    paused_until: float | None = None
    moved: Moved | None = None


class ExpectedSeries(Value, frozen=True, gc=False):
    """What a target can count, known before anything was: each is a series with 0 from the start.

    ``operations`` are the API's operations that may be asked, ``retried`` the reasons (values of
    :class:`exporter.errors.Reason`) for which a request may be repeated, ``reasons`` those for which a poll may fail,
    ``fields`` the fields of each collector whose words are a closed list to us. ``reads_bookings`` tells whether booking rows
    are read, so that their ids can be followed.
    """

    operations: tuple[str, ...]
    retried: tuple[str, ...]
    reasons: tuple[str, ...]
    fields: Mapping[CollectorName, tuple[str, ...]]
    reads_bookings: bool
