"""How old the parts of an observation are, and the same on a wall clock that was set.

Moments are Unix seconds (``float``).
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from exporter.booking_links import LinksObservation
from exporter.model import Change, Connection, ConnectionsObservation, Observation
from exporter.private_calendar import EventsObservation, ImportedEvents
from exporter.state.changes import WITHDRAWN


def withdrawn(changes: tuple[Change, ...], at: float) -> tuple[Change, ...]:
    """Return ``changes`` with the one that everything was withdrawn, ``at`` a moment."""
    return changes if changes and changes[-1].state == WITHDRAWN else (*changes, Change(at, WITHDRAWN))


def oldest(observation: Observation) -> float:
    """Return the moment of the oldest part of ``observation``."""
    return min(moments(observation))


def moments(observation: Observation) -> Iterator[float]:
    """Yield the moment of each part of ``observation`` that has an age of its own, and that of the whole."""
    yield observation.at
    match observation:
        case ConnectionsObservation(connections=connections, others=others):
            yield from (row.observed_at for row in connections)
            yield from (row.observed_at for row in others)
        case LinksObservation(at=at, windows=windows, copies=copies):
            yield from (at - answers.age for row in windows for answers in row.answers)
            yield from (at - age for age in (copies.ages() if copies else ()))


def moved(moment: float | None, seconds: float) -> float | None:
    """Return ``moment`` later by ``seconds``."""
    return None if moment is None else moment + seconds


def observation_moved(observation: Observation, seconds: float) -> Observation:
    """Return ``observation`` with its moments later by ``seconds``; windows and bookings lie where the calendar has them."""
    if isinstance(observation, ConnectionsObservation):
        observation = replace(
            observation,
            connections=tuple(_connection_moved(row, seconds) for row in observation.connections),
            others=tuple(_connection_moved(row, seconds) for row in observation.others),
        )
    elif isinstance(observation, EventsObservation):
        observation = replace(observation, imports=tuple(_import_moved(row, seconds) for row in observation.imports))
    return replace(observation, at=observation.at + seconds)


def _import_moved(row: ImportedEvents, seconds: float) -> ImportedEvents:
    faults = {fault: since + seconds for fault, since in row.faults.items()}
    return replace(row, changed=moved(row.changed, seconds), faults=faults)


def _connection_moved(row: Connection, seconds: float) -> Connection:
    probe = row.probe and replace(row.probe, at=row.probe.at + seconds, since=row.probe.since + seconds)
    return replace(row, since=row.since + seconds, observed_at=row.observed_at + seconds, probe=probe)
