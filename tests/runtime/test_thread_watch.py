"""Whether threads are to be had, asked now and then."""

from __future__ import annotations

import asyncio

import pytest
import structlog.testing

from exporter.runtime.thread_watch import ThreadWatch
from exporter.support.threads import NO_THREAD
from tests.harness.clock import ManualClock


async def test_threads_that_are_gone_are_trouble_within_five_seconds_until_they_are_back_and_told_once_each() -> None:
    asked: list[bool] = []
    gone = False

    def start() -> None:
        asked.append(gone)
        if gone:
            raise RuntimeError("can't start new thread")

    with structlog.testing.capture_logs() as logged:
        clock = ManualClock()
        watch = ThreadWatch(clock, start)
        running = asyncio.create_task(watch.run())
        found = []
        for now in (False, True, True, False, True):
            gone = now
            await clock.advance(5)
            found.append(watch.trouble())
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert [None, NO_THREAD, NO_THREAD, None, NO_THREAD] == found
    assert ["no_threads", "threads_are_back", "no_threads"] == [line["event"] for line in logged]
    assert 6 == len(asked), "one at the beginning, and one every five seconds, whoever asks for the health"


async def test_a_bug_in_asking_is_not_taken_for_missing_threads() -> None:
    def start() -> None:
        raise RuntimeError("bug")

    with pytest.raises(RuntimeError, match="bug"):
        await ThreadWatch(ManualClock(), start).run()
