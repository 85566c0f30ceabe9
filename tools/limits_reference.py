"""Writes the table of caps, ``docs/limits.md``: ``python -m tools.limits_reference docs/limits.md``.

A test compares the committed file with :func:`render`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from exporter.limits import TABLE, Cap

_INTRODUCTION: Final = """\
# Limits

*Generated from `exporter/limits.py` by `python -m tools.limits_reference docs/limits.md`.*

What a platform sends, and what is kept and shown of it, has an end, so that one target that is broken or hostile takes
nothing from the others. Reaching a limit is never silent. KiB and MiB are 1,024 and 1,048,576 bytes; a body is measured as it
came and as it opens.

A question that only adds something fails no poll, whatever its answer: of what type providers are, and whether a booking that
is missing was deleted. There the log tells. What clients may take of the web server stands in [web.md](web.md).
"""


def render() -> str:
    """Return the whole table as Markdown."""
    parts = [_INTRODUCTION]
    for title, caps in TABLE.items():
        rows = "".join(_row(cap) for cap in caps)
        parts.append(f"\n## {title}\n\n| what | at most | moved by | when it is reached |\n|---|---|---|---|\n{rows}")
    return "".join(parts)


def _row(cap: Cap) -> str:
    return f"| {cap.what} | {cap} | {f'`{cap.option}`' if cap.option else '-'} | {cap.told} |\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")
