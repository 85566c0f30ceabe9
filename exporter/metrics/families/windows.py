"""Families of the time windows that ``bookings``, ``links``, ``events`` and ``busy`` counted over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from exporter.booking_links import LinksObservation, WindowLinks
from exporter.calendar_busy import BusyObservation, BusyWindow
from exporter.metrics.families.family import Gauge, Row, gauge
from exporter.model import BookingsObservation, CollectorName, WindowBookings
from exporter.private_calendar import EventsObservation, WindowEvents

Windowed = tuple[BookingsObservation | LinksObservation | EventsObservation | BusyObservation, ...]
Counted = WindowBookings | WindowLinks | WindowEvents | BusyWindow

_COLLECTORS: Final[Mapping[type, CollectorName]] = {
    BookingsObservation: CollectorName.BOOKINGS,
    LinksObservation: CollectorName.LINKS,
    EventsObservation: CollectorName.EVENTS,
    BusyObservation: CollectorName.BUSY,
}


def _each(value: Callable[[Counted], float]) -> Callable[[Windowed], Iterator[Row]]:
    def read(observations: Windowed) -> Iterator[Row]:
        for observation in observations:
            collector = _COLLECTORS[type(observation)]
            for counted in observation.windows:
                yield (collector, counted.window.name), value(counted)

    return read


GAUGES: Final[tuple[Gauge[Windowed], ...]] = (
    gauge(
        "window_start_timestamp_seconds",
        "Unix time in seconds at which the last counted window begins, inclusive. Absent while there is no fresh data.",
        "collector",
        "window",
        read=_each(lambda counted: counted.window.start),
    ),
    gauge(
        "window_end_timestamp_seconds",
        "Unix time in seconds at which the last counted window ends, exclusive. Absent while there is no fresh data.",
        "collector",
        "window",
        read=_each(lambda counted: counted.window.end),
    ),
    gauge(
        "window_complete",
        "1 if everything in the window was read, 0 if its numbers are a lower bound. Absent while there is no fresh data.",
        "collector",
        "window",
        read=_each(lambda counted: counted.complete),
    ),
)
