"""The metrics page: one scrape's text, put together from fragments that are kept until what they show changes.

Observations are immutable, so a fragment of them is good as long as the view holds the same one. A scrape of thousands of
targets therefore renders only what was polled since the last one, and joins the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from threading import Lock
from typing import Final

import prometheus_client
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from exporter.metrics.exposition import Format, encode, header, labels_text, number_text, samples, target_labels_text
from exporter.metrics.families import process
from exporter.metrics.families.catalog import COUNTERS, FAMILIES, GROUPS, OF_PLATFORM, TARGET_INFO
from exporter.metrics.families.family import Family
from exporter.metrics.instruments import Instruments, TargetInstruments
from exporter.policy import WarningKind
from exporter.state.snapshot import TargetView, View

_EOF: Final = b"# EOF\n"


class Page:
    """Renders views. :meth:`render` is synchronous and may be called in any thread."""

    def __init__(self, instruments: Instruments) -> None:
        self._instruments = instruments
        self._fragments: dict[str, _TargetFragments] = {}
        self._lock = Lock()

    def render(self, view: View, format: Format, targets: frozenset[str] | None = None) -> bytes:  # noqa: A002  its own word
        """Return the page in ``format``, narrowed to the named ``targets`` unless ``None``. Families of no target stay."""
        parts = self._parts(view, format, targets, self._of_platforms())
        with self._lock:
            for name in self._fragments.keys() - {target.name for target in view.targets}:
                del self._fragments[name]
        of_process = (*_warnings(view, format), *_discoveries(view, format))
        return _joined([*parts, *of_process, _registry_text(self._instruments.registry, format)], format)

    def render_part(self, view: View, format: Format, targets: frozenset[str] | None = None) -> bytes:  # noqa: A002  its own word
        """Return the page of a ``view`` that shows some of the targets to who may know of no others.

        What the process counts tells of all of them: how many there are, what they cost, when one changes. It is left out.
        """
        return _joined(self._parts(view, format, targets, {}), format)

    def _parts(
        self,
        view: View,
        format: Format,  # noqa: A002  its own word
        targets: frozenset[str] | None,
        of_platforms: Mapping[Family, list[bytes]],
    ) -> list[bytes]:
        with self._lock:
            shown = [target for target in view.targets if targets is None or target.name in targets]
            fragments = [self._refresh(target) for target in shown]
            parts: list[bytes] = []
            for family in FAMILIES:
                lines = of_platforms.get(family) or [fragment for each in fragments if (fragment := each.get(family))]
                if lines:
                    parts.append(header(family, format))
                    parts += lines
        for family, number in ((process.TIME, view.at), (process.READY, view.ready), (process.STANDBY, view.standby)):
            parts.append(header(family, format))
            parts.append(encode(f"{family.name} {number_text(number)}\n"))
        return parts

    def _of_platforms(self) -> dict[Family, list[bytes]]:
        counted = self._instruments.of_platforms()
        return {family: [lines for counters in counted if (lines := counters.render(family))] for family in OF_PLATFORM}

    def _refresh(self, target: TargetView) -> dict[Family, bytes]:
        instruments = self._instruments.target(target.name)
        kept = self._fragments.get(target.name)
        if kept is None or kept.platform != target.platform:
            kept = self._fragments[target.name] = _TargetFragments(target)
        kept.refresh(target, instruments)
        return kept.by_family


class _TargetFragments:
    """The sample lines of one target by family, and what they were made from."""

    def __init__(self, target: TargetView) -> None:
        self.platform = target.platform
        self.by_family: dict[Family, bytes] = {}
        self._labels = target_labels_text(target.name, target.platform)
        self._pieces: list[object] = [None] * len(GROUPS)
        self._info: object = None
        self._instruments: TargetInstruments | None = None
        self._versions: dict[Family, object] = {}

    def refresh(self, target: TargetView, instruments: TargetInstruments | None) -> None:
        """Make the lines anew whose source changed."""
        if target.labels != self._info:
            self._info = target.labels
            self.by_family[TARGET_INFO] = self._info_line(target)
        for position, group in enumerate(GROUPS):
            piece = group.piece(target)
            # Mostly the very same object, else equality stops at the first difference, such as the poll's moment.
            if piece != self._pieces[position]:
                for gauge in group.gauges:
                    self.by_family[gauge] = b"" if piece is None else samples(gauge, self._labels, gauge.read(piece))
                # Last, so that a bug above shows with every page instead of leaving old lines on it.
                self._pieces[position] = piece
        if instruments is not self._instruments:
            self._instruments = instruments
            self._versions.clear()
            for family in COUNTERS:
                self.by_family.pop(family, None)
        if instruments is None:
            return
        collectors = frozenset(str(collector.collector) for collector in target.collectors)
        for family in COUNTERS:
            # Read before rendering: an event in between makes the next page render again, never miss it.
            version = (instruments.version(family), collectors)
            if self._versions.get(family) != version:
                self._versions[family] = version
                self.by_family[family] = instruments.render(family, collectors)

    def _info_line(self, target: TargetView) -> bytes:
        labels = ",".join(filter(None, (self._labels, labels_text(target.labels))))
        return encode(f"{TARGET_INFO.name}{{{labels}}} 1.0\n")


class _WithoutCreated:
    """A registry without ``_created`` samples: they double the series, and our rules ask ``process_start_time_seconds``."""

    def __init__(self, registry: Collector) -> None:
        self._registry = registry

    def collect(self) -> Iterable[prometheus_client.Metric]:
        for metric in self._registry.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric


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


def _joined(parts: Iterable[bytes], format: Format) -> bytes:  # noqa: A002  its own word
    return b"".join([*parts, _EOF] if format is Format.OPENMETRICS else parts)


def _registry_text(registry: Collector, format: Format) -> bytes:  # noqa: A002  its own word
    if format is Format.OPENMETRICS:
        text: bytes = openmetrics.generate_latest(  # type: ignore[no-untyped-call]  # the library leaves it untyped
            _WithoutCreated(registry)
        )
        return text.removesuffix(_EOF)
    return prometheus_client.generate_latest(_WithoutCreated(registry))
