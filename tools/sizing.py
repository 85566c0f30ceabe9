"""Writes the table of fleets in ``docs/sizing.md``: ``python -m tools.sizing docs/sizing.md``.

``make bench`` and ``make bench-fleet`` measure them, and keep it in ``docs/benchmarks/``. A test compares the committed page
with this, and what the README promises.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from tests.benchmarks.report import Report
from tests.benchmarks.sizes import FIRST, MEMORY, PAGE, READY, SIZES, STEADY
from tests.scale.units import rounded, table
from tools.benchmarks import reports
from tools.marked import put

FLEET: Final = 6_000
_BEGIN, _END = (f"<!-- written by `python -m tools.sizing`: {edge} -->\n" for edge in ("begin", "end"))
_HEAD: Final = (
    "| targets | processor, steady | until all are polled, and a minute after | memory at its peak | page for Prometheus "
    "| ready after |"
)


class Size(NamedTuple):
    """What a fleet took: per cent of a core, MiB, MB, seconds."""

    targets: int
    steady: float
    first: float
    memory: float
    page: float
    ready: float


def sizes(found: Mapping[str, Report]) -> list[Size]:
    """Return the fleets that were measured, the largest last: with it go a reload and a minute of standstill."""
    small = _values(found["sizes"])
    large = _values(found["fleet"])
    rows = [
        Size(size, *(small[f"{size:,} targets: {name}"] for name in (STEADY, FIRST, MEMORY, PAGE, READY))) for size in SIZES
    ]
    names = ("share of a core, after it", FIRST, f"5,000 + 500 targets, 500 pairs: {MEMORY}", "the page, uncompressed", READY)
    return [*rows, Size(FLEET, *(large[name] for name in names))]


def _values(report: Report) -> dict[str, float]:
    return {figure.name: figure.ours[0] for figure in report.figures if figure.ours}


def put_in(page: str, found: Mapping[str, Report]) -> str:
    """Return ``page`` with its table written anew."""
    rows = [
        (
            f"{size.targets:,}",
            f"{rounded(size.steady)} % of a core",
            f"{rounded(size.first)} %",
            f"{size.memory:.0f} MiB",
            f"{rounded(size.page)} MB",
            f"{size.ready:.0f} s",
        )
        for size in sizes(found)
    ]
    return put(page, _BEGIN, _END, table(_HEAD, rows))


if __name__ == "__main__":
    file = Path(sys.argv[1])
    file.write_text(put_in(file.read_text(encoding="utf-8"), reports()), encoding="utf-8")
