"""Structured concurrency of a collector's calls: how calls that run at the same time begin, fail and end together.

One of them begins when the one before has its turn at the portal. So a collector stands in the portal's queue with one call,
and whoever else asks the portal waits behind that one and not behind all that the collector has to ask.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Final

from exporter.errors import PollError

Call = Callable[[], Awaitable[None]]

# A context variable, so that no function between a collector and the portal has to carry it.
_announce: Final[ContextVar[Callable[[], None]]] = ContextVar("announce_slot", default=lambda: None)


def announce_slot() -> None:
    """Announce that this call has got its slot at the portal, so that the next call of the collector may begin to queue."""
    _announce.get()()


async def call_concurrently(next_call: Callable[[], Call | None], may_begin: Callable[[int], bool]) -> None:
    """Make the calls that ``next_call`` gives, until it gives none, each in a task of its own.

    ``may_begin`` is asked with the number of those underway; with none underway one begins whatever it says. When one fails
    with a :class:`~exporter.errors.PollError`, none begins after it, those underway are waited for, since what they bring is
    kept, and the first error is raised. Whoever is cancelled, or meets a bug, cancels all and leaves none behind.
    """
    failed: list[PollError] = []
    ended = asyncio.Event()
    underway = 0

    async def make(call: Call, begun: asyncio.Event) -> None:
        nonlocal underway
        _announce.set(begun.set)
        try:
            await call()
        except PollError as error:
            failed.append(error)
        finally:
            underway -= 1
            begun.set()
            ended.set()

    try:
        async with asyncio.TaskGroup() as group:
            while not failed:
                if underway and not may_begin(underway):
                    ended.clear()
                    await ended.wait()
                elif (call := next_call()) is None:
                    break
                else:
                    underway += 1
                    begun = asyncio.Event()
                    group.create_task(make(call, begun))
                    await begun.wait()
    except ExceptionGroup as bugs:
        raise bugs.exceptions[0] from None
    if failed:
        raise failed[0]
