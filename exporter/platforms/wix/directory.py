"""Which connections of a site import events, as the collector ``connections`` saw them last.

An event has no connection id (docs/platforms/wix.md 5): its schedule and its type of calendar are all that ties it to one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from exporter.model import WORKING, CalendarType, ConnectionStatus, Value
from exporter.platforms.wix.connection_rows import ConnectionRow
from exporter.platforms.wix.naming import ConnectionNames

Source = tuple[str, CalendarType]
"""A schedule (id in lower case) and a type of calendar."""


class Importing(Value, frozen=True, gc=False):
    """A connection that imports: the label values that stand for it and for its schedule.

    ``works`` says that neither its status nor another check tells why no events come.
    """

    connection: str
    schedule: str
    works: bool


class ConnectionDirectory(Value, frozen=True, gc=False):
    """The ``schedules`` (ids in lower case) that have a connection, what imports by its source, and types by provider id.

    Of those ``unheard`` no connection imports, and not because it was cut.
    Where several connections share a source its events are those of each: nobody can tell them apart.
    """

    schedules: frozenset[str]
    importing: Mapping[Source, tuple[Importing, ...]]
    providers: Mapping[str, CalendarType]
    unheard: frozenset[str] = frozenset()


def directory_of(
    rows: Iterable[ConnectionRow], shown: Iterable[ConnectionRow], names: ConnectionNames, failing: Collection[str] = ()
) -> ConnectionDirectory:
    """Return the directory of ``rows``, all that are known now, of which those ``shown`` have series.

    Of those ``failing``, by their keys, another check tells that they import nothing.

    A connection that was cut delivers nothing, whatever its configuration says.
    """
    known = tuple(rows)
    labels = names.name_all(known)
    importing: defaultdict[Source, list[Importing]] = defaultdict(list)
    for row in shown:
        if row.import_enabled and row.status is not ConnectionStatus.DISCONNECTED:
            works = row.status in WORKING and row.key not in failing
            one = Importing(labels[row.key], names.schedule(row.schedule_id), works)
            importing[row.schedule_id.lower(), row.calendar_type].append(one)
    heard = (row for row in known if row.import_enabled or row.status is ConnectionStatus.DISCONNECTED)
    schedules = frozenset(row.schedule_id.lower() for row in known)
    return ConnectionDirectory(
        schedules,
        {source: tuple(found) for source, found in importing.items()},
        {row.provider_id: row.calendar_type for row in known if row.provider_id},
        schedules - {row.schedule_id.lower() for row in heard},
    )
