"""Processes that take turns before each of their file operations, inside the process of a test."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from tests.harness.file_operations import CURRENT, FileProcess


class SteppedProcess(FileProcess):
    """Runs ``work`` in a loop and a thread of its own, up to its next file operation each time that it is let go.

    It is killed before operation number ``dies_before``. The first ``failing_writes`` writes find no room on the disk;
    ``wrote`` is called after one that did.
    """

    def __init__(
        self,
        work: Callable[[], Coroutine[Any, Any, None]],
        *,
        dies_before: int | None = None,
        failing_writes: int = 0,
        wrote: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__()
        self.failure: BaseException | None = None
        self._work = work
        self._dies_before = dies_before
        self._failing_writes = failing_writes
        self._wrote = wrote
        self._may_go = threading.Semaphore(0)
        self._stands = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run)
        self._ended = False
        self._thread.start()
        self._wait()

    @property
    def runs(self) -> bool:
        return self._thread.is_alive()

    def step(self) -> None:
        """Let it do the operation that it stands before, and go on to the next."""
        if self.runs:
            self._may_go.release()
            self._wait()

    def before(self, name: str) -> None:
        self._stands.release()
        if not self._may_go.acquire(timeout=30):
            raise TimeoutError
        if len(self.operations) == self._dies_before:
            self.kill()
        self.operations.append(name)
        if name == "write" and self._failing_writes:
            self._failing_writes -= 1
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def after(self, name: str) -> None:
        if name == "write":
            self._wrote()

    def _wait(self) -> None:
        assert self._stands.acquire(timeout=30), "it neither stands before an operation nor ends"
        if self._ended:
            self._thread.join(30)

    def _run(self) -> None:
        CURRENT.set(self)
        try:
            asyncio.run(self._work())
        except BaseException as error:  # noqa: BLE001  the test looks at it
            self.failure = error
        self._ended = True
        self._stands.release()
