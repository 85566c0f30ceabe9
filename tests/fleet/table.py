"""A run as one table in Markdown: a row for each figure, a column for each stretch of time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Final

from tests.fleet.run import Run
from tests.fleet.stretches import Stretch, within
from tests.fleet.watch import ANSWER_SECONDS

UNKNOWN: Final = "-"


def table(run: Run) -> str:
    """Return the table; what the exporter does not tell is ``-``."""
    columns = run.stretches
    rows = [[name, *map(read, columns)] for name, read in _FIGURES]
    rows += [[name, *[""] * (len(columns) - 1), value] for name, value in _facts(run)]
    header = [_title(run), *(f"{one.name}, {one.since:.0f}-{one.until:.0f} s" for one in columns)]
    lines = [header, ["---", *["---:"] * len(columns)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _title(run: Run) -> str:
    plan = run.plan
    targets = f"{plan.sites} sites + {plan.portals} portals{f' + {plan.pairs} paired calendars' if plan.pairs else ''}"
    return f"{targets}, {'TLS' if plan.tls else 'plain HTTP'}"


def _facts(run: Run) -> Iterable[tuple[str, str]]:
    report, page = run.whole.fake, run.page
    yield "listening after (processor time), s", f"{run.listening_seconds:.1f} ({run.listening_cpu_seconds:.1f})"
    yield "ready after, s", "never" if run.ready_seconds is None else f"{run.ready_seconds:.0f}"
    yield "polls", UNKNOWN if page is None else str(page.polls)
    yield "failed polls", UNKNOWN if page is None else _counted(page.failures.items())
    yield "refused by the fake", _counted(report["refused"].items())
    yield "connections open at most at once", str(report["connections_most"])
    yield "memory at its peak, MiB", f"{run.peak_mib:.0f}"
    if run.reload_seconds is not None:
        yield "reload with one changed target, s", f"{run.reload_seconds:.1f}"
    if run.storage:
        stored = run.storage
        yield (
            "Prometheus: memory at its peak, MiB / disk, MiB / series",
            f"{stored.memory_mib:.0f} / {stored.disk_mib:.0f} / {stored.series:,}",
        )
    yield "the whole page, MB", UNKNOWN if page is None else f"{page.size / 1e6:.1f}"
    yield "stopped after, s (exit code)", f"{run.stop_seconds:.1f} ({run.exit_code})"


def _counted(items: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{number} {what}" for what, number in sorted(items)) or "0"


def _latency(stretch: Stretch, name: str) -> str:
    seconds = sorted(getattr(sample, name) for sample in stretch.samples)
    if not seconds:
        return UNKNOWN
    return " / ".join(_milliseconds(seconds[int(share * (len(seconds) - 1))]) for share in (0.5, 0.99, 1.0))


def _milliseconds(seconds: float) -> str:
    return f"over {ANSWER_SECONDS * 1e3:.0f}" if seconds == float("inf") else f"{seconds * 1e3:.0f}"


def _share(share: float) -> str:
    return UNKNOWN if math.isnan(share) else f"{100 * share:.1f}"


def _memory(stretch: Stretch) -> str:
    return f"{stretch.peak_mib:.0f} / {stretch.vitals[-1].exporter.memory_mib:.0f}" if stretch.vitals else UNKNOWN


def _scrapes(stretch: Stretch) -> str:
    found = stretch.scrapes
    if not found:
        return UNKNOWN
    return f"{sum(scrape.up for scrape in found)} / {len(found)}, {max(scrape.seconds for scrape in found):.1f}"


def _late(stretch: Stretch, platform: str) -> str:
    buckets = stretch.lateness.get(platform)
    return " / ".join(f"{within(buckets, share):g}" for share in (0.5, 0.99, 1.0)) if buckets else UNKNOWN


def _every(stretch: Stretch, operation: str) -> str:
    seconds = stretch.fake["intervals"].get(operation)
    return " / ".join(f"{number:.1f}" for number in seconds.values()) if seconds else UNKNOWN


_FIGURES: Final[tuple[tuple[str, Callable[[Stretch], str]], ...]] = (
    ("exporter, % of a core", lambda stretch: _share(stretch.share(lambda look: look.exporter))),
    ("fake, % of the other core", lambda stretch: _share(stretch.share(lambda look: look.fake))),
    ("Prometheus, % of the other core", lambda stretch: _share(stretch.share(lambda look: look.prometheus))),
    ("requests a second", lambda stretch: f"{stretch.requests_per_second:.1f}"),
    (
        "connections opened a second",
        lambda stretch: f"{stretch.fake['connections_opened'] / (stretch.until - stretch.since):.1f}",
    ),
    ("a site's connections, asked every (p1 / p50 / p99 / worst), s", lambda stretch: _every(stretch, "list_connections")),
    ("Wix polls late by at most (p50 / p99 / all), s", lambda stretch: _late(stretch, "wix")),
    ("Bitrix24 polls late by at most (p50 / p99 / all), s", lambda stretch: _late(stretch, "bitrix24")),
    ("calendar polls late by at most (p50 / p99 / all), s", lambda stretch: _late(stretch, "calendar")),
    ("loop late by at most, s", lambda stretch: UNKNOWN if stretch.lag_seconds is None else f"{stretch.lag_seconds:.3f}"),
    ("`/-/healthy`, kept connection (p50 / p99 / worst), ms", lambda stretch: _latency(stretch, "kept_seconds")),
    ("`/-/healthy`, new connection (p50 / p99 / worst), ms", lambda stretch: _latency(stretch, "new_seconds")),
    ("memory at its peak / in the end, MiB", _memory),
    ("scrapes answered / all, the slowest, s", _scrapes),
    ("polls that began to fail", lambda stretch: _counted(stretch.failures.items())),
)
