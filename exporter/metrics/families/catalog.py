"""All families in the order of the page, and which piece of a target's view each group of gauges is read from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import eq
from typing import Any, Final, Generic

from exporter.metrics.families import api, bookings, connections, freshness, links, policy, process, windows
from exporter.metrics.families.family import PREFIX, TARGET_LABELS, Family, Gauge, T
from exporter.model import BookingsObservation, ConnectionsObservation, LinksObservation
from exporter.state.snapshot import TargetView

#: Its labels besides ``target`` and ``platform`` are the configured ones, so they differ from target to target.
TARGET_INFO: Final = Family(
    PREFIX + "target_info",
    "gauge",
    "Always 1. Carries the labels configured for the target; join with: "
    "* on (job, instance, target, platform) group_left (...) booking_sync_target_info.",
    TARGET_LABELS,
)


@dataclass(frozen=True, slots=True)
class Group(Generic[T]):
    """Gauges that are read from the same piece of a target: they change together. No piece, no series.

    ``is_same`` tells of two pieces whether the gauges show the same of both: each poll brings a new piece, and mostly with no
    other numbers.
    """

    gauges: tuple[Gauge[T], ...]
    piece: Callable[[TargetView], T | None]
    is_same: Callable[[T, T], bool] = eq


def _connections(target: TargetView) -> ConnectionsObservation | None:
    return next(_observations(target, ConnectionsObservation), None)


def _bookings(target: TargetView) -> BookingsObservation | None:
    return next(_observations(target, BookingsObservation), None)


def _resources(target: TargetView) -> Mapping[str, str] | None:
    """Return what people call the resources that are counted one by one."""
    observation = _bookings(target)
    if observation is None:
        return None
    counted = {resource for row in observation.windows for resource in row.by_resource or ()}
    aliases = {resource: name for resource, name in target.policy.resource_aliases.items() if resource in counted}
    return {**observation.resource_names, **aliases}


def _links(target: TargetView) -> LinksObservation | None:
    return next(_observations(target, LinksObservation), None)


def _windowed(target: TargetView) -> windows.Windowed:
    return (*_observations(target, BookingsObservation), *_observations(target, LinksObservation))


def _standing(target: TargetView) -> policy.Standing:
    return policy.Standing(target.policy.paused is not None, target.closed if target.policy.closed else None)


def _accepted_connections(target: TargetView) -> policy.AcceptedConnections | None:
    seen = _connections(target) if target.policy.connections else None
    return None if seen is None else policy.AcceptedConnections(seen, target.policy.connections)


def _credential(target: TargetView) -> str | None:
    # Who is not asked uses none: a credential's share of failing targets is counted by this family.
    return target.policy.credential or None if target.policy.paused is None else None


def _observations(target: TargetView, kind: type[T]) -> Iterator[T]:
    for collector in target.collectors:
        if isinstance(collector.observation, kind):
            yield collector.observation


GROUPS: Final[tuple[Group[Any], ...]] = (
    Group(freshness.TIMES, lambda target: target.collectors),
    Group(freshness.OUTCOMES, lambda target: target.collectors, freshness.is_same_outcome),
    Group(freshness.SETTINGS, lambda target: target.collectors, freshness.are_same_settings),
    Group(policy.OF_TARGET, _standing),
    Group(connections.GAUGES, _connections, connections.is_same),
    Group(policy.OF_CONNECTIONS, _accepted_connections),
    Group(bookings.GAUGES, _bookings, bookings.is_same),
    Group(bookings.RESOURCES, _resources),
    Group(links.GAUGES, _links, links.is_same),
    Group(windows.GAUGES, _windowed),
    Group(api.CREDENTIAL, _credential),
    Group(api.GAUGES, lambda target: target.usage),
)

#: Counted while the exporter works, per target.
COUNTERS: Final[tuple[Family, ...]] = freshness.COUNTERS + bookings.COUNTERS + api.COUNTERS

#: Counted while the exporter works, for all targets of a platform together.
OF_PLATFORM: Final[tuple[Family, ...]] = api.OF_PLATFORM


@dataclass(frozen=True, slots=True)
class Topic:
    """A chapter of the page and of its reference."""

    title: str
    families: tuple[Family, ...]


TOPICS: Final[tuple[Topic, ...]] = (
    Topic("Targets and collectors", (TARGET_INFO, *policy.OF_TARGET, *freshness.GAUGES, *freshness.COUNTERS)),
    Topic("Calendar connections (Wix)", (*connections.GAUGES, *policy.OF_CONNECTIONS)),
    Topic("Bookings", (*bookings.GAUGES, *bookings.RESOURCES, *bookings.COUNTERS)),
    Topic("Links (Bitrix24)", links.GAUGES),
    Topic("Windows", windows.GAUGES),
    Topic("API traffic and budgets", (*api.CREDENTIAL, *api.GAUGES, *api.COUNTERS, *api.OF_PLATFORM)),
    Topic("The exporter itself", process.OURS),
    Topic("Process and Python", process.STANDARD),
)

#: Every family on the page, in its order.
FAMILIES: Final[tuple[Family, ...]] = tuple(family for topic in TOPICS for family in topic.families)
