"""Calls side by side: one waits for its turn at a time, and whatever ends them leaves none behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from exporter.errors import NetworkError, PollError
from exporter.platforms.bitrix24.concurrent_calls import Call, announce_slot, call_concurrently

Work = Callable[[int], Awaitable[None]]


class Calls:
    """Five calls, each of which does ``work`` with its number; notes what became of them."""

    def __init__(self, work: Work) -> None:
        self.begun: list[int] = []
        self.ended: list[int] = []
        self.cancelled: list[int] = []
        self._work = work

    def next(self) -> Call | None:
        number = len(self.begun)
        if number == 5:
            return None
        self.begun.append(number)

        async def call() -> None:
            try:
                await self._work(number)
            except asyncio.CancelledError:
                self.cancelled.append(number)
                raise
            self.ended.append(number)

        return call

    async def run(self, most: int = 5) -> None:
        await call_concurrently(self.next, lambda underway: underway < most)


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_the_next_call_begins_when_the_one_before_has_its_turn_or_ended() -> None:
    turns = [asyncio.Event() for _ in range(5)]

    async def work(number: int) -> None:
        await turns[number].wait()
        if number != 1:  # it ends without a turn
            announce_slot()
            await asyncio.sleep(3600)

    calls = Calls(work)
    task = asyncio.create_task(calls.run())
    for number in range(5):
        await settle()
        assert number + 1 == len(calls.begun)
        turns[number].set()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert ([1], [0, 2, 3, 4]) == (calls.ended, sorted(calls.cancelled))


async def test_no_more_are_underway_than_may_be() -> None:
    underway, most = 0, 0

    async def work(_: int) -> None:
        nonlocal underway, most
        underway += 1
        most = max(most, underway)
        announce_slot()
        await settle()
        underway -= 1

    calls = Calls(work)
    await calls.run(most=2)
    assert (2, 5) == (most, len(calls.ended))


async def test_a_refusal_ends_the_beginning_and_the_first_is_raised_when_all_have_ended() -> None:
    go_on = asyncio.Event()

    async def work(number: int) -> None:
        announce_slot()
        if number == 2:
            raise NetworkError("the third")
        await go_on.wait()
        if number == 1:
            raise NetworkError("the second, later")

    calls = Calls(work)
    task = asyncio.create_task(calls.run())
    await settle()
    assert not task.done()
    go_on.set()
    with pytest.raises(PollError, match="the third"):
        await task
    assert ([0, 1, 2], [0], []) == (calls.begun, calls.ended, calls.cancelled)


@pytest.mark.parametrize("bug", [ZeroDivisionError(), RuntimeError("can't start new thread"), TimeoutError()])
async def test_a_bug_cancels_the_others_and_comes_as_itself(bug: Exception) -> None:
    before = asyncio.all_tasks()

    async def work(number: int) -> None:
        announce_slot()
        await asyncio.sleep(0)
        if number == 1:
            raise bug
        await asyncio.sleep(3600)

    calls = Calls(work)
    with pytest.raises(type(bug)):
        await calls.run()
    assert sorted(calls.cancelled) == [number for number in calls.begun if number != 1]
    assert before == asyncio.all_tasks()
