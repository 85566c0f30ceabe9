"""Unit costs out of what was measured, and what they come to for many targets: the tables of ``docs/scale.md``."""

from __future__ import annotations

import json
import math
import os
import platform
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
MEASURED: Final = Path(__file__).with_name("measured.json")
TARGETS: Final = (10, 100, 1_000, 5_000, 10_000, 50_000, 100_000, 500_000, 1_000_000)
IN_A_PROCESS: Final = 5_000
"""Targets that the table gives a process: what it polls in time on one core."""

IN_A_FILE: Final = 20_000
"""Targets of one configuration in the table: every process reads the whole of it, which costs memory."""

DAYS: Final = 31
SCRAPES_A_DAY: Final = 24 * 60
BLOCK_HOURS: Final = 2
"""A block on disk has an index of all series. Those of two hours are merged later, so this is the most that it takes."""

SITES_TO_A_PORTAL: Final = 10


@dataclass(frozen=True, slots=True)
class Line:
    """A cost that grows with a number: what there is without any, and what each one adds."""

    base: float
    each: float

    def at(self, number: float) -> float:
        return self.base + self.each * number


@dataclass(frozen=True, slots=True)
class Units:
    """What one more target, or series, costs. Memory is in MiB, processor time in seconds or shares of a core."""

    core: Line
    memory: Line
    start_cpu: Line
    scrape_cpu: Line
    series: Line
    page_bytes: Line
    page_gzip_bytes: Line
    start_cpu_of_others: float
    memory_of_others: float
    prometheus_memory: Line
    prometheus_cpu: Line
    disk_bytes_a_sample: float
    index_bytes_a_series: float
    calls_a_day: float


def machine() -> dict[str, object]:
    """Return where and when this is measured."""
    names = re.findall(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cpu": names[0] if names else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
    }


def measured() -> dict[str, Any]:
    """Return what was measured last."""
    found: dict[str, Any] = json.loads(MEASURED.read_text())
    return found


def line(points: Iterable[tuple[float, float]]) -> Line:
    """Return the straight line through the first and the last of ``points``, which starts at 0 where it would start below."""
    (first, low), *_, (last, high) = points
    each = (high - low) / (last - first)
    return Line(max(0.0, low - each * first), each)


def units(found: dict[str, Any], sizing: str, largest: tuple[float, float]) -> Units:
    """Return the unit costs of what was measured; calls are those that ``docs/sizing.md`` tells.

    ``largest`` is how many targets the largest fleet had that was run, and the MiB that it took: memory does not grow as fast
    as from a small fleet to one of hundreds, where the first connections and pages are.
    """
    small, large, shard = found["fleets"]
    pages = found["pages"]

    def of_targets(name: str) -> Line:
        return line((fleet["watched"], fleet[name]) for fleet in (small, large))

    def of_series(name: str) -> Line:
        return line((page["series"], page[name]) for page in pages)

    others: int = shard["sites"] + shard["portals"] - shard["watched"]

    def of_others(name: str) -> float:
        more: float = shard[name] - of_targets(name).at(shard["watched"])
        return max(0.0, more / others)

    site, portal = (_calls(sizing, name) for name in ("Wix, defaults", "Bitrix24, defaults"))
    return Units(
        core=of_targets("core"),
        memory=line([(small["watched"], small["memory_scraped_mib"]), largest]),
        start_cpu=of_targets("start_cpu_seconds"),
        scrape_cpu=of_targets("scrape_cpu_seconds"),
        series=of_targets("series"),
        page_bytes=of_targets("page_bytes"),
        page_gzip_bytes=of_targets("page_gzip_bytes"),
        start_cpu_of_others=of_others("start_cpu_seconds"),
        memory_of_others=of_others("memory_scraped_mib"),
        prometheus_memory=of_series("memory_mib"),
        prometheus_cpu=of_series("cpu_seconds"),
        disk_bytes_a_sample=found["disk"]["bytes_a_sample"],
        index_bytes_a_series=found["disk"]["index_bytes_a_series"],
        calls_a_day=(SITES_TO_A_PORTAL * site + portal) / (SITES_TO_A_PORTAL + 1),
    )


def _calls(sizing: str, name: str) -> int:
    (day,) = re.findall(rf"^\| {re.escape(name)} \| \d+ \| ([\d,]+) \|$", sizing, re.MULTILINE)
    return int(day.replace(",", ""))


@dataclass(frozen=True, slots=True)
class Fleet:
    """What so many targets cost, worked out from the unit costs."""

    targets: int
    processes: int
    files: int
    cores: float
    memory_mib: float
    series: float
    gzip_bytes: float
    calls_a_day: float
    prometheus_memory_mib: float
    prometheus_cores: float
    disk_bytes: float


def fleet(targets: int, unit: Units) -> Fleet:
    """Multiply: each process has its share of the targets of its file, and reads those of the others."""
    processes, files = (math.ceil(targets / most) for most in (IN_A_PROCESS, IN_A_FILE))
    own = targets / processes
    others = targets / files - own
    series = targets * unit.series.each + processes * unit.series.base
    return Fleet(
        targets=targets,
        processes=processes,
        files=files,
        cores=processes * (unit.core.at(own) + unit.scrape_cpu.at(own) / 60),
        memory_mib=processes * (unit.memory.at(own) + unit.memory_of_others * others),
        series=series,
        gzip_bytes=unit.page_gzip_bytes.at(own),
        calls_a_day=targets * unit.calls_a_day,
        prometheus_memory_mib=unit.prometheus_memory.at(series),
        prometheus_cores=unit.prometheus_cpu.at(series) / 60,
        disk_bytes=DAYS * series * (SCRAPES_A_DAY * unit.disk_bytes_a_sample + 24 / BLOCK_HOURS * unit.index_bytes_a_series),
    )


def rounded(number: float) -> str:
    """Return two digits of ``number``, all before the point."""
    if number <= 0:
        return "0"
    digits = 1 - math.floor(math.log10(number))
    shown = round(number, digits)
    return f"{shown:,.0f}" if digits <= 0 else f"{shown:.{digits}f}"


def mib(number: float) -> str:
    return f"{rounded(number / 1024)} GiB" if number >= 1000 else f"{rounded(number)} MiB"


def of_bytes(number: float) -> str:
    for size, unit in ((1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if number >= size:
            return f"{rounded(number / size)} {unit}"
    return f"{rounded(number / 1e3)} kB"


def table(head: str, rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown whose ``head`` names the columns, all but the first to the right."""
    columns = head.count("|") - 1
    text = [head, f"|---|{'---:|' * (columns - 1)}", *(f"| {' | '.join(row)} |" for row in rows)]
    return "".join(f"{one}\n" for one in text)
