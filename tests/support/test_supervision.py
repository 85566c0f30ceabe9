"""Background tasks that a bug must not end without a word."""

from __future__ import annotations

import asyncio
from random import Random

import structlog.testing

from exporter.support.supervision import supervised
from tests.harness.clock import ManualClock


class Work:
    """Ends with a bug as often as it is told, after ``seconds``, and then well."""

    def __init__(self, clock: ManualClock, bugs: int, seconds: float = 0.0) -> None:
        self._clock = clock
        self._bugs = bugs
        self._seconds = seconds
        self.began: list[float] = []

    async def __call__(self) -> None:
        self.began.append(self._clock.monotonic())
        await self._clock.sleep(self._seconds)
        if len(self.began) <= self._bugs:
            raise RuntimeError("can't start new thread")


async def done(work: Work, clock: ManualClock, died: list[str]) -> None:
    async def scenario() -> None:
        await supervised("config_watch", work, clock=clock, random=Random(1), died=died.append)

    await scenario()


async def test_a_task_that_a_bug_ends_is_logged_with_its_traceback_counted_and_begun_again_later_each_time() -> None:
    clock, died = ManualClock(auto=True), list[str]()
    work = Work(clock, 10)
    with structlog.testing.capture_logs() as logged:
        await done(work, clock, died)
    assert ["config_watch"] * 10 == died
    assert [("task_died", "config_watch", True)] * 10 == [(line["event"], line["task"], line["exc_info"]) for line in logged]
    pauses = [later - earlier for earlier, later in zip(work.began, work.began[1:], strict=False)]
    most = [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]
    assert all(longest / 2 <= pause <= longest for pause, longest in zip(pauses, most, strict=True))


async def test_bugs_that_lie_far_apart_are_not_in_a_row() -> None:
    clock, died = ManualClock(auto=True), list[str]()
    work = Work(clock, 5, seconds=61)
    await done(work, clock, died)
    pauses = [later - earlier - 61 for earlier, later in zip(work.began, work.began[1:], strict=False)]
    assert all(0.5 <= pause <= 1.0 for pause in pauses)


async def test_something_inside_that_is_cancelled_is_a_bug_and_no_end() -> None:
    clock, died, began = ManualClock(auto=True), list[str](), list[float]()

    async def work() -> None:
        began.append(clock.monotonic())
        if len(began) == 1:
            inside = asyncio.ensure_future(asyncio.sleep(0))
            inside.cancel()
            await inside

    with structlog.testing.capture_logs() as logged:
        await supervised("standby", work, clock=clock, random=Random(1), died=died.append)
    assert (2, ["standby"]) == (len(began), died)
    assert ["task_died"] == [line["event"] for line in logged]


async def test_work_whose_end_meets_a_bug_is_not_begun_again() -> None:
    clock, died, began = ManualClock(), list[str](), list[float]()

    async def work() -> None:
        began.append(clock.monotonic())
        try:
            await clock.sleep(1000)
        except asyncio.CancelledError:
            if len(began) == 1:
                raise RuntimeError("planted") from None
            raise

    task = asyncio.create_task(supervised("watchdog", work, clock=clock, random=Random(1), died=died.append))
    await clock.advance(1)
    task.cancel()
    await clock.advance(100)
    assert task.done()
    assert (1, ["watchdog"]) == (len(began), died)


async def test_work_that_ends_well_is_not_begun_again_and_one_that_is_cancelled_is_no_bug() -> None:
    clock, died = ManualClock(), list[str]()

    await supervised("garbage", Work(ManualClock(auto=True), 0), clock=clock, random=Random(1), died=died.append)
    endless = Work(clock, 1, seconds=1000)
    task = asyncio.create_task(supervised("garbage", endless, clock=clock, random=Random(1), died=died.append))
    await clock.advance(1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert [] == died
