"""Processes inside the process of a test, whose operations on token and state files the test gets to see, and may kill them at.

To which of them an operation belongs is known by a context variable, which tasks and threads inherit. Who is killed does
nothing more to any file, whatever its ``finally`` blocks try, and loses its descriptors, with them its locks, as by
``kill -9``.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final, NoReturn

import pytest

from exporter.platforms.bitrix24 import tokenfile
from exporter.state import state_lock
from exporter.support import files

CURRENT: ContextVar[FileProcess | None] = ContextVar("process", default=None)
_OF_OS: Final = frozenset({"open", "fchmod", "write", "fsync", "close", "replace", "ftruncate", "pwrite", "read"})
_OF_PATH: Final = {"open": "read", "stat": "stat", "replace": "replace", "unlink": "unlink"}


class Killed(BaseException):
    """What goes through the code of a process that was killed."""


class FileProcess(ABC):
    """A process: the names of its operations so far, and whether it was killed."""

    def __init__(self) -> None:
        self.operations: list[str] = []
        self.dead = False
        self._descriptors: set[int] = set()

    @abstractmethod
    def before(self, name: str) -> None:
        """Be about to do the operation ``name``; raise :class:`Killed`, or what the system says instead of doing it."""

    def after(self, name: str) -> None:  # noqa: B027  not everybody wants to know
        """Have done the operation ``name``."""

    def kill(self) -> NoReturn:
        """Take it its descriptors, and whatever it would do next."""
        self.dead = True
        for descriptor in self._descriptors:
            os.close(descriptor)
        raise Killed

    def operation(self, name: str, call: Callable[[], Any], arguments: tuple[Any, ...]) -> Any:  # noqa: ANN401  any system call
        """Do an operation as this process, unless it is killed before."""
        if self.dead:
            raise Killed
        self.before(name)
        result = call()
        if name == "open" and isinstance(result, int):
            self._descriptors.add(result)
        if name == "close":
            self._descriptors.discard(arguments[0])
        self.after(name)
        return result


def _seen(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any, **more: Any) -> Any:  # noqa: ANN401  any system call
        process = CURRENT.get()
        if process is None:
            return function(*arguments, **more)
        return process.operation(name, lambda: function(*arguments, **more), arguments)

    return call


class _Module:
    """A module of whose functions those in ``names`` are operations of a process."""

    def __init__(self, module: object, names: frozenset[str]) -> None:
        self._module = module
        self._names = names

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  a module's attributes
        found = getattr(self._module, name)
        return _seen(name, found) if name in self._names else found


@contextlib.contextmanager
def seen_files() -> Iterator[pytest.MonkeyPatch]:
    """Let the process that an operation on a token or state file belongs to see it, while the block runs."""
    with pytest.MonkeyPatch.context() as patch:
        of_os = _Module(os, _OF_OS)
        for module in (tokenfile, files, state_lock):
            patch.setattr(module, "os", of_os)
        patch.setattr(files, "fcntl", _Module(fcntl, frozenset({"flock"})))
        for method, name in _OF_PATH.items():
            patch.setattr(Path, method, _seen(name, getattr(Path, method)))
        yield patch
