"""What is watched less than the configuration makes believe, as far as polls have shown it.

What the configuration alone shows comes from :mod:`exporter.config.unwatched`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from exporter.booking_links import LinksObservation
from exporter.calendar_copies import CalendarCopies
from exporter.errors import Reason
from exporter.model import BookingsObservation, Connection, ConnectionsObservation, GoneConnection, Message, Observation
from exporter.open_slots import SlotsObservation, SlotsPart
from exporter.platforms.policy import expired_warning
from exporter.policy import ConfigWarning, TargetPolicy, WarningKind
from exporter.private_calendar import EventsObservation
from exporter.state.advice import for_failure
from exporter.state.snapshot import CollectorState, TargetView, View
from exporter.support.listing import first_names

_REMOVE: Final = Message("correct it, or remove it")


Warnings = tuple[ConfigWarning, ...]


class KeptWarnings:
    """What is known of the targets as they are shown: worked out once for each of them, and again when that changes."""

    def __init__(self) -> None:
        self._targets: tuple[TargetView, ...] = ()
        self._unwatched: Iterable[ConfigWarning] = ()
        self._found: tuple[Warnings, Warnings] = ((), ())
        self._by_target: dict[str, tuple[TargetView, Warnings]] = {}

    def judged_and_accepted(
        self, targets: tuple[TargetView, ...], unwatched: Iterable[ConfigWarning]
    ) -> tuple[Warnings, Warnings]:
        """Return the warnings, those first that are known without the polls: ``unwatched``, as far as the targets go."""
        if targets is not self._targets or unwatched is not self._unwatched:
            self._found = self._sorted(targets, unwatched)
            self._targets, self._unwatched = targets, unwatched
        return self._found

    def _sorted(self, targets: tuple[TargetView, ...], unwatched: Iterable[ConfigWarning]) -> tuple[Warnings, Warnings]:
        seen: list[ConfigWarning] = []
        for target in targets:
            kept = self._by_target.get(target.name)
            if kept is None or kept[0] is not target:
                kept = self._by_target[target.name] = (target, tuple(of_target(target)))
            seen += kept[1]
        judged: list[ConfigWarning] = []
        accepted: list[ConfigWarning] = []
        policies: Mapping[str, TargetPolicy] = {}
        for warning in (*unwatched, *seen):
            policies = policies or {target.name: target.policy for target in targets}
            if warning.target is None:
                judged.append(warning)
            elif (policy := policies.get(warning.target)) is not None:
                (accepted if warning.kind in policy.warnings else judged).append(warning)
        return tuple(judged), tuple(accepted)


def with_warnings(view: View, unwatched: Iterable[ConfigWarning] = (), kept: KeptWarnings | None = None) -> View:
    """Return ``view`` with its warnings; what a target accepts is apart."""
    judged, accepted = (kept or KeptWarnings()).judged_and_accepted(view.targets, unwatched)
    return replace(view, config_warnings=judged, accepted_warnings=accepted)


def of_target(target: TargetView) -> Iterator[ConfigWarning]:
    """Yield what the polls of ``target`` show, and what it accepts no longer; of one that is paused nothing."""
    if target.policy.paused is not None:
        return
    if (ended := expired_warning(target.name, target.policy)) is not None:
        yield ended
    for state in target.collectors:
        yield from _of_collector(state, target.policy)


def _of_collector(state: CollectorState, policy: TargetPolicy) -> Iterator[ConfigWarning]:
    failure = state.failure
    if failure is not None and failure.reason is Reason.PERMISSION:
        message = Message(
            "the credential lacks a permission that `%(collector)s` needs: %(message)s",
            collector=state.collector,
            message=failure.message,
        )
        fix = for_failure(state.platform, failure.reason, policy.sign_in).fix
        yield ConfigWarning(WarningKind.MISSING_RIGHT, state.target, message, fix)
    if state.observation is not None:
        yield from of_observation(state.target, state.observation, policy, whole=failure is None)


def of_observation(
    target: str, observation: Observation, policy: TargetPolicy, *, whole: bool = True
) -> Iterator[ConfigWarning]:
    """Yield what ``observation`` shows of what the configuration names; ``whole`` says that nothing is missing in it."""
    match observation:
        case ConnectionsObservation():
            yield from _of_connections(target, observation, policy, whole=whole)
        case EventsObservation(unheard=schedules) if schedules and whole:
            message = Message(
                "heartbeats names %(number)s schedule of which no calendar is imported: %(names)s",
                "heartbeats names %(number)s schedules of which no calendar is imported: %(names)s",
                number=len(schedules),
                names=first_names(schedules),
            )
            yield ConfigWarning(WarningKind.UNKNOWN_SCHEDULE, target, message, _REMOVE)
        case BookingsObservation():
            yield from _of_bookings(target, observation, policy)
        case SlotsObservation():
            yield from _of_slots(target, observation)
        case LinksObservation(copies=CalendarCopies(refused=str(refused))) if refused:
            message = Message(
                "the portal does not let the exporter compare bookings with their copies in the staff's calendar: %(message)s",
                message=refused,
            )
            fix = Message(
                "add the scope calendar to the webhook or application of an administrator, or write calendar: false for links"
            )
            yield ConfigWarning(WarningKind.CHECK_REFUSED, target, message, fix)


def _of_connections(target: str, seen: ConnectionsObservation, policy: TargetPolicy, *, whole: bool) -> Iterator[ConfigWarning]:
    for key, kind, ids in (
        ("schedule_ids", WarningKind.UNKNOWN_SCHEDULE, seen.unknown_schedules),
        ("aliases", WarningKind.UNKNOWN_ALIAS, seen.unknown_aliases),
    ):
        if ids:
            yield _without_calendar(target, key, kind, ids)
    if seen.probe_refused:
        message = Message(
            "the platform does not let the exporter probe the connections: %(message)s", message=seen.probe_refused
        )
        fix = Message(
            "give the credential the right CALENDAR.READ_OWN_EXTERNAL_CALENDAR_CONNECTIONS, write probe: false, or accept this "
            "warning with a reason"
        )
        yield ConfigWarning(WarningKind.CHECK_REFUSED, target, message, fix)
    if seen.staff_refused:
        message = Message("the platform does not let the exporter read the staff: %(message)s", message=seen.staff_refused)
        fix = Message(
            "give the credential the right BOOKINGS.STAFF_MEMBER_READ, write staff: false, or accept this warning with a reason"
        )
        yield ConfigWarning(WarningKind.CHECK_REFUSED, target, message, fix)
    if not whole:
        return
    if not seen.connections and not seen.others:
        message = Message("no connections: the site has none, or `schedule_ids` leaves all of them out")
        fix = Message("connect a calendar, correct `schedule_ids`, or switch the collector `connections` off")
        yield ConfigWarning(WarningKind.NO_CONNECTIONS, target, message, fix)
    # To accept one that has gone has an effect for the day in which that is judged.
    known: tuple[Connection | GoneConnection, ...] = (*seen.connections, *seen.others, *seen.gone)
    labels = {label for row in known for label in (row.key, row.schedule)}
    labels.update(member.schedule for member in (seen.staff.accepted if seen.staff else ()))
    if unknown := sorted(policy.connections.keys() - labels):
        message = Message(
            "accepted names %(number)s connection that this target does not have: %(names)s",
            "accepted names %(number)s connections that this target does not have: %(names)s",
            number=len(unknown),
            names=first_names(unknown),
        )
        yield ConfigWarning(WarningKind.UNKNOWN_ACCEPTED, target, message, _REMOVE)


def _without_calendar(target: str, key: str, kind: WarningKind, names: Sequence[str]) -> ConfigWarning:
    message = Message(
        "%(key)s names %(number)s schedule that this site does not have or that has no calendar: %(names)s",
        "%(key)s names %(number)s schedules that this site does not have or that have no calendar: %(names)s",
        number=len(names),
        key=key,
        names=first_names(names),
    )
    return ConfigWarning(kind, target, message, _REMOVE)


_NOT_TOLD: Final[Mapping[SlotsPart, tuple[str, str]]] = {
    SlotsPart.STAFF: (
        Message("the platform does not let the exporter read whom the bookable slots name: %(message)s"),
        Message(
            "give the credential the right BOOKINGS.STAFF_MEMBER_READ, or accept this warning with a reason: slots are counted "
            "then and compared with nothing"
        ),
    ),
    SlotsPart.EVENTS: (
        Message(
            "the platform does not let the exporter compare the bookable slots with private events: %(message)s",
        ),
        Message(
            "give the credential the rights CALENDAR.READ_EXTERNAL_CALENDAR_EVENTS and BOOKINGS.BOOKING_READ, or accept this "
            "warning with a reason: slots are counted then and compared with nothing"
        ),
    ),
}


def _of_slots(target: str, seen: SlotsObservation) -> Iterator[ConfigWarning]:
    for part, refusal in seen.refused.items():
        text, fix = _NOT_TOLD[part]
        yield ConfigWarning(WarningKind.CHECK_REFUSED, target, Message(text, message=refusal), fix)
    if names := seen.unknown_services:
        message = Message(
            "slots names %(number)s service that this site does not have or that takes no appointments: %(names)s",
            "slots names %(number)s services that this site does not have or that take no appointments: %(names)s",
            number=len(names),
            names=first_names(names),
        )
        fix = Message("copy the id of the service from `booking-sync-exporter list`, or remove it")
        yield ConfigWarning(WarningKind.UNKNOWN_SERVICE, target, message, fix)


def _of_bookings(target: str, seen: BookingsObservation, policy: TargetPolicy) -> Iterator[ConfigWarning]:
    if ids := seen.unknown_resources:
        message = Message(
            "the configuration names %(number)s resource that the account does not have: %(names)s",
            "the configuration names %(number)s resources that the account does not have: %(names)s",
            number=len(ids),
            names=first_names(ids),
        )
        yield ConfigWarning(WarningKind.UNKNOWN_RESOURCE, target, message, _REMOVE)
    if seen.marks_refused:
        message = Message(
            "the platform does not let the exporter count the bookings that it marks as double-booked: %(message)s",
            message=seen.marks_refused,
        )
        fix = Message(
            "give the credential the right Read Bookings - Including Participants, write platform_conflicts: false, or accept "
            "this warning with a reason"
        )
        yield ConfigWarning(WarningKind.CHECK_REFUSED, target, message, fix)
    # Those of the last poll, as far as a reload since has not removed them.
    if expired_warning := [each for each in seen.unknown_accepted if each in policy.bookings]:
        message = Message(
            "accepted names %(number)s booking that is in none of the windows: %(names)s",
            "accepted names %(number)s bookings that are in none of the windows: %(names)s",
            number=len(expired_warning),
            names=first_names(expired_warning),
        )
        fix = Message("remove the entry if the booking is over, otherwise correct the id")
        yield ConfigWarning(WarningKind.UNKNOWN_ACCEPTED, target, message, fix)
