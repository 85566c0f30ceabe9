"""One poll of each collector now, judged as monitoring plugins do: 0 healthy, 1 warning, 2 critical, 3 unknown."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

from exporter.model import ConnectionsObservation, ConnectionStatus
from exporter.state.snapshot import CollectorState

BROKEN: Final = frozenset({ConnectionStatus.ERROR, ConnectionStatus.DISCONNECTED})


class Verdict(IntEnum):
    """Exit codes of the monitoring-plugin convention; also their order of gravity, but for ``UNKNOWN``."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


def verdict(state: CollectorState) -> Verdict:
    """Judge one collector: a failed poll is critical, a broken connection a warning."""
    if state.failure is not None:
        return Verdict.CRITICAL
    observation = state.observation
    if isinstance(observation, ConnectionsObservation) and any(row.status in BROKEN for row in observation.connections):
        return Verdict.WARNING
    return Verdict.OK


def worst(states: Sequence[CollectorState]) -> Verdict:
    """Return the worst verdict; ``UNKNOWN`` when nothing was polled."""
    return max((verdict(state) for state in states), default=Verdict.UNKNOWN)
