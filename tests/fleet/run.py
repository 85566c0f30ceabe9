"""One run: the fake, the exporter as its users start it, and everything that was seen while it watched the fleet."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.fleet import wix
from tests.fleet.page import Buckets, PageNumbers, read_page
from tests.fleet.processes import Fake, FakeReport, cpu_seconds, fake, memory_mib
from tests.fleet.watch import Sample, Watch
from tests.harness.process import Exporter, exporter

NARROW_SECONDS: Final = 30.0
START_SECONDS: Final = 120.0
STOP_SECONDS: Final = 30.0
_PHASES: Final = (
    ("first minute", 0, 60),
    ("from 60 s", 60, None),
    ("first two minutes", 0, 120),
    ("from 120 s", 120, None),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run. ``scrape_every`` seconds (0: never) the whole page is read; ``cores`` are the fake's and the exporter's."""

    sites: int
    portals: int
    seconds: float
    tls: bool = True
    scrape_every: float = 0.0
    cores: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Phase:
    """What was seen from ``since`` to ``until``, seconds after the exporter began to listen. Shares are of one core."""

    name: str
    since: float
    until: float
    samples: Sequence[Sample]
    fake: FakeReport
    lag_seconds: float | None
    lateness: dict[str, Buckets]

    @property
    def exporter_share(self) -> float:
        return _share([(sample.at, sample.exporter_cpu_seconds) for sample in self.samples])

    @property
    def fake_share(self) -> float:
        return _share([(sample.at, sample.fake_cpu_seconds) for sample in self.samples])

    @property
    def requests_per_second(self) -> float:
        return self.fake["requests"] / (self.until - self.since)


@dataclass
class Run:
    """What one run brought. Moments are seconds after the exporter began to listen; ``page`` is the last one, whole."""

    plan: Plan
    listening_seconds: float = 0.0
    listening_cpu_seconds: float = 0.0
    ready_seconds: float | None = None
    phases: list[Phase] = field(default_factory=list)
    scrapes: list[tuple[float, PageNumbers | None]] = field(default_factory=list)
    page: PageNumbers | None = None
    peak_mib: float = 0.0
    stop_seconds: float = float("inf")
    exit_code: int | None = None
    log: str = ""

    @property
    def whole(self) -> Phase:
        return self.phases[-1]


async def run(plan: Plan, folder: Path) -> Run:
    """Do ``plan`` with files in ``folder``. No process outlives it."""
    async with fake(folder, sites=plan.sites, portals=plan.portals, tls=plan.tls) as platforms:
        config = platforms.config(folder, plan.sites)
        result = Run(plan)
        began = time.monotonic()
        async with exporter(config, environ=platforms.environ, wait=False) as running:
            if plan.cores:
                # Before either has a thread, since those inherit it.
                os.sched_setaffinity(platforms.pid, {plan.cores[0]})
                os.sched_setaffinity(running.process.pid, {plan.cores[1]})
            await running.listening(START_SECONDS)
            result.listening_seconds = time.monotonic() - began
            result.listening_cpu_seconds = cpu_seconds(running.process.pid)
            await _watch(result, platforms, running)
            await _stop(result, running)
            result.log = running.raw
        return result


async def _watch(result: Run, platforms: Fake, running: Exporter) -> None:
    plan, pid, began = result.plan, running.process.pid, time.monotonic()
    pages: list[PageNumbers] = []
    watch = Watch(running.url, exporter=pid, fake=platforms.pid)
    watch.start()
    readers = [asyncio.create_task(_read_narrow(pages, running.url, began))]
    if plan.scrape_every:
        readers.append(asyncio.create_task(_scrape(result, running.url, began)))
    try:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(running.process.wait(), plan.seconds)
    finally:
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
        # In a thread, because the exporter's log is read meanwhile: a pipe that is full would hold the exporter up.
        await asyncio.to_thread(watch.end)
    assert running.process.returncode is None, f"the exporter ended by itself:\n{running.raw[-4000:]}"
    ended = time.monotonic()
    result.page = await read_page(running.url, at=ended - began)
    if result.page:
        pages.append(result.page)
    result.ready_seconds = next((sample.at - began for sample in watch.samples if sample.ready), None)
    _, result.peak_mib = memory_mib(pid)
    length = ended - began
    phases = [(name, since, until or length) for name, since, until in _PHASES if max(since, until or 0) < plan.seconds]
    for name, since, until in [*phases, ("whole run", 0, length)]:
        inside = [sample for sample in watch.samples if since <= sample.at - began < until]
        report = await platforms.report(began + since, began + until)
        phase = Phase(name, since, until, inside, report, _lag(pages, since, until), lateness_between(pages, since, until))
        result.phases.append(phase)


async def _read_narrow(pages: list[PageNumbers], url: str, began: float) -> None:
    """Read the page of one target now and then, for what is of no target: the whole page of a fleet is a load of its own."""
    while True:
        await asyncio.sleep(NARROW_SECONDS - (time.monotonic() - began) % NARROW_SECONDS)
        page = await read_page(url, at=time.monotonic() - began, target=wix.site_name(0))
        if page:
            pages.append(page)


async def _scrape(result: Run, url: str, began: float) -> None:
    while True:
        await asyncio.sleep(result.plan.scrape_every)
        asked = time.monotonic()
        page = await read_page(url, at=asked - began)
        result.scrapes.append((time.monotonic() - asked, page))


async def _stop(result: Run, running: Exporter) -> None:
    asked = time.monotonic()
    running.send(signal.SIGTERM)
    with contextlib.suppress(TimeoutError):
        result.exit_code = await running.ended(STOP_SECONDS)
        result.stop_seconds = time.monotonic() - asked


def _share(points: Sequence[tuple[float, float]]) -> float:
    if len(points) < 2:
        return float("nan")
    (first, before), (last, after) = points[0], points[-1]
    return (after - before) / (last - first)


def _lag(pages: Sequence[PageNumbers], since: float, until: float) -> float | None:
    """Return the worst lag of the loop; each page tells that of the minute before it."""
    inside = [page.lag_seconds for page in pages if page.at <= until + 1 and (since == 0 or page.at >= since + 59)]
    return max(inside, default=None)


def lateness_between(pages: Sequence[PageNumbers], since: float, until: float) -> dict[str, Buckets]:
    """Return how late the polls between two moments began: the difference of the pages that were read last before them."""

    def last(moment: float) -> dict[str, Buckets]:
        return dict(next((page.lateness for page in reversed(pages) if page.at <= moment + 1), {}))

    before = last(since) if since else {}
    return {
        platform: {bound: number - before.get(platform, {}).get(bound, 0.0) for bound, number in buckets.items()}
        for platform, buckets in last(until).items()
    }


def within(buckets: Buckets, share: float) -> float:
    """Return the smallest bound of a histogram below which at least ``share`` of its values lie."""
    total = buckets.get(float("inf"), 0.0)
    return min((bound for bound, number in buckets.items() if number >= share * total), default=float("inf"))
