"""Families of what the configuration accepts: listed, not judged, so rules subtract it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from exporter.metrics.families.family import Gauge, Row, gauge
from exporter.model import ConnectionsObservation, Value
from exporter.policy import AcceptedReason, TargetPolicy


class Standing(Value, frozen=True, gc=False):
    """Whether a target is paused, and whether it is closed today: ``None`` where no day is named on which it could be."""

    paused: bool
    closed: bool | None


class AcceptedConnections(Value, frozen=True, gc=False):
    """The connections of a target, and those that are accepted by their label or that of their schedule."""

    seen: ConnectionsObservation
    accepted: Mapping[str, AcceptedReason]


def _paused(standing: Standing) -> Iterator[Row]:
    yield (), standing.paused


def _closed(standing: Standing) -> Iterator[Row]:
    if standing.closed is not None:
        yield (), standing.closed


def _accepted(connections: AcceptedConnections) -> Iterator[Row]:
    policy = TargetPolicy(connections=connections.accepted)
    for connection in connections.seen.connections:
        if policy.accepted_connection(connection):
            yield (connection.key,), 1


OF_TARGET: Final[tuple[Gauge[Standing], ...]] = (
    gauge(
        "target_paused", "1 if the configuration pauses the target (it is not polled and has no data), else 0.", read=_paused
    ),
    gauge(
        "target_closed",
        "1 on a day that the target's setting closed lists, in the target's time zone, else 0. Absent for targets without "
        "closed.",
        read=_closed,
    ),
)
OF_CONNECTIONS: Final[tuple[Gauge[AcceptedConnections], ...]] = (
    gauge(
        "connection_accepted",
        "Always 1. A connection that the configuration accepts in any status. Absent for every other one, and while there is "
        "no fresh data.",
        "connection",
        read=_accepted,
    ),
)
