"""Threads of a loop: how much was given to them, when they have ended it, and calls that hang."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

P = ParamSpec("P")
T = TypeVar("T")


class CountingThreads(ThreadPoolExecutor):
    """The threads of a loop, and how often something was given to them."""

    def __init__(self) -> None:
        super().__init__(4)
        self.given = 0
        asyncio.get_running_loop().set_default_executor(self)

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401  as its parent
        self.given += 1
        return super().submit(work, *args, **kwargs)


_GIVEN: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, set[asyncio.Future[Any]]]] = WeakKeyDictionary()


def watch_threads() -> None:
    """Let :func:`threads_rest` know what the running loop gives to threads from now on."""
    loop = asyncio.get_running_loop()
    if loop in _GIVEN:
        return
    given = _GIVEN[loop] = set()
    run = loop.run_in_executor

    def watched(executor: Any, work: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # noqa: ANN401  as the loop's
        future = run(executor, work, *args)
        given.add(future)
        future.add_done_callback(given.discard)
        return future

    loop.run_in_executor = watched  # type: ignore[method-assign,assignment]


async def threads_rest(at_most: float = 20.0) -> None:
    """Wait until no thread works for the running loop, and until all that waited for one waits again.

    A thread that a test lets hang is waited for ``at_most`` so many real seconds.
    """
    given = _GIVEN[asyncio.get_running_loop()]
    while given:
        ended, _ = await asyncio.wait(given, timeout=at_most)
        if not ended:
            return
        for _ in range(50):
            await asyncio.sleep(0)


def held_until(event: threading.Event, call: Callable[P, T]) -> Callable[P, T]:
    """Return ``call`` that hangs, as a disk may, until ``event`` is set."""

    def held(*args: P.args, **kwargs: P.kwargs) -> T:
        assert event.wait(30)
        return call(*args, **kwargs)

    return held
