"""What it costs that a cut text is mended: ``python -m tests.benchmarks.cut_texts``.

A page of 100 Wix bookings and one of 50 of a portal, whole and with a cut text in every row, beside msgspec alone; and the
longest that 16 MiB can hold the event loop. Exit code 1 when a whole page takes more than 1.15 times as long as with msgspec
alone, a cut one more than 2 times, or the 16 MiB more than a second.
"""

from __future__ import annotations

import json
import sys
import timeit
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

import msgspec

from exporter.limits import BATCH_BODY
from exporter.platforms.bitrix24 import answers, booking_pages
from exporter.platforms.exchange import Answer
from exporter.platforms.wix import answers as wix_answers
from exporter.platforms.wix import booking_rows
from exporter.support import json_text

MAX_WHOLE, MAX_CUT, MAX_SECONDS = 1.15, 2.0, 1.0
HOSTILE = (rb"\ud83d", rb"\ud83d\ude00", rb"\\", rb"\u0441", b"\xff", b"x")


def seconds(work: Callable[[], object]) -> float:
    """Return the shortest of several runs."""
    return min(timeit.repeat(work, number=20, repeat=15)) / 20


def wix(name: str) -> Callable[[], object]:
    row = {
        "id": "7f1c2d3e-1111-4222-8333-444455556666",
        "startDate": "2026-09-22T09:00:00Z",
        "endDate": "2026-09-22T10:00:00Z",
        "status": "CONFIRMED",
        "bookedEntity": {"slot": {"eventId": "x", "resource": {"id": "r"}}},
        "contactDetails": {"firstName": name, "email": "a@example.org"},
    }
    content = json.dumps({"extendedBookings": [{"booking": row}] * 100, "pagingMetadata": {"hasNext": False}}).encode()
    answer = Answer(200, {}, content)
    return lambda: booking_rows.bookings(answer)


def portal(name: str) -> Callable[[], object]:
    period = {"from": {"timestamp": 100}, "to": {"timestamp": 200}}
    row = {"id": 15, "name": name, "description": None, "resourceIds": [1, 2], "datePeriod": period}
    content = json.dumps({"result": {"booking": [row] * 50}, "time": {"operating": 1, "finish": 1}}).encode()

    def read() -> object:
        body = answers.body(content, 0.0)
        assert body is not None
        assert body.reply is not None
        return booking_pages.bookings(body.reply)

    return read


@contextmanager
def msgspec_alone() -> Iterator[None]:
    """Read as if nothing were ever mended."""

    def decoded(content: bytes, kind: Any) -> object:  # noqa: ANN401  a type
        try:
            return msgspec.json.decode(content, type=kind)
        except json_text.UNREADABLE:
            return None

    with ExitStack() as patches:
        for room in (answers, wix_answers, booking_rows):
            patches.enter_context(patch.object(room, "decoded", decoded))
        patches.enter_context(patch.object(answers, "read", lambda content, decode: decode(content)))
        yield


def main() -> int:
    good = True
    for name, page in (("100 bookings of Wix", wix), ("50 bookings of a portal", portal)):
        whole, cut = page("Anna \U0001f600"), page("Anna \ud83d")
        with msgspec_alone():
            alone = seconds(whole)
        ratio, cut_ratio = seconds(whole) / alone, seconds(cut) / alone
        good = good and ratio <= MAX_WHOLE and cut_ratio <= MAX_CUT
        print(f"{name}: {alone * 1e6:.0f} us with msgspec alone; whole {ratio:.2f} times, cut {cut_ratio:.2f} times as long")
    for letters in HOSTILE:
        body = b'"' + letters * (BATCH_BODY.number // len(letters)) + rb"\ud83d"  # and without an end
        took = min(timeit.repeat(partial(json_text.decoded, body, object), number=1, repeat=3))
        good = good and took <= MAX_SECONDS
        print(f"16 MiB of {letters!r}: {took * 1000:.0f} ms")
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
