"""The entries of a calendar: when they are, what else is written about them, and the lines that they are in a file.

Moments are Unix seconds of the simulator's clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from exporter.simulator import canary
from exporter.simulator.calendar import ical

Form = Literal["utc", "zone", "floating", "unknown_zone"]
UNKNOWN_ZONE: Final = "Customized Time Zone 7"
"""What some publishers write as a TZID that no file of theirs explains."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Again every ``days`` at the same local time, ``count`` times in all."""

    days: int = 1
    count: int = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. ``form`` is how its times are written; ``zone`` is where its rule keeps the time of day, in every form.

    ``raw_rule`` is a rule that stands in the file as it is and that this server does not expand: ``FREQ=SECONDLY``.
    ``whole_days`` have their dates in UTC.
    """

    uid: str
    start: float
    end: float
    status: Literal["CONFIRMED", "TENTATIVE", "CANCELLED"] = "CONFIRMED"
    transparent: bool = False
    whole_days: bool = False
    rule: Rule | None = None
    raw_rule: str = ""
    form: Form = "utc"
    zone: str = "UTC"
    title: str = canary.TITLE

    def instances(self, start: float, end: float) -> Iterator[Entry]:
        """Give each time of the entry that touches ``[start, end)``, itself included."""
        zone, length = ZoneInfo(self.zone), self.end - self.start
        rule = self.rule or Rule()
        first = datetime.fromtimestamp(self.start, zone)
        for number in range(rule.count):
            begins = self._again(first, number * rule.days, zone)
            if begins >= end:
                return
            if begins + length > start:
                yield Entry(self.uid, begins, begins + length, self.status, self.transparent, self.whole_days, title=self.title)

    def lines(self, *, level: str = "full", instance: bool = False) -> Iterator[str]:
        """Give the lines of the entry; one that is an ``instance`` of several says which."""
        yield "BEGIN:VEVENT"
        yield f"UID:{self.uid}"
        yield "DTSTAMP:20260101T000000Z"
        if instance:
            yield f"RECURRENCE-ID{self._moment(self.start)}"
        yield f"DTSTART{self._moment(self.start)}"
        yield f"DTEND{self._moment(self.end)}"
        if self.rule:
            yield f"RRULE:FREQ=DAILY;INTERVAL={self.rule.days};COUNT={self.rule.count}"
        if self.raw_rule:
            yield f"RRULE:{self.raw_rule}"
        if self.status != "CONFIRMED":
            yield f"STATUS:{self.status}"
        yield f"TRANSP:{'TRANSPARENT' if self.transparent else 'OPAQUE'}"
        if level == "full":
            yield ical.folded(f"SUMMARY:{ical.escaped(self.title)}")
            yield ical.folded(f"DESCRIPTION:{ical.escaped(f'{canary.PHONE}, {canary.EMAIL}')}")
            yield ical.folded(f'ATTENDEE;CN="{canary.FIRST_NAME} {canary.LAST_NAME}":mailto:{canary.EMAIL}')
        else:
            yield "SUMMARY:Busy"
        yield "END:VEVENT"

    def _moment(self, seconds: float) -> str:
        if self.whole_days:
            return f";VALUE=DATE:{ical.day(seconds)}"
        if self.form == "utc":
            return f":{ical.utc(seconds)}"
        local = datetime.fromtimestamp(seconds, ZoneInfo(self.zone)).strftime("%Y%m%dT%H%M%S")
        return {"zone": f";TZID={self.zone}:", "floating": ":", "unknown_zone": f";TZID={UNKNOWN_ZONE}:"}[self.form] + local

    @staticmethod
    def _again(first: datetime, days: int, zone: ZoneInfo) -> float:
        return (first.replace(tzinfo=None) + timedelta(days=days)).replace(tzinfo=zone).timestamp()
