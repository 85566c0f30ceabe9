"""The token file: the last answer of the auth server as JSON, by atomic replace, so that no crash loses a working pair.

A refresh spends the old refresh token, so the new pair must be durable before anybody uses it. The steps:

1. ``prepare``: before the auth server is asked, the file beside (``NAME.new``, 0600) is made anew and filled with blanks. A
   folder that cannot be written, or a full disk, thus shows while the old pair is still good, and the room is ours.
2. ``store``: the answer is written over them by one system call (JSON with blanks behind it is whole), cut to its length,
   flushed to the disk, renamed over the token file, and the folder is flushed.

A process that dies in between leaves a ``NAME.new`` that either holds no pair, then the token file holds the newest pair that
ever reached us, or whole, then it does; ``load`` takes it and finishes the rename. What remains is the moment between the
arrival of an answer and the system call that writes it, which no client can close.

Several processes may use one file: the exporter, its standby, ``probe``, a login. Each holds a lock (``NAME.lock``, advisory,
let go by the system when the process dies) from reading the old pair again to renaming the new one, and nobody else touches
``NAME.new`` meanwhile. Within a process whatever works on ``NAME.new`` has its share of the lock: a thread that a disk holds
up keeps it, although nobody waits for the thread any more.
"""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import copy_context
from pathlib import Path
from typing import Final

import msgspec

from exporter.clock import Clock
from exporter.errors import TargetConfigError
from exporter.support.files import (
    FileLock,
    Stamp,
    file_problem,
    flush_folder,
    is_no_file,
    lock_beside,
    lock_path,
    read_file,
    resolved,
    stamp,
)
from exporter.support.json_text import decoded, is_whole
from exporter.support.secret import Secret

MODE: Final = 0o600
LOCK_SECONDS: Final = 28.0
"""So long one waits for another process: longer than a renewal or a login lasts, shorter than a login's code lives."""

_LOOK_AGAIN_SECONDS: Final = 0.1
MAX_BYTES: Final = 64 * 1024
"""A token file that is larger is not read, so none is written."""

_ROOM: Final = b" " * 8192  # more than answers have

ANSWER_KEYS: Final = frozenset(
    {
        "access_token",
        "client_endpoint",
        "domain",
        "expires",
        "expires_in",
        "member_id",
        "refresh_token",
        "scope",
        "server_endpoint",
        "status",
        "user_id",
    }
)
"""What the auth server's answers hold (bitrix24.md 9.2). Nothing else is stored: it would stay in the file for good."""


class _Answer(msgspec.Struct):
    access_token: str
    refresh_token: str
    client_endpoint: str
    member_id: str = ""
    server_endpoint: str = ""
    scope: str = ""


class Tokens(msgspec.Struct, frozen=True):
    """A pair and where it belongs. ``content`` is the JSON as stored."""

    access: Secret
    refresh: Secret
    client_endpoint: str
    member_id: str
    server_endpoint: str
    content: Secret
    scopes: tuple[str, ...] = ()


def parse(content: bytes) -> Tokens | None:
    """Return the tokens of a whole answer; ``None`` for anything less, or for more than a token file may hold."""
    answer = decoded(content, _Answer) if len(content) <= MAX_BYTES else None
    if answer is None:
        return None
    if not all(text and is_whole(text) for text in (answer.access_token, answer.refresh_token, answer.client_endpoint)):
        return None
    return Tokens(
        Secret(answer.access_token),
        Secret(answer.refresh_token),
        answer.client_endpoint,
        answer.member_id,
        answer.server_endpoint,
        Secret(content.decode("utf-8", "replace")),
        tuple(scope for scope in answer.scope.split(",") if scope),
    )


class NoLockError(TargetConfigError):
    """The lock of a token file cannot be had."""


class ReadOnlyError(NoLockError):
    """There is no lock, for a file system that cannot be written. Nobody renews there."""


class TokenFile:
    """One token file; of a link, the file it leads to. Its methods block for a few milliseconds at most, as does making one.

    They raise :class:`TargetConfigError`: :class:`NoLockError` when the lock file cannot be used. Threads may share one.
    """

    def __init__(self, path: Path) -> None:
        self.path = resolved(path)  # a link would be replaced itself, and the pair behind it be spent
        self._beside = self.path.with_name(f"{self.path.name}.new")
        self._lock: FileLock | None = None
        self._shares = 0
        self._counting = threading.Lock()

    def lock(self) -> bool:
        """Take the file, and finish what a crash interrupted. Returns ``False`` while anybody else has it, of this process too.

        A file system that knows no locks is taken for one that no other process shares.
        """
        with self._counting:
            if self._lock is not None:
                return False
            try:
                self._lock = lock_beside(self.path)
            except OSError as error:
                kind = ReadOnlyError if error.errno == errno.EROFS else NoLockError
                raise kind(f"cannot write the lock file {lock_path(self.path)}: {error.strerror}") from None
            if self._lock is None:
                return False
            self._shares = 1
        self._left_behind()
        return True

    def unlock(self) -> None:
        """Give a share of the lock back; with the last one others may have the file."""
        with self._counting:
            self._shares -= 1
            if self._lock is not None and not self._shares:
                self._lock.release()
                self._lock = None

    def stamp(self) -> Stamp | None:
        """Return the version of the file; ``None`` when there is none."""
        return stamp(self.path)

    def load(self) -> Tokens:
        """Return the newest whole pair, after finishing what a crash interrupted, unless somebody is at it right now.

        Raises :class:`~exporter.errors.TargetConfigError` for a file that is missing, unreadable or without a pair.
        """
        if (left := self.finish()) is not None:
            return left
        try:
            content = _read(self.path)
        except FileNotFoundError:
            raise TargetConfigError(f"there is no token file {self.path}; run booking-sync-exporter bitrix24-login") from None
        except OSError as error:
            raise TargetConfigError(f"cannot read the token file {self.path}: {error.strerror}") from None
        if len(content) > MAX_BYTES:
            raise TargetConfigError(f"the token file {self.path} is larger than 64 KiB, which no answer of an auth server is")
        tokens = parse(content)
        if tokens is None:
            raise TargetConfigError(
                f"the token file {self.path} lacks access_token, refresh_token or client_endpoint, or is not JSON"
            )
        return tokens

    def finish(self) -> Tokens | None:
        """Finish the rename that a crash interrupted, unless somebody renews; return the pair if it cannot be renamed."""
        if file_problem(self._beside):
            return None
        try:
            if not self.lock():
                return None
        except ReadOnlyError:
            return self._left_behind()
        except NoLockError:  # another user's process may be writing it
            return None
        try:
            return self._left_behind()
        finally:
            self.unlock()

    @contextmanager
    def locked(self) -> Iterator[bool]:
        """Have a share of this process's lock while the block runs, or take the file; yields whether it is ours."""
        with self._counting:
            ours = self._lock is not None
            self._shares += ours
        ours = ours or self.lock()
        try:
            yield ours
        finally:
            if ours:
                self.unlock()

    def try_out(self) -> None:
        """Raise what :meth:`prepare` would, before anybody does something for a new pair."""
        with self.locked() as ours:
            if ours:  # another process that is at it right now can write there
                self.discard(self.prepare())

    def prepare(self) -> int:
        """Open the file beside for a new pair; give the descriptor to :meth:`store` or :meth:`discard`.

        Raises :class:`~exporter.errors.TargetConfigError` when the new file cannot be made, or the newest pair is stuck beside.
        """
        with self._held():
            if self._left_behind() is not None and self._beside.exists():
                raise TargetConfigError(f"{self._beside} holds the newest pair and cannot be moved to {self.path}")
            if is_no_file(self.path):
                raise TargetConfigError(f"{self.path} is no regular file, so no token file can take its place")
            descriptor = None
            try:
                # Anew: what stands there may be a pipe, a link, or a file that somebody made before us and reads along.
                self._beside.unlink(missing_ok=True)
                descriptor = os.open(self._beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE)
                os.fchmod(descriptor, MODE)  # a umask may have taken our own rights
                _take_room(descriptor)
            except OSError as error:
                if descriptor is not None:
                    self.discard(descriptor)
                raise TargetConfigError(f"cannot write beside the token file {self.path}: {error.strerror}") from None
            return descriptor

    def store(self, descriptor: int, content: bytes) -> None:
        """Replace the token file by ``content``, durably.

        An atomic replace. Raises :class:`~exporter.errors.TargetConfigError` when an :class:`OSError` keeps it from the disk.
        """
        with self._held():
            try:
                try:
                    if os.write(descriptor, content) != len(content):
                        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                    os.ftruncate(descriptor, len(content))
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
                os.replace(self._beside, self.path)  # noqa: PTH105  in a row with the other system calls
                flush_folder(self.path.parent)
            except OSError as error:
                raise TargetConfigError(f"cannot write the token file {self.path}: {error.strerror}") from None

    def discard(self, descriptor: int) -> None:
        """Undo :meth:`prepare`: no new pair came. A file without one that cannot be removed harms nobody."""
        with suppress(OSError):
            os.close(descriptor)
        with suppress(OSError, NoLockError), self._held():
            self._beside.unlink(missing_ok=True)

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Refuse the block when another process has the file; a thread may come so late that this one has let it go."""
        with self.locked() as ours:
            if not ours:
                raise NoLockError(f"another process is renewing the tokens in {self.path}")
            yield

    def _left_behind(self) -> Tokens | None:
        """Return the pair that a crash left between writing and renaming, and finish the rename."""
        try:
            left, tokens = self._beside.stat(), parse(_read(self._beside))
        except OSError:
            return None
        current = self.stamp()
        # Somebody who puts a token file there by hand after the crash means that file.
        if tokens is None or (current is not None and left.st_mtime_ns < current.modified_ns):
            return None
        with suppress(OSError):  # a folder that became read-only: the pair is good all the same
            self._beside.replace(self.path)
            flush_folder(self.path.parent)
        return tokens


@asynccontextmanager
async def exclusively(file: TokenFile, clock: Clock) -> AsyncIterator[None]:
    """Hold the lock of ``file`` while the block runs.

    Raises :class:`NoLockError` when somebody else has it for :data:`LOCK_SECONDS`.
    """
    ends_at = clock.monotonic() + LOCK_SECONDS
    while not await _locked(file):
        if clock.monotonic() >= ends_at:
            raise NoLockError(
                f"another process has held the lock of {file.path} for {LOCK_SECONDS:g} s, which no renewal takes; end it if "
                "it hangs, or give this one a token file of its own"
            )
        await clock.sleep(_LOOK_AGAIN_SECONDS)
    try:
        yield
    finally:
        file.unlock()


async def _locked(file: TokenFile) -> bool:
    def let_go(taken: asyncio.Future[bool]) -> None:
        if not taken.cancelled() and taken.exception() is None and taken.result():
            file.unlock()

    # No task: the end of the loop would cancel it, while the thread goes on.
    locking = asyncio.get_running_loop().run_in_executor(None, copy_context().run, file.lock)
    try:
        return await asyncio.shield(locking)
    except asyncio.CancelledError:
        locking.add_done_callback(let_go)  # the thread goes on, and nobody else would let go of what it takes
        raise


def _take_room(descriptor: int) -> None:
    if os.pwrite(descriptor, _ROOM, 0) != len(_ROOM):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _read(path: Path) -> bytes:
    return read_file(path, MAX_BYTES + 1)
