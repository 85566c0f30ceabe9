"""One run: the fake, the exporter as its users start it, a Prometheus, and all that was seen while it watched the fleet."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx

from tests.fleet import wix
from tests.fleet.incidents import change_one_target, reload, stop_for
from tests.fleet.page import PageNumbers, read_page
from tests.fleet.processes import Fake, cpu_seconds, fake, memory_mib
from tests.fleet.scraper import Scrape, Scraper, scraper
from tests.fleet.stretches import INTERVAL_SECONDS, Stretch, lag_between, lateness_between, stretches
from tests.fleet.vitals import Vitals, watch_vitals
from tests.fleet.watch import Watch
from tests.harness.process import Exporter, exporter

NARROW_SECONDS: Final = 30.0
START_SECONDS: Final = 120.0
STOP_SECONDS: Final = 30.0
_FAILURES: Final = ("poll_failed", "poll_partly_failed")


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run. Moments are seconds after the exporter began to listen; 0 for what is not to happen.

    ``scrape_every`` seconds a Prometheus reads the whole page; ``reload_at`` one target changes; at ``stop_at`` the exporter
    has no processor time for ``stop_for`` seconds. ``cores`` are the one of the fake and of all else, and the exporter's. So
    many ``pairs`` tie a resource of a portal to a calendar, and are no more than portals.
    """

    sites: int
    portals: int
    seconds: float
    tls: bool = True
    scrape_every: float = 0.0
    reload_at: float = 0.0
    stop_at: float = 0.0
    stop_for: float = 60.0
    cores: tuple[int, int] | None = None
    pairs: int = 0

    @property
    def stop(self) -> tuple[float, float] | None:
        return (self.stop_at, self.stop_for) if self.stop_at else None

    def is_stopped(self, moment: float) -> bool:
        """Return whether the exporter cannot answer at ``moment``."""
        return self.stop is not None and self.stop_at - 1 <= moment < self.stop_at + self.stop_for


@dataclass(frozen=True, slots=True)
class Storage:
    """What the Prometheus of a run took in the end; ``memory_mib`` at its peak."""

    memory_mib: float
    disk_mib: float
    series: int


@dataclass
class Run:
    """What one run brought. Moments are seconds after the exporter began to listen; ``page`` is the last one, whole."""

    plan: Plan
    listening_seconds: float = 0.0
    listening_cpu_seconds: float = 0.0
    ready_seconds: float | None = None
    reload_seconds: float | None = None
    stretches: list[Stretch] = field(default_factory=list)
    storage: Storage | None = None
    page: PageNumbers | None = None
    peak_mib: float = 0.0
    stop_seconds: float = float("inf")
    exit_code: int | None = None
    log: str = ""

    @property
    def whole(self) -> Stretch:
        return self.stretches[-1]


async def run(plan: Plan, folder: Path) -> Run:
    """Do ``plan`` with files in ``folder``. No process outlives it."""
    async with fake(folder, sites=plan.sites, portals=plan.portals, tls=plan.tls, pairs=plan.pairs) as platforms:
        config = platforms.config(folder, plan.sites)
        result = Run(plan)
        began = time.monotonic()
        async with exporter(config, "--web.enable-lifecycle", environ=platforms.environ, wait=False) as running:
            if plan.cores:
                # Before either has a thread, since those inherit it.
                os.sched_setaffinity(platforms.pid, {plan.cores[0]})
                os.sched_setaffinity(running.process.pid, {plan.cores[1]})
            await running.listening(START_SECONDS)
            result.listening_seconds = time.monotonic() - began
            result.listening_cpu_seconds = cpu_seconds(running.process.pid)
            began = time.monotonic()
            stack = contextlib.ExitStack()
            try:
                scraping = None
                if plan.scrape_every:
                    made = scraper(folder, urlsplit(running.url).netloc, plan.scrape_every)
                    scraping = await asyncio.to_thread(stack.enter_context, made)
                await _Watched(result, platforms, running, scraping, config, began).until_the_end()
            finally:
                # In a thread, as the beginning, because the exporter's log is read meanwhile: a full pipe would hold it up.
                await asyncio.to_thread(stack.close)
            await _stop(result, running)
            result.log = running.raw
        return result


@dataclass
class _Watched:
    """The time in which everything runs: who looks on, what happens, and what is made of it."""

    result: Run
    platforms: Fake
    running: Exporter
    scraping: Scraper | None
    config: Path
    began: float
    pages: list[PageNumbers] = field(default_factory=list)
    vitals: list[Vitals] = field(default_factory=list)

    async def until_the_end(self) -> None:
        plan, running, result = self.result.plan, self.running, self.result
        watch = Watch(running.url, self.began)
        watch.start()
        helpers = [
            asyncio.create_task(work)
            for work in (self._look(), self._read_narrow(), self._until_ready(), self._reload(), self._be_stopped())
        ]
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(running.process.wait(), self.began + plan.seconds - time.monotonic())
        finally:
            for helper in helpers:
                helper.cancel()
            ended = await asyncio.gather(*helpers, return_exceptions=True)
            await asyncio.to_thread(watch.end)  # the exporter's log is read meanwhile
        assert running.process.returncode is None, f"the exporter ended by itself:\n{running.raw[-4000:]}"
        for bug in ended:
            if bug is not None and not isinstance(bug, asyncio.CancelledError):
                raise bug
        length = time.monotonic() - self.began
        _, result.peak_mib = memory_mib(running.process.pid)
        scrapes = self._stored()
        result.page = await read_page(running.url, at=length)
        if result.page:
            self.pages.append(result.page)
        result.stretches = [
            await self._stretch(name, since, until, watch, scrapes)
            for name, since, until in stretches(length, ready=result.ready_seconds, stop=plan.stop)
        ]

    def _stored(self) -> list[Scrape]:
        if self.scraping is None:
            return []
        storing = self.scraping
        self.result.storage = Storage(memory_mib(storing.pid)[1], storing.disk_mib(), storing.series())
        return storing.scrapes()

    async def _stretch(self, name: str, since: float, until: float, watch: Watch, scrapes: Sequence[Scrape]) -> Stretch:
        wall = time.time() - (time.monotonic() - self.began)  # what the clock on the wall said when it began to listen
        return Stretch(
            name,
            since,
            until,
            [sample for sample in watch.samples if since <= sample.at < until],
            [look for look in self.vitals if since <= look.at < until],
            await self.platforms.report(self.began + since, self.began + until),
            lag_between(self.pages, since, until),
            lateness_between(self.pages, since, until),
            # One that was under way when a stretch ended belongs to the next, which may be what it waited for.
            [scrape for scrape in scrapes if since <= scrape.began + scrape.seconds - wall < until],
            failures_told(self.running.log, wall + since, wall + until),
        )

    async def _at(self, moment: float) -> None:
        await asyncio.sleep(max(0.0, self.began + moment - time.monotonic()))

    async def _look(self) -> None:
        scraping = self.scraping.pid if self.scraping else None
        await watch_vitals(
            self.vitals, self.began, exporter=self.running.process.pid, fake=self.platforms.pid, prometheus=scraping
        )

    async def _read_page(self) -> None:
        """Read the page of one target, for what is of no target: the whole page of a fleet is a load of its own."""
        page = await read_page(self.running.url, at=time.monotonic() - self.began, target=wix.site_name(0))
        if page:
            self.pages.append(page)

    async def _read_narrow(self) -> None:
        plan = self.result.plan
        moments = {NARROW_SECONDS * (number + 1) for number in range(int(plan.seconds / NARROW_SECONDS))}
        if plan.stop:
            moments.add(plan.stop_at + plan.stop_for + INTERVAL_SECONDS)
        for moment in sorted(moments):
            if not plan.is_stopped(moment):
                await self._at(moment)
                await self._read_page()

    async def _until_ready(self) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=5) as http:
            while self.result.ready_seconds is None:
                with contextlib.suppress(httpx.HTTPError):
                    if (await http.get(f"{self.running.url}/-/ready")).status_code == httpx.codes.OK:
                        self.result.ready_seconds = time.monotonic() - self.began
                await asyncio.sleep(0.5)
        settled = self.result.ready_seconds + INTERVAL_SECONDS
        await self._at(settled)
        if not self.result.plan.is_stopped(settled):
            await self._read_page()

    async def _reload(self) -> None:
        if self.result.plan.reload_at:
            await self._at(self.result.plan.reload_at)
            await asyncio.to_thread(change_one_target, self.config)
            self.result.reload_seconds = await reload(self.running.url)

    async def _be_stopped(self) -> None:
        if self.result.plan.stop_at:
            await self._at(self.result.plan.stop_at)
            await self._read_page()
            await stop_for(self.running.process.pid, self.result.plan.stop_for)


def failures_told(log: Iterable[Mapping[str, object]], since: float, until: float) -> Counter[str]:
    """Return by kind how often the log tells, between two moments of the clock on the wall, that a poll failed."""
    told = (line for line in log if line.get("event") in _FAILURES)
    return Counter(
        str(line["reason"]) for line in told if since <= datetime.fromisoformat(str(line["time"])).timestamp() < until
    )


async def _stop(result: Run, running: Exporter) -> None:
    asked = time.monotonic()
    running.send(signal.SIGTERM)
    with contextlib.suppress(TimeoutError):
        result.exit_code = await running.ended(STOP_SECONDS)
        result.stop_seconds = time.monotonic() - asked
