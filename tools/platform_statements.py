"""Writes the tables of statements into ``docs/platforms``: ``python -m tools.platform_statements docs/platforms``.

A test compares the committed pages with :func:`written`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from exporter.platforms.registry import PLATFORMS
from tools.marked import put

BEGIN: Final = "<!-- begin: statements -->"
END: Final = "<!-- end: statements -->"


def group_of(statement: str) -> str:
    """Return the group of the id of a statement: ``W-CONN`` of ``W-CONN-07``."""
    return statement.rpartition("-")[0]


def written(page: str, platform: str) -> str:
    """Return ``page`` with the statements of ``platform`` between the marks."""
    stated = PLATFORMS[platform].conformance
    rows = (f"| `{one.id}` | {one.sentence} | {stated.sections[group_of(one.id)]} |" for one in stated.statements)
    table = "\n".join(("| id | statement | evidence in section |", "|---|---|---|", *rows))
    return put(page, BEGIN, END, f"{table}\n")


if __name__ == "__main__":
    for name in (name for name, platform in PLATFORMS.items() if platform.conformance.statements):
        path = Path(sys.argv[1]) / f"{name}.md"
        path.write_text(written(path.read_text(encoding="utf-8"), name), encoding="utf-8")
