"""The report of one benchmark: its figures, when and where they were measured; as JSON and as a table.

``main`` is what a benchmark calls::

    if __name__ == "__main__":
        main("http_pool", __doc__, figures, beside=("httpx", "aiohttp"))

and gives it ``--rounds`` and ``--json``.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import math
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from exporter.support import logs
from tests.benchmarks.figures import Figure, Goal, NotRun, spread

ROUNDS: Final = 5
# Above this share of the cores, others work beside the benchmark.
_BUSY: Final = 0.5


class Machine(msgspec.Struct, frozen=True):
    """Where it was measured; loads are those of the last minute, before the benchmark and after it."""

    cpu: str
    cores: int
    python: str
    load_before: float
    load_after: float


class Report(msgspec.Struct, frozen=True):
    """All figures of one run; ``not_run`` says why there are none, ``versions`` are the exporter's and its peers'."""

    benchmark: str
    date: str
    rounds: int
    machine: Machine
    versions: dict[str, str]
    describes: str
    figures: tuple[Figure, ...]
    not_run: str = ""

    def encoded(self) -> bytes:
        """Return the JSON, with the verdict of each figure beside its goal."""
        document = msgspec.to_builtins(self)
        for written, figure in zip(document["figures"], self.figures, strict=True):
            written |= {"held": figure.held, "verdict": figure.verdict}
        return msgspec.json.format(msgspec.json.encode(_without_infinity(document)), indent=2) + b"\n"


def decoded(data: bytes) -> Report:
    """Return a report that was written; verdicts are worked out anew from its values."""
    return msgspec.json.decode(data, type=Report, strict=False)


def measured(
    benchmark: str,
    describes: str | None,
    figures: Callable[[int], Iterable[Figure]],
    *,
    rounds: int = ROUNDS,
    beside: Iterable[str] = (),
) -> Report:
    """Run a benchmark; ``describes`` is its docstring, ``beside`` the distributions or programs whose versions matter."""
    before, not_run = os.getloadavg()[0], ""
    found: tuple[Figure, ...] = ()
    _warn_if_busy(before)
    try:
        found = tuple(figures(rounds))
    except NotRun as why:
        not_run = str(why)
    return Report(
        benchmark=benchmark,
        date=datetime.now(UTC).date().isoformat(),
        rounds=rounds,
        machine=Machine(_cpu(), os.cpu_count() or 1, platform.python_version(), round(before, 2), round(os.getloadavg()[0], 2)),
        versions={name: version_of(name) for name in ("booking-sync-exporter", *beside)},
        describes=(describes or "").strip(),
        figures=found,
        not_run=not_run,
    )


def main(
    benchmark: str,
    describes: str | None,
    figures: Callable[[int], Iterable[Figure]],
    *,
    beside: Iterable[str] = (),
    arguments: Sequence[str] | None = None,
) -> None:
    """Measure, print a table, and write the report where it was asked for."""
    parser = argparse.ArgumentParser(
        prog=f"python -m tests.benchmarks.{benchmark}",
        description=describes,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often everything is measured; its median counts")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report to FILE, too")
    asked = parser.parse_args(arguments)
    logs.configure("error", "logfmt", sys.stderr)  # an exporter in this process has nothing to say to whoever measures it
    report = measured(benchmark, describes, figures, rounds=asked.rounds, beside=beside)
    if asked.json:
        asked.json.write_bytes(report.encoded())
    sys.stdout.write(f"{table(report)}\n")


def table(report: Report) -> str:
    """Return the figures in Markdown: the median of all rounds, in brackets the least and the most where they differ."""
    if report.not_run:
        return f"Not run: {report.not_run}."
    peers = tuple(dict.fromkeys(name for figure in report.figures for name in figure.peers))
    share = ["ours is"] if peers else []
    rows = [
        ["figure", "ours", *peers, *share, "goal", "verdict"],
        ["---", *["---:"] * (1 + len(peers)), *["---"] * len(share), "---", "---"],
    ]
    for figure in report.figures:
        beside = [shown(figure.peers.get(name, ())) for name in peers]
        ratios = [compared(figure)] if peers else []
        rows.append([f"{figure.name}, {figure.unit}", shown(figure.ours), *beside, *ratios, goal_of(figure), figure.verdict])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def shown(values: tuple[float, ...]) -> str:
    """Return a cell for the rounds of one way; ``-`` where it did not run."""
    if not values:
        return "-"
    seen = spread(values)
    median, least, most = number(seen.median), number(seen.least), number(seen.most)
    return median if least == most else f"{median} ({least} to {most})"


def compared(figure: Figure) -> str:
    """Return what ours is of each peer, by the medians."""
    if not figure.ours:
        return ""
    ours = spread(figure.ours).median
    medians = {name: spread(values).median for name, values in figure.peers.items() if values}
    return ", ".join(f"{ratio(ours / median)}{' of' * (ours < median)} {name}" for name, median in medians.items() if median)


def goal_of(figure: Figure) -> str:
    """Return what the figure is held to, and what was found if that is a ratio."""
    if figure.goal is None:
        return ""
    text = in_words(figure.goal)
    return f"{text}: {ratio(figure.held)}" if figure.goal.of and figure.held is not None else text


def in_words(goal: Goal) -> str:
    """Return a goal as a reader wants it."""
    if not goal.most:
        return f"no {goal.unit}"
    share = "" if goal.most == 1 else f"{ratio(goal.most)} of " if goal.most < 1 else f"{ratio(goal.most)} "
    bound = f"{share}{goal.of}" if goal.of else f"{number(goal.most)} {goal.unit}"
    return f"at most {bound}{', each round' if goal.worst else ''}"


def ratio(value: float) -> str:
    """Return a share in per cent while it is one, else as a multiple."""
    return f"{number(100 * value)} %" if value < 1 else f"{number(value)} times"


def number(value: float) -> str:
    """Return three digits that count, and all of them before the point."""
    if math.isinf(value):
        return "never"
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def version_of(name: str) -> str:
    """Return the version of an installed distribution, or the first line that a program says of its version; ``-`` without."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
    for flag in ("--version", "-v"):
        try:
            asked = subprocess.run([name, flag], capture_output=True, text=True, timeout=10, check=True)
        except (OSError, subprocess.SubprocessError):
            continue
        return (asked.stdout or asked.stderr).partition("\n")[0]
    return "-"


def _without_infinity(value: Any) -> Any:  # noqa: ANN401  any part of a document
    """Return ``value`` with what JSON has no number for as a text: a wait that never ended is ``"inf"``."""
    if isinstance(value, dict):
        return {key: _without_infinity(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_infinity(one) for one in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _warn_if_busy(load: float) -> None:
    if load > _BUSY * (os.cpu_count() or 1):
        sys.stderr.write(
            f"Others work on this machine (load {load:.1f}, {os.cpu_count()} cores):"
            " ratios of processor time hold, waits and their percentiles do not.\n"
        )


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names: Any = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
