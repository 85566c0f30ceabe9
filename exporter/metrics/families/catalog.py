"""All families in the order of the page, and which piece of a target's view each group of gauges is read from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import eq
from typing import Any, Final, Generic, NamedTuple

import msgspec

from exporter.booking_links import LinksObservation
from exporter.calendar_busy import BusyObservation
from exporter.metrics.families import (
    api,
    bookings,
    busy,
    connections,
    copies,
    events,
    freshness,
    links,
    policy,
    process,
    proof,
    slots,
    windows,
)
from exporter.metrics.families.family import PREFIX, TARGET_LABELS, Family, Gauge, T
from exporter.model import BookingsObservation, ConnectionsObservation
from exporter.open_slots import SlotsObservation
from exporter.private_calendar import EventsObservation
from exporter.state.snapshot import TargetView

#: Its labels besides ``target`` and ``platform`` are the configured ones, so they differ from target to target.
TARGET_INFO: Final = Family(
    PREFIX + "target_info",
    "gauge",
    "Always 1. Carries the labels configured for the target; join with: "
    "* on (job, instance, target, platform) group_left (...) booking_sync_target_info.",
    TARGET_LABELS,
)


class TargetObservations(NamedTuple):
    """A target, and what its collectors observed; ``None`` where there is no fresh data."""

    target: TargetView
    connections: ConnectionsObservation | None
    bookings: BookingsObservation | None
    links: LinksObservation | None
    events: EventsObservation | None
    slots: SlotsObservation | None
    busy: BusyObservation | None


def target_observations(target: TargetView) -> TargetObservations:
    """Return ``target`` with its observations apart."""
    connections: ConnectionsObservation | None = None
    bookings: BookingsObservation | None = None
    links: LinksObservation | None = None
    events: EventsObservation | None = None
    offered: SlotsObservation | None = None
    calendar: BusyObservation | None = None
    for state in target.collectors:
        match state.observation:
            case ConnectionsObservation() as seen:
                connections = seen
            case BookingsObservation() as counted:
                bookings = counted
            case LinksObservation() as linked:
                links = linked
            case EventsObservation() as looked:
                events = looked
            case SlotsObservation() as offers:
                offered = offers
            case BusyObservation() as taken:
                calendar = taken
    return TargetObservations(target, connections, bookings, links, events, offered, calendar)


@dataclass(frozen=True, slots=True)
class GaugeGroup(Generic[T]):
    """Gauges that are read from the same piece of a target: they change together. No piece, no series.

    ``is_same`` tells of two pieces whether the gauges show the same of both: each poll brings a new piece, and mostly with no
    other numbers.
    """

    gauges: tuple[Gauge[T], ...]
    piece: Callable[[TargetObservations], T | None]
    is_same: Callable[[T, T], bool] = eq


def _resources(seen: TargetObservations) -> Mapping[str, str] | None:
    """Return what people call the resources that are counted one by one."""
    observation, aliases = seen.bookings, seen.target.policy.resource_aliases
    if observation is None or not aliases:
        return None if observation is None else observation.resource_names
    counted = {resource for row in observation.windows for resource in row.by_resource or ()}
    return {**observation.resource_names, **{resource: name for resource, name in aliases.items() if resource in counted}}


def _windowed(seen: TargetObservations) -> windows.Windowed:
    return tuple(filter(None, (seen.bookings, seen.links, seen.events, seen.busy)))


def _standing(seen: TargetObservations) -> policy.Standing:
    target = seen.target
    return policy.Standing(target.policy.paused is not None, target.closed if target.policy.closed else None)


def _accepted_connections(seen: TargetObservations) -> policy.AcceptedConnections | None:
    accepted = seen.target.policy.connections
    return policy.AcceptedConnections(seen.connections, accepted) if accepted and seen.connections is not None else None


def _credential(seen: TargetObservations) -> str | None:
    # Who is not asked uses none: a credential's share of failing targets is counted by this family.
    return seen.target.policy.credential or None if seen.target.policy.paused is None else None


GROUPS: Final[tuple[GaugeGroup[Any], ...]] = (
    GaugeGroup(freshness.TIMES, lambda seen: seen.target.collectors),
    GaugeGroup(freshness.OUTCOMES, lambda seen: seen.target.collectors, freshness.is_same_outcome),
    GaugeGroup(freshness.SETTINGS, lambda seen: seen.target.collectors, freshness.are_same_settings),
    GaugeGroup(policy.OF_TARGET, _standing),
    GaugeGroup(connections.GAUGES, lambda seen: seen.connections, connections.is_same),
    GaugeGroup(policy.OF_CONNECTIONS, _accepted_connections),
    GaugeGroup(bookings.GAUGES, lambda seen: seen.bookings, bookings.is_same),
    GaugeGroup(bookings.RESOURCES, _resources),
    GaugeGroup(links.GAUGES, lambda seen: seen.links, links.is_same),
    GaugeGroup(events.GAUGES, lambda seen: seen.events, events.is_same),
    GaugeGroup(slots.GAUGES, lambda seen: seen.slots, slots.is_same),
    GaugeGroup(busy.GAUGES, lambda seen: seen.busy, busy.is_same),
    GaugeGroup(copies.GAUGES, lambda seen: None if seen.links is None else seen.links.copies, copies.is_same),
    GaugeGroup(proof.GAUGES, lambda seen: seen.target.pairs or None, proof.is_same),
    GaugeGroup(windows.GAUGES, _windowed),
    GaugeGroup(api.CREDENTIAL, _credential),
    GaugeGroup(api.GAUGES, lambda seen: seen.target.usage),
)

#: Counted while the exporter works, per target.
COUNTERS: Final[tuple[Family, ...]] = freshness.COUNTERS + bookings.COUNTERS + proof.COUNTERS + api.COUNTERS

#: Counted while the exporter works, for all targets of a platform together.
OF_PLATFORM: Final[tuple[Family, ...]] = api.OF_PLATFORM


class Topic(msgspec.Struct, frozen=True):
    """A chapter of the page and of its reference."""

    title: str
    families: tuple[Family, ...]


TOPICS: Final[tuple[Topic, ...]] = (
    Topic("Targets and collectors", (TARGET_INFO, *policy.OF_TARGET, *freshness.GAUGES, *freshness.COUNTERS)),
    Topic("Calendar connections (Wix)", (*connections.GAUGES, *policy.OF_CONNECTIONS)),
    Topic("Bookings", (*bookings.GAUGES, *bookings.RESOURCES, *bookings.COUNTERS)),
    Topic("Links (Bitrix24)", links.GAUGES),
    Topic("Private calendars (Wix)", events.GAUGES),
    Topic("Bookable slots (Wix)", slots.GAUGES),
    Topic("Owners' own calendars", busy.GAUGES),
    Topic("Copies in the staff's calendar (Bitrix24)", copies.GAUGES),
    Topic("Proofs that bookings are in their owner's calendar", (*proof.GAUGES, *proof.COUNTERS)),
    Topic("Windows", windows.GAUGES),
    Topic("API traffic and budgets", (*api.CREDENTIAL, *api.GAUGES, *api.COUNTERS, *api.OF_PLATFORM)),
    Topic("The exporter itself", process.OURS),
    Topic("Process and Python", process.STANDARD),
)

#: Every family on the page, in its order.
FAMILIES: Final[tuple[Family, ...]] = tuple(family for topic in TOPICS for family in topic.families)
