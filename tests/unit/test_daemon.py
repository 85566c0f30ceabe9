"""What the daemon does with signals."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest
from prometheus_client import generate_latest

from exporter import daemon
from exporter.clock import SystemClock
from exporter.errors import ConfigError, Problem
from exporter.loop_lag import LoopLag
from exporter.settings import Config


class SlowApplication:
    """Counts reloads; each waits until it is released, and fails."""

    def __init__(self) -> None:
        self.reloads = 0
        self.release = asyncio.Event()

    async def reload(self) -> None:
        self.reloads += 1
        await self.release.wait()
        raise ConfigError([Problem("", "no")])


def test_a_storm_of_hangups_is_two_reloads_the_one_that_runs_and_one_more() -> None:
    async def main() -> None:
        stop, hangup, app = asyncio.Event(), asyncio.Event(), SlowApplication()
        daemon._handle_signals(stop, hangup)
        task = asyncio.create_task(daemon._reload_on(hangup, app))  # type: ignore[arg-type]  # reload is all it asks
        for _ in range(20):
            os.kill(os.getpid(), signal.SIGHUP)
            await asyncio.sleep(0.001)
        assert app.reloads == 1
        app.release.set()
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert app.reloads == 2
        assert not task.done(), "a rejected reload is not the end"
        task.cancel()
        assert not stop.is_set()

    asyncio.run(main())


def test_both_stop_signals_stop() -> None:
    async def main(number: signal.Signals) -> None:
        stop = asyncio.Event()
        daemon._handle_signals(stop, asyncio.Event())
        os.kill(os.getpid(), number)
        await asyncio.wait_for(stop.wait(), 5)

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.run(main(number))


def test_the_build_info_names_the_revision_of_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOKING_SYNC_REVISION", "abc123")

    def load() -> Config:
        raise AssertionError

    async def main() -> None:
        async with daemon._application(load, clock=SystemClock(), lag=LoopLag(), lifecycle=False) as (_, instruments):
            assert b'revision="abc123"' in generate_latest(instruments.registry)

    asyncio.run(main())
