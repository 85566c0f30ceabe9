"""A run as one table in Markdown: a row for each figure, a column for each stretch of time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from tests.fleet.run import Phase, Run, within
from tests.fleet.watch import ANSWER_SECONDS

UNKNOWN: Final = "-"


def table(run: Run) -> str:
    """Return the table; what the exporter does not tell is ``-``."""
    phases = run.phases
    rows = [[name, *map(read, phases)] for name, read in _FIGURES]
    rows += [[name, *[""] * (len(phases) - 1), value] for name, value in _facts(run)]
    header = [_title(run), *(phase.name for phase in phases)]
    lines = [header, ["---", *["---:"] * len(phases)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _title(run: Run) -> str:
    return f"{run.plan.sites} sites + {run.plan.portals} portals, {'TLS' if run.plan.tls else 'plain HTTP'}"


def _facts(run: Run) -> Iterable[tuple[str, str]]:
    report, page = run.whole.fake, run.page
    yield "listening after (processor time), s", f"{run.listening_seconds:.1f} ({run.listening_cpu_seconds:.1f})"
    yield "ready after, s", "never" if run.ready_seconds is None else f"{run.ready_seconds:.0f}"
    yield "polls", UNKNOWN if page is None else str(page.polls)
    yield "failed polls", UNKNOWN if page is None else _counted(page.failures.items())
    yield "refused by the fake", _counted(report["refused"].items())
    yield "connections opened / at most at once", f"{report['connections_opened']} / {report['connections_most']}"
    yield "memory at its peak, MiB", f"{run.peak_mib:.0f}"
    if run.scrapes:
        yield (
            "scrapes of the whole page, s",
            ", ".join(UNKNOWN if found is None else f"{took:.1f}" for took, found in run.scrapes),
        )
    yield "the whole page, MB", UNKNOWN if page is None else f"{page.size / 1e6:.1f}"
    yield "stopped after, s (exit code)", f"{run.stop_seconds:.1f} ({run.exit_code})"


def _counted(items: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{number} {what}" for what, number in sorted(items)) or "0"


def _latency(phase: Phase, name: str) -> str:
    seconds = sorted(getattr(sample, name) for sample in phase.samples)
    if not seconds:
        return UNKNOWN
    return " / ".join(_milliseconds(seconds[int(share * (len(seconds) - 1))]) for share in (0.5, 0.99, 1.0))


def _milliseconds(seconds: float) -> str:
    return f"over {ANSWER_SECONDS * 1e3:.0f}" if seconds == float("inf") else f"{seconds * 1e3:.0f}"


def _late(phase: Phase, platform: str) -> str:
    buckets = phase.lateness.get(platform)
    return " / ".join(f"{within(buckets, share):g}" for share in (0.5, 0.99, 1.0)) if buckets else UNKNOWN


def _every(phase: Phase, operation: str) -> str:
    seconds = phase.fake["intervals"].get(operation)
    return " / ".join(f"{number:.1f}" for number in seconds.values()) if seconds else UNKNOWN


_FIGURES: Final[tuple[tuple[str, Callable[[Phase], str]], ...]] = (
    ("exporter, % of a core", lambda phase: f"{phase.exporter_share:.1%}".removesuffix("%")),
    ("fake, % of a core", lambda phase: f"{phase.fake_share:.1%}".removesuffix("%")),
    ("requests a second", lambda phase: f"{phase.requests_per_second:.1f}"),
    ("a site's connections, asked every (p1 / p50 / p99 / worst), s", lambda phase: _every(phase, "list_connections")),
    ("Wix polls late by at most (p50 / p99 / all), s", lambda phase: _late(phase, "wix")),
    ("Bitrix24 polls late by at most (p50 / p99 / all), s", lambda phase: _late(phase, "bitrix24")),
    ("loop late by at most, s", lambda phase: UNKNOWN if phase.lag_seconds is None else f"{phase.lag_seconds:.3f}"),
    ("`/-/healthy`, kept connection (p50 / p99 / worst), ms", lambda phase: _latency(phase, "kept_seconds")),
    ("`/-/healthy`, new connection (p50 / p99 / worst), ms", lambda phase: _latency(phase, "new_seconds")),
    ("memory, MiB", lambda phase: f"{phase.samples[-1].memory_mib:.0f}" if phase.samples else UNKNOWN),
)
