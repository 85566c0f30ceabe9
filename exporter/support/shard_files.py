"""Shard files: a file that several processes divide, the name of each one's part, and which parts lie beside it.

``NAME.shard-I-of-N`` is the part of process I of N. Earlier versions, which divided the targets in another way, wrote
``NAME.I-of-N``: the names differ, so that nobody who starts with the new division writes over what another one has yet to read.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import Final

_PART: Final = r"\.(?:shard-)?[0-9]{1,9}-of-[0-9]{1,9}"


def shard_file(path: Path, index: int, count: int) -> Path:
    """Return the path of the part of ``path`` that belongs to process ``index`` of ``count``, counted from 0."""
    return path.with_name(f"{path.name}.shard-{index}-of-{count}")


def shard_files_newest_first(path: Path, ending: str = "", *, since: float = 0.0) -> tuple[Path, ...]:
    """Return ``path``, a whole file or a part of one, and beside it the whole and all other parts, that written last first.

    ``ending`` is what stands behind the name of each. What is not there, or was written before ``since``, is left out, but for
    ``path`` itself, which goes first among equals. Blocks.
    ``since`` is in Unix seconds.
    """
    whole = re.sub(f"{_PART}$", "", path.name)
    named = re.compile(f"{re.escape(whole)}(?:{_PART})?{re.escape(ending)}")
    own = path.with_name(path.name + ending)
    written = {own: 0.0}
    with contextlib.suppress(OSError), os.scandir(path.parent) as entries:
        for entry in entries:
            if named.fullmatch(entry.name):
                with contextlib.suppress(OSError):  # a link that leads nowhere says nothing of the others
                    written[path.with_name(entry.name)] = entry.stat().st_mtime
    recent = (part for part, at in written.items() if part == own or at >= since)
    return tuple(sorted(recent, key=lambda part: (written[part], part == own, part.name), reverse=True))
