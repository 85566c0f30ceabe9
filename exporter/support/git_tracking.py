"""Whether git tracks a file: a secret in a tracked file is in every clone and stays in the history."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

from exporter.support.files import read_file

_MAX_BYTES: Final = 64 * 1024 * 1024


def tracking_repository(path: Path) -> Path | None:
    """Return the working copy whose git index lists ``path``, ``None`` if there is none or the index cannot be read.

    Git's index has the path of each tracked file in plain bytes, behind its length (gitformat-index, version 2). One that is
    ignored, or not added yet, is not in it. Nothing is run: a daemon starts no programs.
    """
    with contextlib.suppress(OSError, RuntimeError, ValueError):  # RuntimeError: links in a circle
        path = path.parent.resolve() / path.name
        for folder in path.parents:
            if (folder / ".git" / "index").is_file():
                tracked = path.relative_to(folder).as_posix().encode()
                entry = bytes([len(tracked) % 256]) + tracked + b"\0"
                return folder if entry in read_file(folder / ".git" / "index", _MAX_BYTES) else None
    return None
