"""``docs/planted-pairs.md``: what became of each fault between bookings and real calendars, and of the healthy twin."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.proof.faults import Fault
from tests.proof.run import Outcome, Rehearsed
from tests.proof.twin import Lived
from tests.proof.world import MINUTE

DOCUMENT: Final = Path("docs/planted-pairs.md")
_HEAD: Final = """\
# Planted faults between bookings and calendars

*Written by `make proof`.*

Do [pairs](proof.md) find the booking that never reached its owner's calendar, and accuse nobody else? Bookings come from the
[simulator](simulator.md)'s Wix sites and Bitrix24 portals; a simulated sync writes them into calendars on **real** servers,
Radicale and xandikos, which the real exporter reads over real sockets: by busy times, by entries, or by a feed. Feeds are
Radicale's, which sends a whole calendar to whoever has its address; xandikos does not, so the others are the simulator's.
Intervals and graces are the defaults: 5 minutes, 10 for private events, 30 minutes of grace; of feeds, too, whose default is 6
hours. Time is simulated and stands still while a server answers.

That a calendar of Google, Apple or Microsoft behaves so is not proved here, nor how a real sync writes.

"""
_FAULTS: Final = """\
## The faults

All are planted at the same moment, each at a pair of its own, after an hour in which all was well,
and repaired when half of the rest is over.
What is found is looked at once a minute, which the bound leaves out. A fault counts as found when the finding, the proof and
the series of `/metrics` say it. Whatever is told of another pair, or beside the fault, fails the run.

| planted | server | read | found as | found after | bound | over after | beside it |
|---|---|---|---|---:|---:|---:|---|
"""
_LAGS: Final = """\

## How late bookings come

Of the pairs without a fault; two of them have each new booking twice in the calendar. A booking that arrives sooner than
the next poll has no lag, so fewer are counted there. A portal does not tell when a booking was moved, so its lag may begin a
poll late.

| pair | server | read | copies come after | made or moved | counted | median told |
|---|---|---|---:|---:|---:|---:|
"""


def document(rehearsed: Rehearsed, lived: Lived, days: int) -> str:
    """Return the document."""
    rows = "".join(map(row, rehearsed.outcomes))
    pairs = len(rehearsed.outcomes) + len(rehearsed.lags)
    what = (
        f"{pairs} pairs with {rehearsed.bookings} bookings at the start, {rehearsed.hours:g} simulated hours, "
        f"{rehearsed.polls:,} polls. {_found(rehearsed.complaints, 'Beside what is listed here')}\n\n"
    )
    lags = "".join(
        f"| {lag.desk} | {lag.server} | {_words(lag.read)} | {_minutes(lag.lag)} | {lag.made} | {lag.counted} "
        f"| {_minutes(lag.median, 'none')} |\n"
        for lag in rehearsed.lags
    )
    return f"{_HEAD}{what}{_FAULTS}{rows}{_LAGS}{lags}{_twin(lived, days)}"


def row(outcome: Outcome) -> str:
    """Return the line of one fault."""
    fault = outcome.fault
    note = "; ".join(("**wrong**", *outcome.complaints)) if outcome.complaints else fault.note
    read = _words(outcome.read)
    after, ended = _minutes(outcome.after), _minutes(outcome.ended) if fault.mend is not None else ""
    bound = _minutes(fault.bound)
    return f"| {fault.planted} | {outcome.server} | {read} | {named(fault)} | {after} | {bound} | {ended} | {note} |\n"


def named(fault: Fault) -> str:
    """Return by what a fault is told: a finding, or why the pair proves nothing."""
    return f"`{fault.named}`" if fault.named else f"`{fault.reason}`, no finding"


def _twin(lived: Lived, days: int) -> str:
    return (
        "\n## The healthy twin\n\n"
        f"Pairs on the simulator, two read in each of the three ways, live through {days} days, "
        "in the middle of which the clocks of Berlin go back.\nPeople book, move and cancel; owners enter evenings and "
        "holidays. Each day the exporter starts again with its state file,\nand one of its credentials is refused for four "
        "hours: of calendars (a feed is no longer published), of the portal or of the site.\n"
        f"In {lived.polls:,} polls {lived.arrived:,} bookings arrived and {lived.proved} pairs are proved. "
        f"{_found(lived.complaints, 'Of bookings and calendars')}\n"
    )


def _found(complaints: tuple[str, ...], where: str) -> str:
    return f"**Wrong:** {'; '.join(complaints)}." if complaints else f"{where} nothing was found."


def _words(read: str) -> str:
    return read.replace("_", " ")


def _minutes(seconds: float | None, without: str = "never") -> str:
    return without if seconds is None else f"{seconds / MINUTE:.0f} min"
