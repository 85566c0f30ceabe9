"""The exporter on a core of its own, watching a fleet over TLS for ten minutes: ``python -m tests.benchmarks.fleet``.

A Prometheus scrapes the whole page once a minute. In the middle one target changes and the exporter is told to reload; later
it gets no processor time for a minute (SIGSTOP). The fake platforms, Prometheus and whoever measures share the other core.
``make bench`` leaves it to ``make bench-fleet``.

First polls are all due at once, and as many begin as the core has time for: lateness counts from an interval after the exporter
is ready, processor time and memory from the moment at which it listens. What fails counts always.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.benchmarks import goals
from tests.benchmarks.figures import Figure, NotRun
from tests.benchmarks.report import measured
from tests.benchmarks.report import table as verdicts
from tests.fleet.run import START_SECONDS, STOP_SECONDS, Plan, Run, run
from tests.fleet.scraper import DEFAULT_TIMEOUT_SECONDS
from tests.fleet.stretches import START, STOPPED, Stretch, within
from tests.fleet.table import table
from tools.benchmarks import DOCUMENT, RESULTS, written
from tools.marked import put

AROUND_SECONDS = START_SECONDS + STOP_SECONDS + 120
_ALLOWED = sorted(os.sched_getaffinity(0))
CORES = (_ALLOWED[0], _ALLOWED[1]) if len(_ALLOWED) > 1 else None


def new_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.fleet")
    parser.add_argument("--sites", type=int, default=5000, help="Wix sites with 4 connections each")
    parser.add_argument("--portals", type=int, default=500, help="Bitrix24 portals with 200 to 1,000 bookings each")
    parser.add_argument("--pairs", type=int, default=500, help="portals of which one resource is paired with a CalDAV calendar")
    parser.add_argument("--seconds", type=float, default=600, help="how long, from the moment at which the exporter listens")
    parser.add_argument("--tls", action=argparse.BooleanOptionalAction, default=True, help="platforms speak HTTPS")
    parser.add_argument("--scrape-every", type=float, default=60, help="seconds between scrapes by a real Prometheus; 0: none")
    parser.add_argument("--reload-at", type=float, default=180, help="when one target changes; 0: never")
    parser.add_argument("--stop-at", type=float, default=300, help="when the exporter is stopped (SIGSTOP); 0: never")
    parser.add_argument("--stop-for", type=float, default=60, help="for how many seconds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report to FILE; the one of the whole run is kept")
    return parser


def plan_of(arguments: argparse.Namespace) -> Plan:
    return Plan(
        arguments.sites,
        arguments.portals,
        arguments.seconds,
        tls=arguments.tls,
        scrape_every=arguments.scrape_every,
        reload_at=arguments.reload_at,
        stop_at=arguments.stop_at,
        stop_for=arguments.stop_for,
        cores=CORES,
        pairs=min(arguments.pairs, arguments.portals),
    )


BEGIN = "<!-- written by `make bench-fleet`: begin -->"
END = "<!-- written by `make bench-fleet`: end -->"
WHOLE = plan_of(new_parser().parse_args([]))
"""The run that is promised."""


async def measure(plan: Plan) -> Run:
    task = asyncio.current_task()
    assert task is not None
    # Whoever ends us by a signal ends the exporter, the fake and Prometheus, too.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    if plan.cores:
        os.sched_setaffinity(0, {plan.cores[0]})
    with tempfile.TemporaryDirectory() as folder:
        async with asyncio.timeout(plan.seconds + AROUND_SECONDS):
            return await run(plan, Path(folder))


def figures(plan: Plan, tables: list[str], rounds: int) -> Iterator[Figure]:  # noqa: ARG001  ten minutes are enough
    """Run ``plan``; add the table of what was seen to ``tables``, and return what it is judged by."""
    if plan.scrape_every and not os.environ.get("SERVERS") and shutil.which("prometheus") is None:
        raise NotRun("prometheus is not installed; `make servers` installs it")
    if plan.cores is None:
        print("One core only: the fake, the exporter and the measuring share it, so read shares and latencies with care.\n")
    found = asyncio.run(measure(plan))
    tables.append(table(found))
    print(f"{tables[-1]}\n")
    yield from figures_of(found)


def figures_of(found: Run) -> Iterator[Figure]:
    """Return the figures of a run: those that have goals, then what explains them."""
    whole, plan = found.whole, found.plan
    quiet = [stretch for stretch in found.stretches[:-1] if stretch.name not in {START, STOPPED}]
    what = f"{plan.sites:,} + {plan.portals:,} targets{f', {plan.pairs:,} pairs' if plan.pairs else ''}"
    is_whole = plan == WHOLE  # a smaller fleet, or a quiet one, is held to nothing
    outside = [scrape for stretch in found.stretches[:-1] if stretch.name != STOPPED for scrape in stretch.scrapes]
    failed = () if found.page is None else (float(found.page.failures.total()),)
    latest = max(map(_latest, quiet), default=None)
    unanswered = float(sum(not scrape.up for scrape in outside))
    judged = (
        ("share of a core", (_share(whole),), goals.FLEET_CPU, "the start, which polls all at once; then some 2 ms a request"),
        ("memory at its peak", (found.peak_mib,), goals.FLEET_MEMORY, "some 650 Python objects for each target, and the page"),
        ("failed polls", failed, goals.FLEET_FAILED, ""),
        ("no poll later than", () if latest is None else (latest,), goals.FLEET_LATE, "the processor"),
        (
            "scrapes that failed",
            (unanswered,) if outside else (),
            goals.FLEET_SCRAPED,
            "how large a page Prometheus takes in 30 s",
        ),
    )
    for name, ours, goal, limited_by in judged:
        held_to = goal if is_whole else None
        yield Figure(f"{what}: {name}", goal.unit, ours, goal=held_to, limited_by=limited_by)
    for stretch in found.stretches[:-1]:
        yield Figure(f"share of a core, {stretch.name}", "% of a core", (_share(stretch),))
        yield Figure(f"memory at its peak, {stretch.name}", "MiB", (stretch.peak_mib,))
        yield Figure(f"no poll later than, {stretch.name}", "s", (_latest(stretch),))
    yield Figure("listening after: CPU", "s", (found.listening_cpu_seconds,))
    yield Figure("ready after", "s", () if found.ready_seconds is None else (found.ready_seconds,))
    lag = [stretch.lag_seconds for stretch in quiet if stretch.lag_seconds is not None]
    yield Figure("loop late by at most, outside of start and stop", "s", (max(lag),) if lag else ())
    yield Figure("reload with one changed target", "s", () if found.reload_seconds is None else (found.reload_seconds,))
    yield Figure("TLS connections open at most", "connections", (float(whole.fake["connections_most"]),))
    if found.storage and outside:
        seconds = tuple(scrape.seconds for scrape in outside)
        yield Figure("scrapes outside of the stopped minute", "s", seconds)
        slow = sum(one > DEFAULT_TIMEOUT_SECONDS for one in seconds)
        yield Figure("of these, longer than Prometheus waits by default, 10 s", "scrapes", (float(slow),))
        yield Figure("series of a scrape", "series", (float(outside[-1].samples),))
        yield Figure("Prometheus: memory at its peak", "MiB", (found.storage.memory_mib,))
        yield Figure("Prometheus: disk", "MiB", (found.storage.disk_mib,))
    if found.page is not None:
        yield Figure("the page, uncompressed", "MB", (found.page.size / 1e6,))


def _share(stretch: Stretch) -> float:
    return 100 * stretch.share(lambda look: look.exporter)


def _latest(stretch: Stretch) -> float:
    """Return the bound of the histogram below which all polls of all platforms lie."""
    return max((within(buckets, 1.0) for buckets in stretch.lateness.values()), default=float("nan"))


def main() -> None:
    arguments = new_parser().parse_args()
    plan = plan_of(arguments)
    tables: list[str] = []
    report = measured("fleet", __doc__, partial(figures, plan, tables), rounds=1, beside=("prometheus",))
    sys.stdout.write(f"{verdicts(report)}\n")
    if arguments.json:
        arguments.json.write_bytes(report.encoded())
    elif plan == WHOLE and tables:
        (RESULTS / "fleet.json").write_bytes(report.encoded())
        DOCUMENT.write_text(put(written(DOCUMENT.read_text()), BEGIN, END, f"{tables[0]}\n"))


if __name__ == "__main__":
    main()
