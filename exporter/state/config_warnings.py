"""What is watched less than the configuration makes believe, as far as polls have shown it.

What the configuration alone shows comes from :mod:`exporter.config.unwatched`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from exporter.errors import Reason
from exporter.model import BookingsObservation, ConnectionsObservation, Observation
from exporter.platforms.policy import over
from exporter.policy import ConfigWarning, TargetPolicy, WarningKind
from exporter.state.advice import for_failure
from exporter.state.snapshot import CollectorState, TargetView, View
from exporter.support.listing import first_few

_REMOVE: Final = "correct it, or remove it"


def config_warnings(view: View, unwatched: Iterable[ConfigWarning] = ()) -> tuple[ConfigWarning, ...]:
    """Return all warnings of ``view``, those first that are known without it: ``unwatched``, as far as its targets go.

    What a target accepts is left out.
    """
    targets = {target.name: target for target in view.targets}
    known = (warning for warning in unwatched if warning.target is None or warning.target in targets)
    seen = (warning for target in view.targets for warning in of_target(target))
    return tuple(
        warning
        for warning in (*known, *seen)
        if warning.target is None or warning.kind not in targets[warning.target].policy.warnings
    )


def of_target(target: TargetView) -> Iterator[ConfigWarning]:
    """Yield what the polls of ``target`` show, and what it accepts no longer."""
    if (ended := over(target.name, target.policy)) is not None:
        yield ended
    for state in target.collectors:
        yield from _of_collector(state, target.policy)


def _of_collector(state: CollectorState, policy: TargetPolicy) -> Iterator[ConfigWarning]:
    failure = state.failure
    if failure is not None and failure.reason is Reason.PERMISSION:
        message = f"the credential has no right to what `{state.collector}` asks for: {failure.message}"
        yield ConfigWarning(WarningKind.MISSING_RIGHT, state.target, message, for_failure(state.platform, failure.reason).fix)
    if state.observation is not None:
        yield from of_observation(state.target, state.observation, policy, whole=failure is None)


def of_observation(
    target: str, observation: Observation, policy: TargetPolicy, *, whole: bool = True
) -> Iterator[ConfigWarning]:
    """Yield what ``observation`` shows of what the configuration names; ``whole`` says that nothing is missing in it."""
    match observation:
        case ConnectionsObservation():
            yield from _of_connections(target, observation, policy, whole=whole)
        case BookingsObservation():
            yield from _of_bookings(target, observation, policy)


def _of_connections(target: str, seen: ConnectionsObservation, policy: TargetPolicy, *, whole: bool) -> Iterator[ConfigWarning]:
    for key, kind, ids in (
        ("schedule_ids", WarningKind.UNKNOWN_SCHEDULE, seen.unknown_schedules),
        ("aliases", WarningKind.UNKNOWN_ALIAS, seen.unknown_aliases),
    ):
        if ids:
            message = f"{key} names {_number(ids, 'schedule')} that this site does not have, or without a calendar"
            yield ConfigWarning(kind, target, f"{message}: {first_few(ids)}", _REMOVE)
    if not whole:
        return
    if not seen.connections and not seen.others:
        message = "no connections: the site has none, or `schedule_ids` leaves all of them out"
        fix = "connect a calendar, correct `schedule_ids`, or switch the collector `connections` off"
        yield ConfigWarning(WarningKind.NO_CONNECTIONS, target, message, fix)
    labels = {label for row in seen.connections for label in (row.key, row.schedule)}
    if not seen.others and (unknown := sorted(policy.connections.keys() - labels)):
        message = f"accepted names {_number(unknown, 'connection')} unknown here: {first_few(unknown)}"
        yield ConfigWarning(WarningKind.UNKNOWN_ACCEPTED, target, message, _REMOVE)


def _of_bookings(target: str, seen: BookingsObservation, policy: TargetPolicy) -> Iterator[ConfigWarning]:
    if ids := seen.unknown_resources:
        message = f"the configuration names {_number(ids, 'resource')} that the account does not have: {first_few(ids)}"
        yield ConfigWarning(WarningKind.UNKNOWN_RESOURCE, target, message, _REMOVE)
    # Those of the last poll, as far as a reload since has not removed them.
    if over := [each for each in seen.unknown_accepted if each in policy.bookings]:
        message = f"accepted names {_number(over, 'booking')} in none of the windows: {first_few(over)}"
        yield ConfigWarning(WarningKind.UNKNOWN_ACCEPTED, target, message, "remove it if it is over, else correct it")


def _number(ids: Sequence[str], what: str) -> str:
    return f"{len(ids)} {what}" + ("s" if len(ids) > 1 else "")
