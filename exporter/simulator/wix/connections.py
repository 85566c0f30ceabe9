"""The external calendar connections of a site: rows as the API serves them, and the life they lead (wix.md 3)."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Final
from uuid import UUID

import msgspec

from exporter.simulator import canary
from exporter.simulator.wix.providers import Provider
from exporter.simulator.wix.switches import Switches

_OPAQUE: Final = string.ascii_letters + string.digits
_ID_LENGTHS: Final = (149, 183, 255)
"""Ids are opaque and long: 149 and 183 characters in the official examples (wix.md 3.2)."""

ACCOUNT_CALENDARS: Final = (canary.EMAIL, "4xve0tohyhnrlzy3lp4zf7b07")
"""The ids of the calendars that an external account has at first: one of them is its owner's address (wix.md 11)."""

IMPORT_PRIMARY: Final[Mapping[str, object]] = {"enabled": True, "primaryCalendar": {}}
EXPORT_DEDICATED: Final[Mapping[str, object]] = {"enabled": True, "dedicatedCalendar": {}}


def guid(random: Random) -> str:
    """Return a random GUID from a reproducible generator."""
    return str(UUID(int=random.getrandbits(128), version=4))


def sync_config(
    imports: Mapping[str, object] | None = IMPORT_PRIMARY, exports: Mapping[str, object] | None = EXPORT_DEDICATED
) -> dict[str, object]:
    """Return a ``syncConfig``; a ``None`` child is absent, as in an import-only connection."""
    both = {"listEventFromCalendars": imports, "syncToCalendar": exports}
    return {name: child for name, child in both.items() if child is not None}


def import_from(*calendar_ids: str) -> dict[str, object]:
    """Return the import side of a ``syncConfig`` with these calendars chosen; its key is doubled (wix.md 3.2)."""
    return {"enabled": True, "calendars": {"calendars": [{"id": calendar_id} for calendar_id in calendar_ids]}}


@dataclass(frozen=True)
class Connection:
    """One connection. ``row`` is exactly what the API serves, so any field may be absent, null or of a wrong type."""

    row: Mapping[str, object]

    @property
    def id(self) -> str:
        """The field ``id`` of the row."""
        return str(self.row["id"])

    @property
    def provider_id(self) -> str:
        """The field ``provider_id`` of the row."""
        return str(self.row.get("providerId"))

    @property
    def schedule_id(self) -> str:
        """The field ``schedule_id`` of the row."""
        return str(self.row.get("scheduleId"))

    @property
    def account(self) -> tuple[str, str]:
        """The external account: its provider and its address."""
        return self.provider_id, str(self.row.get("externalAccountEmail"))

    @property
    def status(self) -> object:
        """The field ``status`` of the row."""
        return self.row.get("status")

    @property
    def imports(self) -> bool:
        """Whether it imports events."""
        return self._enabled("listEventFromCalendars")

    @property
    def delivers(self) -> bool:
        """Whether events of its calendar reach Wix: it imports, and its status says nothing against it."""
        return self.imports and self.status not in {"ERROR", "DISCONNECTED"}

    @property
    def exports(self) -> bool:
        """Whether it exports bookings."""
        return self._enabled("syncToCalendar")

    @property
    def exports_buffers(self) -> bool:
        """Whether it exports the buffer time beside an appointment as well."""
        config = self.row.get("syncConfig")
        child = config.get("syncToCalendar") if isinstance(config, Mapping) else None
        return isinstance(child, Mapping) and child.get("includeBufferTime") is True

    @cached_property
    def encoded(self) -> bytes:
        """The row as JSON; encoded once, because a site may have thousands."""
        return msgspec.json.encode(self.row)

    def _enabled(self, side: str) -> bool:
        config = self.row.get("syncConfig")
        child = config.get(side) if isinstance(config, Mapping) else None
        return isinstance(child, Mapping) and child.get("enabled") is True


class Connections:
    """All connections of one site, in the order in which they were made.

    The methods are what happens to a connection in real life. They take and return connection ids and raise
    :class:`KeyError` for an id that is not listed.
    """

    def __init__(self, random: Random, switches: Switches, providers: Mapping[str, Provider], now: Callable[[], float]) -> None:
        self._random = random
        self._switches = switches
        self._providers = providers
        self._now = now
        self._rows: dict[str, Connection] = {}
        self._due: dict[str, float] = {}
        self._calendars: dict[tuple[str, str], tuple[str, ...]] = {}  # of the accounts that do not have the usual ones
        self._dead: set[str] = set()
        self.reconnected: set[str] = set()
        """The ids that took the place of others."""

    def __iter__(self) -> Iterator[Connection]:
        return iter(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, connection_id: str) -> Connection:
        return self._rows[connection_id]

    def get(self, connection_id: str) -> Connection | None:
        """Return the connection, or ``None`` when it is not listed."""
        return self._rows.get(connection_id)

    def connect(
        self,
        provider: Provider,
        schedule_id: str,
        *,
        user_id: str | None = None,
        config: Mapping[str, object] | None = None,
        **fields: object,
    ) -> str:
        """Connect a calendar, as a person would: the result is ``CONNECTED``. ``fields`` go into the row as they are.

        Each schedule has an external account of its own.
        """
        row: dict[str, object] = {
            "id": "".join(self._random.choices(_OPAQUE, k=self._random.choice(_ID_LENGTHS))),
            "providerId": provider.id,
            "calendarType": provider.calendar_type,
            "scheduleId": schedule_id,
            "userId": user_id or guid(self._random),
            "externalAccountEmail": f"{schedule_id[:8]}.{canary.EMAIL}",
            "status": "CONNECTED",
            "errorReason": "UNDEFINED",
            "syncConfig": sync_config() if config is None else config,
        }
        return self.add(row | fields)

    def add(self, row: Mapping[str, object]) -> str:
        """List a connection that looks exactly like ``row``."""
        connection = Connection(dict(row))
        self._rows[connection.id] = connection
        return connection.id

    def amend(self, connection_id: str, *, without: tuple[str, ...] = (), **fields: object) -> None:
        """Set fields of the row to any value at all, and take the keys ``without`` away."""
        row = {**self._rows[connection_id].row, **fields}
        for key in without:
            row.pop(key, None)
        self._rows[connection_id] = Connection(row)

    def start_sync(self, connection_id: str, *, lasts: float | None = None) -> None:
        """Begin a sync. With ``lasts`` it ends by itself after so many seconds, else with :meth:`finish_sync`."""
        self._set(connection_id, "SYNC_IN_PROGRESS")
        if lasts is not None:
            self._due[connection_id] = self._now() + lasts

    def finish_sync(self, connection_id: str) -> None:
        """End the sync: both calendars agree."""
        self._set(connection_id, "SYNCED")

    def stick_sync(self, connection_id: str) -> None:
        """Begin a sync that never ends."""
        self.start_sync(connection_id)

    def revoke_token(self, connection_id: str) -> None:
        """Let the account owner withdraw the access, or the grant die."""
        self._set(connection_id, "ERROR", "TOKEN_REVOKED")

    def fail_calendar_creation(self, connection_id: str) -> None:
        """Fail the sync because Wix cannot create its dedicated calendar."""
        self._set(connection_id, "ERROR", "EXTERNAL_CALENDAR_CREATION_FAILED")

    def delete_external_calendar(self, connection_id: str) -> None:
        """Delete the calendar that Wix exports into."""
        self._set(connection_id, "ERROR", "EXTERNAL_CALENDAR_DELETED")

    def calendars(self, connection_id: str) -> tuple[str, ...]:
        """Return the ids of the calendars that the account behind the connection has."""
        return self._calendars.get(self._rows[connection_id].account, ACCOUNT_CALENDARS)

    def delete_calendar(self, connection_id: str, calendar_id: str) -> None:
        """Let the account's owner delete one of its calendars: no field of the connection tells of it."""
        kept = (known for known in self.calendars(connection_id) if known != calendar_id)
        self._calendars[self._rows[connection_id].account] = tuple(kept)

    def kill_token(self, connection_id: str) -> None:
        """Let the access end that Wix has, unnoticed: the status stays what it is (wix.md 4.1)."""
        self._dead.add(connection_id)

    def is_dead(self, connection_id: str) -> bool:
        """Return whether Wix has no access any more, whatever the status says."""
        return connection_id in self._dead

    def disconnect(self, connection_id: str) -> None:
        """Cut the link, as a person would. ``syncConfig`` keeps its ``enabled`` flags (wix.md trap 11)."""
        self._set(connection_id, "DISCONNECTED")
        if self._switches.drop_disconnected:
            self.drop(connection_id)

    def change_owner(self, schedule_id: str) -> list[str]:
        """Give the Wix schedule another owner: Wix disconnects its connections by itself. Returns their ids."""
        ids = [connection.id for connection in self if connection.schedule_id == schedule_id]
        for connection_id in ids:
            self.disconnect(connection_id)
        return ids

    def drop(self, connection_id: str) -> None:
        """Take the connection off the list."""
        del self._rows[connection_id]
        self._dead.discard(connection_id)
        self._due.pop(connection_id, None)

    def reconnect(self, connection_id: str) -> str:
        """Connect again, as a person would: a new id; the old connection vanishes or stays, by switch."""
        old = self._rows[connection_id]
        config = old.row.get("syncConfig")
        new = self.connect(
            self._providers[old.provider_id],
            old.schedule_id,
            user_id=str(old.row.get("userId") or guid(self._random)),
            config=config if isinstance(config, Mapping) else None,
        )
        self.reconnected.add(new)
        if self._switches.reconnect_keeps_old:
            self._set(connection_id, "DISCONNECTED")
        else:
            self.drop(connection_id)
        return new

    def recover(self, connection_id: str) -> None:
        """Make it work again under the same id: ``SYNCED`` when it exports, else ``CONNECTED`` (wix.md 3.4)."""
        self._dead.discard(connection_id)
        self._set(connection_id, "SYNCED" if self._rows[connection_id].exports else "CONNECTED")

    def advance(self) -> None:
        """End the syncs whose time has come."""
        now = self._now()
        for connection_id in [key for key, when in self._due.items() if when <= now]:
            self.finish_sync(connection_id)

    def _set(self, connection_id: str, status: str, reason: str = "UNDEFINED") -> None:
        self.amend(connection_id, status=status, errorReason=reason)
        self._due.pop(connection_id, None)
