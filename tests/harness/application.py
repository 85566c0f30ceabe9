"""The whole exporter in this process, on a clock of the test's, without a web server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Mapping
from pathlib import Path
from random import Random
from typing import Protocol

import httpx
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from exporter.clock import Clock
from exporter.config import load_config, shard_of
from exporter.metrics import Format, Instruments, MetricsPage
from exporter.platforms.registry import new_shared
from exporter.polling.admission import Admission
from exporter.runtime.application import Application
from exporter.runtime.targets import TargetFactory
from exporter.support.known_secrets import KnownSecrets
from exporter.web import WebConfig, create_app, serve
from tests.harness.clock import ManualClock
from tests.harness.pool import pool
from tests.harness.threads import threads_rest, watch_threads


class RunningApplication:
    """An application that polls; the clock moves only here."""

    def __init__(self, app: Application, clock: ManualClock, factory: TargetFactory | None = None) -> None:
        self.app = app
        self.clock = clock
        self._factory = factory

    @property
    def factory(self) -> TargetFactory:
        assert self._factory is not None
        return self._factory

    async def finished_polls(self, polls: int = 1) -> None:
        """Let the time pass until every collector has finished ``polls`` polls."""
        for _ in range(20_000):
            states = [state for target in self.app.view().targets for state in target.collectors]
            if states and all(state.finished_polls >= polls for state in states):
                return
            await self.pass_time(self._step(0.1))
        raise AssertionError("the collectors did not finish their polls")

    async def written(self, path: Path) -> None:
        """Wait until ``path`` is there: a thread writes it, after what was polled is shown."""
        for _ in range(20_000):
            if await asyncio.to_thread(path.exists):
                return
            await asyncio.sleep(0.001)
        raise AssertionError(f"nobody wrote {path.name}")

    async def pass_time(self, seconds: float) -> None:
        """Move the clock, and give sockets a moment and threads the time that they need."""
        await self.clock.advance(seconds)
        await asyncio.sleep(0.001)
        await threads_rest()

    async def pass_long(self, seconds: float) -> None:
        """Move the clock in seconds while somebody is asked, and from sleeper to sleeper while nobody is."""
        end = self.clock.monotonic() + seconds
        while (left := end - self.clock.monotonic()) > 0:
            await self.pass_time(min(left, self._step(1.0)))

    def _step(self, seconds: float) -> float:
        asks = any(target.polling for target in self.app.view().targets)
        return seconds if asks else max(seconds, self.clock.quiet_for())

    async def page(self) -> str:
        return bytes(await self.app.metrics(Format.TEXT, None)).decode()

    async def samples(self) -> dict[str, float]:
        """Return the page's samples by ``name{label="value",…}``: labels sorted, no prefix, no target and platform."""
        found = {}
        for family in text_string_to_metric_families(await self.page()):
            for sample in family.samples:
                labels = ",".join(
                    f'{name}="{value}"' for name, value in sorted(sample.labels.items()) if name not in ("target", "platform")
                )
                found[sample.name.removeprefix("booking_sync_") + (f"{{{labels}}}" if labels else "")] = sample.value
        return found


class PassesTime(Protocol):
    """Whoever moves the clock of a test."""

    async def pass_time(self, seconds: float) -> None: ...


async def driven(app: PassesTime, work: Awaitable[object]) -> None:
    """Let time pass until ``work`` is done."""
    task = asyncio.ensure_future(work)
    while not task.done():
        await app.pass_time(0.5)
    await task


@contextlib.asynccontextmanager
async def application(
    config: Path,
    clock: ManualClock,
    *,
    may_stand_by: bool = False,
    known: KnownSecrets | None = None,
    shard: tuple[int, int] | None = None,
    through: httpx.AsyncBaseTransport | None = None,
    shared: Mapping[str, object] | None = None,
) -> AsyncIterator[RunningApplication]:
    """Run the exporter on ``config`` while the block runs; it asks by sockets unless it is given another way ``through``.

    ``shared`` has what targets of a platform share, by its name, in place of the platform's own.
    """
    watch_threads()
    instruments = Instruments(CollectorRegistry())
    clock_of_exporter: Clock = clock
    async with pool(clock) as http:
        factory = TargetFactory(
            through or http,
            clock_of_exporter,
            Random(1),
            instruments,
            Admission(clock_of_exporter),
            {**new_shared(), **(shared or {})},
            known=known or KnownSecrets(),
        )
        load = factory.sites.loading(lambda: load_config(config) if shard is None else shard_of(load_config(config), *shard))
        app = Application(load, factory=factory, page=MetricsPage(instruments), may_stand_by=may_stand_by)
        await app.start(load())
        try:
            yield RunningApplication(app, clock, factory)
        finally:
            closing = asyncio.create_task(app.aclose(grace=0.0))
            while not closing.done():
                await clock.advance(1.0)
                await asyncio.sleep(0.001)
            await closing
            for _ in range(1_000):  # what the clock of the test gave no time, a file that is let go in a thread
                if not app._closing:
                    break
                await asyncio.sleep(0.001)


@contextlib.asynccontextmanager
async def polled_and_served(config: Path, now: float, web: Path | None = None) -> AsyncIterator[str]:
    """Give the address at which an exporter shows what its first polls at ``now`` brought."""
    async with application(config, ManualClock(now)) as running:
        await running.finished_polls()
        server = await serve(create_app(running.app), "127.0.0.1:0", WebConfig.load(web))
        try:
            yield server.url
        finally:
            await server.stop(grace=1)
