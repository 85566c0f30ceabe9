"""Plays every storm, or those at the numbers of targets that are named, and writes the table of docs/monitoring.md.

``python -m tests.monitoring.storm_table [NUMBER ...]``; a storm at 1,000 targets takes minutes of a processor. What was
measured is kept in ``storms.json`` beside this file, so that a part can be measured anew. ``before`` in it is what the same
storms were under the rules that judged a target by its best answer; it stays.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from tests.monitoring import message_counts
from tests.monitoring.bundle import ROOT
from tests.monitoring.message_counts import Summary, summary
from tests.monitoring.paging import Notice, counted, told
from tests.monitoring.storms import NUMBERS, PHASES, Cause, Storm, spells
from tools.marked import put

MEASURED: Final = Path(__file__).with_name("storms.json")
DOCUMENT: Final = ROOT / "docs" / "monitoring.md"
BEGIN: Final = "<!-- storms -->\n"
END: Final = "<!-- /storms -->\n"
_FASTER: Final = 60
_MANY: Final = 100

Kept: TypeAlias = dict[str, dict[str, Summary]]
"""Before and now: what is kept of each storm."""


def kept_of(notices: Sequence[Notice]) -> Summary:
    """Return what is kept of a storm."""
    first = min((notice.minute for notice in notices), default=None)
    return summary(counted(notices, "pager"), counted(notices, "tickets"), first)


def measure(storms: Sequence[Storm]) -> dict[str, Summary]:
    """Play storms together."""
    with tempfile.TemporaryDirectory() as folder:
        notices = told(spells(storms, Path(folder)), Path(folder), _FASTER)
    return {name: kept_of(one) for name, one in notices.items()}


def batches(numbers: Sequence[int]) -> Iterator[list[Storm]]:
    """Yield the storms that are played together: all at a number of targets, one by one where a single one is enough to do."""
    for number in numbers:
        storms = [Storm(cause, number, phase) for phase in PHASES for cause in Cause]
        yield from ([storms] if number < _MANY else [[storm] for storm in storms])


def table(kept: Kept) -> str:
    """Return the table as Markdown; of the moments of the polling grid the worst counts."""
    return message_counts.table(("cause", "targets"), _rows(kept), empty="")


def _rows(kept: Kept) -> Iterator[tuple[tuple[str, str], list[Summary], list[Summary]]]:
    for cause in Cause:
        for number in NUMBERS:
            phases = [Storm(cause, number, phase).name for phase in PHASES]
            before, now = ([kept[when][name] for name in phases if name in kept[when]] for when in ("before", "now"))
            yield (cause, f"{number:,}"), before, now


def main(arguments: Sequence[str]) -> None:
    """Measure and write; what is done is kept when the rest is not waited for."""
    for storms in batches([int(one) for one in arguments] or NUMBERS):
        found = measure(storms)
        kept: Kept = json.loads(MEASURED.read_text())
        kept["now"].update(found)
        MEASURED.write_text(json.dumps(kept, indent=1) + "\n")
        DOCUMENT.write_text(put(DOCUMENT.read_text(), BEGIN, END, table(kept)))
        print("\n".join(found), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
