"""The entries of a calendar that its server expanded: of each its times are read, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.platforms.calendar.content_lines import UnreadableCalendarError
from exporter.platforms.calendar.entries import Entries, read_entries
from exporter.platforms.calendar.multistatus import Multistatus, read_multistatus

CANARY = "canary dentist"
BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3600.0
NINE = datetime(2026, 11, 26, 9, tzinfo=UTC).timestamp()
MIDNIGHT = datetime(2026, 11, 26, tzinfo=BERLIN).timestamp()
NINE_TO_TEN = ((NINE, NINE + HOUR),)


def calendar(*events: str) -> bytes:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0"]
    for event in events:
        lines += ["BEGIN:VEVENT", f"SUMMARY:{CANARY}", *event.splitlines(), "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


def read(*events: str) -> Entries:
    return read_entries([calendar(*events)], BERLIN)


@pytest.mark.parametrize(
    "event",
    [
        pytest.param("DTSTART:20261126T090000Z\nDTEND:20261126T100000Z", id="with an end"),
        pytest.param("DTSTART:20261126T090000Z\nDURATION:PT1H", id="with a duration"),
        pytest.param("DTSTART;TZID=Europe/Berlin:20261126T100000\nDTEND;TZID=Europe/London:20261126T100000", id="in zones"),
        pytest.param('DTSTART;TZID="Europe/Berlin":20261126T100000\nDURATION:PT1H', id="in a zone in quotes"),
        pytest.param("dtstart:20261126T090000Z\ndtend:20261126T100000Z", id="in small letters"),
        pytest.param("DTSTART:20261126T0900\n 00Z\nDTEND:20261126T100000Z", id="folded"),
        pytest.param("DTSTART:20261126T090000Z\nDURATION:PT1H\nSTATUS:TENTATIVE", id="tentative"),
        pytest.param("DTSTART:20261126T090000Z\nDURATION:PT1H\nTRANSP:OPAQUE", id="opaque"),
        pytest.param("DTSTART:20261126T090000Z\nDURATION:PT1H\nRECURRENCE-ID:20261126T090000Z", id="an instance"),
        pytest.param(
            "DTSTART:20261126T090000Z\nDURATION:PT1H\nBEGIN:VALARM\nTRIGGER:-PT15M\nDURATION:PT9H\nEND:VALARM",
            id="with an alarm",
        ),
    ],
)
def test_an_hour_is_busy_in_each_of_its_forms(event: str) -> None:
    assert Entries(busy=NINE_TO_TEN) == read(event)


@pytest.mark.parametrize("lasts", ["DTEND:99991231T235959Z", "DURATION:P999999W"])
def test_an_entry_that_never_ends_is_busy_from_its_start_on(lasts: str) -> None:
    found = read(f"DTSTART:20261126T090000Z\n{lasts}")
    [(start, end)] = found.busy
    assert (NINE, 0) == (start, found.malformed)
    assert end > NINE + 50 * 366 * 24 * HOUR


def test_an_entry_at_the_end_of_all_times_is_read_and_touches_nothing() -> None:
    assert Entries() == read("DTSTART:99991231T225959Z\nDURATION:PT1H")


def test_an_entry_that_is_marked_as_free_is_told_apart() -> None:
    assert Entries(free=NINE_TO_TEN) == read("DTSTART:20261126T090000Z\nDURATION:PT1H\nTRANSP:TRANSPARENT")


def test_a_cancelled_entry_is_nothing() -> None:
    assert Entries() == read("DTSTART:20261126T090000Z\nDURATION:PT1H\nSTATUS:CANCELLED")


def test_an_entry_without_length_is_nothing() -> None:
    assert Entries() == read("DTSTART:20261126T090000Z")


@pytest.mark.parametrize(
    ("event", "hours"),
    [
        ("DTSTART;VALUE=DATE:20261126\nDTEND;VALUE=DATE:20261127", 24),
        ("DTSTART;VALUE=DATE:20261126", 24),
        ("DTSTART;VALUE=DATE:20261126\nDURATION:P2D", 48),
        ("DTSTART:20261126\nDTEND:20261128", 48),
    ],
)
def test_days_are_days_of_the_targets_zone_and_no_busy_times(event: str, hours: int) -> None:
    assert Entries(whole_days=((MIDNIGHT, MIDNIGHT + hours * HOUR),)) == read(event)


def test_a_free_day_is_nothing() -> None:
    assert Entries() == read("DTSTART;VALUE=DATE:20261126\nTRANSP:TRANSPARENT")


@pytest.mark.parametrize(
    "event",
    [
        pytest.param("DTSTART:20261126T100000\nDURATION:PT1H", id="of no zone"),
        pytest.param("DTSTART;TZID=W. Europe Standard Time:20261126T100000\nDURATION:PT1H", id="in a zone of Windows"),
        pytest.param("DTSTART;TZID=../../etc/passwd:20261126T100000\nDURATION:PT1H", id="in a file"),
        pytest.param("DTSTART:20261126T090000Z\nDTEND:20261126T100000", id="with an end of no zone"),
        pytest.param("DTSTART:20261126T090000Z\nDTEND:20261126T080000Z", id="that ends before it begins"),
        pytest.param("DTSTART:20261126T090000Z\nDURATION:-PT1H", id="that lasts a negative time"),
        pytest.param("DTSTART;VALUE=DATE:99991231", id="on the last day that there is"),
        pytest.param("DTSTART;VALUE=DATE:20261126\nDURATION:P999999W", id="of ten thousand years of days"),
        pytest.param("DTSTART;VALUE=DATE:00000000", id="on no day"),
        pytest.param("DTSTART:20261126T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY", id="that recurs after all"),
        pytest.param("DURATION:PT1H", id="without a start"),
    ],
)
def test_an_entry_whose_time_nobody_can_know_is_counted_and_costs_no_other(event: str) -> None:
    assert Entries(busy=NINE_TO_TEN, malformed=1) == read(event, "DTSTART:20261126T090000Z\nDURATION:PT1H")


def test_words_that_are_not_known_are_counted_by_our_names() -> None:
    found = read("DTSTART:20261126T090000Z\nDURATION:PT1H\nSTATUS:MAYBE\nTRANSP:GLASS")
    assert Entries(busy=NINE_TO_TEN, unrecognized={"status": 1, "transp": 1}) == found


@pytest.mark.parametrize(
    ("wall", "utc"),
    [
        pytest.param("20261025T023000", datetime(2026, 10, 25, 0, 30, tzinfo=UTC), id="the first of two"),
        pytest.param("20270328T023000", datetime(2027, 3, 28, 1, 30, tzinfo=UTC), id="in the gap"),
    ],
)
def test_the_hours_in_which_clocks_change_are_those_of_the_rfc(wall: str, utc: datetime) -> None:
    found = read(f"DTSTART;TZID=Europe/Berlin:{wall}\nDURATION:PT1H")
    assert ((utc.timestamp(), utc.timestamp() + HOUR),) == found.busy


def multistatus(*data: str, extra: str = "") -> bytes:
    rows = "".join(
        f"<d:response><d:href>/anna/{CANARY}.ics</d:href><d:propstat><d:prop><c:calendar-data>{text}</c:calendar-data></d:prop>"
        "<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
        for text in data
    )
    names = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"'
    return f'<?xml version="1.0" encoding="utf-8"?>{extra}<d:multistatus {names}>{rows}</d:multistatus>'.encode()


def test_each_entry_of_a_multistatus_gives_its_calendar() -> None:
    first, second = calendar("DTSTART:20261126T090000Z").decode(), "BEGIN:VCALENDAR\n&lt;&amp;&#13;\nEND:VCALENDAR"
    found = read_multistatus(multistatus(first, second))
    assert (first.replace("\r\n", "\n").strip().encode(), b"BEGIN:VCALENDAR\n<&\r\nEND:VCALENDAR") == found.calendars


def test_a_multistatus_without_entries_is_an_empty_calendar() -> None:
    assert Multistatus(()) == read_multistatus(multistatus())


def test_an_entry_that_came_without_data_is_counted() -> None:
    assert 1 == read_multistatus(multistatus("BEGIN:VCALENDAR\nEND:VCALENDAR", "")).without_data


def test_two_calendars_in_one_answer_make_up_for_none_that_is_absent() -> None:
    twice = "BEGIN:VCALENDAR\nEND:VCALENDAR</c:calendar-data><c:calendar-data>BEGIN:VCALENDAR\nEND:VCALENDAR"

    assert 1 == read_multistatus(multistatus(twice, "")).without_data


BOMB = '<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;">]>'
FILE = '<!DOCTYPE foo [<!ENTITY xxe SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "cut off or not well-formed"),
        (multistatus("BEGIN:VCALENDAR")[:-5], "cut off or not well-formed"),
        (b"<html><body>sign in</body></html>", "no list of entries"),
        (multistatus(""), "a list of entries without their times"),
        (multistatus(extra=BOMB), "a document type"),
        (multistatus(extra=FILE), "a document type"),
        (multistatus("<d:a>" * 1000 + "</d:a>" * 1000), "too deep in each other"),
        (b'<?xml version="1.0" encoding="x-canary"?><a/>', "encoding that is not known"),
        (b"\x00\xff" * 100, "cut off or not well-formed"),
    ],
)
def test_what_is_no_list_of_entries_says_what_it_is_instead(body: bytes, what: str) -> None:
    with pytest.raises(UnreadableCalendarError) as raised:
        read_multistatus(body)
    assert what in str(raised.value)
    assert CANARY not in str(raised.value)


@given(st.binary(max_size=300), st.integers(0, 400))
def test_no_bytes_in_a_list_do_more_than_make_it_unreadable(noise: bytes, at: int) -> None:
    body = multistatus(calendar("DTSTART:20261126T090000Z\nDURATION:PT1H").decode())
    try:
        found = read_entries(read_multistatus(body[:at] + noise + body[at:]).calendars, BERLIN)
    except UnreadableCalendarError:
        return
    assert all(start < end for start, end in (*found.busy, *found.free, *found.whole_days))


@given(st.lists(st.text(st.sampled_from("DTSARENUOI:;=ZPH0123456789Q-/\n "), max_size=60), max_size=8))
def test_no_lines_of_an_event_do_more_than_make_it_unreadable(lines: list[str]) -> None:
    try:
        found = read("\n".join(lines), "DTSTART:20261126T090000Z\nDURATION:PT1H")
    except UnreadableCalendarError:
        return
    assert NINE_TO_TEN[0] in found.busy
