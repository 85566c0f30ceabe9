"""Numbers that are added up while the exporter works, as the page shows them: counters and histograms with common labels.

They are kept in plain numbers of our own: with prometheus-client's objects 3,000 targets took 215 MB and 17 s a scrape
(docs/decisions/0060).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from itertools import count
from threading import Lock

from exporter.metrics.exposition import distribution, samples
from exporter.metrics.families.family import Family, Histogram


class ChangeMark:
    """A mark that is another one after each change, whichever threads make them: no mark comes twice."""

    def __init__(self) -> None:
        self._marks = count(1)
        self.mark = 0

    def note(self) -> None:
        """Tell that something has changed."""
        self.mark = next(self._marks)


class Counters:
    """The series of ``families`` that share the labels ``labels``, as they stand between braces. Safe in all threads.

    Each change is noted in ``changes``, which others may share.
    """

    def __init__(self, labels: str, families: Iterable[Family], changes: ChangeMark) -> None:
        self._labels = labels
        self._lock = Lock()
        self._counts: dict[Family, dict[tuple[str, ...], float]] = {family: {} for family in families}
        # Per series the number of observations in each bucket (not cumulative), those above all, and their sum.
        self._distributions: dict[Family, dict[tuple[str, ...], list[float]]] = {family: {} for family in self._counts}
        self._versions = dict.fromkeys(self._counts, 0)
        self._changes = changes
        self.mark = 0
        """Another one after each change of these series."""

    def add(self, family: Family, labels: tuple[str, ...], number: float) -> None:
        """Add ``number`` to the series with these own ``labels``; with 0 it exists from now on."""
        with self._lock:
            series = self._counts[family]
            series[labels] = series.get(labels, 0) + number
            self._changed(family)

    def observe(self, family: Histogram, labels: tuple[str, ...], value: float | None) -> None:
        """Count ``value`` in the distribution with these own ``labels``; with ``None`` it exists from now on."""
        with self._lock:
            series = self._distributions[family]
            numbers = series.get(labels)
            if numbers is None:
                numbers = series[labels] = [0] * (len(family.buckets) + 2)
            if value is not None:
                numbers[bisect_left(family.buckets, value)] += 1
                numbers[-1] += value
            self._changed(family)

    def forget(self, family: Family, labels: tuple[str, ...]) -> None:
        """Let the series of ``family`` with these own ``labels`` be gone."""
        with self._lock:
            self._counts[family].pop(labels, None)
            self._distributions[family].pop(labels, None)
            self._changed(family)

    def _changed(self, family: Family) -> None:
        self._versions[family] += 1
        self.mark += 1
        self._changes.note()  # last: whoever hears of a change has to find it

    def count(self, family: Family) -> float:
        """Return the number of the series of ``family`` that has no labels of its own."""
        return self._counts[family].get((), 0)

    @property
    def versions(self) -> Mapping[Family, int]:
        """By family a number that changes whenever one of its series does."""
        return self._versions

    def render(self, family: Family, collectors: frozenset[str] | None = None) -> bytes:
        """Return the sample lines of ``family``, without those of a collector that is not one of ``collectors``, if given."""
        with self._lock:
            counts = list(self._counts[family].items())
            distributions = [(labels, tuple(numbers)) for labels, numbers in self._distributions[family].items()]
        if collectors is not None and "collector" in family.labels:
            counts = [row for row in counts if row[0][0] in collectors]
            distributions = [row for row in distributions if row[0][0] in collectors]
        if isinstance(family, Histogram):
            return b"".join(
                [distribution(family, self._labels, labels, numbers[:-1], numbers[-1]) for labels, numbers in distributions]
            )
        return samples(family, self._labels, counts)
