"""The lock beside a state file (``NAME.lock``): one process has the file at a time, and a standby waits for it."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from pathlib import Path
from typing import Final

import structlog

from exporter.errors import BookingSyncError, ConfigError, ConfigProblem
from exporter.support.files import FileLock, lock_beside, lock_path
from exporter.support.redaction import sanitized

log = structlog.get_logger(__name__)

_MAX_HOLDER: Final = 100  # letters that a lock file may say of who holds it


class StateFileInUseError(BookingSyncError):
    """Another process has the state file. ``holder`` says which, as far as it is known."""

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(
            f"another exporter ({holder}) uses the state file {path}; end it, give this one a state_file of its own, "
            "or let this one wait for it with --standby"
        )
        self.holder = holder


def claimed(path: Path) -> FileLock | None:
    """Take the state file ``path``, no link, for this process, and say so in its lock file. Blocks.

    Raises :class:`StateFileInUseError` while another process has it, :class:`~exporter.errors.ConfigError` when this one may
    open no more files. Where no lock can be had (a folder that cannot be written, a file system that knows none) it is used all
    the same, with a warning: better watched twice than by nobody.
    """
    try:
        lock = lock_beside(path)
    except OSError as error:
        if error.errno in {errno.EMFILE, errno.ENFILE}:  # says nothing of the file, and another process may have it
            problem = ConfigProblem(
                "state_file", f"cannot be locked: {error.strerror}", "raise LimitNOFILE (systemd) or ulimit -n"
            )
            raise ConfigError([problem]) from None
        log.warning("state_file_not_locked", path=str(path), error=error.strerror)
        return None
    if lock is None:
        raise StateFileInUseError(path, _holder(path))
    if not lock.exclusive:
        log.warning("state_file_not_locked", path=str(path), error="the file system knows no locks")
    with contextlib.suppress(OSError):  # it only tells people
        os.ftruncate(lock.descriptor, 0)
        os.pwrite(lock.descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
    return lock


def _holder(path: Path) -> str:
    try:
        with lock_path(path).open(encoding="utf-8", errors="replace") as file:
            line = file.read(_MAX_HOLDER).partition("\n")[0]
    except OSError:
        line = ""
    return sanitized(line) or "an unknown process"
