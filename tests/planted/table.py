"""``docs/planted-faults.md``: what became of each planted fault, and of the healthy twin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from tests.planted.faults import FAULTS, Fault
from tests.planted.run import Outcome
from tests.planted.world import DAY, HOUR, MINUTE

DOCUMENT: Final = Path("docs/planted-faults.md")
_HEAD: Final = """\
# Planted faults

*Written by `make planted`.*

Does the exporter find what no status of a connection tells, and nothing where there is nothing? A salon of five on Wix and its
portal on Bitrix24 live on the [simulator](simulator.md), and the real exporter watches them: connections, bookings, `events`
and the `slots` of one service of the site, bookings and links of the portal, all at their defaults. People book, move and
cancel, and change their own calendars, whose events end when the first booking hour begins, last whole days, or leave their
time free. Two calendars have a heartbeat at 03:07: one a daily series, the other an event that a script writes anew each hour.

The simulator shows what [the fact sheets](platforms/README.md) know of the platforms. That a real account behaves so is not
proved here.

## The healthy twin

"""
_FAULTS: Final = """\

## The faults

Each has a run of its own in a world that was healthy until then. The findings are looked at once a minute, which the bound
leaves out, until more than an hour after the fault was found: whatever is found beside what is listed here fails the run. A
bound is one interval of the check, or what the definition of the finding needs. In brackets is the cause that is told, which
has to be right from the moment that counts.

| planted | named by | about | found after | bound | beside it |
|---|---|---|---:|---:|---|
"""
_NOT_FOUND: Final = """\

## What is not found

Wix has no access any more to a calendar of Google, and the status stays `SYNCED`: Wix does not list the calendars of a
provider of which only the primary calendar can be imported, so the probe has no answer. If private events stop with it,
`import_silent` tells.
"""


def document(outcomes: Iterable[Outcome], days: float, polls: int, complaints: Sequence[str]) -> str:
    """Return the document; the healthy twin lived for ``days`` with so many ``polls``."""
    found = "nothing was found" if not complaints else f"{len(complaints)} times something was found"
    twin = f"In {days:g} days and {polls:,} polls {found}.\n"
    return f"{_HEAD}{twin}{_FAULTS}{''.join(map(row, outcomes))}{_NOT_FOUND}"


def row(outcome: Outcome) -> str:
    """Return the line of one fault."""
    fault = next(fault for fault in FAULTS if fault.planted == outcome.planted)
    after = "not found" if outcome.after is None else span(outcome.after)
    wrong = "; ".join(("**wrong**", *outcome.complaints)) if outcome.complaints else fault.note
    subjects = ", ".join(dict.fromkeys(subject for _, _, subject in fault.named))
    return f"| {fault.planted} | {kinds(fault)} | {subjects} | {after} | {span(fault.bound)} | {wrong} |\n"


def kinds(fault: Fault) -> str:
    """Return the words by which a fault is named, with the cause where the finding tells one."""
    words = " and ".join(dict.fromkeys(f"`{kind}`" for _, kind, _ in fault.named))
    return f"{words} (`{fault.cause}`)" if fault.cause else words


def span(seconds: float) -> str:
    """Return a time in words: ``70 min``, ``7 days 10 min``, ``6 days 19 h 12 min``."""
    days, rest = divmod(seconds, DAY)
    hours, rest = divmod(rest, HOUR) if days else (0.0, rest)
    parts = (f"{days:.0f} days" if days else "", f"{hours:.0f} h" if hours else "", f"{rest / MINUTE:.0f} min")
    return " ".join(filter(None, parts))
