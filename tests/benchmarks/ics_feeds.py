"""What it costs to read a calendar's feed of 10,000 entries: ours, and the libraries alone on the whole of it.

The feed is three years of a salon with 200 weekly series, in the form that Google publishes. Ours is the work of the process
that reads feeds; the range is the 11 days that a reader asks for. How many such feeds a core carries follows from it.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

import msgspec
from icalendar import Calendar
from recurring_ical_events import CalendarQuery

from exporter.ics.expansion import read_feed
from exporter.ics.framing import HEADER_BYTES, framed
from exporter.ics.values import FeedJob
from exporter.platforms.calendar.ics_worker import COMMAND
from tests.benchmarks.figures import Figure, in_turns
from tests.benchmarks.goals import FEED_CPU
from tests.benchmarks.report import main
from tests.harness.feeds import DAY, HOUR, MONDAY, event, feed

LIBRARIES: Final = "icalendar + recurring-ical-events"
ENTRIES: Final = 10_000
SERIES: Final = 200
DAYS: Final = 11
INTERVAL_SECONDS: Final = 300


def salon(random: Random) -> bytes:
    """Return the feed."""
    entries = []
    for number in range(ENTRIES):
        start = datetime.fromtimestamp(MONDAY + random.randrange(-900, 195) * DAY + random.randrange(24) * HOUR, UTC)
        times = [f"{name}:{moment:%Y%m%dT%H%M%S}" for name, moment in _times(start)]
        recurs = [f"{line.replace(':', ';TZID=Europe/Berlin:')}" for line in times] + ["RRULE:FREQ=WEEKLY;BYDAY=MO,WE"]
        entries.append(
            event(
                *(recurs if number < SERIES else [f"{line}Z" for line in times]),
                "DTSTAMP:20261101T000000Z",
                f"UID:{number:08x}7hk3@google.com",
                "CREATED:20261101T000000Z",
                "DESCRIPTION:What the customer wrote\\, which is often long enough to be fol\r\n ded at some place",
                "LAST-MODIFIED:20261101T000000Z",
                "LOCATION:Main Street 1",
                "SEQUENCE:0",
                "STATUS:CONFIRMED",
                f"SUMMARY:Haircut {number}",
                "TRANSP:OPAQUE",
                "BEGIN:VALARM",
                "ACTION:DISPLAY",
                "TRIGGER:-P0DT0H30M0S",
                "END:VALARM",
            )
        )
    return feed(*entries)


def _times(start: datetime) -> tuple[tuple[str, datetime], ...]:
    return (("DTSTART", start), ("DTEND", start + timedelta(minutes=30)))


def ours(body: bytes) -> int:
    """Return how many entries the process that reads feeds finds."""
    answer = read_feed(FeedJob(body, MONDAY, MONDAY + DAYS * DAY, "Europe/Berlin"))
    assert 0 == answer.times.malformed
    return len(answer.times.entries)


def libraries(body: bytes) -> int:
    """Return how many entries the libraries find in the whole feed."""
    first, last = (datetime.fromtimestamp(MONDAY + days * DAY, UTC) for days in (0, DAYS))
    return len(CalendarQuery(Calendar.from_ical(body)).between(first, last))


def cost(read: Callable[[bytes], int], body: bytes, found: set[int]) -> Callable[[], float]:
    """Return what measures one reading: CPU seconds."""

    def measured() -> float:
        began = time.process_time()
        found.add(read(body))
        return time.process_time() - began

    return measured


def memory_of_the_process(body: bytes) -> float:
    """Return the memory of the process that reads feeds after it read this one, at its peak, in MiB."""
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(framed(msgspec.msgpack.encode(FeedJob(body, MONDAY, MONDAY + DAYS * DAY, "Europe/Berlin"))))
        process.stdin.flush()
        process.stdout.read(HEADER_BYTES)
        status = Path(f"/proc/{process.pid}/status").read_text()
        process.kill()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def figures(rounds: int) -> list[Figure]:
    """Measure both, in turns."""
    body = salon(Random(1))
    found: set[int] = set()
    ours(body)
    ways = {"ours": cost(ours, body, found), LIBRARIES: cost(libraries, body, found)}
    taken = in_turns(rounds, ways)
    if len(found) != 1:
        raise AssertionError(f"they find {found}")
    own = taken["ours"]
    return [
        Figure(
            "a feed of 10,000 entries: CPU",
            "s",
            own,
            {LIBRARIES: taken[LIBRARIES]},
            goal=FEED_CPU,
            limited_by="the libraries expand 200 series, each from its beginning",
        ),
        Figure("such a feed every 5 minutes: share of a core", "%", tuple(100 * one / INTERVAL_SECONDS for one in own)),
        Figure(
            "the process that read it: memory at its peak", "MiB", tuple(memory_of_the_process(body) for _ in range(rounds))
        ),
    ]


if __name__ == "__main__":
    main("ics_feeds", __doc__, figures, beside=("icalendar", "recurring-ical-events"))
