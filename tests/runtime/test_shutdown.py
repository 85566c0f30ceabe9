"""Signals, and what ends a process that does not end by itself."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import AsyncIterator

import pytest
import structlog.testing

from exporter.commands import daemon
from exporter.errors import ConfigError, ConfigProblem
from exporter.runtime.shutdown import Signals, StopRequestedError
from exporter.support.threads import DaemonThreadPool

STOPS = (signal.SIGTERM, signal.SIGINT)


class Process:
    """Signals that are delivered, and the exit codes that would have ended the process."""

    def __init__(self, *, max_stop_seconds: float) -> None:
        self.codes: list[int] = []
        self.signals = Signals(asyncio.get_running_loop(), max_stop_seconds=max_stop_seconds, end=self.codes.append)

    async def ended(self) -> None:
        async with asyncio.timeout(10):
            while not self.codes:  # noqa: ASYNC110  what a thread does has no event
                await asyncio.sleep(0.001)


@contextlib.asynccontextmanager
async def running_process(*, max_stop_seconds: float = 60.0) -> AsyncIterator[Process]:
    process = Process(max_stop_seconds=max_stop_seconds)
    with process.signals.delivered():
        yield process


@pytest.fixture
async def process() -> AsyncIterator[Process]:
    async with running_process() as started:
        yield started


def send(number: signal.Signals) -> None:
    signal.raise_signal(number)  # not os.kill: then another thread may take it, some time later


@pytest.mark.parametrize("number", STOPS)
async def test_both_stop_signals_ask_for_the_stop_and_it_is_logged(process: Process, number: signal.Signals) -> None:
    with structlog.testing.capture_logs() as logged:
        send(number)
        await asyncio.wait_for(process.signals.stop.wait(), 10)
    assert ["stopping"] == [line["event"] for line in logged]
    assert [] == process.codes


@pytest.mark.parametrize("first", STOPS)
@pytest.mark.parametrize("second", STOPS)
async def test_a_second_stop_signal_ends_with_one(process: Process, first: signal.Signals, second: signal.Signals) -> None:
    send(first)
    await asyncio.wait_for(process.signals.stop.wait(), 10)
    send(second)
    await process.ended()
    assert [1] == process.codes


async def test_a_stop_that_takes_too_long_ends_with_zero_and_says_so() -> None:
    async with running_process(max_stop_seconds=0.05) as process:
        with structlog.testing.capture_logs() as logged:
            send(signal.SIGTERM)
            await process.ended()
        assert [0] == process.codes
        assert ["stopping", "stop_took_too_long", "stopped"] == [line["event"] for line in logged]


async def test_other_signals_end_nothing_however_often_they_come(process: Process) -> None:
    for _ in range(3):
        send(signal.SIGHUP)
        await asyncio.wait_for(process.signals.hangup.wait(), 10)
        process.signals.hangup.clear()
    assert not process.signals.stop.is_set()
    assert [] == process.codes


async def test_signals_belong_to_who_had_them_before_once_the_block_has_ended() -> None:
    before = [signal.getsignal(number) for number in (*STOPS, signal.SIGHUP, signal.SIGUSR1)]
    async with running_process():
        assert before != [signal.getsignal(number) for number in (*STOPS, signal.SIGHUP, signal.SIGUSR1)]
    assert before == [signal.getsignal(number) for number in (*STOPS, signal.SIGHUP, signal.SIGUSR1)]
    assert "signals" not in [thread.name for thread in threading.enumerate()]


async def test_work_that_ends_before_the_stop_gives_its_result(process: Process) -> None:
    assert "done" == await process.signals.unless_stopped(asyncio.sleep(0, "done"))


async def test_work_that_fails_before_the_stop_raises_its_error(process: Process) -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await process.signals.unless_stopped(fail())


async def test_a_stop_cancels_the_work_that_it_interrupts(process: Process) -> None:
    work = asyncio.ensure_future(asyncio.Event().wait())
    send(signal.SIGTERM)
    with pytest.raises(StopRequestedError):
        await process.signals.unless_stopped(work)
    await asyncio.sleep(0)
    assert work.cancelled()


async def test_a_loop_ends_although_a_thread_of_its_pool_hangs() -> None:
    go_on = threading.Event()

    loop = asyncio.get_running_loop()
    loop.set_default_executor(DaemonThreadPool(1, "test"))
    loop.run_in_executor(None, go_on.wait, 30)
    loop.run_in_executor(None, go_on.wait, 30)  # one more, which has not begun
    await asyncio.sleep(0)
    assert not go_on.is_set()
    go_on.set()


class SlowApplication:
    """Counts reloads; each waits until it is released, and fails."""

    def __init__(self) -> None:
        self.reloads = 0
        self.begun = asyncio.Event()
        self.release = asyncio.Event()

    async def reload(self) -> None:
        self.reloads += 1
        self.begun.set()
        await self.release.wait()
        raise ConfigError([ConfigProblem("", "no")])


async def test_a_storm_of_hangups_is_two_reloads_the_one_that_runs_and_one_more(process: Process) -> None:
    app = SlowApplication()
    task = asyncio.create_task(daemon._reload_on(process.signals.hangup, app))  # type: ignore[arg-type]  # reload is all it asks
    async with asyncio.timeout(10):
        send(signal.SIGHUP)
        await app.begun.wait()
        for _ in range(20):
            send(signal.SIGHUP)
        assert not process.signals.stop.is_set()
        send(signal.SIGTERM)
        await process.signals.stop.wait()  # and all that came before it has been told
    assert 1 == app.reloads
    app.release.set()
    for _ in range(20):
        await asyncio.sleep(0)
    assert 2 == app.reloads
    assert not task.done(), "a rejected reload is not the end"
    task.cancel()
