"""A process that a test can kill or hold before any of its file operations, though it runs in the process of the test.

What belongs to it is known by a context variable, which tasks and threads inherit. Who is killed does nothing more to any file,
whatever its ``finally`` blocks try, and loses its descriptors, with them its locks: as by ``kill -9``.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar, copy_context
from pathlib import Path
from typing import Any, Final

import pytest

from exporter.platforms.bitrix24 import tokenfile
from exporter.state import status_history
from exporter.support import files

_CURRENT: ContextVar[Killable | None] = ContextVar("process", default=None)
_OF_OS: Final = frozenset({"open", "fchmod", "write", "fsync", "close", "replace", "ftruncate", "pwrite"})
_OF_PATH: Final = {"open": "read", "stat": "stat", "replace": "replace", "unlink": "unlink"}


class Killed(BaseException):
    """What goes through the code of a process that was killed."""


class Killable:
    """A process. ``before`` is the number of the file operation that it is killed or held before; ``None`` lets it live.

    ``watch`` is called with the name of each operation before it happens.
    """

    def __init__(self, *, before: int | None = None, held: bool = False, watch: Callable[[str], None] = lambda _: None) -> None:
        self.operations: list[str] = []
        self.dead = False
        self.held = threading.Event()
        self.go_on = threading.Event()
        self._before = before
        self._is_held = held
        self._watch = watch
        self._descriptors: set[int] = set()

    def start(self, work: Callable[[], Awaitable[object]]) -> asyncio.Task[object]:
        """Run ``work`` as this process."""

        async def running() -> object:
            _CURRENT.set(self)
            return await work()

        return asyncio.get_running_loop().create_task(running(), context=copy_context())

    async def done_or_held(self, task: asyncio.Task[object]) -> None:
        """Wait until ``task`` of this process is done, or the process is held."""
        async with asyncio.timeout(30):
            while not task.done() and (self.go_on.is_set() or not self.held.is_set()):  # noqa: ASYNC110  set in a thread
                await asyncio.sleep(0.001)

    def before(self, name: str) -> None:
        """Be about to do the file operation ``name``."""
        if self.dead:
            raise Killed
        number = len(self.operations)
        self.operations.append(name)
        ours = _CURRENT.set(None)  # what the test looks at is nobody's
        try:
            self._watch(name)
        finally:
            _CURRENT.reset(ours)
        if number != self._before:
            return
        if not self._is_held:
            self.dead = True
            for descriptor in self._descriptors:
                os.close(descriptor)
            raise Killed
        if threading.current_thread() is not threading.main_thread():  # the loop itself cannot be held: both run in it
            self.held.set()
            assert self.go_on.wait(30)

    def did(self, name: str, arguments: tuple[Any, ...], result: object) -> None:
        """Keep account of the descriptors."""
        if name == "open" and isinstance(result, int):
            self._descriptors.add(result)
        if name == "close":
            self._descriptors.discard(arguments[0])


def _hooked(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any, **more: Any) -> Any:  # noqa: ANN401  any system call
        process = _CURRENT.get()
        if process is None:
            return function(*arguments, **more)
        process.before(name)
        result = function(*arguments, **more)
        process.did(name, arguments, result)
        return result

    return call


class _HookedModule:
    """A module whose functions ``names`` are the file operations of a process."""

    def __init__(self, module: object, names: frozenset[str]) -> None:
        self._module = module
        self._names = names

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  a module's attributes
        found = getattr(self._module, name)
        return _hooked(name, found) if name in self._names else found


@contextlib.contextmanager
def killable_files(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the operations on token and state files ask the process to which they belong, while the block runs."""
    hooked = _HookedModule(os, _OF_OS)
    with monkeypatch.context() as patch:
        patch.setattr(tokenfile, "os", hooked)
        patch.setattr(files, "os", hooked)
        patch.setattr(status_history, "os", hooked)
        patch.setattr(files, "fcntl", _HookedModule(fcntl, frozenset({"flock"})))
        for method, name in _OF_PATH.items():
            patch.setattr(Path, method, _hooked(name, getattr(Path, method)))
        yield
