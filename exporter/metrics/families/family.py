"""What a metric family is: data, declared once, read by the page, the reference in the docs and the dashboards' checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter, eq
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar

import msgspec

T = TypeVar("T")

#: One sample: the values of the labels after ``target`` and ``platform``, and the number.
Row: TypeAlias = tuple[tuple[str, ...], float]

PREFIX: Final = "booking_sync_"
TARGET_LABELS: Final = ("target", "platform")
PLATFORM_LABELS: Final = ("platform",)
PAIR_LABELS: Final = ("pair",)


# Compared and hashed by identity: a family is declared once, and the page looks it up thousands of times a scrape.
@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """One metric family: its full name as it stands on a sample line, and all its label names.

    ``help`` speaks to people: what it is, its unit, and when its series are absent. A family with ``target`` among its
    labels is counted per target. ``own_labels`` are those after the ones that all series of a target, or of a platform, begin
    with; those of a pair are all its own.
    """

    name: str
    type: Literal["gauge", "counter", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    own_labels: tuple[str, ...] = field(init=False)
    shares_labels: bool = field(init=False)

    def __post_init__(self) -> None:
        for shared in (TARGET_LABELS, PLATFORM_LABELS, ()):
            if self.labels[: len(shared)] == shared:
                object.__setattr__(self, "own_labels", self.labels[len(shared) :])
                object.__setattr__(self, "shares_labels", bool(shared))
                return


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


def gauge_of_pair(name: str, help: str, *labels: str, read: Callable[[T], Iterable[Row]]) -> Gauge[T]:  # noqa: A002  the format's word
    """Declare a gauge per pair, which is no target's alone; ``labels`` are those besides ``pair``."""
    return Gauge(PREFIX + name, "gauge", help, PAIR_LABELS + labels, read=read)


def histogram_of_pair(name: str, help: str, *labels: str, buckets: tuple[float, ...]) -> Histogram:  # noqa: A002  the format's word
    """Declare a histogram per pair; ``buckets`` are upper bounds, in the unit that the name ends with."""
    return Histogram(PREFIX + name, "histogram", help, PAIR_LABELS + labels, buckets=buckets)


def counter(name: str, help: str, *labels: str) -> Family:  # noqa: A002  the format's word
    """Declare a counter per target; ``name`` ends in ``_total``."""
    return Family(PREFIX + name, "counter", help, TARGET_LABELS + labels)


def histogram(name: str, help: str, *labels: str, buckets: tuple[float, ...]) -> Histogram:  # noqa: A002  the format's word
    """Declare a histogram per target.

    ``buckets`` are upper bounds, in the unit that the name ends with.
    """
    return Histogram(PREFIX + name, "histogram", help, TARGET_LABELS + labels, buckets=buckets)


def counter_of_platform(name: str, help: str, *labels: str) -> Family:  # noqa: A002  the format's word
    """Declare a counter per platform; ``name`` ends in ``_total``."""
    return Family(PREFIX + name, "counter", help, PLATFORM_LABELS + labels)


def histogram_of_platform(name: str, help: str, *labels: str, buckets: tuple[float, ...]) -> Histogram:  # noqa: A002  the format's word
    """Declare a histogram per platform.

    ``buckets`` are upper bounds, in the unit that the name ends with.
    """
    return Histogram(PREFIX + name, "histogram", help, PLATFORM_LABELS + labels, buckets=buckets)


def alike(left: Sequence[T], right: Sequence[T], shown: Callable[[T], object]) -> bool:
    """Return whether what is ``shown`` of each is equal."""
    return len(left) == len(right) and all(map(eq, map(shown, left), map(shown, right)))


def all_but(kind: type[msgspec.Struct], *left_out: str) -> Callable[[Any], object]:
    """Return what reads all fields of a value of ``kind`` but those ``left_out``, so that a new one counts from the start."""
    return attrgetter(*(name for name in kind.__struct_fields__ if name not in left_out))
