"""Answers of CalDAV servers that are small to send and were dear to read: each costs no more than its size allows."""

from __future__ import annotations

import contextlib
import time
import tracemalloc
from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest

from exporter.platforms.calendar.caldav import calendar_of_busy_times
from exporter.platforms.calendar.content_lines import UnreadableCalendarError, head_of
from exporter.platforms.calendar.entries import read_entries
from exporter.platforms.calendar.freebusy import read_free_busy
from exporter.platforms.calendar.multistatus import read_multistatus

LONG = 320_000
BODY_BYTES = 2 * 1024 * 1024
MAX_TIMES_ITS_SIZE = 8
"""As often as its own size an answer may fill memory while it is read; what is made of its letters is small beside it."""


def busy(lines: bytes) -> bytes:
    return b"BEGIN:VCALENDAR\r\nBEGIN:VFREEBUSY\r\n" + lines + b"\r\nEND:VFREEBUSY\r\nEND:VCALENDAR\r\n"


def entry(lines: bytes) -> bytes:
    return b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n" + lines + b"\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"


def listed(data: bytes) -> bytes:
    names = b'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"'
    return b"<d:multistatus " + names + b"><d:response>" + data + b"</d:response></d:multistatus>"


def read_busy(lines: bytes) -> None:
    read_free_busy(busy(lines))


def read_entry(lines: bytes) -> None:
    read_entries([entry(lines)], ZoneInfo("UTC"))


def read_data(text: bytes) -> None:
    read_multistatus(listed(b"<c:calendar-data>" + text + b"</c:calendar-data>"))


@pytest.mark.parametrize("read", [read_busy, read_entry])
@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b':;A="' + b":" * LONG, id="colons in a quote that never ends"),
        pytest.param(b';A="' + b":" * LONG, id="colons in the quote of a parameter that never ends"),
        pytest.param(b';A="' + b":" * LONG + b'":', id="colons in a quote"),
        pytest.param(b";A=" + b'"":' * (LONG // 3), id="quotes and colons"),
        pytest.param(b";A=" + b'":"' * (LONG // 3), id="a colon in each quote"),
        pytest.param(b";A=" + b'"' * LONG + b":", id="quotes without a letter"),
        pytest.param(b';A="' * (LONG // 4), id="parameters that never end"),
        pytest.param(b":" + b"\r\n " * (LONG // 3), id="folds"),
    ],
)
def test_the_time_that_a_line_takes_grows_with_its_length_alone(read: Callable[[bytes], None], line: bytes) -> None:
    began = time.process_time()

    for name in (b"FREEBUSY", b"DTSTART"):
        read(name + line)

    assert time.process_time() - began < 3.0


@pytest.mark.parametrize(
    ("line", "head", "value"),
    [
        ("NAME:value", "NAME", "value"),
        ("NAME:va:lue", "NAME", "va:lue"),
        ('NAME;A="b:c":d:e', 'NAME;A="b:c"', "d:e"),
        ('NAME;A="b:c";D="e:f":"g:h"', 'NAME;A="b:c";D="e:f"', '"g:h"'),
        ('NAME;A="b:c', 'NAME;A="b:c', ""),
        ("NAME", "NAME", ""),
        ("", "", ""),
        (":", "", ""),
    ],
)
def test_a_value_begins_behind_the_first_colon_outside_of_quotes(line: str, head: str, value: str) -> None:
    assert (head, value) == head_of(line)


@pytest.mark.parametrize(
    ("read", "text"),
    [
        pytest.param(read_busy, b"FREEBUSY:" + b"ab," * (BODY_BYTES // 3), id="periods"),
        pytest.param(read_busy, b"ab\n" * (BODY_BYTES // 3), id="lines of busy times"),
        pytest.param(read_entry, b"ab\n" * (BODY_BYTES // 3), id="lines of an entry"),
        pytest.param(read_busy, b"\n" * BODY_BYTES, id="empty lines"),
        pytest.param(read_data, b"ab<x/>" * (BODY_BYTES // 6), id="letters between tags"),
        pytest.param(read_data, b"&#13;\n" * (BODY_BYTES // 6), id="letters by their numbers"),
    ],
)
def test_the_memory_that_an_answer_takes_grows_with_its_length_alone(read: Callable[[bytes], None], text: bytes) -> None:
    tracemalloc.start()
    try:
        with contextlib.suppress(UnreadableCalendarError):
            read(text)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < MAX_TIMES_ITS_SIZE * BODY_BYTES


def test_letters_of_an_entry_in_a_list_stay_as_they_are() -> None:
    text = b"BEGIN:VCALENDAR&#13;\nX:a&#13;b\nEND:VCALENDAR"

    assert (b"BEGIN:VCALENDAR\r\nX:a\rb\nEND:VCALENDAR",) == read_multistatus(
        listed(b"<c:calendar-data>" + text + b"</c:calendar-data>")
    ).calendars


NOON = 1_795_694_400.0  # 2026-11-26T12:00:00Z
HOUR = 3600.0


@pytest.mark.parametrize(
    ("bounds", "unclear"),
    [
        (b"DTSTART:20261126T120000Z\r\nDTEND:20261126T160000Z", ()),
        (b"DTSTART:20261125T000000Z\r\nDTEND:20261130T000000Z", ()),
        (b"DTSTART:20261126T130000Z\r\nDTEND:20261126T150000Z", ((NOON, NOON + HOUR), (NOON + 3 * HOUR, NOON + 4 * HOUR))),
        (b"dtstart:20261126T120000Z\r\ndtend:20261126T150000Z", ((NOON + 3 * HOUR, NOON + 4 * HOUR),)),
        (b"DTSTART:20261126T120000\r\nDTEND:20261126T150000", ()),
        (b"DTSTART:20261126T120000Z", ()),
        (b"DTSTART:20261126T120000Z\r\nDTSTART:20261126T120000Z\r\nDTEND:20261126T150000Z", ()),
        (b"DTSTART:20261126T150000Z\r\nDTEND:20261126T120000Z", ()),
    ],
)
def test_what_an_answer_is_not_about_is_unclear_and_not_free(bounds: bytes, unclear: tuple[tuple[float, float], ...]) -> None:
    read, _ = calendar_of_busy_times(busy(bounds), NOON, NOON + 4 * HOUR, ZoneInfo("UTC"))

    assert unclear == read.unclear


@pytest.mark.parametrize(
    "bounds", [b"DTSTART:20201126T000000Z\r\nDTEND:20201127T000000Z", b"DTSTART:20261126T160000Z\r\nDTEND:20261127T000000Z"]
)
def test_an_answer_about_another_time_is_none(bounds: bytes) -> None:
    with pytest.raises(UnreadableCalendarError, match="busy times of another time"):
        calendar_of_busy_times(busy(bounds), NOON, NOON + 4 * HOUR, ZoneInfo("UTC"))
