"""What the decoders of all platforms share: reading JSON without falling over it, and what a number or a word may be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec

from exporter.model import CollectorName
from exporter.platforms.base import Events

MAX_MOMENT: Final = 1e11
"""Unix seconds of the year 5138: anything above is milliseconds, or worse."""

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What reading a hostile or broken JSON text may raise."""

T = TypeVar("T")


def decoded(content: bytes | msgspec.Raw, kind: type[T]) -> T | None:
    """Return ``content``, JSON, as ``kind``; ``None`` when it is something else, is no UTF-8, or is nested without end.

    The decoder's own message may quote the content, which holds people and credentials, so it goes no further.
    """
    try:
        return msgspec.json.decode(content, type=kind)
    except UNREADABLE:
        return None


def word(value: object, known: Mapping[str, T], *, absent: T, unknown: T, field: str, unrecognized: Counter[str]) -> T:
    """Return what ``value`` means. Absent and null say "no information"; a word that we do not know is counted."""
    if value is None:
        return absent
    if isinstance(value, str) and value in known:
        return known[value]
    unrecognized[field] += 1
    return unknown


def whole_number(value: object, *, max_digits: int) -> int | None:
    """Return a count or an offset, also one that comes as text; ``None`` for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= max_digits:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**max_digits else None


def report(events: Events, collector: CollectorName, *, malformed: int, unrecognized: Mapping[str, int]) -> None:
    """Count what an answer held that could not be read, and the words in it that we do not know."""
    if malformed:
        events.malformed_rows(collector, malformed)
    for field, times in unrecognized.items():
        events.unrecognized_value(collector, field, times)
