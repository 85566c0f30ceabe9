"""The week before a demo or a drill: a state file of an exporter that has seen private events in all that time.

Whether an import fell silent is judged by a week, which no rehearsal can live through, in divided time neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from exporter.counting import Busy
from exporter.model import CalendarType
from exporter.private_calendar import WEEK_SECONDS, EventMemory, ImportLife, event_key, import_key
from exporter.simulator import Simulator
from exporter.simulator.wix import Site
from exporter.state.events_state import events_text
from exporter.state.state_file import Past, fitted, state_file

STATE_FILE: Final = "state.json"
"""Its name, beside the configuration."""

_TYPES: Final[Mapping[str, CalendarType]] = {"I_CAL": CalendarType.APPLE}
_DAY: Final = 86_400.0
_SEEN_DAYS: Final = 8
_BEFORE_SECONDS: Final = 60.0


class KnownPairs(NamedTuple):
    """What a state file says of each pair, and the accounts of the calendars that this is of, by their targets."""

    texts: Mapping[str, bytes]
    calendars: Mapping[str, str]


def write_known_week(
    path: Path, simulator: Simulator, targets: Iterable[Mapping[str, Any]], pairs: KnownPairs | None = None
) -> None:
    """Write the state file for the Wix sites among ``targets``, whose other states nobody knows.

    ``pairs`` is what it says of each pair, nothing by default.
    Raises :class:`OSError` when it cannot be written.
    """
    names = {target["name"]: target["site_id"] for target in targets if target["platform"] == "wix"}
    now, sites = simulator.now(), {name: simulator.wix.sites[site_id] for name, site_id in names.items()}
    events = {name: events_text(_memory(_imports(site), _private(site, now), now), 0.0) for name, site in sites.items()}
    known = {name: Past() for name in names}
    if pairs is not None:
        known |= {name: Past(account=account) for name, account in pairs.calendars.items()}
    texts = {name: fitted(past, 0.0) for name, past in known.items()}
    path.write_bytes(state_file(texts, events, None if pairs is None else pairs.texts))


def _imports(site: Site) -> Iterator[str]:
    for connection in site.connections:
        if connection.imports:
            said = str(connection.row["calendarType"])
            yield import_key(connection.schedule_id.lower(), _TYPES.get(said) or CalendarType(said.lower()))


def _private(site: Site, now: float) -> Iterator[Busy]:
    for connection in site.connections:
        if connection.imports:
            for event in site.private.of(connection, now, now + WEEK_SECONDS, now):
                if not event.all_day and now < event.end and event.start < now + WEEK_SECONDS:
                    yield Busy(connection.schedule_id.lower(), event.start, event.end)


def _memory(imports: Iterable[str], private: Iterable[Busy], now: float) -> EventMemory:
    last = now - _BEFORE_SECONDS
    # Without a gap between two changes: invented calendars change never, and are not to be called frozen for that.
    life = ImportLife(now - _SEEN_DAYS * _DAY, last, last)
    # It looked no further than to the past: of no event it can say that it was not there before it was first seen.
    seen = dict.fromkeys((event_key(event.schedule, event.start, event.end) for event in private), (last, 0.0))
    return EventMemory(last, 0.0, seen=seen, lives=dict.fromkeys(imports, life))
