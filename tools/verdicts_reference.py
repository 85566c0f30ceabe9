"""Writes the table of verdicts, ``docs/verdicts.md``: ``python -m tools.verdicts_reference docs/verdicts.md``.

A test compares the committed file with :func:`render`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from exporter.state.alerts_only import ALERTS_ONLY
from exporter.state.verdict import TABLE
from exporter.state.verdict_row import VerdictRow

_INTRODUCTION: Final = """\
# Verdicts

*Generated from `exporter/state/verdict.py` by `python -m tools.verdicts_reference docs/verdicts.md`.*

The status board, `/api/v1/status` and `probe` judge by this table. The verdict of a target is the first row that applies to it;
if none applies, it is ok. The verdict of several targets is the worst of theirs, in the order critical, warning, unknown, ok.
While a collector of them has not finished its first poll, it is at best unknown.

- `kind` is the value in `problems` of [`/api/v1/status`](status-api.md), or in `listed` for the rows with ok, which are not
  judged. There the verdicts are called `critical`, `warning`, `waiting` (unknown) and `healthy` (ok).
- `probe` exits with 0 for ok, 1 for warning, 2 for critical and 3 for unknown. Rows with *history* need an
  exporter that has been running: `probe` leaves them out, and says so.
- *Alerts* are the rules with the same verdict for the same state. Alerts wait before they fire; the table does not wait.
- Numbers are the defaults. [`verdicts:`](configuration.md#other-thresholds) of the configuration changes them, and the severity
  of some warnings.
"""


_ALERTS_ONLY: Final = """
## What only alerts judge

These states need a longer history than the exporter has, or many targets; the board names them under its verdict.

| what | alerts |
|---|---|
"""


def render() -> str:
    """Return the whole table as Markdown."""
    rows = "".join(_row(row) for row in TABLE)
    only = "".join(f"| {part.what} | {_alerts(part.alerts)} |\n" for part in ALERTS_ONLY)
    head = "\n| verdict | kind | holds when | history | alerts |\n|---|---|---|---|---|\n"
    return f"{_INTRODUCTION}{head}{rows}{_ALERTS_ONLY}{only}"


def _row(row: VerdictRow) -> str:
    history = "yes" if row.history else "-"
    return f"| {row.verdict.name.lower()} | `{row.kind}` | {row.condition} | {history} | {_alerts(row.alerts)} |\n"


def _alerts(names: Iterable[str]) -> str:
    return ", ".join(f"[{name}](runbooks/{name.lower()}.md)" for name in names) or "-"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")
