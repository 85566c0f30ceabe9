"""Writes or removes a file of the bundle, or says in one line why it cannot be."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from exporter.errors import BookingSyncError, ConfigError, ConfigProblem
from exporter.support.files import replace_whole, resolved

_MODE: Final = 0o644
"""Prometheus, Alertmanager and Grafana read the files as users of their own; no secret is in them."""


def folder_of(written: str) -> Path:
    """Return the folder that ``--out`` names. Raises :class:`~exporter.errors.ConfigError` for what nobody means.

    A variable of a shell that is not set leaves nothing of a name, or ``/``; a flag whose value was forgotten takes the next.
    """
    if trouble := _folder_problem(written):
        raise ConfigError([ConfigProblem("--out", *trouble)])
    return Path(written)


def _folder_problem(written: str) -> tuple[str, str] | None:
    if not written.strip():
        return "names no folder", "name one, or write . for this one"
    if written != written.strip() or not written.isprintable():
        return "begins or ends with a blank, or holds an invisible character", "write the name without it"
    if written.startswith("-"):
        return "is followed by a flag and no folder", f"name a folder, or write ./{written} for that one"
    if resolved(Path(written)) == Path("/"):
        return "is the root of the file system", "name a folder below it"
    return None


def write(path: Path, text: str) -> None:
    """Write a file, its folders as well. Raises :class:`~exporter.errors.BookingSyncError`, which names it.

    Whoever reads it, and whoever comes after a crash, finds the old one or the new one. A link stays one: what it leads to is
    replaced. The mode of a file that was there stays.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = path.resolve()
        mode = whole.stat().st_mode & 0o777 if whole.is_file() else _MODE
        replace_whole(whole, text.encode(), mode)
    except (OSError, RuntimeError) as error:  # links in a circle
        why = getattr(error, "strerror", None) or error
        raise BookingSyncError(f"cannot write {path}: {why}; give --out a folder that can be written") from None


def remove(path: Path) -> None:
    """Remove a file that may be gone. Raises :class:`~exporter.errors.BookingSyncError`, which names it."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise BookingSyncError(f"cannot remove {path}: {error.strerror}; remove it yourself") from None


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep other renders out of a folder, which is made. Raises :class:`~exporter.errors.BookingSyncError`.

    The lock is on the folder itself: it leaves no file behind, and ends with the process.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise BookingSyncError(f"cannot write {folder}: {error.strerror}; give --out a folder that can be written") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:  # else a file system that knows no locks
            if error.errno in {errno.EAGAIN, errno.EACCES}:
                raise BookingSyncError(f"another render writes to {folder} at the moment; try again when it is done") from None
        yield
    finally:
        os.close(descriptor)
