"""Files: whether one changed, told without reading it, and replacing one so that no crash can lose it (atomic replace)."""

from __future__ import annotations

import contextlib
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
