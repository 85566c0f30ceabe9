"""Every cap on what others send and on what becomes of it, in one table; ``docs/limits.md`` is written from it.

Bytes, rows, texts and memory have an end each, so that no platform, portal or client takes the exporter from the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_KIB: Final = 1024
_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Cap:
    """How much of ``what`` there may be: ``number`` of ``unit``. ``consequence`` is what is seen when it is reached.

    ``option`` is the key of the configuration, or the flag, that moves it; the number is the default then.
    """

    what: str
    number: int
    unit: str
    consequence: str
    option: str = ""

    def __str__(self) -> str:
        """Return the number with its unit, as texts for people have it: ``64 KiB``, ``10,000 rows``."""
        if self.unit == "bytes" and self.number % _MIB == 0:
            return f"{self.number // _MIB} MiB"
        if self.unit == "bytes" and self.number % _KIB == 0:
            return f"{self.number // _KIB} KiB"
        return f"{self.number:,} {self.unit}"


_INVALID: Final = "the poll fails as `invalid_response`; the error names the cap"
_ODD: Final = "the row is left out and counted in `malformed_rows_total`"
_DROPPED: Final = "the rest has no series of its own and is counted in `collector_series_dropped`; totals count all"
_CUT: Final = "it is cut"
_FOLLOWS: Final = "nothing: it follows from the other caps, as long as they are the defaults"

INTERIM_ANSWERS: Final = Cap("Interim answers (`1xx`)", 20, "interim answers", "the poll fails as `invalid_response`")
PIECES: Final = Cap(
    "Pieces of a body, beside one for each 64 bytes of it", 1024, "pieces", "the poll fails as `invalid_response`"
)
COUNT_BODY: Final = Cap("Body of an answer to a count", 64 * _KIB, "bytes", _INVALID)
PAGE_BODY: Final = Cap("Body of a page of rows", 2 * _MIB, "bytes", _INVALID)
CONNECTIONS_BODY: Final = Cap("Body of a list of connections", 8 * _MIB, "bytes", _INVALID)
BATCH_BODY: Final = Cap("Body of a batch", 16 * _MIB, "bytes", _INVALID)
OTHER_BODY: Final = Cap(
    "Body of any other answer: tokens, providers, links of a booking, refusals", 256 * _KIB, "bytes", _INVALID
)
CALENDAR_BODY: Final = Cap("Body of an owner's calendar", 20 * _MIB, "bytes", _INVALID)
PAGE_VALUES: Final = Cap("Values of a page of rows, at any depth", 100_000, "values", _INVALID)
BATCH_VALUES: Final = Cap("Values of a batch, at any depth", 200_000, "values", _INVALID)
CONNECTIONS_VALUES: Final = Cap("Values of a list of connections, at any depth", 500_000, "values", _INVALID)
PORTAL_PAGE_ROWS: Final = Cap("Rows of a page of Bitrix24, which documents 50", 500, "rows", _INVALID)
QUERY_ROWS: Final = Cap("Rows of a page of Wix bookings: what was asked for, at most", 100, "rows", _INVALID)
EVENT_ROWS: Final = Cap("Rows of a page of private events: what was asked for, at most", 1_000, "rows", _INVALID)
SLOT_ROWS: Final = Cap("Rows of a page of bookable slots: what was asked for, at most", 500, "rows", _INVALID)
SERVICE_SLOTS: Final = Cap("Bookable slots of a service, within 48 hours or a week", 10_000, "slots", _INVALID)
SLOT_EVENTS: Final = Cap(
    "Private events of 3 days that are read for bookable slots; more where `max_events` of `events` is",
    10_000,
    "events",
    "the poll fails as `config`",
)
CALENDAR_ENTRIES: Final = Cap("Busy times or entries in an answer of an owner's calendar", 100_000, "entries", _INVALID)
CONNECTIONS: Final = Cap("Connections of an answer", 10_000, "connections", _INVALID)
PROVIDERS: Final = Cap(
    "Providers of the list with their calendar types",
    200,
    "providers",
    "the types stay as before; a warning in the log names the cap",
)
CHOSEN_CALENDARS: Final = Cap(
    "Calendars that a connection is told to import", 200, "calendars", "those of this connection are not looked for"
)
ACCOUNT_CALENDARS: Final = Cap(
    "Calendars of the account behind a connection", 1000, "calendars", "the answer counts as none, until the next probe"
)
FAILED_PROVIDERS: Final = Cap("Failed providers in one answer", 200, "providers", _INVALID)
ROW_BODY: Final = Cap("One row of Wix", 64 * _KIB, "bytes", _ODD)
BOOKING_RESOURCES: Final = Cap("Resources of one booking", 100, "resources", _ODD)
BOOKING_LINKS: Final = Cap("Links of one booking", 1000, "links", "the booking counts as unverified")
PORTAL_RESOURCES: Final = Cap(
    "Resources of a portal whose names are read; each 50 letters of a name count as one more",
    100_000,
    "resources",
    "the names stay as before; the poll fails as `config`",
)
LISTED: Final = Cap(
    "Items of one kind that `list` reads: schedules, staff, services, resources", 10_000, "things", "none of them is listed"
)
STAFF: Final = Cap(
    "Staff members of a site whose imports are watched", 1_000, "staff members", "none of them is watched for that"
)
SITES: Final = Cap(
    "Sites of an account that `discover` reads", 20_000, "sites", "the read fails as `config`; sites that are known stay"
)
MAX_BOOKINGS: Final = Cap(
    "Bookings of a poll, each once for each of its resources",
    200_000,
    "bookings",
    "the poll fails as `config` and names the option",
    "max_bookings",
)
MAX_EVENTS: Final = Cap(
    "Private events of a poll", 10_000, "events", "the poll fails as `config` and names the option", "max_events"
)

CONNECTION_SERIES: Final = Cap(
    "Connections of a target with series of their own", 500, "connections", _DROPPED, "max_connections"
)
RESOURCE_SERIES: Final = Cap("Resources of a target with series of their own", 500, "resources", _DROPPED, "max_resources")
RESOURCE_WINDOWS: Final = Cap("Series of the resources of a target, in all windows", 5_000, "series", _DROPPED)
PROVIDER_SERIES: Final = Cap("Providers of a target with series of their own", 50, "providers", _DROPPED)
SLOT_SCHEDULES: Final = Cap("Schedules of a target with series about bookable slots", 500, "schedules", _DROPPED)
SLOT_SERVICES: Final = Cap("Services of a target whose bookable slots are read", 20, "services", "the configuration is refused")
WINDOWS: Final = Cap("Windows of a collector", 50, "windows", "the configuration is refused")
STATUS_CODES: Final = Cap("Status codes of HTTP as a label", 60, "codes", "the others are counted as `other`")
TARGET_PAGE: Final = Cap("A target's part of the metrics page", 2 * _MIB, "bytes", _FOLLOWS)

CODE: Final = Cap("An error code of a platform", 60, "letters", "an unknown word that is longer is not shown")
MESSAGE: Final = Cap("The message of an error, with the text that it quotes", 1000, "letters", _CUT)
TEXT: Final = Cap("A text of the platform in an error, a log line or on the board", 80, "letters", _CUT)
NAME: Final = Cap("A name or an id of the platform", 100, "letters", _CUT)
PLACE: Final = Cap(
    "Where a credential comes from: the path of its file or the name of its variable, as a label",
    120,
    "letters",
    "it is cut, and ends with 12 digits of its SHA-256",
)
LOG_LINE: Final = Cap("A log line", 4 * _KIB, "bytes", _CUT)
BOARD_TARGETS: Final = Cap(
    "Targets of a page of the board, and of the status API with `?page=`", 25, "targets", "there are further pages"
)
BOARD_CONNECTIONS: Final = Cap(
    "Connections of a target on the board beside other targets, and resources of a window",
    50,
    "entries",
    "it says how many more there are; a target alone on the page shows 500 connections",
)
STATUS_ANSWER: Final = Cap(
    "Answer of the status API", 64 * _MIB, "bytes", "`truncated` is true; `?page=` has what was left out"
)

KNOWN_CONNECTIONS: Final = Cap(
    "Connections of a target of which the last state is kept",
    10_000,
    "connections",
    "the connections that were seen longest ago are forgotten",
)
GONE_BOOKINGS: Final = Cap(
    "Bookings of a target that are remembered although the last poll did not return them",
    2_000,
    "bookings",
    "the oldest ones are forgotten, and may be missing in `bookings_vanished_total` or counted twice in "
    "`bookings_discovered_total`",
)
REMEMBERED_CONNECTIONS: Final = Cap(
    "Connections of a target whose times are kept across a restart",
    800,
    "connections",
    "those that were shown last are remembered",
)
REMEMBERED_EVENTS: Final = Cap(
    "Private events of a target whose first sight is kept across a restart",
    1_000,
    "events",
    "those that begin first are kept; of the others the cause of a conflict is `unknown` after a restart",
)
REMEMBERED_IMPORTS: Final = Cap(
    "Importing calendars of a target whose history is kept across a restart",
    200,
    "calendars",
    "the history of the others begins anew",
)
STATE_FILE_EVENTS: Final = Cap(
    "What the state file has of a target's private events, beside its part", 64 * _KIB, "bytes", _FOLLOWS
)
STATE_FILE_PAIR: Final = Cap(
    "What the state file has of a pair",
    64 * _KIB,
    "bytes",
    "of the bookings that are farthest ahead nothing is kept; after a restart they are seen anew",
)
KEPT_CHANGES: Final = Cap(
    "States of a connection, and of a collector, that are remembered: those of the last seven days",
    50,
    "states",
    "the oldest are forgotten",
)
STATE_FILE_TARGET: Final = Cap(
    "A target's part of the state file",
    64 * _KIB,
    "bytes",
    "the oldest states in it are forgotten",
)

STATE_FILE: Final = Cap(
    "The state file", 32 * _MIB, "bytes", "the oldest states of all targets are forgotten, then each target has an equal part"
)

TABLE: Final[Mapping[str, tuple[Cap, ...]]] = {
    "Answers": (
        INTERIM_ANSWERS,
        PIECES,
        COUNT_BODY,
        PAGE_BODY,
        CONNECTIONS_BODY,
        BATCH_BODY,
        OTHER_BODY,
        CALENDAR_BODY,
        PAGE_VALUES,
        BATCH_VALUES,
        CONNECTIONS_VALUES,
        PORTAL_PAGE_ROWS,
        QUERY_ROWS,
        EVENT_ROWS,
        SLOT_ROWS,
        SERVICE_SLOTS,
        SLOT_EVENTS,
        CALENDAR_ENTRIES,
        CONNECTIONS,
        PROVIDERS,
        CHOSEN_CALENDARS,
        ACCOUNT_CALENDARS,
        FAILED_PROVIDERS,
        ROW_BODY,
        BOOKING_RESOURCES,
        BOOKING_LINKS,
        PORTAL_RESOURCES,
        LISTED,
        STAFF,
        SITES,
        MAX_BOOKINGS,
        MAX_EVENTS,
    ),
    "Series": (
        CONNECTION_SERIES,
        RESOURCE_SERIES,
        RESOURCE_WINDOWS,
        PROVIDER_SERIES,
        SLOT_SCHEDULES,
        SLOT_SERVICES,
        WINDOWS,
        STATUS_CODES,
        TARGET_PAGE,
    ),
    "Texts": (CODE, MESSAGE, TEXT, NAME, PLACE, LOG_LINE, BOARD_TARGETS, BOARD_CONNECTIONS, STATUS_ANSWER),
    "Memory between polls": (
        KNOWN_CONNECTIONS,
        REMEMBERED_CONNECTIONS,
        KEPT_CHANGES,
        STATE_FILE_TARGET,
        REMEMBERED_EVENTS,
        REMEMBERED_IMPORTS,
        STATE_FILE_EVENTS,
        STATE_FILE_PAIR,
        STATE_FILE,
        GONE_BOOKINGS,
    ),
}
"""All of them, by what they are about."""
