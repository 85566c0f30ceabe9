"""Writes the table of verdicts, ``docs/verdicts.md``: ``python -m tools.verdicts_reference docs/verdicts.md``.

A test compares the committed file with :func:`render`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from exporter.state.verdict import ALERTS_ONLY, TABLE, Row

_INTRODUCTION: Final = """\
# Verdicts

*Generated from `exporter/state/verdict.py` by `python -m tools.verdicts_reference docs/verdicts.md`.*

The status board, `/api/v1/status` and `probe` judge by this table. Of the rows that hold for a target the first one is its
verdict; where none holds it is ok. Several targets together are as bad as the worst: critical, then warning, unknown, ok; and
unknown at best while a collector of them waits for its first poll.

- `kind` is the word in `problems` of [`/api/v1/status`](status-api.md), and in `listed` for the rows that are ok: what is
  listed is not judged. The verdicts are called `critical`, `warning`, `waiting` (unknown) and `healthy` (ok) there.
- `probe` exits with 0 for ok, 1 for warning, 2 for critical and 3 for unknown. Rows with *history* are known only to an
  exporter that has been running: `probe` leaves them out, and says so.
- *Alerts* name the rules that give the same state the same verdict. They wait before they fire, the table does not.
- Numbers are the defaults. [`verdicts:`](configuration.md#other-thresholds) of the configuration sets others, and how bad some
  of the warnings are.
"""


_ALERTS_ONLY: Final = """
## What only alerts judge

It needs a longer history than the exporter has, or many targets; the board names it under its verdict.

| what | alerts |
|---|---|
"""


def render() -> str:
    """Return the whole table as Markdown."""
    rows = "".join(_row(row) for row in TABLE)
    only = "".join(f"| {part.what} | {_alerts(part.alerts)} |\n" for part in ALERTS_ONLY)
    head = "\n| verdict | kind | holds when | history | alerts |\n|---|---|---|---|---|\n"
    return f"{_INTRODUCTION}{head}{rows}{_ALERTS_ONLY}{only}"


def _row(row: Row) -> str:
    history = "yes" if row.history else "-"
    return f"| {row.verdict.name.lower()} | `{row.kind}` | {row.condition} | {history} | {_alerts(row.alerts)} |\n"


def _alerts(names: Iterable[str]) -> str:
    return ", ".join(f"[{name}](runbooks/{name.lower()}.md)" for name in names) or "-"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")
