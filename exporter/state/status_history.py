"""Remembers since when a connection has its present status, across restarts when a state file is configured.

The API has no timestamps (wix.md 3.2), so the moment at which we first saw a status is all there is. The state file is JSON::

    {"version": 1, "targets": {"salon-wix": {"<hash of the connection id>": {"status": "synced", "since": 1790000000.0}}}}

It is a convenience, never a reason to fail: an unreadable file is ignored with one warning, and so is a disk that is full.

One process has it at a time (``NAME.lock``): two would drop each other's moments. The lock is also what a standby waits for.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec
import structlog

from exporter.clock import Clock, wall_deadline
from exporter.errors import BookingSyncError, ConfigError, Problem
from exporter.limits import REMEMBERED_CONNECTIONS
from exporter.support.files import FileLock, lock_beside, lock_path, read_file, replace_durably, resolved
from exporter.support.json_text import UNREADABLE
from exporter.support.redaction import told

log = structlog.get_logger(__name__)

VERSION: Final = 1

MAX_SAVE_SECONDS: Final = 5.0
"""A poll waits no longer for the disk. One that hangs (a network share) must not hold what was learnt."""


_MOST_BYTES: Final = 256 * 1024 * 1024  # a fleet's has some MiB
_MAX_HOLDER: Final = 100  # letters that a lock file may say of who holds it


class StateFileInUseError(BookingSyncError):
    """Another process has the state file. ``holder`` says which, as far as it is known."""

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(
            f"another exporter ({holder}) uses the state file {path}; end it, give this one a state_file of its own, "
            "or let this one wait for it with --standby"
        )
        self.holder = holder


class _Entry(msgspec.Struct, frozen=True, gc=False):
    """``since`` is a moment of :meth:`~exporter.clock.Clock.steady`."""

    status: str
    since: float


class _Earlier(_Entry, frozen=True, gc=False):
    """What an earlier run wrote: ``since`` is a moment of the wall clock."""


class _File(msgspec.Struct, frozen=True):
    version: int
    targets: dict[str, dict[str, _Earlier]] = {}


class _Version(msgspec.Struct, frozen=True):
    version: int


class StatusHistory:
    """Keeps the moments for the life of the process: without a state file, "since" counts from start."""

    path: Path | None = None
    """The file, links resolved, if there is one."""

    def __init__(self) -> None:
        self._targets: dict[str, dict[str, _Entry]] = {}
        self._changed = False

    def since(self, target: str, connection: str, status: str, now: float, known: float | None = None) -> float:
        entries = self._targets.setdefault(target, {})
        entry = entries.pop(connection, None)
        # A moment that lies ahead, or before 1970, was written by a clock that ran wrong; its age would be negative, or absurd.
        if entry is None or entry.status != status or entry.since < 0 or self._steady(entry) > now:
            entry = _Entry(status, now if known is None else known)
            self._changed = True
        entries[connection] = entry  # behind all others: the first one is what nobody asked for longest
        return self._steady(entry)

    def forget_oldest(self, target: str) -> None:
        entries = self._targets.get(target, {})
        for gone in list(islice(entries, max(0, len(entries) - REMEMBERED_CONNECTIONS.number))):
            del entries[gone]
            self._changed = True

    def keep_only(self, target: str, connections: frozenset[str]) -> None:
        entries = self._targets.get(target, {})
        for gone in entries.keys() - connections:
            del entries[gone]
            self._changed = True

    def keep_targets(self, targets: frozenset[str]) -> None:
        """Forget targets that are no longer configured."""
        for gone in self._targets.keys() - targets:
            del self._targets[gone]
            self._changed = True

    def take_over(self, before: StatusHistory) -> None:
        """Remember what ``before`` does: it saw the present states, a file only those of an earlier run."""
        for target, entries in before._targets.items():
            self._targets[target] = {key: _Entry(entry.status, before._steady(entry)) for key, entry in entries.items()}
            self._changed = True

    def is_of(self, path: Path | None) -> bool:
        """Return whether this is the memory of the state file ``path``, however it is spelt. Blocks."""
        return self.path == (path and resolved(path))

    async def save(self) -> None:
        """Do nothing: there is no file."""

    async def aclose(self) -> None:
        """Do nothing: there is no file."""

    def _steady(self, entry: _Entry) -> float:
        return entry.since


class FileStatusHistory(StatusHistory):
    """Keeps the moments in a JSON file as well; reads it once, here, which blocks. ``lock`` is let go at the end.

    :meth:`save` writes only when something changed, one write at a time: callers that waited for a write share the next. A
    write belongs to no caller: it goes on when a caller is cancelled or tired of waiting, and no second one starts beside it.
    Each replaces the whole file (temporary file, fsync, rename), so a crash leaves the old or the new one, mode 0600.
    """

    path: Path

    def __init__(self, path: Path, clock: Clock, lock: FileLock | None = None) -> None:
        super().__init__()
        self.path = path
        self._lock = lock
        self._clock = clock
        self._writer: asyncio.Task[None] | None = None
        self._write_failed = False
        for target, entries in _read(path).items():
            self._targets[target] = {**entries}  # all of them: which are asked for shows with the first poll
        self._stepped = clock.stepped()

    async def save(self) -> None:
        if self._clock.stepped() != self._stepped:
            self._changed = True  # the moments in the file are those of a clock that was set
        if not self._changed:
            return
        with contextlib.suppress(TimeoutError):
            async with wall_deadline(self._clock, MAX_SAVE_SECONDS):
                if self._writer is not None and not self._writer.done():
                    await asyncio.shield(self._writer)  # it may have begun before the change
                if self._changed:
                    if self._writer is None or self._writer.done():
                        self._writer = asyncio.create_task(self._write(), name="write the state file")
                    await asyncio.shield(self._writer)

    async def aclose(self) -> None:
        """Let other processes have the file, once a write that runs has ended."""
        if self._writer is not None:
            await asyncio.wait([self._writer])
        if self._lock is not None:
            await asyncio.to_thread(self._lock.release)
            self._lock = None

    async def _write(self) -> None:
        self._changed = False
        self._stepped = self._clock.stepped()
        content = msgspec.json.encode({"version": VERSION, "targets": self._on_the_wall_clock()})
        try:
            await asyncio.to_thread(replace_durably, self.path, content)
        except OSError as error:
            self._changed = True
            if not self._write_failed:
                log.warning("state_file_not_written", path=str(self.path), error=error.strerror)
            self._write_failed = True
        else:
            self._write_failed = False

    def _steady(self, entry: _Entry) -> float:
        return entry.since - self._clock.stepped() if isinstance(entry, _Earlier) else entry.since

    def _on_the_wall_clock(self) -> Mapping[str, Mapping[str, _Entry]]:
        if not self._stepped:
            return self._targets  # as they are: a fleet has tens of thousands, and the loop waits for this
        return {
            target: {key: _Earlier(entry.status, self._steady(entry) + self._stepped) for key, entry in entries.items()}
            for target, entries in self._targets.items()
        }


def open_status_history(path: Path, clock: Clock) -> FileStatusHistory:
    """Take the state file ``path`` for this process, then read it; of a link, the file it leads to. Blocks.

    Raises :class:`StateFileInUseError` while another process has it, :class:`~exporter.errors.ConfigError` when this one may
    open no more files. Where no lock can be had (a folder that cannot be written, a file system that knows none) it is used all
    the same, with a warning: better watched twice than by nobody.
    """
    path = resolved(path)
    try:
        lock = lock_beside(path)
    except OSError as error:
        if error.errno in {errno.EMFILE, errno.ENFILE}:  # says nothing of the file, and another process may have it
            problem = Problem("state_file", f"cannot be locked: {error.strerror}", "raise LimitNOFILE (systemd) or ulimit -n")
            raise ConfigError([problem]) from None
        log.warning("state_file_not_locked", path=str(path), error=error.strerror)
        return FileStatusHistory(path, clock)
    if lock is None:
        raise StateFileInUseError(path, _holder(path))
    if not lock.exclusive:
        log.warning("state_file_not_locked", path=str(path), error="the file system knows no locks")
    with contextlib.suppress(OSError):  # it only tells people
        os.ftruncate(lock.descriptor, 0)
        os.pwrite(lock.descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
    return FileStatusHistory(path, clock, lock)


def _holder(path: Path) -> str:
    try:
        with lock_path(path).open(encoding="utf-8", errors="replace") as file:
            line = file.read(_MAX_HOLDER).partition("\n")[0]
    except OSError:
        line = ""
    return told(line) or "an unknown process"


def _read(path: Path) -> Mapping[str, dict[str, _Earlier]]:
    try:
        content = read_file(path, _MOST_BYTES)
        version = msgspec.json.decode(content, type=_Version).version
        if version == VERSION:
            return msgspec.json.decode(content, type=_File).targets
        why = f"version {version} is not {VERSION}"
    except FileNotFoundError:
        return {}  # the first start
    except OSError as error:
        why = error.strerror or type(error).__name__
    except UNREADABLE as error:
        why = f"not a state file ({type(error).__name__})"
    log.warning("state_file_ignored", path=str(path), why=why)
    return {}
