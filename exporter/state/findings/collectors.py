"""What is found of polls: those that fail, data that was withdrawn, and polls that do not begin.

Moments are Unix seconds (``float``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from exporter.model import ConnectionsObservation, Message
from exporter.private_calendar import EventsObservation
from exporter.state.advice import DATA_WITHDRAWN, OVERDUE, for_failure
from exporter.state.changes import failing_since
from exporter.state.failure import Failure
from exporter.state.findings.finding import Finding
from exporter.state.snapshot import CollectorState, TargetView
from exporter.state.verdict import (
    COLLECTOR_FAILING,
    DATA_EXPIRED,
    LIMITS,
    POLL_OVERDUE,
    PROVIDER_FAILING,
    TARGET_EXPIRED,
    TARGET_FAILING,
)
from exporter.support.listing import first_names

_CLOCK_SLACK_SECONDS: Final = 0.5  # duration is monotonic, moments are not


def of_collectors(target: TargetView, now: float) -> Iterator[Finding]:
    """Yield what is found of the polls of ``target`` at ``now``."""
    failing, expired = (TARGET_FAILING, TARGET_EXPIRED) if _is_down(target) else (COLLECTOR_FAILING, DATA_EXPIRED)
    for state in target.collectors:
        name = state.collector
        if (failure := state.failure) is not None:
            down, began = _providers_down(state, failure), failing_since(state.changes)
            since = failure.since if failure.since is not None else state.last_success
            yield Finding(
                PROVIDER_FAILING if down else expired if state.expired else failing,
                target.name,
                str(name),
                Message("calendar provider failed: %(names)s", names=first_names(down)) if down else _failing(state),
                for_failure(target.platform, failure.reason, target.policy.sign_in),
                since=since if began is None else began.at + target.stepped,
                since_known=began is None or began.known,
                detail=_last_known(state, down) or failure.message,
                reason=str(failure.reason),
                collector=name,
                effect="" if down else _effect(state),
            )
        elif state.expired:
            since = None if state.last_success is None else state.last_success + state.max_age
            yield Finding(
                expired, target.name, str(name), Message("data withdrawn: too old"), DATA_WITHDRAWN, since=since, collector=name
            )
            continue  # polls that do not begin are why
        if _is_overdue(state, now, target.thresholds.poll_overdue_intervals) and name not in target.polling:
            yield Finding(
                POLL_OVERDUE, target.name, str(name), Message("poll is overdue"), OVERDUE, since=state.next_poll, collector=name
            )


def brought_data(state: CollectorState) -> bool:
    """Return whether the last finished poll is where the data comes from, although it may have failed in part."""
    if state.observation is None or state.last_poll is None:
        return False
    # An observation bears the moment at which its poll began to ask.
    return state.observation.at >= state.last_poll - (state.last_duration or 0.0) - _CLOCK_SLACK_SECONDS


def _is_down(target: TargetView) -> bool:
    """Return whether nothing fresh is known of ``target``, or nothing can be learnt of it by any collector."""
    finished = [state for state in target.collectors if state.finished_polls]
    return all(state.observation is None for state in finished) or all(
        state.failure is not None and _says_of_target(state, state.failure) for state in finished
    )


def _says_of_target(state: CollectorState, failure: Failure) -> bool:
    return failure.reason not in LIMITS and not brought_data(state)


def _providers_down(state: CollectorState, failure: Failure) -> list[str]:
    # Where the whole poll failed the providers are as an earlier one had them.
    if not failure.partial:
        return []
    match state.observation:
        case ConnectionsObservation(providers=providers):
            return [provider.label for provider in providers if not provider.up]
        case EventsObservation(providers=labels):
            return [label for label, up in labels.items() if not up]
        case _:
            return []


def _last_known(state: CollectorState, providers: Collection[str]) -> str:
    """Return which calendars are those of ``providers``, in words for people: what the platform said names none."""
    seen = state.observation if isinstance(state.observation, ConnectionsObservation) else None
    names = [row.key for row in seen.connections if row.provider in providers] if seen else []
    return Message("calendars whose state is not known now: %(names)s", names=first_names(names)) if names else ""


def _failing(state: CollectorState) -> str:
    return Message("poll only partly succeeded") if brought_data(state) else Message("polls fail")


def _effect(state: CollectorState) -> str:
    """Return what became of the data of a collector whose newest poll failed."""
    if state.expired:
        return Message("data withdrawn")
    if state.observation is None:
        return Message("no data")
    return "" if brought_data(state) else Message("older data shown")


def _is_overdue(state: CollectorState, now: float, intervals: float) -> bool:
    return state.next_poll is not None and now - state.next_poll > intervals * state.interval
