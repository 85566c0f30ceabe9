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

Everything that a platform sends, and that is kept or shown of it, is limited, so that a broken or hostile target cannot harm
the others. The exporter always reports when a limit is reached. KiB and MiB are 1,024 and 1,048,576 bytes; the size of a body
is limited before and after decompression.

Two calls never fail a poll, because they only add details: the one for the types of providers, and the one that asks whether a
missing booking was deleted. Their limits are reported in the log. [web.md](web.md#limits-for-clients) has the limits for
clients of the web server.
"""


def render() -> str:
    """Return the whole table as Markdown."""
    parts = [_INTRODUCTION]
    for title, caps in TABLE.items():
        rows = "".join(_row(cap) for cap in caps)
        parts.append(f"\n## {title}\n\n| what | at most | changed by | what happens at the limit |\n|---|---|---|---|\n{rows}")
    return "".join(parts)


def _row(cap: Cap) -> str:
    return f"| {cap.what} | {cap} | {f'`{cap.option}`' if cap.option else '-'} | {cap.consequence} |\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")
