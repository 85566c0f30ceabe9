"""What a user may write about a Wix site (docs/platforms/wix.md 2 and 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, PlainValidator, ValidationInfo, WithJsonSchema

from exporter.counting import Heartbeat, WindowSpec
from exporter.fields.credentials import SECRET_SCHEMA, SecretValue, plain_ascii, secret_text, shown_source, source_of
from exporter.fields.durations import format_duration
from exporter.fields.kinds import Duration, Id, Name, Text, TimeOfDay, between, field_error, named, shown, text_of
from exporter.limits import CONNECTION_SERIES, CONNECTIONS, MAX_BOOKINGS, MAX_EVENTS, SLOT_SERVICES
from exporter.platforms.settings import (
    MAX_MAX_BOOKINGS,
    MAY_BE_EMPTY,
    OVERLAPPING,
    Account,
    ChosenWindow,
    Collectors,
    CollectorSettings,
    CountingSettings,
    OverlappingResources,
    Strict,
    Target,
    default,
)
from exporter.platforms.wix.naming import GUID, label_of
from exporter.support.close_matches import close_match
from exporter.support.secret import Secret, pasted

MAX_MAX_EVENTS: Final = 100_000  # a hundred pages, each of which asks the providers
MAX_HEARTBEATS: Final = 200
MIN_LATE_AFTER: Final = 7_200.0  # two writings
MAX_LATE_AFTER: Final = 43_200.0  # an event that a script wrote may begin 14 hours later, far in the east
STATUSES: Final = ("CREATED", "PENDING", "CONFIRMED", "CANCELED", "DECLINED", "WAITING_LIST", "PENDING_ECOM_CHECKOUT")


def _status(value: object) -> str:
    text = text_of(value, "CONFIRMED")
    if text in STATUSES:
        return text
    meant = {"CANCELLED": "CANCELED", "WAITLIST": "WAITING_LIST"}.get(text.upper()) or close_match(text, STATUSES)
    fix = f"write {meant}" if meant else f"use some of {', '.join(STATUSES)}"
    raise field_error(f"{shown(text)} is not a status of Wix bookings", fix)


def _api_key(value: object, info: ValidationInfo) -> Secret:
    text = plain_ascii(secret_text(value, info)).strip()
    if text.lower().startswith(("bearer ", "basic ")):
        raise field_error(f"starts with {text.split()[0]}", "remove this word: Wix expects only the key")
    return Secret(pasted(text), source_of(value))


Status = Annotated[str, PlainValidator(_status), WithJsonSchema({"enum": list(STATUSES)})]
ApiKey = Annotated[Secret, PlainValidator(_api_key), SECRET_SCHEMA]
_SERVICE_EXAMPLE: Final = "0b1f4d7a-2222-4333-8444-555566667777"
ReaderPrefix = Annotated[
    str, *named("(?:/[A-Za-z0-9_-]+)+", "a path that starts with / and does not end with /", "/_api/bookings-reader")
]


def _none(_: tuple[WindowSpec, ...]) -> tuple[WindowSpec, ...]:
    return ()


class Windowless(CollectorSettings):
    """A collector whose windows nobody chooses."""

    windows: Annotated[tuple[ChosenWindow, ...], Field(strict=False), AfterValidator(_none)] = Field(
        default_factory=tuple, description="Accepted and ignored: this collector counts nothing in windows."
    )

    @classmethod
    def windows_by_default(cls, written: Mapping[str, object], names: Sequence[str]) -> Sequence[object]:
        del written, names
        return ()


class WixConnections(Windowless):
    """State of every external calendar connection of the site."""

    interval: Duration = default("1m", "Time between two polls.")
    max_connections: int = Field(
        default=CONNECTION_SERIES.number,
        ge=1,
        le=CONNECTIONS.number,
        description="Maximum number of connections with series of their own, 16 each; those that do not work come first. The "
        "others are judged and counted in `booking_sync_connections` as well, and counted as dropped.",
    )
    probe: bool = Field(
        default=True,
        description="Let Wix read the list of calendars of the account behind each connection, once in `check_interval`: a "
        "connection whose access has ended may still be called synced. Costs one request each time for each that is not "
        "disconnected, and one every ten minutes for one of which that failed.",
    )
    staff: bool = Field(
        default=True,
        description="Read the list of staff members once in `check_interval` and tell who takes bookings without a working "
        "import: no personal appointment of theirs blocks booking times. Costs one request each time for each 100 staff "
        "members.",
    )
    check_interval: Duration = default(
        "1h",
        "Time between two probes of a connection, and between two reads of the staff; up to a sixth is added to it, and with "
        "many connections what five probes a poll take.",
    )


class WixBookingsOptions(Strict):
    """How bookings are counted."""

    statuses: Annotated[tuple[Status, ...], Field(strict=False, min_length=1)] = Field(
        default=("CONFIRMED", "PENDING"), description="Booking statuses that `bookings` counts."
    )
    conflicts: bool = Field(
        default=False,
        description="Read the bookings row by row, which also finds double bookings, new and vanished bookings and the next "
        "booking. Costs one request for each 100 bookings.",
    )
    platform_conflicts: bool = Field(
        default=True,
        description="Count the bookings of the next 24 hours and of the next 7 days that Wix itself marks as double-booked. "
        "Costs one request a poll, and two while there are any.",
    )
    max_bookings: int = Field(
        default=MAX_BOOKINGS.number,
        ge=1,
        le=MAX_MAX_BOOKINGS,
        description="Maximum number of bookings that a poll reads row by row. With more, the poll fails and publishes nothing.",
    )
    overlapping_resources: OverlappingResources = Field(default=frozenset(), description=OVERLAPPING)
    reader_prefix: ReaderPrefix = Field(
        default="/_api/bookings-reader",
        description="Path prefix of the bookings reader; /bookings/bookings-reader is the other one in use.",
    )


class WixBookings(CountingSettings, WixBookingsOptions):
    """Booking counts of the site."""

    interval: Duration = default("5m", "Time between two polls.")


def _late_after(seconds: float) -> None:
    if seconds < MIN_LATE_AFTER:
        raise field_error("is too short: the script runs once an hour", f"write {format_duration(MIN_LATE_AFTER)} or more")
    if seconds > MAX_LATE_AFTER:
        raise field_error("is too long: the event may be over by then", f"write {format_duration(MAX_LATE_AFTER)} or less")


class WixHeartbeat(Strict):
    """A short event that stands in a private calendar to show that its events arrive: at most 5 minutes long.

    It is no conflict with a booking. Without `late_after` one has to begin at `at` on each day, or on the next one at least.
    """

    schedule: Text = Field(description="Alias or id of the schedule whose calendar has the event.")
    at: TimeOfDay = Field(
        description="When it begins, in the target's time zone: an odd time of the night, such as 03:07, in quotes."
    )
    late_after: Annotated[Duration, between(MIN_LATE_AFTER, MAX_LATE_AFTER, _late_after)] | None = Field(
        default=None,
        description="Only if a script writes the event anew each hour, for the day after the next in UTC and as many minutes "
        "after `at` as the hour in UTC: written at 14:00 UTC, it begins at 03:21 for an `at` of 03:07. The heartbeat is "
        "missing once the newest was written longer ago than this. From 2h to 12h.",
    )

    @property
    def heartbeat(self) -> Heartbeat:
        """What is to be looked for."""
        hours, _, minutes = self.at.partition(":")
        return Heartbeat(int(hours) * 60 + int(minutes), self.late_after)


class WixEvents(Windowless):
    """Events of private calendars against the bookings of the site."""

    interval: Duration = default("10m", "Time between two polls. Wix asks the calendar providers each time, which is slow.")
    all_day: bool = Field(
        default=False, description="Whether an event of whole days takes the time of bookings; birthdays and holidays are such."
    )
    max_events: int = Field(
        default=MAX_EVENTS.number,
        ge=1,
        le=MAX_MAX_EVENTS,
        description="Maximum number of events of the next 7 days that a poll reads. With more, the poll fails and publishes "
        "nothing.",
    )
    heartbeats: Annotated[tuple[WixHeartbeat, ...], Field(strict=False, max_length=MAX_HEARTBEATS)] = Field(
        default_factory=tuple,
        description="Events that show that a calendar still arrives, one for each schedule that has one. Needs the collector "
        "`connections`.",
        examples=[[{"schedule": "Anna", "at": "03:07"}]],
    )


def _service_id(value: object) -> str:
    text = text_of(value, _SERVICE_EXAMPLE).lower()
    if GUID.fullmatch(text) is None:
        raise field_error("is not the id of a service", "copy the GUID that booking-sync-exporter list shows for it")
    return text


ServiceId = Annotated[
    str,
    PlainValidator(_service_id),
    WithJsonSchema({"type": "string", "format": "uuid", "examples": [_SERVICE_EXAMPLE]}),
]


class SlotService(Strict):
    """A service whose bookable slots are watched."""

    name: Name = Field(description="Value of the label `service`: what people call the service.")
    id: ServiceId = Field(description="Id of the service, a GUID; `booking-sync-exporter list` shows it.")


class WixSlots(Windowless):
    """Bookable slots of the next 48 hours, and which of them lie over private events."""

    interval: Duration = default("30m", "Time between two polls. Costs one request for each service and 500 slots.")
    services: Annotated[tuple[SlotService, ...], Field(strict=False, min_length=1, max_length=SLOT_SERVICES.number)] = Field(
        description="Services whose slots are read; each takes appointments.",
        examples=[[{"name": "Haircut", "id": _SERVICE_EXAMPLE}]],
    )


class WixCollectors(Collectors):
    """The collectors of a Wix site; one without a value has its defaults, and one that is not named does not run."""

    NAMED_ONLY = frozenset({"events", "slots"})

    connections: Annotated[WixConnections | None, MAY_BE_EMPTY] = Field(
        default=None, validate_default=False, description="State of the connections."
    )
    bookings: Annotated[WixBookings | None, MAY_BE_EMPTY] = Field(
        default=None, validate_default=False, description="Booking counts."
    )
    events: Annotated[WixEvents | None, MAY_BE_EMPTY] = Field(
        default=None,
        validate_default=False,
        description="Events of private calendars against bookings. Runs only where it is named.",
    )
    slots: Annotated[WixSlots | None, MAY_BE_EMPTY] = Field(
        default=None,
        validate_default=False,
        description="Bookable slots of the services that it names. Runs only where it is named.",
    )


class WixTarget(Target):
    """A Wix site: `api_key` with `site_id`, or `app_id`, `app_secret` and `instance_id`."""

    OWN = Target.OWN | {"site_id", "instance_id", "schedule_ids"}

    platform: Literal["wix"] = Field(description="`wix`.")
    site_id: Id | None = Field(default=None, description="The GUID after /dashboard/ in the address of the site's dashboard.")
    api_key: ApiKey | None = Field(default=None, description="API key with the permissions for calendars and bookings.")
    app_id: Id | None = Field(default=None, description="App mode: id of the app.")
    app_secret: SecretValue | None = Field(default=None, description="App mode: secret of the app.")
    instance_id: Id | None = Field(default=None, description="App mode: id of the app's instance on this site.")
    schedule_ids: Annotated[tuple[Text, ...], Field(strict=False)] = Field(
        default_factory=tuple,
        description="Watch only connections of these schedules; empty for all. The exporter filters them, Wix sends all.",
    )
    aliases: dict[Text, Text] = Field(
        default_factory=dict, description="Schedule id: the name of its connections in the label `connection`."
    )
    timeout: Duration = default("30s", "Maximum duration of one HTTP request.")
    collectors: Annotated[WixCollectors, MAY_BE_EMPTY] = Field(
        default_factory=WixCollectors,
        description="Collectors that run. Default: `connections` and `bookings`, each with its defaults.",
    )

    @property
    def credential_source(self) -> str:
        secret = self.api_key or self.app_secret
        return shown_source(secret.identity if secret else "", self.name)

    @property
    def sign_in(self) -> str:
        return "app" if self.api_key is None else "api_key"

    @property
    def account(self) -> Account | None:
        """The site, by its id or by that of the app's instance on it."""
        site = (self.site_id or self.instance_id or "").lower()
        return Account(site, f"the site {site}") if site else None

    @property
    def undivided(self) -> frozenset[str]:
        """The site: Wix limits each by itself, and keys of an account may be used side by side."""
        return super().undivided if self.account is None else frozenset({f"wix site {self.account.key}"})

    def may_have_resource(self, resource: str) -> bool:
        return GUID.fullmatch(resource.lower()) is not None

    def resource_ids(self, name: str) -> frozenset[str]:
        """Return the ids, in lower case, of the schedule or resource ``name``: each booking has those of both."""
        named = {schedule.lower() for schedule, alias in self.aliases.items() if alias == name}
        return frozenset(named) | {resource.lower() for resource in super().resource_ids(name)}

    @property
    def resource_names(self) -> tuple[str, ...]:
        return (*self.aliases.values(), *super().resource_names)

    @property
    def heartbeats(self) -> Mapping[str, Heartbeat]:
        """The heartbeats that the collector ``events`` expects, by the label of the schedule."""
        chosen = self.collectors.events.heartbeats if self.collectors.events else ()
        return {self.connection_label(one.schedule): one.heartbeat for one in chosen}

    def connection_label(self, name: str) -> str:
        """Return the alias of the schedule ``name``, or its hash when it is an id without one, else ``name``."""
        return label_of(name, self.aliases)
