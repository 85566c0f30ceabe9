"""What a metric family is: data, declared once, read by the page, the reference in the docs and the dashboards' checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Generic, Literal, TypeAlias, TypeVar

T = TypeVar("T")

#: One sample: the values of the labels after ``target`` and ``platform``, and the number.
Row: TypeAlias = tuple[tuple[str, ...], float]

PREFIX: Final = "booking_sync_"
TARGET_LABELS: Final = ("target", "platform")
PLATFORM_LABELS: Final = ("platform",)


# Compared and hashed by identity: a family is declared once, and the page looks it up thousands of times a scrape.
@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """One metric family: its full name as it stands on a sample line, and all its label names.

    ``help`` speaks to people: what it is, its unit, and when its series are absent. A family with ``target`` among its
    labels is counted per target; the labels after ``target`` and ``platform`` are its own.
    """

    name: str
    type: Literal["gauge", "counter", "histogram"]
    help: str
    labels: tuple[str, ...] = ()

    @property
    def own_labels(self) -> tuple[str, ...]:
        """The label names without those that all series of a target, or of a platform, begin with."""
        for shared in (TARGET_LABELS, PLATFORM_LABELS):
            if self.labels[: len(shared)] == shared:
                return self.labels[len(shared) :]
        return self.labels


@dataclass(frozen=True, slots=True, eq=False)
class Gauge(Family, Generic[T]):
    """A family whose rows are read from a piece of the view, anew at each change of that piece."""

    read: Callable[[T], Iterable[Row]] = field(kw_only=True)


@dataclass(frozen=True, slots=True, eq=False)
class Histogram(Family):
    """A family of distributions; ``buckets`` are the upper bounds, without ``+Inf``."""

    buckets: tuple[float, ...] = field(kw_only=True)


def gauge(name: str, help: str, *labels: str, read: Callable[[T], Iterable[Row]]) -> Gauge[T]:  # noqa: A002  the format's word
    """Declare a gauge per target; ``labels`` are those besides ``target`` and ``platform``."""
    return Gauge(PREFIX + name, "gauge", help, TARGET_LABELS + labels, read=read)


def counter(name: str, help: str, *labels: str) -> Family:  # noqa: A002  the format's word
    """Declare a counter per target; ``name`` ends in ``_total``."""
    return Family(PREFIX + name, "counter", help, TARGET_LABELS + labels)


def histogram(name: str, help: str, *labels: str, buckets: tuple[float, ...]) -> Histogram:  # noqa: A002  the format's word
    """Declare a histogram per target."""
    return Histogram(PREFIX + name, "histogram", help, TARGET_LABELS + labels, buckets=buckets)


def counter_of_platform(name: str, help: str, *labels: str) -> Family:  # noqa: A002  the format's word
    """Declare a counter per platform; ``name`` ends in ``_total``."""
    return Family(PREFIX + name, "counter", help, PLATFORM_LABELS + labels)


def histogram_of_platform(name: str, help: str, *labels: str, buckets: tuple[float, ...]) -> Histogram:  # noqa: A002  the format's word
    """Declare a histogram per platform."""
    return Histogram(PREFIX + name, "histogram", help, PLATFORM_LABELS + labels, buckets=buckets)
