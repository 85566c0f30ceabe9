"""Threads of a loop that count what is given to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


class CountingThreads(ThreadPoolExecutor):
    """The threads of a loop, and how often something was given to them."""

    def __init__(self) -> None:
        super().__init__(4)
        self.given = 0
        asyncio.get_running_loop().set_default_executor(self)

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401  as its parent
        self.given += 1
        return super().submit(work, *args, **kwargs)
