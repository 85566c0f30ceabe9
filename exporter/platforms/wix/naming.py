"""What a connection is called on a page: the alias of its schedule, or the hash of its id."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from exporter.platforms.wix.answers import short_hash
from exporter.platforms.wix.connection_rows import ConnectionRow

GUID: Final = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""An id of Wix, in lower case."""


def label_of(name: str, aliases: Mapping[str, str]) -> str:
    """Return the label value of the schedule that a user calls ``name``: an id, an alias or the label itself."""
    written = name.lower()
    named = {schedule.lower(): alias for schedule, alias in aliases.items()}
    return named.get(written) or (short_hash(written) if GUID.fullmatch(written) else name)


class ConnectionNames:
    """Names for the connections of one site. A connection keeps the name that it got for as long as it is known."""

    def __init__(self, aliases: Mapping[str, str]) -> None:
        self._aliases = {schedule.lower(): alias for schedule, alias in aliases.items()}
        self._names: dict[str, str] = {}

    def schedule(self, schedule_id: str) -> str:
        """Return the label value of a schedule."""
        if not schedule_id:
            return "unknown"
        return self._aliases.get(schedule_id.lower()) or short_hash(schedule_id)

    def name_all(self, rows: Iterable[ConnectionRow]) -> Mapping[str, str]:
        """Return the name of each of ``rows``, which are all connections known now, by the hash of its id.

        The first connection of an aliased schedule is called ``alias``, a further one ``alias <hash>``. Among several that
        appear at once the smallest hash is first, so that a restart names them the same way.
        """
        listed = {row.key: self._aliases.get(row.schedule_id.lower(), "") for row in rows}
        kept = {key: name for key, name in self._names.items() if key in listed}
        taken = set(kept.values())
        for key, alias in sorted(item for item in listed.items() if item[0] not in kept):
            name = key if not alias else alias if alias not in taken else f"{alias} {key}"
            kept[key] = name
            taken.add(name)
        self._names = kept
        return kept
