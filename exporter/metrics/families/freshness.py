"""Families of every collector: does it work, when did it last, how old may its data get, what failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Final

from exporter.metrics.families.family import Family, Gauge, Row, alike, counter, gauge, histogram
from exporter.model import BookingsObservation, CollectorName, ConnectionsObservation
from exporter.open_slots import SlotsObservation
from exporter.state.snapshot import CollectorState

Collectors = tuple[CollectorState, ...]


def _each(value: Callable[[CollectorState], float | None]) -> Callable[[Collectors], Iterator[Row]]:
    """Read one number of each collector; no number, no series."""

    def read(collectors: Collectors) -> Iterator[Row]:
        for collector in collectors:
            if (number := value(collector)) is not None:
                yield (collector.collector,), number

    return read


def _dropped(collector: CollectorState) -> float | None:
    match collector.observation:
        case ConnectionsObservation() as observation:
            return observation.dropped_connections + observation.dropped_providers
        case BookingsObservation() as observation if any(counted.by_resource is not None for counted in observation.windows):
            return observation.dropped_resources
        case SlotsObservation(dropped_schedules=dropped):
            return dropped
        case _:
            # Of what is not shown one by one nothing is left out.
            return 0 if collector.collector is CollectorName.CONNECTIONS else None


def _failing(collectors: Collectors) -> Iterator[Row]:
    for collector in collectors:
        if collector.failure is not None:
            yield (collector.collector, collector.failure.reason), 1


UP: Final = gauge(
    "collector_up",
    "1 if the last finished poll succeeded completely, else 0; 0 before the first poll ends and after a partial success.",
    "collector",
    read=_each(lambda collector: collector.up),
)

OUTCOMES: Final[tuple[Gauge[Collectors], ...]] = (
    UP,
    gauge(
        "collector_failing",
        "Always 1. The label reason says why the last finished poll did not succeed completely. Absent while collector_up is "
        "1, and before the first poll ends.",
        "collector",
        "reason",
        read=_failing,
    ),
    gauge(
        "collector_data_expired",
        "1 if the last good data is older than max_age and its series were withdrawn, else 0.",
        "collector",
        read=_each(lambda collector: collector.expired),
    ),
    gauge(
        "collector_series_dropped",
        "Connections, providers or resources that have no series of their own because there are too many; sums still include "
        "them. Absent for collectors that have no such series.",
        "collector",
        read=_each(_dropped),
    ),
)

SETTINGS: Final[tuple[Gauge[Collectors], ...]] = (
    gauge(
        "collector_interval_seconds",
        "Configured time between two polls in seconds.",
        "collector",
        read=_each(lambda collector: collector.interval),
    ),
    gauge(
        "collector_max_age_seconds",
        "Configured age in seconds after which the collector's data is withdrawn.",
        "collector",
        read=_each(lambda collector: collector.max_age),
    ),
)

TIMES: Final[tuple[Gauge[Collectors], ...]] = (
    gauge(
        "collector_last_success_timestamp_seconds",
        "Unix time in seconds of the last completely successful poll, 0 before the first one.",
        "collector",
        read=_each(lambda collector: collector.last_success or 0.0),  # known at start, so there at start
    ),
    gauge(
        "collector_next_poll_timestamp_seconds",
        "Unix time in seconds at which the next poll is due, back-off included. Absent while it is not scheduled.",
        "collector",
        read=_each(lambda collector: collector.next_poll),
    ),
)

GAUGES: Final = (*OUTCOMES[:2], *SETTINGS, *TIMES, *OUTCOMES[2:])


def is_same_outcome(left: Collectors, right: Collectors) -> bool:
    """Return whether :data:`OUTCOMES` show the same of both, though times have passed."""
    return alike(left, right, _outcome)


def are_same_settings(left: Collectors, right: Collectors) -> bool:
    """Return whether :data:`SETTINGS` show the same of both."""
    return alike(left, right, _settings)


_settings: Final = attrgetter("collector", "interval", "max_age")


def _outcome(state: CollectorState) -> tuple[object, ...]:
    return state.collector, state.up, state.failure and state.failure.reason, state.expired, _dropped(state)


POLLS: Final = counter("collector_polls_total", "Finished polls, failed ones included.", "collector")
FAILURES: Final = counter(
    "collector_failures_total",
    "Polls that did not succeed completely, by reason. A partial success counts here, too.",
    "collector",
    "reason",
)
DURATION: Final = histogram(
    "collector_poll_duration_seconds",
    "Duration of finished polls in seconds, waiting for rate limits included.",
    "collector",
    buckets=(60.0,),
)
MALFORMED: Final = counter(
    "malformed_rows_total", "Rows of API answers that were skipped because they were malformed.", "collector"
)
UNRECOGNIZED: Final = counter(
    "unrecognized_values_total",
    "Values in API answers that this version does not know, by field; they are shown as unknown or other.",
    "collector",
    "field",
)

COUNTERS: Final[tuple[Family, ...]] = (POLLS, FAILURES, DURATION, MALFORMED, UNRECOGNIZED)
