"""A process that a test can kill or hold before any of its file operations, though it runs in the loop of the test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextvars import copy_context

from tests.harness.file_operations import CURRENT, FileProcess


class Killable(FileProcess):
    """A process. ``before`` is the number of the file operation that it is killed or held before; ``None`` lets it live.

    ``watch`` is called with the name of each operation before it happens.
    """

    def __init__(self, *, before: int | None = None, held: bool = False, watch: Callable[[str], None] = lambda _: None) -> None:
        super().__init__()
        self.held = threading.Event()
        self.go_on = threading.Event()
        self._before = before
        self._is_held = held
        self._watch = watch

    def start(self, work: Callable[[], Awaitable[object]]) -> asyncio.Task[object]:
        """Run ``work`` as this process."""

        async def running() -> object:
            CURRENT.set(self)
            return await work()

        return asyncio.get_running_loop().create_task(running(), context=copy_context())

    async def done_or_held(self, task: asyncio.Task[object]) -> None:
        """Wait until ``task`` of this process is done, or the process is held."""
        async with asyncio.timeout(30):
            while not task.done() and (self.go_on.is_set() or not self.held.is_set()):  # noqa: ASYNC110  set in a thread
                await asyncio.sleep(0.001)

    def before(self, name: str) -> None:
        number = len(self.operations)
        self.operations.append(name)
        ours = CURRENT.set(None)  # what the test looks at is nobody's
        try:
            self._watch(name)
        finally:
            CURRENT.reset(ours)
        if number != self._before:
            return
        if not self._is_held:
            self.kill()
        if threading.current_thread() is not threading.main_thread():  # the loop itself cannot be held: both run in it
            self.held.set()
            assert self.go_on.wait(30)
