"""The sample lines of one target by family, kept until what they show changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from exporter.metrics.exposition import encode, labels_text, samples, target_labels_text
from exporter.metrics.families.catalog import COUNTERS, GROUPS, TARGET_INFO, target_observations
from exporter.metrics.families.family import Family
from exporter.metrics.instruments import TargetInstruments
from exporter.state.snapshot import TargetView
from exporter.support.segments import Unit

_NOTHING: Final = b""


class Fragments:
    """The lines of one target, and what they were made from. ``on_change`` hears of each family whose lines are others now."""

    def __init__(self, target: TargetView) -> None:
        self.platform = target.platform
        self.by_family: dict[Family, bytes] = {}
        self.on_change: Callable[[Family], object] = _nobody
        self._labels = target_labels_text(target.name, target.platform)
        self._target: TargetView | None = None
        self._pieces: list[object] = [None] * len(GROUPS)
        self._info: object = None
        self._collectors: frozenset[str] = frozenset()
        self._instruments: TargetInstruments | None = None
        self._versions: dict[Family, int] = {}
        self._mark = -1  # of what is counted, as it was read last

    def shows(self, target: TargetView, instruments: TargetInstruments | None) -> bool:
        """Whether these are the lines of ``target`` and of its counters as they are; costs next to nothing."""
        if target is not self._target or instruments is not self._instruments:
            return False
        return instruments is None or instruments.counters.mark == self._mark

    def refresh(self, target: TargetView, instruments: TargetInstruments | None) -> None:
        """Make the lines anew whose source changed."""
        if target is not self._target:
            self._read(target)
        if instruments is not self._instruments:
            for family in COUNTERS:
                self._put(family, _NOTHING)
            self._count_anew()
            self._instruments = instruments
        if instruments is not None and instruments.counters.mark != self._mark:
            self._count(instruments)

    def _read(self, target: TargetView) -> None:
        if target.labels != self._info:
            labels = ",".join(filter(None, (self._labels, labels_text(target.labels))))
            self._put(TARGET_INFO, encode(f"{TARGET_INFO.name}{{{labels}}} 1.0\n"))
            self._info = target.labels
        seen = target_observations(target)
        for position, group in enumerate(GROUPS):
            piece, before = group.piece(seen), self._pieces[position]
            if piece is before:
                continue
            if piece is None or before is None:
                for gauge in group.gauges:
                    self._put(gauge, _NOTHING if piece is None else samples(gauge, self._labels, gauge.read(piece)))
            elif not group.is_same(before, piece):
                for gauge in group.gauges:
                    # Mostly a few gauges of a group differ, and to read the rows of both costs less than to write one's.
                    if (rows := list(gauge.read(piece))) != list(gauge.read(before)):
                        self._put(gauge, samples(gauge, self._labels, rows))
            # Last, so that a bug above shows with every page instead of leaving old lines on it.
            self._pieces[position] = piece
        collectors = frozenset([collector.collector for collector in target.collectors])
        if collectors != self._collectors:
            self._count_anew()
            self._collectors = collectors
        self._target = target

    def _count_anew(self) -> None:
        self._versions.clear()
        self._mark = -1

    def _count(self, instruments: TargetInstruments) -> None:
        # Marks and versions are read before rendering: an event in between makes the next page render again, never miss it.
        mark = instruments.counters.mark
        for family, version in instruments.counters.versions.items():
            if self._versions.get(family) != version:
                self._put(family, instruments.counters.render(family, self._collectors))
                self._versions[family] = version
        self._mark = mark

    def _put(self, family: Family, lines: bytes) -> None:
        if self.by_family.get(family, _NOTHING) != lines:
            self.by_family[family] = lines
            self.on_change(family)


class Chunk:
    """Some targets in a row: their lines of one family are a unit of the page."""

    def __init__(self, targets: list[Fragments]) -> None:
        self._targets = targets
        self._units: dict[Family, Unit] = {}

    def unit(self, family: Family) -> Unit:
        """Return the lines of ``family``, the very same object as long as they stay the same."""
        unit = self._units.get(family)
        if unit is None:
            unit = self._units[family] = tuple([lines for each in self._targets if (lines := each.by_family.get(family))])
        return unit

    def forget(self, family: Family) -> None:
        """Collect the lines of ``family`` anew when they are asked for next."""
        self._units.pop(family, None)


def _nobody(_: Family) -> None:
    pass
