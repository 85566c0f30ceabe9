"""ListConnections and ListProviders answers -> small frozen values (docs/platforms/wix.md 3.2 to 3.5, 4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from exporter.limits import ACCOUNT_CALENDARS, CHOSEN_CALENDARS, CONNECTIONS, FAILED_PROVIDERS, PROVIDERS
from exporter.model import CalendarType, ConnectionStatus, ErrorReason, Value
from exporter.platforms.decoding import word
from exporter.platforms.exchange import Answer
from exporter.platforms.wix.answers import decode, private_hash, row, short_hash, short_id
from exporter.platforms.wix.api_errors import invalid
from exporter.platforms.wix.endpoints import Endpoint
from exporter.support.json_text import decoded, is_whole

CALENDAR_TYPES: Final[Mapping[str, CalendarType]] = {
    "UNDEFINED": CalendarType.UNDEFINED,
    "GOOGLE": CalendarType.GOOGLE,
    "I_CAL": CalendarType.APPLE,
    "MICROSOFT": CalendarType.MICROSOFT,
    "OUTLOOK": CalendarType.MICROSOFT,  # deprecated, superseded by MICROSOFT
    "OFFICE_365": CalendarType.MICROSOFT,  # the same
    "OTHER": CalendarType.OTHER,
}

_STATUSES: Final[Mapping[str, ConnectionStatus]] = {
    status.name: status for status in ConnectionStatus if status is not ConnectionStatus.UNKNOWN
}
_ERROR_REASONS: Final[Mapping[str, ErrorReason]] = {
    reason.name: reason for reason in ErrorReason if reason is not ErrorReason.UNKNOWN
}


_NOTHING: Final = frozenset({b"", b"null"})


class ConnectionRow(Value, frozen=True, gc=False):
    """One connection as answered. ``key`` is the hash of its id; ids of provider and schedule are empty when absent.

    ``id`` is needed to ask about it and shown nowhere. ``account`` is a :func:`~exporter.platforms.wix.answers.private_hash`
    of its external account, empty when absent, and ``chosen`` has those of the calendars that it is told to import: ``None``
    where none are named, for then it imports the primary one.
    """

    id: str
    key: str
    provider_id: str
    schedule_id: str
    calendar_type: CalendarType
    status: ConnectionStatus
    error_reason: ErrorReason | None
    import_enabled: bool
    export_enabled: bool
    account: bytes = b""
    chosen: frozenset[bytes] | None = None


class ConnectionsAnswer(msgspec.Struct, frozen=True):
    """One ListConnections answer. ``unrecognized`` counts words that we do not know by field, ``malformed`` skipped rows."""

    rows: tuple[ConnectionRow, ...]
    failed_provider_ids: frozenset[str]
    malformed: int
    unrecognized: Mapping[str, int]


class ProvidersAnswer(msgspec.Struct, frozen=True):
    """One ListProviders answer: the calendar type of each provider id. Names are free text and vary, so they are left out."""

    calendar_types: Mapping[str, CalendarType]
    malformed: int
    unrecognized: Mapping[str, int]


class _Connections(msgspec.Struct, rename="camel", gc=False):
    connections: list[msgspec.Raw]
    failed_provider_ids: list[str] | None = None


class _Connection(msgspec.Struct, rename="camel", gc=False):
    id: str
    provider_id: Any = None
    schedule_id: Any = None
    calendar_type: Any = None
    status: Any = None
    error_reason: Any = None
    external_account_email: Any = None
    sync_config: msgspec.Raw = msgspec.Raw(b"")


class _Import(msgspec.Struct, gc=False):
    enabled: Any = None
    calendars: msgspec.Raw = msgspec.Raw(b"")


class _Export(msgspec.Struct, gc=False):
    enabled: Any = None


class _Calendar(msgspec.Struct, gc=False):
    id: str


class _Calendars(msgspec.Struct, gc=False):
    calendars: list[_Calendar] | None = None


class _SyncConfig(msgspec.Struct, rename="camel", gc=False):
    list_event_from_calendars: _Import | None = None
    sync_to_calendar: _Export | None = None


class _Providers(msgspec.Struct, gc=False):
    providers: list[msgspec.Raw]


class _Provider(msgspec.Struct, rename="camel", gc=False):
    id: str
    calendar_type: Any = None


def connections(answer: Answer) -> ConnectionsAnswer:
    """Read a ListConnections answer. Raises :class:`~exporter.errors.InvalidResponseError` when no row can be trusted.

    A row that comes twice counts once, as it came last.
    """
    raw = decode(answer, Endpoint.LIST_CONNECTIONS, _Connections, "something that is not a list of connections")
    failed_ids = raw.failed_provider_ids or ()
    if len(raw.connections) > CONNECTIONS.number:
        raise invalid(answer, Endpoint.LIST_CONNECTIONS, f"more than {CONNECTIONS}")
    if len(failed_ids) > FAILED_PROVIDERS.number:
        raise invalid(answer, Endpoint.LIST_CONNECTIONS, f"more than {FAILED_PROVIDERS} that failed")
    rows: dict[str, ConnectionRow] = {}
    malformed = 0
    unrecognized: Counter[str] = Counter()
    for item in raw.connections:
        found = _connection(item, unrecognized)
        if found is None:
            malformed += 1
        else:
            rows[found.key] = found
    if malformed and not rows:
        raise invalid(answer, Endpoint.LIST_CONNECTIONS, "connections of which none can be read")
    failed = frozenset(short_id(provider_id.lower()) for provider_id in failed_ids)
    return ConnectionsAnswer(tuple(rows.values()), failed, malformed, unrecognized)


def providers(answer: Answer) -> ProvidersAnswer:
    """Read a ListProviders answer. Raises :class:`~exporter.errors.InvalidResponseError` when it is none."""
    raw = decode(answer, Endpoint.LIST_PROVIDERS, _Providers, "something that is not a list of providers")
    if len(raw.providers) > PROVIDERS.number:
        raise invalid(answer, Endpoint.LIST_PROVIDERS, f"more than {PROVIDERS}")
    found: dict[str, CalendarType] = {}
    malformed = 0
    unrecognized: Counter[str] = Counter()
    for item in raw.providers:
        provider = row(item, _Provider)
        if provider is None or not provider.id or not is_whole(provider.id):
            malformed += 1
        else:
            found[short_id(provider.id.lower())] = _calendar_type(provider.calendar_type, unrecognized)
    return ProvidersAnswer(found, malformed, unrecognized)


def calendars(answer: Answer) -> frozenset[bytes]:
    """Read a ListCalendars answer: private hashes of the ids, which can be personal data (wix.md 4.1).

    Raises :class:`~exporter.errors.InvalidResponseError` when it is none.
    """
    raw = decode(answer, Endpoint.LIST_CALENDARS, _Calendars, "something that is not a list of calendars")
    if raw.calendars is None or len(raw.calendars) > ACCOUNT_CALENDARS.number:
        what = "no list of calendars" if raw.calendars is None else f"more than {ACCOUNT_CALENDARS}"
        raise invalid(answer, Endpoint.LIST_CALENDARS, what)
    return frozenset(private_hash(calendar.id) for calendar in raw.calendars)


def _connection(item: msgspec.Raw, unrecognized: Counter[str]) -> ConnectionRow | None:
    raw = row(item, _Connection)
    if raw is None or not raw.id or not is_whole(raw.id):
        return None
    status = _status(raw.status, unrecognized)
    # The reason is documented for no other status, so it is ignored there.
    reason = _error_reason(raw.error_reason, unrecognized) if status is ConnectionStatus.ERROR else None
    imports, exports, chosen = _directions(raw.sync_config, unrecognized)
    provider, email = _text(raw.provider_id).lower(), _text(raw.external_account_email).strip().lower()
    return ConnectionRow(
        raw.id,
        short_hash(raw.id),
        short_id(provider),
        short_id(_text(raw.schedule_id)),
        _calendar_type(raw.calendar_type, unrecognized),
        status,
        reason,
        imports,
        exports,
        private_hash(f"{provider} {email}") if email else b"",
        chosen,
    )


def _directions(config: msgspec.Raw, unrecognized: Counter[str]) -> tuple[bool, bool, frozenset[bytes] | None]:
    """Return whether each direction is on, and the calendars that are chosen for the import."""
    if bytes(config) in _NOTHING:
        return False, False, None
    raw = decoded(config, _SyncConfig)
    if raw is None:
        unrecognized["sync_config"] += 1
        return False, False, None
    imports, exports = raw.list_event_from_calendars, raw.sync_to_calendar
    exported = exports is not None and exports.enabled is True
    if imports is None:
        return False, exported, None
    return imports.enabled is True, exported, _chosen(imports.calendars, unrecognized)


def _chosen(calendars: msgspec.Raw, unrecognized: Counter[str]) -> frozenset[bytes] | None:
    if bytes(calendars) in _NOTHING:
        return None
    raw = decoded(calendars, _Calendars)
    if raw is None:
        unrecognized["sync_config"] += 1
        return None
    rows = raw.calendars or ()
    return frozenset(private_hash(row.id) for row in rows) if len(rows) <= CHOSEN_CALENDARS.number else None


def _status(value: object, unrecognized: Counter[str]) -> ConnectionStatus:
    absent, unknown = ConnectionStatus.UNDEFINED, ConnectionStatus.UNKNOWN
    return word(value, _STATUSES, absent=absent, unknown=unknown, field="status", unrecognized=unrecognized)


def _error_reason(value: object, unrecognized: Counter[str]) -> ErrorReason:
    absent, unknown = ErrorReason.UNDEFINED, ErrorReason.UNKNOWN
    return word(value, _ERROR_REASONS, absent=absent, unknown=unknown, field="error_reason", unrecognized=unrecognized)


def _calendar_type(value: object, unrecognized: Counter[str]) -> CalendarType:
    absent, unknown = CalendarType.UNDEFINED, CalendarType.UNKNOWN
    return word(value, CALENDAR_TYPES, absent=absent, unknown=unknown, field="calendar_type", unrecognized=unrecognized)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
