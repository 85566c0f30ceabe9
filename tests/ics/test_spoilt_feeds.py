"""Feeds with changes at random: each is read or refused, quickly, and nothing of what an entry says comes out of it."""

from __future__ import annotations

import time
from random import Random

import pytest

from exporter.ics.expansion import read_feed
from exporter.ics.values import FeedJob
from tests.fuzz.mutations import spoil_bytes
from tests.harness.feeds import MONDAY, WEEK, event, feed
from tests.ics.test_times import CUSTOM

ENTRIES = feed(
    "X-WR-TIMEZONE:Europe/Berlin",
    CUSTOM,
    event(
        "UID:planted",
        "SUMMARY:planted",
        "DTSTART;TZID=Custom:20261130T100000",
        "DTEND;TZID=Custom:20261130T110000",
        "RRULE:FREQ=WEEKLY;BYDAY=MO,TU;UNTIL=20270101T000000Z",
        "EXDATE;TZID=Custom:20261201T100000",
    ),
    event("UID:planted", "RECURRENCE-ID;TZID=Custom:20261207T100000", "DTSTART:20261203T100000", "DURATION:PT1H", "SEQUENCE:2"),
    event("UID:2", "DTSTART;VALUE=DATE:20261201", "RRULE:FREQ=YEARLY"),
    event(
        "UID:3", "DTSTART:20261201T100000", "DURATION:P1DT1H", "TRANSP:TRANSPARENT", "RDATE;VALUE=PERIOD:20261202T100000Z/PT2H"
    ),
    event("UID:4", "DTSTART:20261130T000000Z", "DURATION:PT1M", "RRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=10", "BEGIN:VALARM"),
)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_no_spoilt_feed_ends_as_a_bug_or_takes_long_or_tells_what_it_says(seed: int) -> None:
    random = Random(seed)
    for _ in range(25):
        inner = spoil_bytes(random, ENTRIES)[20:-20]
        body = b"BEGIN:VCALENDAR\r\n" + inner + b"\r\nEND:VCALENDAR\r\n"
        began = time.process_time()
        answer = read_feed(FeedJob(body, MONDAY, MONDAY + WEEK, "Europe/Berlin"))
        assert time.process_time() - began < 8, body
        assert answer.fault is None
        assert "planted" not in repr(answer)
