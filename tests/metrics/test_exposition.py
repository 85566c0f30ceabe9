"""Escaping, numbers and headers, held against prometheus-client."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from exporter.metrics.exposition import Format, header, number_text, samples, target_labels_text, written
from exporter.metrics.families.family import Family
from exporter.metrics.instruments import Instruments
from exporter.model import CollectorName
from tests.harness import exposition, views
from tests.harness.exposition import page_of

# A page is parsed for each example: how long that takes on a busy machine says nothing.
RELAXED = settings(deadline=None, max_examples=60)

# Everything that UTF-8 can hold, with a liking for what has to be escaped.
values = st.text(st.one_of(st.sampled_from('"\\\n%{},= \r\t'), st.characters(codec="utf-8")), max_size=20)


@pytest.mark.slow
@pytest.mark.parametrize("format_", Format)
@RELAXED
@given(target=values, key=values, label=values)
def test_any_label_value_survives_the_page(format_: Format, target: str, key: str, label: str) -> None:
    state = views.succeeded(views.unpolled(target, "wix", CollectorName.CONNECTIONS), views.connections(views.connection(key)))
    page = page_of(views.view_of(views.target_of(target, "wix", [state], labels={"site": label})), format_)
    read = [dict(labels) for (name, labels) in exposition.samples(page, format_) if name == "booking_sync_connection_info"]
    assert [(target, key)] == [(labels["target"], labels["connection"]) for labels in read]
    info = [dict(labels) for (name, labels) in exposition.samples(page, format_) if name == "booking_sync_target_info"]
    assert [{"target": target, "platform": "wix", "site": label}] == info


def test_half_a_surrogate_pair_does_not_cost_the_page() -> None:
    state = views.succeeded(
        views.unpolled(views.WIX, "wix", CollectorName.CONNECTIONS),
        views.connections(views.connection("Chair \ud83d")),
    )
    page = page_of(views.view_of(views.target_of(views.WIX, "wix", [state], labels={"site": "\udc00"})))
    assert b'connection="Chair ?"' in page
    assert b'site="?"' in page


@RELAXED
@given(st.floats() | st.integers(-(2**60), 2**60) | st.booleans())
def test_a_number_is_read_as_the_very_same_one(number: float) -> None:
    read = float(number_text(number))
    assert read == float(number) or (math.isnan(read) and math.isnan(number))


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0.0"),
        (True, "1.0"),
        (255, "255.0"),
        (256, "256.0"),
        (0.1, "0.1"),
        (-2.5, "-2.5"),
        (1_790_000_000, "1790000000.0"),
        (1_790_000_000.25, "1790000000.25"),
        (2**48, "281474976710656.0"),
        (1e300, "1e+300"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
    ],
)
def test_numbers_are_short_and_a_moment_is_one_that_a_person_can_compare(number: float, text: str) -> None:
    assert text == number_text(number)


def test_a_help_text_is_escaped_as_each_format_wants_it() -> None:
    family = Family("x_total", "counter", 'a "quoted" \\ and\nbroken')
    assert b'# HELP x_total a "quoted" \\\\ and\\nbroken\n# TYPE x_total counter\n' == header(family, Format.TEXT)
    assert b'# HELP x a \\"quoted\\" \\\\ and\\nbroken\n# TYPE x counter\n' == header(family, Format.OPENMETRICS)


def test_samples_keep_the_declared_order_of_the_labels() -> None:
    family = Family("x", "gauge", "", ("target", "platform", "window", "resource"))
    lines = samples(family, target_labels_text("100%", "wix"), [(("today", "7"), 2)])
    assert b'x{target="100%",platform="wix",window="today",resource="7"} 2.0\n' == lines


class _Collected(Collector):
    """What a registry had at one moment, without when its counters began."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.metrics = list(registry.collect())
        for metric in self.metrics:
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]

    def collect(self) -> Iterable[Metric]:
        return self.metrics


@pytest.mark.slow
@pytest.mark.parametrize("format_", Format)
@RELAXED
@given(values, values, st.floats(allow_nan=False, min_value=0))
def test_what_the_library_counts_is_written_as_the_library_writes_it(
    format_: Format, said: str, label: str, number: float
) -> None:
    registry = CollectorRegistry()
    Instruments(registry, revision=label).poll_began("wix", number)
    Gauge("booked", said, ["zone", "area"], registry=registry).labels(zone=label, area=label + "%s").set(number)
    Counter("asked_total", said, registry=registry).inc(number)
    Histogram("waited", said, ["by"], registry=registry).labels(label).observe(number)
    collected = _Collected(registry)
    write = generate_latest if format_ is Format.TEXT else openmetrics.generate_latest
    expected = write(collected).removesuffix(b"# EOF\n")
    assert _read(expected) == _read(b"".join(written(collected.collect(), format_)))


def _read(text: bytes) -> list[tuple[bytes, float]]:
    """Return the lines with their numbers apart: the library writes some as powers of ten."""
    pairs = [(line, b"0") if line.startswith(b"#") else line.rsplit(b" ", 1) for line in text.split(b"\n")[:-1]]
    return [(line, float(number)) for line, number in pairs]
