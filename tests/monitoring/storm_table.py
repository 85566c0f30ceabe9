"""Plays every storm, or those at the numbers of targets that are named, and writes the table of docs/monitoring.md.

``python -m tests.monitoring.storm_table [NUMBER ...]``; a storm at 1,000 targets takes minutes of a processor. What was
measured is kept in ``storms.json`` beside this file, so that a part can be measured anew. ``before`` in it is what the same
storms were under the rules that judged a target by its best answer; it stays.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.monitoring.bundle import ROOT
from tests.monitoring.paging import Notice, counted, told
from tests.monitoring.storms import NUMBERS, PHASES, Cause, Storm, spells

MEASURED: Final = Path(__file__).with_name("storms.json")
DOCUMENT: Final = ROOT / "docs" / "monitoring.md"
BEGIN: Final = "<!-- storms -->\n"
END: Final = "<!-- /storms -->\n"
_FASTER: Final = 60
_MANY: Final = 100

Kept = dict[str, dict[str, dict[str, int | None]]]
"""Before and now: of each storm the numbers of messages, see :func:`summary`."""


def summary(notices: Sequence[Notice]) -> dict[str, int | None]:
    """Return what is kept of a storm: the messages to pager and tickets, and the minute of the first."""
    pager, tickets = counted(notices, "pager"), counted(notices, "tickets")
    return {
        "pages": pager.begun,
        "pages_after": pager.again,
        "tickets": tickets.begun + tickets.more,
        "tickets_after": tickets.again,
        "all_clears": pager.over + tickets.over,
        "first": min((notice.minute for notice in notices), default=None),
    }


def measure(storms: Sequence[Storm]) -> dict[str, dict[str, int | None]]:
    """Play storms together."""
    with tempfile.TemporaryDirectory() as folder:
        notices = told(spells(storms, Path(folder)), Path(folder), _FASTER)
    return {name: summary(one) for name, one in notices.items()}


def batches(numbers: Sequence[int]) -> Iterator[list[Storm]]:
    """Yield the storms that are played together: all at a number of targets, one by one where a single one is enough to do."""
    for number in numbers:
        storms = [Storm(cause, number, phase) for phase in PHASES for cause in Cause]
        yield from ([storms] if number < _MANY else [[storm] for storm in storms])


def table(kept: Kept) -> str:
    """Return the table as Markdown; of the moments of the polling grid the worst counts."""
    head = (
        "| cause | targets | before: pages | again after the repair | tickets | now: pages | again | tickets | all-clears "
        "| first message, min |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
    )
    return head + "".join(_rows(kept))


def _rows(kept: Kept) -> Iterator[str]:
    for cause in Cause:
        for number in NUMBERS:
            phases = [Storm(cause, number, phase).name for phase in PHASES]
            before, now = ([kept[when][name] for name in phases if name in kept[when]] for when in ("before", "now"))
            cells = [
                _worst(before, "pages"),
                _worst(before, "pages_after"),
                _worst(before, "tickets", "tickets_after"),
                _worst(now, "pages"),
                _worst(now, "pages_after"),
                _worst(now, "tickets", "tickets_after"),
                _worst(now, "all_clears"),
                _range(now),
            ]
            yield f"| {cause} | {number:,} | {' | '.join(cells)} |\n"


def _worst(found: Sequence[Mapping[str, Any]], *names: str) -> str:
    return f"{max(sum(one[name] for name in names) for one in found):,}" if found else ""


def _range(found: Sequence[Mapping[str, Any]]) -> str:
    minutes = sorted({one["first"] for one in found if one["first"] is not None})
    return "-".join(str(minute) for minute in dict.fromkeys((minutes[0], minutes[-1]))) if minutes else ""


def write(kept: Kept) -> None:
    """Put the table into the document."""
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    DOCUMENT.write_text(f"{before}{BEGIN}\n{table(kept)}\n{END}{rest.partition(END)[2]}")


def main(arguments: Sequence[str]) -> None:
    """Measure and write; what is done is kept when the rest is not waited for."""
    for storms in batches([int(one) for one in arguments] or NUMBERS):
        found = measure(storms)
        kept: Kept = json.loads(MEASURED.read_text())
        kept["now"].update(found)
        MEASURED.write_text(json.dumps(kept, indent=1) + "\n")
        write(kept)
        print("\n".join(found), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
