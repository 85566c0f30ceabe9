"""Files: read without waiting for pipes; versions told without reading; atomic replace, safe in a crash; locks of processes."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import stat as modes
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from exporter.support.redaction import is_plain_text, redact

_LOCK_MODE: Final = 0o644
_PIECE: Final = 1024 * 1024


class NotAFileError(OSError):
    """What stands behind a path is a folder, a pipe, a socket or a device: reading it would wait, or never end."""

    def __init__(self) -> None:
        super().__init__(errno.EINVAL, "it is no regular file")


def read_file(path: Path, max_bytes: int) -> bytes:
    """Return the first ``max_bytes`` bytes of a regular file. Blocks for no longer than its disk.

    Raises :class:`OSError`, :class:`NotAFileError` for what is no regular file.
    """
    with _opened_to_read(path) as (descriptor, mode):
        if not modes.S_ISREG(mode):
            raise NotAFileError
        return b"".join(_pieces(descriptor, max_bytes))


def read_file_or_pipe(path: Path, max_bytes: int, seconds: float) -> bytes:
    """Return as :func:`read_file`, or the first ``max_bytes`` bytes that a pipe brings until its writers close it.

    Raises :class:`TimeoutError` for a pipe that nobody has closed within ``seconds``.
    """
    with _opened_to_read(path) as (descriptor, mode):
        if modes.S_ISFIFO(mode):
            return b"".join(_pieces(descriptor, max_bytes, _written_within(descriptor, seconds)))
    return read_file(path, max_bytes)


@contextlib.contextmanager
def _opened_to_read(path: Path) -> Iterator[tuple[int, int]]:
    """Open ``path`` for the block; yields the descriptor and what it is, as in ``st_mode``."""
    try:
        # Non-blocking, or opening a pipe would wait for somebody who writes into it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ENXIO:  # a socket
            raise NotAFileError from None
        raise
    try:
        yield descriptor, os.fstat(descriptor).st_mode
    finally:
        os.close(descriptor)


def _pieces(descriptor: int, max_bytes: int, wait: Callable[[], object] = lambda: None) -> Iterator[bytes]:
    while max_bytes > 0:
        wait()
        piece = os.read(descriptor, min(max_bytes, _PIECE))
        if not piece:
            return
        max_bytes -= len(piece)
        yield piece


def _written_within(descriptor: int, seconds: float) -> Callable[[], None]:
    """Return what waits until a pipe can be read, or has been closed; all waits together last ``seconds`` at most."""
    ends_at = time.monotonic() + seconds
    readable = select.poll()
    readable.register(
        descriptor, select.POLLIN
    )  # a pipe into which nobody wrote yet is not: reading it would look like its end

    def wait() -> None:
        if not readable.poll(max(0.0, ends_at - time.monotonic()) * 1000):
            raise TimeoutError(errno.ETIMEDOUT, f"it is a pipe, and within {seconds:g} s nobody wrote into it and closed it")

    return wait


class Stamp(msgspec.Struct, frozen=True):
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


def file_problem(path: Path, *, folder: bool = False) -> str | None:
    """Return why ``path`` is no file, or no ``folder``, that can be reached, to stand behind its name; ``None`` when it is one.

    ``Path.is_file`` raises for a folder that may not be entered and for a name that is too long.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "does not exist"
    except (OSError, ValueError) as error:
        return f"cannot be reached: {getattr(error, 'strerror', None) or error}"
    if folder:
        return None if modes.S_ISDIR(mode) else "is no folder"
    return None if modes.S_ISREG(mode) else "is no file"


def shown_path(path: Path, written: str) -> str:
    """Return the file ``path`` as a message may name it, which was ``written`` so: a credential may stand in its place.

    What leads to a file, or looks like words or a path, is none.
    """
    is_path = written.startswith(("/", "./", "../")) or is_plain_text(written) or file_problem(path) is None
    return redact(str(path)) if is_path else "the named file"


def is_no_file(path: Path) -> bool:
    """Return whether what stands behind ``path``, if anything does, is no regular file; ``False`` where one cannot look."""
    try:
        return not modes.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def resolved(path: Path) -> Path:
    """Return where ``path`` leads, or itself for links in a circle."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        return path.absolute()


def replace_durably(path: Path, content: bytes) -> None:
    """Replace the file, mode 0600, so that a crash leaves the old or the new one. Blocks; raises :class:`OSError`.

    An atomic replace: after a crash the file has the old content or the new one, never a part of either.
    """
    replace_whole(path, content, 0o600, durable=True)
    flush_folder(path.parent)


def replace_whole(path: Path, content: bytes, mode: int, *, durable: bool = False) -> None:
    """Replace the file, so that whoever reads it finds the old or the new one, also after this process crashed.

    With ``durable`` and :func:`flush_folder` also after the machine did. Blocks; raises :class:`OSError`.
    """
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), mode)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def flush_folder(folder: Path) -> None:
    """Make the names in ``folder`` durable. Blocks; raises :class:`OSError`."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class FileLock(msgspec.Struct, frozen=True):
    """A lock of this process, which ends with it. ``exclusive`` is ``False`` on a file system that knows no locks."""

    descriptor: int
    exclusive: bool

    def release(self) -> None:
        """Let other processes have it. The file stays: whoever removed it would let a second one in."""
        os.close(self.descriptor)


def lock_beside(path: Path) -> FileLock | None:
    """Take the advisory lock ``NAME.lock`` beside ``path`` (``flock``). Blocks for no other process.

    Returns ``None`` while another process has it; raises :class:`OSError` when the file cannot be opened, or is none.
    """
    descriptor = _opened(lock_path(path))
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError as error:
        if error.errno == errno.EBADF:  # NFS locks only what may be written, which another user's file may not
            os.close(descriptor)
            raise
        return FileLock(descriptor, exclusive=False)  # a file system that knows no locks
    return FileLock(descriptor, exclusive=True)


def _opened(path: Path) -> int:
    """Return a descriptor of the lock file. Everybody may read it, and reading is enough to lock what another user made."""
    flags = os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        try:
            descriptor = os.open(path, os.O_RDWR | flags, _LOCK_MODE)
        except OSError as error:
            if error.errno not in {errno.EACCES, errno.EPERM, errno.EROFS}:
                raise
            descriptor = os.open(path, os.O_RDONLY | flags, _LOCK_MODE)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "it is a symbolic link") from None
        raise
    mode = os.fstat(descriptor).st_mode
    if not modes.S_ISREG(mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no regular file")
    if mode & _LOCK_MODE != _LOCK_MODE:
        with contextlib.suppress(OSError):  # it is another user's
            os.fchmod(descriptor, _LOCK_MODE)  # a umask took away what others need
    return descriptor


def lock_path(path: Path) -> Path:
    """Return the file whose lock stands for ``path``: that one is replaced, and a lock would stay with the old version."""
    return path.with_name(f"{path.name}.lock")
