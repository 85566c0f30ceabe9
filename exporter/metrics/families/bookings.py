"""Families of the ``bookings`` collector: how many bookings start in each window, and whether they collide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from exporter.metrics.families.family import Family, Gauge, Row, alike, all_but, counter, gauge
from exporter.model import BookingsObservation, WindowBookings


def _bookings(observation: BookingsObservation) -> Iterator[Row]:
    for counted in observation.windows:
        yield (counted.window.name,), counted.bookings


def _by_status(observation: BookingsObservation) -> Iterator[Row]:
    for counted in observation.windows:
        for status, number in (counted.by_status or {}).items():
            yield (counted.window.name, status), number


def _by_resource(observation: BookingsObservation) -> Iterator[Row]:
    for counted in observation.windows:
        for resource, number in (counted.by_resource or {}).items():
            yield (counted.window.name, resource), number


def _resources(names: Mapping[str, str]) -> Iterator[Row]:
    for resource, name in names.items():
        yield (resource, name), 1


def _conflicting(observation: BookingsObservation) -> Iterator[Row]:
    for counted in observation.windows:
        if counted.conflicting is not None:
            yield (counted.window.name,), counted.conflicting


def _accepted(observation: BookingsObservation) -> Iterator[Row]:
    for counted in observation.windows:
        if counted.accepted is not None:
            yield (counted.window.name,), counted.accepted


def _platform_conflicting(observation: BookingsObservation) -> Iterator[Row]:
    for window, bookings in observation.platform_conflicts.items():
        yield (window,), bookings


def _next_conflict(observation: BookingsObservation) -> Iterator[Row]:
    if observation.next_conflict is not None:
        yield (), observation.next_conflict


def _next(observation: BookingsObservation) -> Iterator[Row]:
    if observation.next_booking is not None:
        yield (), observation.next_booking


GAUGES: Final[tuple[Gauge[BookingsObservation], ...]] = (
    gauge(
        "bookings",
        "Bookings that start in the window (Wix: of the configured statuses). Absent while there is no fresh data, never 0.",
        "window",
        read=_bookings,
    ),
    gauge(
        "bookings_by_status",
        "Bookings that start in the window, by status in lower case. Only Wix: Bitrix24's API returns no status.",
        "window",
        "status",
        read=_by_status,
    ),
    gauge(
        "resource_bookings",
        "Bookings that start in the window, by resource id; resource_info has the name. Only with per_resource: true.",
        "window",
        "resource",
        read=_by_resource,
    ),
    gauge(
        "conflicting_bookings",
        "Bookings of the window that overlap another one on a resource that serves one at a time. Only with conflicts: true.",
        "window",
        read=_conflicting,
    ),
    gauge(
        "accepted_conflicting_bookings",
        "Bookings of conflicting_bookings whose overlaps are all accepted in the configuration, as of the last poll. The "
        "others need attention.",
        "window",
        read=_accepted,
    ),
    gauge(
        "platform_conflicting_bookings",
        "Bookings that Wix itself marks as double-booked, starting within 24 hours (next_24h) and 7 days (next_7d) from now. "
        "Absent with platform_conflicts: false, and when Wix refuses to count them.",
        "window",
        read=_platform_conflicting,
    ),
    gauge(
        "next_conflict_timestamp_seconds",
        "Unix time in seconds at which the next overlap that is not accepted begins, or began if it still lasts. As of the "
        "last poll. Absent when the windows have none, or conflicts is false.",
        read=_next_conflict,
    ),
    gauge(
        "next_booking_timestamp_seconds",
        "Unix time in seconds at which the next booking starts, as of the last poll. Absent when none lies ahead or bookings "
        "are only counted, not read.",
        read=_next,
    ),
)


def is_same(left: BookingsObservation, right: BookingsObservation) -> bool:
    """Return whether :data:`GAUGES` show the same of both, though windows have moved."""
    return alike(left.windows, right.windows, _window) and _observation(left) == _observation(right)


_numbers: Final = all_but(WindowBookings, "window", "complete")
_observation: Final = all_but(BookingsObservation, "at", "windows", "conflicts")


def _window(counted: WindowBookings) -> tuple[object, ...]:
    return counted.window.name, _numbers(counted)


RESOURCES: Final[tuple[Gauge[Mapping[str, str]], ...]] = (
    gauge(
        "resource_info",
        "Always 1. Ties a resource id to its alias, else to its name on the platform. Only with per_resource: true.",
        "resource",
        "name",
        read=_resources,
    ),
)

DISCOVERED: Final = counter(
    "bookings_discovered_total",
    "Booking ids seen for the first time; those of the first poll after a start do not count. Absent where bookings are "
    "only counted, not read.",
)
VANISHED: Final = counter(
    "bookings_vanished_total",
    "Booking ids that are gone although their start still lay ahead: cancelled, deleted or (Wix) moved out of the windows. "
    "Absent where bookings are only counted, not read.",
)

COUNTERS: Final[tuple[Family, ...]] = (DISCOVERED, VANISHED)
