"""The two text formats: headers differ, sample lines are the same in both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from functools import cache, lru_cache
from itertools import accumulate
from typing import Final

from prometheus_client import Metric

from exporter.metrics.families.family import TARGET_LABELS, Family, Histogram, Row


class Format(Enum):
    """A format that a scraper can ask for."""

    TEXT = "text"
    OPENMETRICS = "openmetrics"


def header(family: Family, format: Format) -> bytes:  # noqa: A002  the exposition's own word
    """Return the ``# HELP`` and ``# TYPE`` lines of ``family``."""
    return _header(family.name, family.help, family.type, format)


@lru_cache(maxsize=256)
def _header(name: str, help: str, type: str, format: Format) -> bytes:  # noqa: A002  the exposition's own words
    text = help.replace("\\", r"\\").replace("\n", r"\n")
    if format is Format.OPENMETRICS:
        # The newer format escapes quotes, too, and names a counter's family without the suffix of its samples.
        text = text.replace('"', r"\"")
        if type == "counter":
            name = name.removesuffix("_total")
    return f"# HELP {name} {text}\n# TYPE {name} {type}\n".encode()


def written(metrics: Iterable[Metric], format: Format) -> Iterator[bytes]:  # noqa: A002  the exposition's own word
    """Yield the lines of prometheus-client's ``metrics``: gauges, counters and histograms.

    The library takes three times as long. Its ``_created`` samples are left out: they double the series, and our rules ask
    ``process_start_time_seconds``.
    """
    for metric in metrics:
        yield _header(metric.name + "_total" * (metric.type == "counter"), metric.documentation, metric.type, format)
        for name, labels, number, *_ in metric.samples:
            if not name.endswith("_created"):
                text = f"{{{_sorted_labels(tuple(labels.items()))}}}" if labels else ""
                yield encode(f"{name}{text} {number_text(number)}\n")


@lru_cache(maxsize=1_024)
def _sorted_labels(labels: tuple[tuple[str, str], ...]) -> str:
    return labels_text(dict(sorted(labels)))


def escape(value: str) -> str:
    """Return ``value`` as it stands between the quotes of a label."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def labels_text(labels: Mapping[str, str]) -> str:
    """Return ``labels`` as they stand between the braces."""
    return ",".join(f'{name}="{escape(value)}"' for name, value in labels.items())


def target_labels_text(target: str, platform: str) -> str:
    """Return the two labels that every series of a target begins with."""
    return labels_text(dict(zip(TARGET_LABELS, (target, platform), strict=True)))


def samples(family: Family, target_labels: str, rows: Iterable[Row]) -> bytes:
    """Return the sample lines of one target; ``target_labels`` is :func:`target_labels_text`.

    A family whose labels are all its own has none of these.
    """
    names = family.own_labels
    if family.shares_labels:
        head = f"{family.name}{{{target_labels}"
        return encode("".join([f"{head}{_own_labels(names, values)}{number_text(number)}\n" for values, number in rows]))
    head = f"{family.name}{{"
    return encode("".join([f"{head}{_own_labels(names, values)[1:]}{number_text(number)}\n" for values, number in rows]))


def distribution(
    family: Histogram, target_labels: str, values: tuple[str, ...], counts: Sequence[float], total: float
) -> bytes:
    """Return the sample lines of one distribution: ``counts`` per bucket, those above all bounds last, and the ``total``."""
    own = _own_labels(family.own_labels, values)[:-2]
    labels = target_labels + own if family.shares_labels else own[1:]
    numbers = (*accumulate(counts), sum(counts), total)
    # Numbers first: no label can be taken for a place where one belongs.
    return encode((_distribution(family) % tuple(map(number_text, numbers))).replace(_LABELS, labels))


_LABELS: Final = "\0"  # in no name and in no number


# The same few thousand keys and words come again with every page.
@lru_cache(maxsize=32_768)
def _own_labels(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    """Return what stands between the labels of a target and the number."""
    return "".join(f',{name}="{escape(value)}"' for name, value in zip(names, values, strict=True)) + "} "


@cache
def _distribution(family: Histogram) -> str:
    """Return the lines with a place for each number, and one for the labels."""
    bounds = (*map(number_text, family.buckets), "+Inf")
    buckets = "".join(f'{family.name}_bucket{{{_LABELS},le="{bound}"}} %s\n' for bound in bounds)
    return f"{buckets}{family.name}_count{{{_LABELS}}} %s\n{family.name}_sum{{{_LABELS}}} %s\n"


def number_text(number: float) -> str:
    """Return the shortest text that is read as ``number``: a moment is 1790000000.5, and not 1.7900000005e+09."""
    text = _SMALL.get(number)
    if text is None:
        text = repr(float(number))
    return _ODD.get(text, text)


# Most numbers are 0, 1 or a small count.
_SMALL: Final[Mapping[float, str]] = {number: f"{number}.0" for number in range(256)}
_ODD: Final = {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}


def encode(text: str) -> bytes:
    """Return UTF-8. Half a surrogate pair (possible in JSON) becomes ``?``: one odd name must not cost the whole page."""
    return text.encode(errors="replace")
