"""Threads of a loop that count what is given to them, and calls that hang."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

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


def held_until(event: threading.Event, call: Callable[P, T]) -> Callable[P, T]:
    """Return ``call`` that hangs, as a disk may, until ``event`` is set."""

    def held(*args: P.args, **kwargs: P.kwargs) -> T:
        assert event.wait(30)
        return call(*args, **kwargs)

    return held
