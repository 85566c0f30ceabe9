"""What was rendered into a folder the last time, so that an edit by hand is seen and survives.

``.rendered.json`` has a digest of each file as it was written. A file that is another one now was edited. A JSON of Grafana
can hold no comment, so the digests stand beside the files, one a line, in order: two renders of the same write the same.
A render says before it begins what it will write, so that one that is cut off leaves nothing that counts as edited.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path, PurePosixPath
from typing import Final

from exporter.errors import BookingSyncError, ConfigProblem
from exporter.support.files import read_file

RECORD: Final = ".rendered.json"

_MAX_BYTES: Final = 1024 * 1024
_MAX_NAME: Final = 200
_FOLDERS: Final = ("config", "dashboards", "docs")
_WRITTEN: Final = "Written by `booking-sync-exporter monitoring render`"
_KEPT: Final = "move the edit into monitoring.yml or a file of your own, or give --force, which loses it"


def digest(text: str) -> str:
    """Return the digest of a file, whatever ends its lines: git may have changed that."""
    return hashlib.sha256("\n".join(text.splitlines()).encode()).hexdigest()


class Left(Enum):
    """What becomes of a file that is no part of the bundle any more, as people are told."""

    REMOVED = "it had no edits and was removed"
    EDITED = "it was edited, so it stays: remove it when you need it no longer"
    LINKED = "a link leads to it, so it stays: remove it when you need it no longer"


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that a bundle is rendered into, and the digests that each file had when it was rendered last.

    There are two of a file while a render is under way, or after one that was cut off.
    """

    path: Path
    before: Mapping[str, frozenset[str]]

    def edited(self, texts: Mapping[str, str], shipped: Mapping[str, str]) -> Iterator[str]:
        """Yield the names of files that somebody edited, and of those that stand where a new one goes.

        What is there already is no edit, nor is what this version ships, which a checkout has without a record.
        """
        for name, text in texts.items():
            found = self._digest(name)
            known = {digest(text), *self.before.get(name, ()), digest(shipped[name]) if name in shipped else None}
            if found is not None and found not in known:
                yield name

    def left(self, texts: Mapping[str, str], shipped: Mapping[str, str]) -> Iterator[tuple[str, Left]]:
        """Yield files that were rendered once and are no part of the bundle any more, and what becomes of them.

        The record may be that of another folder, or written by anybody: what has no name of the bundle and does not say itself
        that it was rendered is somebody's own file, and none of these.
        """
        for name in sorted(self.before.keys() - texts.keys()):
            found = self._digest(name)
            if found is None:
                continue
            if found not in self.before[name]:
                yield name, Left.EDITED
            elif name in shipped or _WRITTEN in (self.path / name).read_text(encoding="utf-8").partition("\n")[0]:
                yield name, Left.LINKED if self._is_behind_a_link(name) else Left.REMOVED

    def _is_behind_a_link(self, name: str) -> bool:
        path = self.path / name
        return any(one.is_symlink() for one in (path, *path.parents[: len(PurePosixPath(name).parts) - 1]))

    def begun(self, texts: Mapping[str, str]) -> str:
        """Return the text of the record while ``texts`` are being written over what was there."""
        digests = {name: set(known) for name, known in self.before.items()}
        for name, text in texts.items():
            digests.setdefault(name, set()).add(digest(text))
        return _record({name: sorted(known) for name, known in digests.items()})

    def _digest(self, name: str) -> str | None:
        path = self.path / name
        try:
            return digest(path.read_text(encoding="utf-8")) if path.is_file() else None
        except UnicodeDecodeError:
            return ""  # nothing that was rendered
        except OSError as error:
            raise BookingSyncError(f"cannot read {path}: {error.strerror}; give --out a folder that can be read") from None


def folder(path: Path) -> Folder:
    """Return what is known of a folder. A record that cannot be read is none: every file in it counts as edited then.

    Raises :class:`~exporter.errors.BookingSyncError` for a record that is a link: what it leads to would be replaced.
    """
    if (path / RECORD).is_symlink():
        raise BookingSyncError(f"{path / RECORD} is a link, and each render writes it again; remove it")
    try:
        found = json.loads(read_file(path / RECORD, _MAX_BYTES).decode())
    except (OSError, ValueError, RecursionError):
        found = {}
    files = found.get("files") if isinstance(found, dict) else None
    known = files if isinstance(files, dict) else {}
    return Folder(path, {name: _digests(value) for name, value in known.items() if _is_ours(name)})


def _digests(value: object) -> frozenset[str]:
    return frozenset(one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str))


def _is_ours(name: str) -> bool:
    # A record that somebody else wrote must not make us remove their files.
    path = PurePosixPath(name)
    plain = str(path) == name and name.isprintable() and ".." not in path.parts and len(name) <= _MAX_NAME
    return plain and path.parts[:1] in [(one,) for one in _FOLDERS]


def record(texts: Mapping[str, str], kept: Mapping[str, frozenset[str]]) -> str:
    """Return the text of the record of what is rendered, and of what was once and is ``kept``: it is told again."""
    return _record({name: sorted(known) for name, known in kept.items()} | {name: digest(text) for name, text in texts.items()})


def _record(digests: Mapping[str, str | list[str]]) -> str:
    about = "Digests of what `monitoring render` wrote here, by which it sees edits. Keep this file beside the others."
    return json.dumps({"about": about, "files": dict(sorted(digests.items()))}, indent=2) + "\n"


def refusal(path: str) -> ConfigProblem:
    """Return what is told of a file that was edited."""
    return ConfigProblem("", "was edited since it was rendered; nothing is written", _KEPT, file=path)
