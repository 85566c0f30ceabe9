"""What the decoders of all platforms share: where they work, and what a number or a word may be."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, ParamSpec, TypeVar

import msgspec

from exporter.model import CollectorName
from exporter.platforms.base import Admission, Events

MAX_MOMENT: Final = 1e11
"""Unix seconds of the year 5138: anything above is milliseconds, or worse."""

ROWS_AT_ONCE: Final = 200
"""So many rows are worked on in the event loop: a few milliseconds."""

_ROW_BYTES: Final = 512  # rows of bookings are larger, and those of a hostile answer smaller but quickly refused

T = TypeVar("T")
P = ParamSpec("P")


async def off_the_loop(admission: Admission, rows: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what ``work`` makes of ``rows`` rows: at once when they are few, in a thread when they would hold the loop.

    Ten thousand bookings take a tenth of a second. ``work`` changes nothing that others see.
    """
    async with admission.decoding():
        if rows <= ROWS_AT_ONCE:
            return work(*args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(admission.threads, partial(work, *args, **kwargs))


def rows_in(body: bytes | msgspec.Raw) -> int:
    """Return how many rows the work on a body amounts to."""
    return memoryview(body).nbytes // _ROW_BYTES


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
