"""File permissions: which other users may read or write a file, by its mode and those of its folders (docs/decisions/0146)."""

from __future__ import annotations

import contextlib
import functools
import grp
import os
import stat as modes
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

_OTHERS: Final = -1  # in place of a group


class Exposure(NamedTuple):
    """What somebody else may do with a file, in words, and how to end it."""

    message: str
    fix: str


def exposures(files: Mapping[Path, bool]) -> list[Exposure]:
    """Return what others may do with ``files`` and should not, once each: write or replace them, and read those with secrets.

    The value says which are secret. Others are everybody, and a group that is neither root's nor one of this process. A file
    that is not there yet can be put there. Nothing is said of what lies on a file system that is mounted read-only, as a
    container's secrets do, of what cannot be looked at, and of what a closed folder above keeps from others.
    """
    # A fleet has thousands of files in one folder.
    look = _Look(functools.cache(Path.stat), functools.cache(Path.resolve), frozenset({0, os.getegid(), *os.getgroups()}))
    found: dict[Exposure, None] = {}
    for path, secret in files.items():
        with contextlib.suppress(OSError, RuntimeError, ValueError):  # RuntimeError: links in a circle
            found |= dict.fromkeys(_of(path, look, secret=secret))
    return list(found)


class _Look(NamedTuple):
    status: Callable[[Path], os.stat_result]
    resolved: Callable[[Path], Path]
    ours: frozenset[int]


def _of(path: Path, look: _Look, *, secret: bool) -> Iterator[Exposure]:
    folder = look.resolved(path.parent)
    real = folder / path.name
    if real.is_symlink():
        real = real.resolve()
    is_there = real.exists()
    if os.statvfs(real if is_there else real.parent).f_flag & os.ST_RDONLY:
        return
    if is_there:
        status = real.stat()
        if who := _who(real, status, modes.S_IWGRP, modes.S_IWOTH, look):
            yield Exposure(f"{real}: {who} may write it", f"chmod go-w {real}")
        if secret and not modes.S_ISDIR(status.st_mode) and (who := _who(real, status, modes.S_IRGRP, modes.S_IROTH, look)):
            yield Exposure(f"{real}: {who} may read it", f"chmod {'go=' if who == _named(_OTHERS) else 'g='} {real}")
    for around in sorted({folder, real.parent}):
        status = look.status(around)
        if status.st_mode & modes.S_ISVTX:  # only its owner may remove what lies there
            continue
        if who := _who(around, status, modes.S_IWGRP, modes.S_IWOTH, look):
            yield Exposure(f"{around}: {who} may replace the files in this folder", f"chmod go-w {around}")


def _who(path: Path, status: os.stat_result, of_group: int, of_others: int, look: _Look) -> str | None:
    """Return who has the right, of those who have no business with it."""
    if status.st_mode & of_others and _is_reached(path, _OTHERS, look):
        return _named(_OTHERS)
    if status.st_mode & of_group and status.st_gid not in look.ours and _is_reached(path, status.st_gid, look):
        return _named(status.st_gid)
    return None


def _is_reached(path: Path, group: int, look: _Look) -> bool:
    """Return whether ``group``, or who is in none, may enter every folder on the way."""
    for folder in path.parents:
        status = look.status(folder)
        if not status.st_mode & (modes.S_IXGRP if status.st_gid == group else modes.S_IXOTH):
            return False
    return True


def _named(group: int) -> str:
    if group == _OTHERS:
        return "everybody"
    try:
        return f"the group {grp.getgrgid(group).gr_name}"
    except KeyError:
        return f"the group {group}"
