"""One poll of each collector now, judged as monitoring plugins do: 0 healthy, 1 warning, 2 critical, 3 unknown."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

from exporter.model import BookingsObservation, ConnectionsObservation, ConnectionStatus, LinksObservation
from exporter.state.advice import DOUBLE_BOOKING, for_connection, for_failure, plain
from exporter.state.places import named_connection, named_target, told_conflict
from exporter.state.snapshot import CollectorState, TargetView

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


def summary(state: CollectorState) -> str:
    """Return what a poll found in one line."""
    if state.failure is not None and state.observation is None:
        return f"{state.failure.reason.value}: {state.failure.message}"
    observation = state.observation
    match observation:
        case ConnectionsObservation(numbers=numbers):
            counts = {status: sum(n for (_, found), n in numbers.items() if found is status) for status in ConnectionStatus}
            text = ", ".join(f"{number} {status.value}" for status, number in counts.items() if number) or "no connections"
        case BookingsObservation(windows=windows):
            text = ", ".join(f"{row.window.name} {row.bookings}" for row in windows)
            conflicting = max((row.conflicting or 0 for row in windows), default=0)
            text += f", {conflicting} overlapping" if conflicting else ""
        case LinksObservation(windows=windows):
            text = ", ".join(
                f"{row.window.name} {row.linked} linked, {row.unlinked} not"
                + (f", {row.unverified} unverified" if row.unverified else "")
                for row in windows
            )
        case _:
            text = "nothing"
    return f"{text}; partly failed: {state.failure.message}" if state.failure else text


def findings(target: TargetView, state: CollectorState, now: float) -> tuple[str, ...]:
    """Return one line for each thing that is broken at ``now`` (Unix seconds), with its human fix."""
    where, lines = named_target(target), []
    if state.failure is not None:
        advice = for_failure(state.platform, state.failure.reason, target.policy.sign_in)
        lines.append(f"{where} {state.collector.value}: {advice.meaning} Fix: {advice.fix}")
    if isinstance(state.observation, ConnectionsObservation):
        for row in state.observation.connections:
            if row.status in BROKEN:
                advice = for_connection(state.platform, row.status, row.error_reason)
                lines.append(f"{where} connection {named_connection(row)}: {advice.meaning} Fix: {advice.fix}")
    if isinstance(state.observation, BookingsObservation):
        lines.extend(
            f"{where} double booking {told_conflict(target, pair, now)}. Fix: {DOUBLE_BOOKING.fix}"
            for pair in state.observation.conflicts
            if pair.end > now
        )
    return tuple(map(plain, lines))
