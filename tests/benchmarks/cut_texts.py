"""What it costs to read JSON that may hold a cut text, which strict decoders refuse: ours, msgspec alone, and Python's json.

A page of 100 bookings, whole and with half an emoji in every row. msgspec reads only the whole one; ``json`` takes both, and is
the other way to be tolerant. The last figures are the longest that 16 MiB of the worst letters can hold the event loop.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec

from exporter.limits import BATCH_BODY
from exporter.support import json_text
from tests.benchmarks.figures import Figure, in_turns
from tests.benchmarks.goals import HOSTILE_TEXT
from tests.benchmarks.report import main

PAGES: Final = 100
HOSTILE: Final = (rb"\ud83d", rb"\ud83d\ude00", rb"\\", rb"\u0441", b"\xff", b"x")


def page(name: str) -> bytes:
    """Return a page of bookings whose customers have this name."""
    row = {
        "id": "7f1c2d3e-1111-4222-8333-444455556666",
        "startDate": "2026-09-22T09:00:00Z",
        "endDate": "2026-09-22T10:00:00Z",
        "status": "CONFIRMED",
        "bookedEntity": {"slot": {"eventId": "x", "resource": {"id": "r"}}},
        "contactDetails": {"firstName": name, "email": "a@example.org"},
    }
    return json.dumps({"extendedBookings": [{"booking": row}] * 100, "pagingMetadata": {"hasNext": False}}).encode()


def cpu(work: Callable[[], object], times: int = PAGES) -> float:
    """Return the milliseconds of one run."""
    began = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - began) / times * 1000


def figures(rounds: int) -> list[Figure]:
    """Measure a whole page, a cut one, and what a hostile server may send."""
    found: list[Figure] = []
    for what, content in (("whole", page("Anna \U0001f600")), ("a cut text in every row", page("Anna \ud83d"))):
        readers: dict[str, Callable[[], object]] = {
            "ours": partial(json_text.decoded, content, object),
            "json": partial(json.loads, content),
        }
        if what == "whole":
            readers["msgspec"] = partial(msgspec.json.decode, content)
        taken = in_turns(rounds, {name: partial(cpu, read) for name, read in readers.items()})
        found.append(Figure(f"a page of 100 bookings, {what}: CPU", "ms", taken.pop("ours"), taken, limit="msgspec"))
    bodies = [b'"' + letters * (BATCH_BODY.number // len(letters)) + rb"\ud83d" for letters in HOSTILE]  # without an end
    held = in_turns(rounds, {"ours": lambda: max(cpu(partial(json_text.decoded, body, object), 1) for body in bodies)})
    found.append(Figure("16 MiB that a hostile server sends, the worst of six: CPU", "ms", held["ours"], goal=HOSTILE_TEXT))
    return found


if __name__ == "__main__":
    main("cut_texts", __doc__, figures, beside=("msgspec",))
