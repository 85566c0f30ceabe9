"""Processes that take turns before each of their file operations, and may be killed there, inside the process of a test.

To which of them an operation belongs is known by a context variable, which tasks and threads inherit. Who is killed does
nothing more to any file, whatever its ``finally`` blocks try, and loses its descriptors, with them its locks, as by
``kill -9``.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final

import pytest

from exporter.platforms.bitrix24 import tokenfile
from exporter.support import files

_CURRENT: ContextVar[SteppedProcess | None] = ContextVar("stepped_process", default=None)
_OF_OS: Final = frozenset({"open", "fchmod", "write", "fsync", "close", "replace"})
_OF_PATH: Final = ("open", "stat", "replace", "unlink")


class Killed(BaseException):
    """What goes through the code of a process that was killed."""


class SteppedProcess:
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
        self.operations: list[str] = []
        self.dead = False
        self.failure: BaseException | None = None
        self._work = work
        self._dies_before = dies_before
        self._failing_writes = failing_writes
        self._wrote = wrote
        self._descriptors: set[int] = set()
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

    def operation(self, name: str, function: Callable[..., Any], arguments: tuple[Any, ...], more: dict[str, Any]) -> Any:  # noqa: ANN401  any system call
        """Do the operation when it is let go, unless it is killed before."""
        if self.dead:
            raise Killed
        self._stands.release()
        if not self._may_go.acquire(timeout=30):
            raise TimeoutError
        if len(self.operations) == self._dies_before:
            self.dead = True
            for descriptor in self._descriptors:
                os.close(descriptor)
            raise Killed
        self.operations.append(name)
        if name == "write" and self._failing_writes:
            self._failing_writes -= 1
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        result = function(*arguments, **more)
        if name == "open" and isinstance(result, int):
            self._descriptors.add(result)
        if name == "close":
            self._descriptors.discard(arguments[0])
        if name == "write":
            self._wrote()
        return result

    def _wait(self) -> None:
        assert self._stands.acquire(timeout=30), "it neither stands before an operation nor ends"
        if self._ended:
            self._thread.join(30)

    def _run(self) -> None:
        _CURRENT.set(self)
        try:
            asyncio.run(self._work())
        except BaseException as error:  # noqa: BLE001  the test looks at it
            self.failure = error
        self._ended = True
        self._stands.release()


def _stepped(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any, **more: Any) -> Any:  # noqa: ANN401  any system call
        process = _CURRENT.get()
        return function(*arguments, **more) if process is None else process.operation(name, function, arguments, more)

    return call


class _Module:
    """A module of whose functions those in ``names`` are operations of a process."""

    def __init__(self, module: object, names: frozenset[str]) -> None:
        self._module = module
        self._names = names

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  a module's attributes
        found = getattr(self._module, name)
        return _stepped(name, found) if name in self._names else found


@contextlib.contextmanager
def stepwise_token_files() -> Iterator[pytest.MonkeyPatch]:
    """Let operations on token files be steps of the process that they belong to, while the block runs."""
    with pytest.MonkeyPatch.context() as patch:
        stepped = _Module(os, _OF_OS)
        patch.setattr(tokenfile, "os", stepped)
        patch.setattr(files, "os", stepped)
        patch.setattr(files, "fcntl", _Module(fcntl, frozenset({"flock"})))
        for name in _OF_PATH:
            patch.setattr(Path, name, _stepped(name, getattr(Path, name)))
        yield patch
