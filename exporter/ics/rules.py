"""Guards against recurrence bombs: what a rule may say, looked at before any library counts to a billion.

``RRULE:FREQ=SECONDLY`` from 1970 keeps a processor busy for minutes. No appointment recurs within an hour, so nothing of use
is refused here. What passes may still be dear (the thirtieth of each February): each series has its time, too.
"""

from __future__ import annotations

import re
from typing import Final

from exporter.ics.scan import Entry, Line

MAX_A_DAY: Final = 96
"""Instances of a series within a day: one every quarter of an hour."""

MAX_DATES: Final = 2_000
"""Single dates (``RDATE``) that a series names, and as many that it leaves out."""

MAX_NUMBER: Final = 10_000
"""The largest ``INTERVAL``."""

_LISTED: Final = 400
_HOURS: Final = 24
_FREQUENT: Final = frozenset((b"HOURLY", b"DAILY", b"WEEKLY", b"MONTHLY", b"YEARLY"))
_WORDS: Final = re.compile(rb"[A-Z0-9,+:TZ-]{1,4000}\Z")
_ONCE: Final = (b"DTSTART", b"DTEND", b"DURATION", b"RECURRENCE-ID", b"RRULE")


def is_odd(entry: Entry) -> bool:
    """Return whether an entry cannot be read, by its lines alone."""
    names = [line.name for line in entry.lines]
    if b"DTSTART" not in names or b"EXRULE" in names or any(names.count(name) > 1 for name in _ONCE):
        return True
    if b"DTEND" in names and b"DURATION" in names:
        return True
    for dates in (b"RDATE", b"EXDATE"):
        if sum(line.value.count(b",") + 1 for line in entry.lines if line.name == dates) > MAX_DATES:
            return True
    return any(_is_bomb(line.value) for line in entry.lines if line.name == b"RRULE")


def is_odd_zone(zone: list[Line]) -> bool:
    """Return whether the rules of a time zone change it more than a few times a year."""
    rules = [_parts(line.value) for line in zone if line.name == b"RRULE"]
    dates = sum(line.value.count(b",") + 1 for line in zone if line.name == b"RDATE")
    return dates > MAX_DATES or any(rule is None or rule.get(b"FREQ") != b"YEARLY" or _times(rule) > 1 for rule in rules)


def _is_bomb(value: bytes) -> bool:
    rule = _parts(value)
    if rule is None or rule.get(b"FREQ") not in _FREQUENT:
        return True
    interval, count = rule.get(b"INTERVAL", b"1"), rule.get(b"COUNT", b"1")
    if not (interval.isdigit() and 1 <= int(interval[:9]) <= MAX_NUMBER) or not re.fullmatch(rb"-?\d{1,9}", count):
        return True
    if any(words.count(b",") >= _LISTED for words in rule.values()):
        return True
    if rule[b"FREQ"] == b"HOURLY":
        # The days of such a rule are tried hour by hour, for thousands of years when there is none.
        if any(name in rule for name in (b"BYMONTH", b"BYMONTHDAY", b"BYYEARDAY", b"BYWEEKNO", b"BYSETPOS")):
            return True
        hours = _HOURS // min(_HOURS, int(interval))
        return hours * _times(rule, b"BYMINUTE", b"BYSECOND") > MAX_A_DAY
    return _times(rule, b"BYHOUR", b"BYMINUTE", b"BYSECOND") > MAX_A_DAY


def _times(rule: dict[bytes, bytes], *names: bytes) -> int:
    product = 1
    for name in names or (b"BYHOUR", b"BYMINUTE", b"BYSECOND"):
        product *= rule.get(name, b"").count(b",") + 1
    return product


def _parts(value: bytes) -> dict[bytes, bytes] | None:
    """Return the parts of a rule by name; ``None`` when they are none or one is there twice."""
    found: dict[bytes, bytes] = {}
    for part in value.upper().strip(b";").split(b";"):
        name, equals, words = part.strip().partition(b"=")
        if not equals or name in found or not _WORDS.match(words):
            return None
        found[name] = words
    return found
