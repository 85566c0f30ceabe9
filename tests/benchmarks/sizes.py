"""What 10, 100 and 1,000 targets take, for ``docs/sizing.md``: each size by an exporter of its own, scraped once a minute.

They run at once and share a core, of which they take a tenth together; the fake platforms, Prometheus and whoever measures
have the other. Nine in ten targets are Wix sites with four connections, the tenth a portal of 200 to 1,000 bookings, by TLS.
One run of seven minutes is enough: what each takes is a mean of five.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.benchmarks.figures import Figure, NotRun
from tests.benchmarks.fleet import CORES
from tests.benchmarks.report import main
from tests.fleet.run import Plan, Run, run
from tests.fleet.stretches import START

SIZES: Final = (10, 100, 1_000)
SECONDS: Final = 420.0
STEADY, FIRST = "share of a core, steady", f"share of a core, {START}"
MEMORY, PAGE, READY = "memory at its peak", "page, uncompressed", "ready after"


async def _measured() -> list[Run]:
    if CORES:
        os.sched_setaffinity(0, {CORES[0]})
    plans = [Plan(9 * size // 10, size // 10, SECONDS, tls=True, scrape_every=60.0, cores=CORES) for size in SIZES]
    with tempfile.TemporaryDirectory() as folder:
        folders = [Path(folder) / str(size) for size in SIZES]
        for each in folders:
            each.mkdir()
        async with asyncio.timeout(SECONDS + 300), asyncio.TaskGroup() as group:
            tasks = [group.create_task(run(plan, each)) for plan, each in zip(plans, folders, strict=True)]
    return [task.result() for task in tasks]


def figures(rounds: int) -> Iterator[Figure]:  # noqa: ARG001  one is enough
    if not os.environ.get("SERVERS") and shutil.which("prometheus") is None:
        raise NotRun("prometheus is not installed; `make servers` installs it")
    for size, found in zip(SIZES, asyncio.run(_measured()), strict=True):
        assert found.page is not None
        assert found.ready_seconds is not None
        assert not found.page.failures.total(), "a poll failed"
        start, steady, _ = found.stretches
        values = (
            (STEADY, "% of a core", 100 * steady.share(lambda look: look.exporter)),
            (FIRST, "% of a core", 100 * start.share(lambda look: look.exporter)),
            (MEMORY, "MiB", found.peak_mib),
            (PAGE, "MB", found.page.size / 1e6),
            (READY, "s", found.ready_seconds),
        )
        for name, unit, value in values:
            yield Figure(f"{size:,} targets: {name}", unit, (value,))


if __name__ == "__main__":
    main("sizes", __doc__, figures, beside=("prometheus",))
