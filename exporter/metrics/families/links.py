"""Families of the ``links`` collector: which bookings are tied to the CRM, and to what else (bitrix24.md 3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from exporter.booking_links import LinksObservation, WindowLinks
from exporter.metrics.families.family import Gauge, Row, alike, gauge


def _linked(observation: LinksObservation) -> Iterator[Row]:
    for counted in observation.windows:
        yield (counted.window.name,), counted.linked


def _unlinked(observation: LinksObservation) -> Iterator[Row]:
    for counted in observation.windows:
        yield (counted.window.name,), counted.unlinked


def _calendar_linked(observation: LinksObservation) -> Iterator[Row]:
    for counted in observation.windows:
        yield (counted.window.name,), counted.calendar_linked


def _unverified(observation: LinksObservation) -> Iterator[Row]:
    for counted in observation.windows:
        yield (counted.window.name,), counted.unverified


def _by_entity(observation: LinksObservation) -> Iterator[Row]:
    for counted in observation.windows:
        for (module, entity_type), number in counted.by_entity.items():
            yield (counted.window.name, module, entity_type), number


GAUGES: Final[tuple[Gauge[LinksObservation], ...]] = (
    gauge(
        "linked_bookings",
        "Bookings of the window that have at least one link to a CRM entity; links to calendar events and services do not "
        "count. Absent while there is no fresh data.",
        "window",
        read=_linked,
    ),
    gauge(
        "unlinked_bookings",
        "Bookings of the window that have no link to any CRM entity, whatever else they are linked to. Absent while there is "
        "no fresh data.",
        "window",
        read=_unlinked,
    ),
    gauge(
        "calendar_linked_bookings",
        "Bookings of the window that the portal has copied into the staff's calendar: their external data names a calendar "
        "event. Absent while there is no fresh data.",
        "window",
        read=_calendar_linked,
    ),
    gauge(
        "links",
        "Links of the window's bookings by module and entity type in lower case: CRM entities, calendar event, catalog sku; "
        "unknown ones are other. A booking can have several. CRM deals, calendar events and skus are shown at 0, too.",
        "window",
        "module",
        "entity_type",
        read=_by_entity,
    ),
    gauge(
        "links_unverified_bookings",
        "Bookings of the window whose links were last read longer ago than max_age: they are in none of the four above, so "
        "linked and unlinked add up to the bookings that were verified. 0 is good. Absent while there is no fresh data.",
        "window",
        read=_unverified,
    ),
)


def is_same(left: LinksObservation, right: LinksObservation) -> bool:
    """Return whether :data:`GAUGES` show the same of both, though windows have moved."""
    return alike(left.windows, right.windows, _window)


def _window(counted: WindowLinks) -> tuple[object, ...]:
    return counted.window.name, counted.answers, counted.unverified
