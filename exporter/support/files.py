"""Files: whether one changed, told without reading it; atomic replace, which no crash can lose; advisory locks of processes."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells one version of a file from the next without reading it."""

    inode: int
    size: int
    modified_ns: int


Stamps = tuple[Stamp | None, ...]


def stamp(path: Path) -> Stamp | None:
    """Return the version of a file; ``None`` when there is none. Follows links: Kubernetes swaps one to change a secret."""
    try:
        status = path.stat()
    except OSError:
        return None
    return Stamp(status.st_ino, status.st_size, status.st_mtime_ns)


def stamps(paths: Iterable[Path]) -> Stamps:
    """Return what is another value after any of ``paths`` was replaced, written to, made or removed."""
    return tuple(stamp(path) for path in paths)


def replace_durably(path: Path, content: bytes) -> None:
    """Replace the file, mode 0600, so that a crash leaves the old or the new one. Blocks; raises :class:`OSError`."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
    flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """Make the names in ``folder`` durable. Blocks; raises :class:`OSError`."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class FileLock:
    """A lock of this process, which ends with it. ``exclusive`` is ``False`` on a file system that knows no locks."""

    descriptor: int
    exclusive: bool

    def release(self) -> None:
        """Let other processes have it. The file stays: whoever removed it would let a second one in."""
        os.close(self.descriptor)


def lock_beside(path: Path) -> FileLock | None:
    """Take the advisory lock ``NAME.lock`` beside ``path`` (``flock``). Blocks for no other process.

    Returns ``None`` while another process has it; raises :class:`OSError` when the file cannot be opened.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(lock_path(path), flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:  # a file system that knows no locks
        return FileLock(descriptor, exclusive=False)
    return FileLock(descriptor, exclusive=True)


def lock_path(path: Path) -> Path:
    """Return the file whose lock stands for ``path``: that one is replaced, and a lock would stay with the old version."""
    return path.with_name(f"{path.name}.lock")
