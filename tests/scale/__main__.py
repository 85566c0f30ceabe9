"""What a target costs the exporter and Prometheus: ``python -m tests.scale``, for the tables of ``docs/scale.md``.

Measured are three fleets beside the fake platforms (a small one, one of ten times as many, and as many that are a tenth of
all), and a real Prometheus that scrapes pages of 10,000 to 1,650,000 series. It takes an hour and 8 GB of memory, and
writes ``tests/scale/measured.json``; ``python -m tools.scale docs/scale.md`` then writes the tables.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.scale import exporter, prometheus
from tests.scale.units import MEASURED, machine

FLEETS = (exporter.Fleet(50, 5), exporter.Fleet(500, 50), exporter.Fleet(5_000, 500, shards=10))
PAGES = (10_000, 100_000, 500_000, 1_000_000, 1_650_000)


def measure(fleets: Sequence[exporter.Fleet], pages: Sequence[int], seconds: float) -> Iterator[Mapping[str, Any]]:
    """Yield what is known, more of it each time."""
    found: dict[str, Any] = {**machine(), "fleets": [], "pages": []}
    lines: Sequence[prometheus.Line] = ()
    for fleet in fleets:
        with tempfile.TemporaryDirectory() as folder:
            one, first, second = asyncio.run(exporter.measured(fleet, Path(folder), seconds))
        found["fleets"].append(dataclasses.asdict(one))
        lines = prometheus.lines_of(first, second)
        yield found
    with tempfile.TemporaryDirectory() as folder:
        found["disk"] = dataclasses.asdict(prometheus.kept(lines, Path(folder)))
    yield found
    for series in pages:
        with tempfile.TemporaryDirectory() as folder:
            found["pages"].append(dataclasses.asdict(prometheus.scraped(lines, series, Path(folder))))
        yield found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.scale")
    parser.add_argument("--json", type=Path, default=MEASURED, help="where to write what was measured")
    parser.add_argument(
        "--minutes", type=float, default=5, help="how long a fleet settles, and is measured; 5 is one interval of all"
    )
    arguments = parser.parse_args()
    for known in measure(FLEETS, PAGES, 60 * arguments.minutes):
        arguments.json.write_text(json.dumps(known, indent=1) + "\n")
        print(f"{len(known['fleets'])} fleets, {len(known['pages'])} pages", flush=True)
