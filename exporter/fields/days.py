"""Days of a calendar, and what is accepted on them: read in the zone of a target, so they have no moment of their own."""

from __future__ import annotations

import contextlib
import re
from datetime import date, datetime
from typing import Annotated, Final

import msgspec
from pydantic import PlainValidator, WithJsonSchema

from exporter.fields.kinds import field_error, named, seen, shown, text_of

MAX_DAYS_OFF: Final = 366
_DAY: Final = "2[0-9]{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_EXAMPLE: Final = "2026-12-24"
_RANGE_EXAMPLE: Final = "2026-12-24..2026-12-26"


class DaysOff(msgspec.Struct, frozen=True):
    """Days in a row, the ``first`` and the ``last`` among them."""

    first: date
    last: date

    def __str__(self) -> str:
        """Return them as a user writes them."""
        return f"{self.first}" if self.first == self.last else f"{self.first}..{self.last}"


def _day(value: object) -> date:
    if isinstance(value, datetime):
        raise field_error("has a time of day", f"write only the day, like {_EXAMPLE}; that day is included")
    text = value.isoformat() if isinstance(value, date) else text_of(value, _EXAMPLE, any_text=False)
    try:
        if re.fullmatch(_DAY, text):
            return date.fromisoformat(text)
    except ValueError:
        pass  # 30 February
    raise field_error(f"{shown(text)} is not a day", _as_a_day(text))


def _as_a_day(text: str) -> str:
    """Return how to write a day that stands there as people write it; 3/4/2026 may be either of two."""
    if (found := re.fullmatch(r"([0-9]{1,2})\.([0-9]{1,2})\.(2[0-9]{3})", text)) is not None:
        day, month, year = map(int, found.groups())
        with contextlib.suppress(ValueError):
            return f"write {date(year, month, day)}"
    return f"write it like {_EXAMPLE}"


def _days_off(value: object) -> DaysOff:
    if isinstance(value, DaysOff):
        return value
    if not isinstance(value, str) or ".." not in value:
        return DaysOff(day := _day(value), day)
    first, _, last = value.partition("..")
    days = DaysOff(_day(first.strip()), _day(last.strip()))
    if days.last < days.first:
        raise field_error(f"{shown(value)} ends before it begins", f"write the first day first, like {_RANGE_EXAMPLE}")
    if (days.last - days.first).days >= MAX_DAYS_OFF:
        raise field_error(f"{shown(value)} is longer than a year", "write paused: true for a target that should not be watched")
    return days


Day = Annotated[date, PlainValidator(_day), WithJsonSchema({"type": "string", "pattern": f"^{_DAY}$", "examples": [_EXAMPLE]})]
Days = Annotated[
    DaysOff,
    PlainValidator(_days_off),
    WithJsonSchema({"type": "string", "pattern": rf"^{_DAY}(?: *\.\. *{_DAY})?$", "examples": [_EXAMPLE, _RANGE_EXAMPLE]}),
]


def _booking_id(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return str(value)
    if isinstance(value, str) and re.fullmatch(r"\S{1,100}", seen(value)):
        return value
    raise field_error("is not the id of a booking", "copy the id that the board shows with the overlap")


BookingId = Annotated[
    str,
    PlainValidator(_booking_id),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": r"^\S{1,100}$"}]}),
]
Why = Annotated[
    str,
    *named(
        r"[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]{0,198}[^\s\x00-\x1f\x7f])?",
        "a reason: one line of 1 to 200 characters",
        "a couple shares the room",
    ),
]
