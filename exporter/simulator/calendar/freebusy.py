"""The answer to a free-busy-query (RFC 4791, 7.10) in the forms that servers give it (calendar.md 2.1).

Moments are Unix seconds of the simulator's clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from exporter.simulator.calendar import ical
from exporter.simulator.calendar.entries import Entry
from exporter.simulator.calendar.switches import Switches

_TYPES: Final = {"CONFIRMED": "BUSY", "TENTATIVE": "BUSY-TENTATIVE", "CANCELLED": "FREE"}

_LINE_NAMES: Final = re.compile(rb"^(?:BEGIN|END):\w+|^[A-Z][^:\r\n]*", re.MULTILINE)
"""The names and parameters before the value of each line; all of a line that begins or ends something."""

_Period = tuple[float, float, str]


def busy_times(entries: Iterable[Entry], start: float, end: float, now: float, switches: Switches) -> bytes:
    """Return when ``entries`` are busy in ``[start, end)``: no title, no UID, recurrences expanded, cut at both borders."""
    periods = list(_periods(entries, start, end, switches))
    if switches.joined:
        periods = _joined(periods)
    if switches.sorted:
        periods.sort()
    lines = ["BEGIN:VFREEBUSY", f"DTSTART:{ical.utc(start)}", f"DTEND:{ical.utc(end)}", f"DTSTAMP:{ical.utc(now)}"]
    for kind, group in groupby(periods, key=lambda period: period[2]):
        of_kind = [_text(begins, ends, switches) for begins, ends, _ in group]
        for at in range(0, len(of_kind), switches.periods_in_line):
            line = f"FREEBUSY{_parameters(kind, switches)}:{','.join(of_kind[at : at + switches.periods_in_line])}"
            lines.append(ical.folded(line) if switches.folded else line)
    lines.append("END:VFREEBUSY")
    body = ical.calendar(lines, newline=switches.newline)
    return _LINE_NAMES.sub(lambda name: name[0].lower(), body) if switches.lower_case else body


def _periods(entries: Iterable[Entry], start: float, end: float, switches: Switches) -> Iterator[_Period]:
    for entry in entries:
        if entry.transparent or (entry.status == "CANCELLED" and not switches.cancelled_as_free):
            continue
        for one in entry.instances(start, end):
            yield max(one.start, start), min(one.end, end), _TYPES[one.status]


def _joined(periods: list[_Period]) -> list[_Period]:
    joined: list[_Period] = []
    for begins, ends, kind in sorted(periods, key=lambda period: (period[2], period)):
        last = joined[-1] if joined else None
        if last and last[2] == kind and begins <= last[1]:
            joined[-1] = (last[0], max(last[1], ends), kind)
        else:
            joined.append((begins, ends, kind))
    return joined


def _parameters(kind: str, switches: Switches) -> str:
    shown = switches.fbtype == "always" or (switches.fbtype == "unless_busy" and kind != "BUSY")
    words = [word for word, said in ((f"FBTYPE={kind}", shown), ("VALUE=PERIOD", switches.names_value)) if said]
    return "".join(f";{word}" for word in words)


def _text(begins: float, ends: float, switches: Switches) -> str:
    length = ical.utc(ends) if switches.length == "end" else ical.duration(ends - begins)
    return f"{ical.utc(begins)}/{length}"
