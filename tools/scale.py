"""Writes the tables of ``docs/scale.md`` from what was measured: ``python -m tools.scale docs/scale.md``.

``python -m tests.scale`` measures, and keeps it in ``tests/scale/measured.json``. A test compares the committed page with this.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tests.scale.units import (
    BLOCK_HOURS,
    DAYS,
    IN_A_FILE,
    IN_A_PROCESS,
    ROOT,
    SITES_TO_A_PORTAL,
    TARGETS,
    Units,
    fleet,
    measured,
    mib,
    of_bytes,
    rounded,
    table,
    units,
)
from tools.benchmarks import reports
from tools.marked import put
from tools.sizing import sizes

SIZING: Final = ROOT / "docs" / "sizing.md"


def put_in(page: str, found: dict[str, Any]) -> str:
    """Return ``page`` with its tables written anew from ``found``."""
    parts: dict[str, Callable[[dict[str, Any]], str]] = {"pages": _pages, "units": _units, "fleets": _fleets}
    for name, write in parts.items():
        begin, end = (f"<!-- written by `python -m tools.scale`: {name}, {edge} -->\n" for edge in ("begin", "end"))
        page = put(page, begin, end, write(found))
    return page


def _pages(found: dict[str, Any]) -> str:
    rows = [
        (
            f"{page['series']:,}",
            f"{rounded(page['megabytes'])} MB",
            f"{page['first_cpu_seconds']:.2f} s",
            f"{page['cpu_seconds']:.2f} s",
            f"{rounded(page['first_scrape_seconds'])} s, {rounded(page['scrape_seconds'])} s",
            mib(page["memory_mib"]),
        )
        for page in found["pages"]
    ]
    head = (
        "| series of a page | the page | processor time of the first scrape | of each further one | both by the clock "
        "| memory of Prometheus |"
    )
    return table(head, rows)


def _units_of(found: dict[str, Any]) -> Units:
    largest = sizes(reports())[-1]
    return units(found, SIZING.read_text(), (largest.targets, largest.memory))


def _units(found: dict[str, Any]) -> str:
    unit = _units_of(found)
    day = 24 * 60
    per_series = unit.disk_bytes_a_sample * day + unit.index_bytes_a_series * 24 / BLOCK_HOURS
    rows = [
        ("polling, the platforms' answers included", f"{1e3 * unit.core.each:.2f} thousandths of a core"),
        ("a scrape of it, on the exporter's side", f"{1e3 * unit.scrape_cpu.each:.2f} ms of processor time"),
        ("a start", f"{1e3 * unit.start_cpu.each:.1f} ms of processor time"),
        ("memory, scraped once a minute", f"{1024 * unit.memory.each:.0f} KiB"),
        ("series", f"{unit.series.each:.0f}"),
        ("its part of a page", f"{unit.page_bytes.each / 1e3:.0f} kB, {unit.page_gzip_bytes.each / 1e3:.1f} kB compressed"),
        ("a target of another shard: start, memory", _of_others(unit.start_cpu_of_others, unit.memory_of_others)),
        ("calls of platforms", f"{unit.calls_a_day:,.0f} a day ([sizing.md](sizing.md#what-it-asks-of-the-platforms))"),
    ]
    prometheus = [
        ("memory", f"{1024 * unit.prometheus_memory.each:.1f} KiB"),
        ("a scrape", f"{1e6 * unit.prometheus_cpu.each:.1f} us of processor time"),
        (
            "disk, before blocks are merged",
            f"{per_series / 1e3:.2f} kB a day: {unit.disk_bytes_a_sample:.2f} bytes a sample, and the index",
        ),
    ]
    where = f"Measured on {found['date']}: {found['cores']} cores ({found['cpu']}), Python {found['python']}.\n\n"
    tables = table("| of one more target | cost |", rows), table("| of one more series, in Prometheus | cost |", prometheus)
    return where + "\n".join(tables)


def _of_others(start: float, memory: float) -> str:
    return f"{1e3 * start:.2f} ms, {1024 * memory:.1f} KiB"


def _fleets(found: dict[str, Any]) -> str:
    unit = _units_of(found)
    rows = [
        (
            f"{one.targets:,}",
            f"{one.processes:,}" if one.files == 1 else f"{one.processes:,} in {one.files}",
            rounded(one.cores),
            mib(one.memory_mib),
            of_bytes(one.gzip_bytes),
            rounded(one.calls_a_day),
            rounded(one.series),
            mib(one.prometheus_memory_mib),
            rounded(one.prometheus_cores),
            of_bytes(one.disk_bytes),
        )
        for one in (fleet(targets, unit) for targets in TARGETS)
    ]
    head = (
        "| targets | processes, in files | cores | memory | a scrape of one, compressed | calls a day | series "
        f"| Prometheus without rules: memory | its cores | its disk, {DAYS} days |"
    )
    said = (
        f"{SITES_TO_A_PORTAL} Wix sites to a Bitrix24 portal, {IN_A_PROCESS:,} targets in a process, {IN_A_FILE:,} in a "
        "configuration, a scrape a minute. Nothing here was run at these sizes: each number is a unit cost, multiplied. The "
        "rules come on top, and take more of Prometheus' processor than its scrapes: [rules-price.md](rules-price.md).\n\n"
    )
    return f"{said}{table(head, rows)}"


if __name__ == "__main__":
    file = Path(sys.argv[1])
    file.write_text(put_in(file.read_text(encoding="utf-8"), measured()), encoding="utf-8")
