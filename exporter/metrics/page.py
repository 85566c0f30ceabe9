"""The metrics page: what a scrape gets, put together from segments that are kept, compressed, until what they show changes.

Observations are immutable, so the lines of a target are good as long as the view holds the same ones. A scrape of thousands of
targets therefore renders what was polled since the last one, and compresses the segments in which that stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from threading import Lock
from typing import Final

import msgspec
from msgspec.structs import replace

from exporter.metrics.exposition import Format, encode, header, labels_text, number_text, written
from exporter.metrics.families import process
from exporter.metrics.families.catalog import FAMILIES, OF_PLATFORM
from exporter.metrics.families.family import Family
from exporter.metrics.fragments import Chunk, Fragments
from exporter.metrics.instruments import Instruments
from exporter.metrics.layout import Layout
from exporter.policy import WarningKind
from exporter.state.snapshot import TargetView, View
from exporter.support.segments import SIZE, MadePage, Segments, Unit, borders, cut, cut_again

_EOF: Final = b"# EOF\n"
_NOT_ASKED_SECONDS: Final = 120.0  # then what is kept of a format goes: it holds lines that have changed since
_CHUNK: Final = 16  # targets: fewer are more to look through at each change, more are more to collect anew
_OF_PROCESS: Final = frozenset((*process.OURS, *process.STANDARD))
_WITH_TARGETS: Final = tuple(family for family in FAMILIES if family not in _OF_PROCESS)


class _Whole(msgspec.Struct, frozen=True):
    """The segments of all targets in one format, and what they were made of."""

    asked_at: float
    version: int
    of_platforms: Mapping[Family, Unit]
    layout: Layout
    units: list[Unit]
    borders: Sequence[int]
    size_when_cut: int
    segments: Segments

    def shows(self, version: int, of_platforms: Mapping[Family, Unit]) -> bool:
        """Whether this is still the page."""
        return self.version == version and self.of_platforms == of_platforms


class MetricsPage:
    """Makes pages of views. Its methods are synchronous and may be called in any thread.

    Lines of one family and ``chunk`` targets are a unit, and units in a row of at least ``segment`` bytes a segment.
    """

    def __init__(self, instruments: Instruments, *, chunk: int = _CHUNK, segment: int = SIZE) -> None:
        self._chunk_size = chunk
        self._segment_size = segment
        self._instruments = instruments
        self._fragments: dict[str, Fragments] = {}
        self._targets: Sequence[TargetView] | None = None  # as they were refreshed last, all of them
        self._seen: object = None
        self._order: list[Fragments] = []
        self._layout = Layout(_WITH_TARGETS, ())
        self._version = 0  # changes with every line of a target
        self._touched: dict[tuple[Family, int], int] = {}  # families of chunks, and with which version
        self._wholes: dict[Format, _Whole] = {}
        self._platforms: dict[Family, tuple[object, Unit]] = {}
        self._lock = Lock()

    def render(self, view: View, format: Format, targets: frozenset[str] | None = None) -> bytes:  # noqa: A002  its own word
        """Return the text of :meth:`make` in one."""
        return bytes(self.make(view, format, targets))

    def make(self, view: View, format: Format, targets: frozenset[str] | None = None) -> MadePage:  # noqa: A002  its own word
        """Return the page in ``format``, narrowed to the named ``targets`` unless ``None``. Families of no target stay."""
        with self._lock:
            of_platforms = self._of_platforms()
            if targets is None:
                self._arrange(view.targets)
                segments = self._whole(format, of_platforms, view.at)
            else:
                shown = [target for target in view.targets if target.name in targets]
                segments = self._part(shown, format, of_platforms)
        return self._with_process(segments, view, format)

    def kept(self, view: View, format: Format) -> MadePage | None:  # noqa: A002  its own word
        """Return what :meth:`make` does if no line of a target has changed since. Waits for nobody and takes a millisecond."""
        if not self._lock.acquire(blocking=False):
            return None
        try:
            whole = self._wholes.get(format)
            if whole is None or not self._is_current(view.targets) or not whole.shows(self._version, self._of_platforms()):
                return None
            self._wholes[format] = replace(whole, asked_at=view.at)
        finally:
            self._lock.release()
        return self._with_process(whole.segments, view, format)

    def make_part(self, view: View, format: Format, targets: frozenset[str] | None = None) -> MadePage:  # noqa: A002  its own word
        """Return the page of a ``view`` that shows some of the targets to who may know of no others.

        What the process counts tells of all of them: how many there are, what they cost, when one changes. It is left out.
        """
        shown = [target for target in view.targets if targets is None or target.name in targets]
        with self._lock:
            segments = self._part(shown, format, {})
        return MadePage(segments, _ended(_moment(view, format), format))

    def _with_process(self, segments: Segments, view: View, format: Format) -> MadePage:  # noqa: A002  its own word
        own = [*_moment(view, format), *_warnings(view, format), *_discoveries(view, format)]
        return MadePage(segments, _ended([*own, *written(self._instruments.registry.collect(), format)], format))

    def _is_current(self, targets: Sequence[TargetView]) -> bool:
        return targets is self._targets and self._seen == (self._instruments.mark, len(self._fragments))

    def _arrange(self, targets: Sequence[TargetView]) -> None:
        """Refresh all that is shown, and forget who is no longer."""
        if self._is_current(targets):
            return
        mark, self._targets = self._instruments.mark, None  # until this ends well
        order = []
        for target in targets:
            kept = self._fragments.get(target.name)
            if kept is None or not kept.shows(target, self._instruments.target(target.name)):
                kept = self._refresh(target)
            order.append(kept)
        self._seen, self._targets = (mark, len(order)), targets
        if order == self._order and len(order) == len(self._fragments):
            return
        self._fragments = {target.name: kept for target, kept in zip(targets, order, strict=True)}
        chunks = [Chunk(order[start : start + self._chunk_size]) for start in range(0, len(order), self._chunk_size)]
        for number, kept in enumerate(order):
            kept.on_change = partial(self._on_change, number // self._chunk_size)
        self._layout, self._order = Layout(_WITH_TARGETS, chunks), order
        self._version += 1
        self._touched.clear()

    def _on_change(self, chunk: int, family: Family) -> None:
        self._layout.chunks[chunk].forget(family)
        self._version += 1
        self._touched[family, chunk] = self._version

    def _refresh(self, target: TargetView) -> Fragments:
        kept = self._fragments.get(target.name)
        if kept is None or kept.platform != target.platform:
            kept = self._fragments[target.name] = Fragments(target)
        counted = self._instruments.target(target.name)
        # In the midst of a reload that moves a name to another platform, that one's counters may be there before its view.
        kept.refresh(target, counted if counted is not None and counted.platform == target.platform else None)
        return kept

    def _of_platforms(self) -> Mapping[Family, Unit]:
        counted = self._instruments.of_platforms()
        for family in OF_PLATFORM:
            versions = [counters.versions[family] for counters in counted]
            if self._platforms.get(family, (None,))[0] != versions:
                unit = tuple(lines for counters in counted if (lines := counters.render(family)))
                self._platforms[family] = (versions, unit)
        return {family: unit for family, (_, unit) in self._platforms.items()}

    def _part(self, shown: Iterable[TargetView], format: Format, of_platforms: Mapping[Family, Unit]) -> Segments:  # noqa: A002  its own word
        self._targets = None  # these may be shown otherwise than to who sees everything
        units = Layout(_WITH_TARGETS, [Chunk([self._refresh(target) for target in shown])]).units(format, of_platforms)
        return cut(units, borders(units, self._segment_size))

    def _whole(self, format: Format, of_platforms: Mapping[Family, Unit], now: float) -> Segments:  # noqa: A002  its own word
        recent = {each: kept for each, kept in self._wholes.items() if abs(now - kept.asked_at) <= _NOT_ASKED_SECONDS}
        self._wholes = recent
        before = recent.get(format)
        if before is not None and before.shows(self._version, of_platforms):
            recent[format] = replace(before, asked_at=now)
            return before.segments
        if before is not None and before.layout is self._layout:
            # The borders stay, so that a change moves nothing behind it, until the text has grown or shrunk much.
            units = before.units.copy()
            places = self._layout.renew(units, self._touched_since(before, of_platforms), format, of_platforms)
            segments = cut_again(units, before.borders, before.segments, places)
            if before.size_when_cut <= 2 * segments.size <= 4 * before.size_when_cut:
                recent[format] = replace(
                    before, asked_at=now, version=self._version, of_platforms=of_platforms, units=units, segments=segments
                )
                return segments
        units = self._layout.units(format, of_platforms)
        where = borders(units, self._segment_size)
        segments = cut(units, where)
        recent[format] = _Whole(now, self._version, of_platforms, self._layout, units, where, segments.size, segments)
        return segments

    def _touched_since(self, whole: _Whole, of_platforms: Mapping[Family, Unit]) -> Mapping[Family, Sequence[int]]:
        found: dict[Family, list[int]] = {
            family: [0] for family, unit in of_platforms.items() if unit != whole.of_platforms.get(family)
        }
        for (family, chunk), version in self._touched.items():
            if version > whole.version:
                found.setdefault(family, []).append(chunk)
        return found


def _moment(view: View, format: Format) -> Iterator[bytes]:  # noqa: A002  its own word
    for family, number in ((process.TIME, view.at), (process.READY, view.ready), (process.STANDBY, view.standby)):
        yield header(family, format)
        yield encode(f"{family.name} {number_text(number)}\n")


def _warnings(view: View, format: Format) -> Iterator[bytes]:  # noqa: A002  its own word
    kinds = Counter(warning.kind for warning in view.config_warnings)
    yield header(process.CONFIG_WARNINGS, format)
    for kind in WarningKind:
        yield encode(f'{process.CONFIG_WARNINGS.name}{{kind="{kind}"}} {number_text(kinds[kind])}\n')


def _discoveries(view: View, format: Format) -> Iterator[bytes]:  # noqa: A002  its own word
    rules = view.discoveries
    for family, numbers in (
        (process.DISCOVERED_TARGETS, [rule.sites for rule in rules]),
        (process.DISCOVERY_UP, [rule.up for rule in rules]),
        (process.DISCOVERY_SUCCESS_TIME, [rule.last_success for rule in rules]),
    ):
        rows = [(rule.name, number) for rule, number in zip(rules, numbers, strict=True) if number is not None]
        if rows:
            yield header(family, format)
        for name, number in rows:
            yield encode(f"{family.name}{{{labels_text({'discovery': name})}}} {number_text(number)}\n")


def _ended(lines: Iterable[bytes], format: Format) -> Iterable[bytes]:  # noqa: A002  its own word
    return (*lines, _EOF) if format is Format.OPENMETRICS else lines
