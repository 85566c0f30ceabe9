"""Reads a metrics page back with prometheus-client's two parsers, and makes pages of synthetic views."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.metrics import Format, Instruments, MetricsPage
from exporter.metrics.instruments import TargetInstruments
from exporter.model import CollectorName
from exporter.state.snapshot import View
from tests.harness import views
from tests.harness.expected import expected

Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def page_of(view: View, format: Format = Format.TEXT, *, counters: bool = True) -> bytes:  # noqa: A002  the exposition's word
    """Return the page of a fresh exporter that shows ``view``; without ``counters`` only what the view holds."""
    return MetricsPage(instruments_for(view) if counters else Instruments(CollectorRegistry())).render(view, format)


def lines_of(text: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """Yield name, labels and value of each line of a page in the text format, quickly: no value may hold a quote."""
    for series, value in values_of(text):
        yield *series_of(series), value


def values_of(text: str) -> Iterator[tuple[str, float]]:
    """Yield the series, as it is written, and the value of each line of a page in the text format."""
    for line in text.splitlines():
        if line and not line.startswith("#"):
            series, value = line.rsplit(" ", 1)
            yield series, float(value)


def series_of(written: str) -> tuple[str, dict[str, str]]:
    """Return name and labels of a series as it is written."""
    name, _, own = written.partition("{")
    return name, dict(re.findall(r'(\w+)="([^"]*)"', own))


def counters_of(instruments: Instruments, name: str, platform: str) -> TargetInstruments:
    """Return the counters of a target, shown on the page."""
    counters = instruments.prepare(name, platform)
    instruments.put_target(counters)
    return counters


def instruments_for(view: View) -> Instruments:
    """Return the instruments of an exporter that has just started with the targets of ``view``."""
    instruments = Instruments(CollectorRegistry())
    for target in view.targets:
        collectors = [collector.collector for collector in target.collectors]
        reads = target.platform == "bitrix24" and CollectorName.BOOKINGS in collectors
        events = counters_of(instruments, target.name, target.platform)
        events.expect(expected(collectors, views.OPERATIONS[target.platform], reads_bookings=reads))
    instruments.arrange_pairs({proof.pair: target.name for target in view.targets for proof in target.pairs})
    instruments.config_loaded(ok=True, at=views.NOW - 3_600, hash="5f3a9c0d1e2b77")
    instruments.loop_lag(0.0025)
    return instruments


def families(page: bytes, format: Format = Format.TEXT) -> list[Metric]:  # noqa: A002  the exposition's word
    """Return the families of ``page`` as prometheus-client reads them; raises what it finds wrong."""
    parse = parse_text if format is Format.TEXT else parse_openmetrics
    return list(parse(page.decode()))


def samples(page: bytes, format: Format = Format.TEXT) -> Samples:  # noqa: A002  the exposition's word
    """Return every sample of ``page`` by name and labels. Two samples of one series are an error."""
    found: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    for family in families(page, format):
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found, f"{key} stands twice on the page"
            found[key] = sample.value
    return found


def value(page: bytes, name: str, **labels: str) -> float | None:
    """Return the one sample of the family ``name`` that has these labels, among others; ``None`` without one."""
    found = select(page, name, **labels)
    assert len(found) <= 1, f"{name} with {labels} is not one series: {found}"
    return next(iter(found.values()), None)


def select(page: bytes, name: str, **labels: str) -> Samples:
    """Return the samples of ``booking_sync_<name>`` that have these labels, among others."""
    return {
        key: number
        for key, number in samples(page).items()
        if key[0] == f"booking_sync_{name}" and labels.items() <= dict(key[1]).items()
    }


def masked(page: bytes) -> str:
    """Return the text of ``page`` without what differs from machine to machine and from version to version."""
    text = re.sub(r"(?m)^((?:process_|python_gc_)\S+) \S+$", r"\1 *", page.decode())
    return re.sub(r"(?m)^(?:python_info|booking_sync_build_info)\{.*\}", lambda line: re.sub('="[^"]*"', '="*"', line[0]), text)
