"""How late the loop is, measured on a real loop that is really held."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from exporter.clock import SystemClock
from exporter.clock.loop_lag import TICK_SECONDS, LoopLag


class HeldLoop:
    """A loop whose clock is ours, so that it can stand still without anybody waiting."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._ahead = 0.0
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "time", lambda: time.monotonic() + self._ahead)

    def hold(self, seconds: float) -> None:
        """Let ``seconds`` pass in which the loop does nothing."""
        self._ahead += seconds

    async def run_for(self, seconds: float, lag: LoopLag) -> None:
        """Let ``seconds`` pass in which the loop is as punctual as this machine lets it be."""
        now, ticked = asyncio.get_running_loop().time, asyncio.Event()
        lag.at_each_tick(ticked.set)
        end = now() + seconds
        while now() < end:
            ticked.clear()
            self.hold(TICK_SECONDS)
            await ticked.wait()


@pytest.fixture
async def loop(monkeypatch: pytest.MonkeyPatch) -> HeldLoop:
    return HeldLoop(monkeypatch)


@pytest.fixture
async def lag(loop: HeldLoop) -> AsyncIterator[LoopLag]:
    """A measurement that runs on ``loop``."""
    del loop
    started = LoopLag()
    started.start()
    yield started
    started.stop()


async def next_tick(lag: LoopLag) -> None:
    ticked = asyncio.Event()
    lag.at_each_tick(ticked.set)
    await ticked.wait()


async def test_a_loop_that_stands_still_is_late_at_once_and_not_only_at_its_next_tick(loop: HeldLoop, lag: LoopLag) -> None:
    loop.hold(3.0)
    assert 2.9 < lag.late() < 3.5
    assert 2.9 < lag.lost() < 3.5


async def test_what_was_lost_adds_up_and_lateness_ends_with_a_punctual_tick(loop: HeldLoop, lag: LoopLag) -> None:
    for _ in range(3):
        loop.hold(2.0)
        await next_tick(lag)
    await next_tick(lag)
    assert 5.8 < lag.lost() < 7.0
    assert lag.late() < 1.0


async def test_only_a_standstill_that_no_work_takes_counts_as_stopped(loop: HeldLoop, lag: LoopLag) -> None:
    for seconds in (1.0, 2.0, 4.0):
        loop.hold(seconds)
        await next_tick(lag)
    assert 0.0 == lag.stopped()
    loop.hold(60.0)
    await next_tick(lag)
    assert 59.0 < lag.stopped() < 61.0
    assert 66.0 < lag.lost() < 70.0


@pytest.mark.slow
async def test_the_longest_stall_is_remembered_for_a_minute(loop: HeldLoop, lag: LoopLag) -> None:
    loop.hold(20.0)
    await next_tick(lag)
    await next_tick(lag)
    assert 19.0 < lag.worst() < 25.0
    await loop.run_for(50.0, lag)
    assert 19.0 < lag.worst() < 25.0
    await loop.run_for(20.0, lag)
    assert lag.worst() < 19.0


def test_the_lag_is_known_from_the_start() -> None:
    assert 0.0 == LoopLag().worst()


async def test_a_deadline_of_the_system_clock_survives_a_stall(
    loop: HeldLoop, lag: LoopLag, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SystemClock(lag)
    async with clock.timeout(0.5):
        # The answer arrives while the loop stands still, so timer and answer come due together.
        monkeypatch.setattr(clock, "monotonic", asyncio.get_running_loop().time)
        loop.hold(30.0)
        await asyncio.sleep(0.01)
