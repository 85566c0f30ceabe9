"""Storms with the real exporter, Prometheus, Alertmanager and an inbox: what arrives when something befalls a whole fleet.

``python -m tests.e2e.storm_rehearsal --sites 40 --cause key-refused`` prints what fired and what was told, minutes after the
beginning, and counts the messages. Without these, all storms come, those of a fleet one after the other, in a quarter of an
hour. ``--keep now`` keeps the counts in ``storms.json`` beside this file and writes the table of docs/monitoring.md.
``--bundle FOLDER`` takes the rules and routes of another version, from its folder ``config``.

Ends with 1 when a storm was not told by one page or one ticket and one all-clear, or the machine was too busy to know.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from tests.e2e.storm_fleet import OWNERS_TAKE_MINUTES, Cause, begin
from tests.e2e.storm_stack import BUNDLE, Notice, StormStack, storm_stack
from tests.monitoring import message_counts
from tests.monitoring.bundle import ROOT
from tests.monitoring.message_counts import Counts, Summary, counted, summary
from tools.marked import put

SITES: Final = (5, 40)
Kept: TypeAlias = dict[str, dict[str, Summary]]
"""Before and now: of each storm the numbers of messages, and the minute of the first."""

LASTS_MINUTES: Final = 40.0
CALM_MINUTES: Final = 30.0
LONG_CALM_MINUTES: Final = 75.0
"""A burning budget asks for more than an hour of history."""

RECOVERS_MINUTES: Final = 60.0
LATEST_MINUTES: Final = 150.0
"""After the repair. It is over once nothing fires and every group was told its end, tickets every half an hour."""

KEPT: Final = Path(__file__).with_name("storms.json")
DOCUMENT: Final = ROOT / "docs" / "monitoring.md"
BEGIN: Final = "<!-- written by `make rehearsal`: begin -->\n"
END: Final = "<!-- written by `make rehearsal`: end -->\n"
MAX_LOST: Final = 0.1
"""The share of scrapes; in life each is tried for ten seconds, here for what these are divided."""

_SHOWN_ALERTS: Final = 3


@dataclass(frozen=True)
class Rehearsed:
    """What a storm brought; minutes count from its beginning."""

    cause: Cause
    sites: int
    pages: Counts
    tickets: Counts
    told: list[str]
    fired: list[str]
    first: int | None
    lost: float

    @property
    def name(self) -> str:
        """Return what tells this storm from the others."""
        return f"{self.cause}, {self.sites}"

    @property
    def is_spoilt(self) -> bool:
        """Whether this machine was so busy that too many scrapes were lost: then the storm was not alone."""
        return self.lost > MAX_LOST or any("ExporterDown" in line for line in self.fired)

    @property
    def summary(self) -> Summary:
        """Return what is kept of it."""
        return summary(self.pages, self.tickets, self.first)

    @property
    def is_one_message(self) -> bool:
        """Whether the storm was told once, and its end once."""
        found = self.summary
        told = [found[name] for name in ("pages", "tickets", "all_clears")]
        return told in ([1, 0, 1], [0, 1, 1]) and not found["pages_after"] and not found["tickets_after"]


def rehearse(stack: StormStack, cause: Cause, sites: int) -> Rehearsed:
    """Let a storm break out over a calm fleet, pass, and be told."""
    stack.sleep(LONG_CALM_MINUTES if cause is Cause.GRANTS_REVOKED else CALM_MINUTES)
    stack.mailbox.notices.clear()
    at, began = time.monotonic(), time.time()
    repairs = begin(cause, stack.simulator)
    stack.sleep(LASTS_MINUTES)
    for repair in repairs:
        repair()
        if len(repairs) > 1:
            stack.sleep(OWNERS_TAKE_MINUTES / len(repairs))
    stack.sleep(RECOVERS_MINUTES)
    latest = time.monotonic() + (LATEST_MINUTES - RECOVERS_MINUTES) * 60 / stack.faster
    while (stack.firing() or still_open(stack.mailbox.notices)) and time.monotonic() < latest:
        stack.sleep(1)
    minute = 60 / stack.faster
    lost = stack.query(f"1 - avg_over_time(up[{time.time() - began:.0f}s])")
    notices = [one for one in stack.mailbox.notices if one.receiver != "heartbeat"]
    minutes = [(one.at - at) / minute for one in notices]

    def is_late(notice: Notice) -> bool:
        return notice.at >= at + LASTS_MINUTES * minute

    return Rehearsed(
        cause,
        sites,
        counted((one for one in notices if one.receiver == "pager"), is_late),
        counted((one for one in notices if one.receiver != "pager"), is_late),
        [f"{when:6.1f} {one.receiver}: {_names(one) or 'all-clear'}" for when, one in zip(minutes, notices, strict=True)],
        _timeline(stack.fired(began, time.time()), began, minute),
        round(minutes[0]) if minutes else None,
        float(lost[0]["value"][1]),
    )


def still_open(notices: Iterable[Notice]) -> set[str]:
    """Return the groups that were told something and not its end, the heartbeat's left out."""
    newest = {one.group: one for one in notices if one.receiver != "heartbeat"}
    return {group for group, one in newest.items() if one.alerts}


def _names(notice: Notice) -> str:
    shown = [f"{name.removeprefix('BookingSync')} {target}".strip() for name, target in notice.alerts]
    more = len(shown) - _SHOWN_ALERTS
    return ", ".join(shown[:_SHOWN_ALERTS]) + (f" and {more} more" if more > 0 else "")


def _timeline(rows: Sequence[dict[str, Any]], began: float, minute: float) -> list[str]:
    """Return when each alert fired, of how many targets, from the first minute to the last."""
    spells: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for row in rows:
        labels = row["metric"]
        moments = [(float(at) - began) / minute for at, _ in row["values"]]
        spells.setdefault((labels["alertname"], labels["severity"]), []).append((min(moments), max(moments)))
    lines = []
    for (name, severity), found in sorted(spells.items(), key=lambda item: min(item[1])):
        first, last = [one for one, _ in found], [one for _, one in found]
        lines.append(
            f"{name.removeprefix('BookingSync')} {severity} x{len(found)}: "
            f"from {min(first):.0f}..{max(first):.0f} to {min(last):.0f}..{max(last):.0f}"
        )
    return lines


def table(kept: Kept) -> str:
    """Return the table as Markdown: a row for each storm, before and now."""
    return message_counts.table(("what happens for 40 minutes", "sites"), _rows(kept), empty="-")


def _rows(kept: Kept) -> Iterator[tuple[tuple[str, str], list[Summary], list[Summary]]]:
    for cause in Cause:
        for sites in SITES:
            name = f"{cause}, {sites}"
            before, now = ([kept[when][name]] if name in kept.get(when, {}) else [] for when in ("before", "now"))
            yield (cause.what, str(sites)), before, now


def keep(found: Rehearsed, when: str) -> None:
    """Remember the counts, beside those of other storms, and write the table into the document."""
    kept: Kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    kept.setdefault(when, {})[found.name] = found.summary
    KEPT.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
    DOCUMENT.write_text(put(DOCUMENT.read_text(), BEGIN, END, table(kept)))


def main() -> None:
    """Rehearse what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sites", type=int, nargs="+", default=SITES, help="fleets (default: %(default)s)")
    parser.add_argument("--cause", type=Cause, nargs="+", default=list(Cause), help=f"of {', '.join(Cause)} (default: all)")
    parser.add_argument("--faster", type=float, default=60.0, help="than life (default: 60); a busy machine needs less")
    parser.add_argument("--bundle", type=Path, default=BUNDLE, help="folder with prometheus and alertmanager in it")
    parser.add_argument("--keep", choices=("before", "now"), help="the column of the table that this is")
    asked = parser.parse_args()
    found: list[Rehearsed] = []
    for sites in asked.sites:
        with (
            tempfile.TemporaryDirectory(prefix="storms-") as folder,
            storm_stack(Path(folder), sites, asked.faster, asked.bundle) as stack,
        ):
            for cause in asked.cause:
                found.append(one := rehearse(stack, cause, sites))
                print(
                    f"{one.name}, {one.lost:.1%} of the scrapes lost",
                    one.summary,
                    *one.fired,
                    *one.told,
                    "",
                    sep="\n",
                    flush=True,
                )
                if one.is_spoilt:
                    print("not kept: this machine is too busy to be so fast; take a smaller --faster", flush=True)
                elif asked.keep:
                    keep(one, asked.keep)
    sys.exit(not all(one.is_one_message and not one.is_spoilt for one in found))


if __name__ == "__main__":
    main()
