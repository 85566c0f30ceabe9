"""Who else may read or write a file, by its mode and those of its folders (docs/decisions/0146)."""

from __future__ import annotations

import grp
import os
import stat as modes
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

_OTHERS: Final = -1  # in place of a group


class Exposure(NamedTuple):
    """What somebody else may do with a file, in words, and how to end it."""

    message: str
    fix: str


def exposures(path: Path, *, secret: bool) -> list[Exposure]:
    """Return what others may do with ``path`` that they should not: write or replace it, and read it if it is ``secret``.

    Others are everybody, and a group that is neither root's nor one of this process. A file that is not there yet can be put
    there. Nothing is said of what lies on a file system that is mounted read-only, as a container's secrets do, of what cannot
    be looked at, and of what a closed folder above keeps from others.
    """
    try:
        real = path.resolve()
        if os.statvfs(real if real.exists() else real.parent).f_flag & os.ST_RDONLY:
            return []
        return [*_of_the_file(real, secret=secret), *_of_the_folders({path.parent.resolve(), real.parent})]
    except (OSError, RuntimeError, ValueError):  # RuntimeError: links in a circle
        return []


def _of_the_file(real: Path, *, secret: bool) -> Iterator[Exposure]:
    if not real.exists():
        return
    status = real.stat()
    if who := _who(real, status, modes.S_IWGRP, modes.S_IWOTH):
        yield Exposure(f"{real}: {who} may write it", f"chmod go-w {real}")
    if secret and (who := _who(real, status, modes.S_IRGRP, modes.S_IROTH)):
        yield Exposure(f"{real}: {who} may read it", f"chmod {'go=' if who == _named(_OTHERS) else 'g='} {real}")


def _of_the_folders(folders: set[Path]) -> Iterator[Exposure]:
    for folder in sorted(folders):
        status = folder.stat()
        if status.st_mode & modes.S_ISVTX:  # only its owner may remove what lies there
            continue
        if who := _who(folder, status, modes.S_IWGRP, modes.S_IWOTH):
            yield Exposure(f"{folder}: {who} may replace the files in this folder", f"chmod go-w {folder}")


def _who(path: Path, status: os.stat_result, of_group: int, of_others: int) -> str | None:
    """Return who has the right, of those who have no business with it."""
    if status.st_mode & of_others and _is_reached(path, _OTHERS):
        return _named(_OTHERS)
    if status.st_mode & of_group and status.st_gid not in _our_groups() and _is_reached(path, status.st_gid):
        return _named(status.st_gid)
    return None


def _is_reached(path: Path, group: int) -> bool:
    """Return whether ``group``, or who is in none, may enter every folder on the way."""
    for folder in path.parents:
        status = folder.stat()
        if not status.st_mode & (modes.S_IXGRP if status.st_gid == group else modes.S_IXOTH):
            return False
    return True


def _our_groups() -> set[int]:
    return {0, os.getegid(), *os.getgroups()}


def _named(group: int) -> str:
    if group == _OTHERS:
        return "everybody"
    try:
        return f"the group {grp.getgrgid(group).gr_name}"
    except KeyError:
        return f"the group {group}"
