"""Feeds as they should not be: each is told apart, and what can be read of it is."""

from __future__ import annotations

import time

import pytest

from exporter.ics.expansion import SERIES_CPU_SECONDS, read_feed
from exporter.ics.values import Fault, FeedJob, FeedTimes
from tests.harness.feeds import DAY, HOUR, MONDAY, WEEK, event, feed, hours, read

GOOD = event("UID:good", "DTSTART:20261201T100000Z", "DTEND:20261201T110000Z")
GOOD_HOURS = (34.0, 35.0)


@pytest.mark.parametrize(
    ("fault", "body"),
    [
        (Fault.EMPTY, b""),
        (Fault.EMPTY, b" \r\n\t\r\n" * 1000),
        (Fault.EMPTY, b"\xef\xbb\xbf"),
        (Fault.HTML, b"<!DOCTYPE html><html><title>Sign in</title>BEGIN:VCALENDAR</html>"),
        (Fault.HTML, b"\r\n  <html>"),
        (Fault.NOT_A_CALENDAR, b'{"error": "gone"}'),
        (Fault.NOT_A_CALENDAR, b"BEGIN:VCARD\r\nEND:VCARD\r\n"),
        (Fault.NOT_A_CALENDAR, "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n".encode("utf-16")),
        (Fault.NOT_A_CALENDAR, b"BEGIN:VCALENDARS\r\nEND:VCALENDAR\r\n"),
        (Fault.TRUNCATED, feed(GOOD)[:-20]),
        (Fault.TRUNCATED, b"BEGIN:VCALENDAR\r\n"),
        (Fault.TRUNCATED, feed(GOOD) + b"<!-- 12 ms -->"),
        (Fault.TRUNCATED, b"BEGIN:VCALENDAR\r\nX-END:VCALENDAR\r\n"),
    ],
)
def test_what_is_no_whole_calendar_says_why(fault: Fault, body: bytes) -> None:
    assert fault == read_feed(FeedJob(body, MONDAY, MONDAY + WEEK, "UTC")).fault


def test_a_calendar_without_entries_is_free() -> None:
    answer = read()

    assert (None, FeedTimes()) == (answer.fault, answer.times)


@pytest.mark.parametrize(
    "entry",
    [
        event("UID:1", "DTSTART:19700101T000000Z", "DTEND:19700101T000100Z", "RRULE:FREQ=SECONDLY"),
        event("UID:1", "DTSTART:19700101T000000Z", "DTEND:19700101T000100Z", "RRULE:FREQ=MINUTELY;INTERVAL=7"),
        event(
            "UID:1", "DTSTART:20261130T000000Z", "DURATION:PT1M", "RRULE:FREQ=DAILY;BYHOUR=1,2,3;BYMINUTE=" + "0,1," * 29 + "0"
        ),
        event("UID:1", "DTSTART:20261130T000000Z", "DURATION:PT1M", "RRULE:FREQ=HOURLY;BYSECOND=0,10,20,30,40,50"),
        event("UID:1", "DTSTART:19700101T000000Z", "DURATION:PT1M", "RRULE:FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30"),
        event("UID:1", "DTSTART:19700101T000000Z", "DURATION:PT1M", "RRULE:FREQ=DAILY;INTERVAL=0"),
        event("UID:1", "DTSTART:19700101T000000Z", "DURATION:PT1M", "RRULE:FREQ=DAILY;INTERVAL=99999999999999999999"),
        event("UID:1", "DTSTART:19700101T000000Z", "DURATION:PT1M", "RRULE:FREQ=DAILY;COUNT=99999999999999999999"),
        event("UID:1", "DTSTART:19700101T000000Z", "DURATION:PT1M", "RRULE:FREQ=SOMETIMES"),
        event("UID:1", "DTSTART:20261201T000000Z", "DURATION:PT1M", "RRULE:"),
        event("UID:1", "DTSTART:20261201T000000Z", "DURATION:PT1M", "RRULE:FREQ=DAILY;BYDAY=" + "MO," * 500 + "MO"),
        event("UID:1", "DTSTART:20261201T000000Z", "DURATION:PT1M", "RRULE:FREQ=DAILY", "RRULE:FREQ=SECONDLY"),
        event("UID:1", "DTSTART:20261201T000000Z", "DURATION:PT1M", "RRULE:FREQ=DAILY", "EXRULE:FREQ=WEEKLY"),
        event("UID:1", "DTSTART:20261201T000000Z", "DURATION:PT1M", "RDATE:" + ",".join(["20261201T000000Z"] * 2_001)),
        event("UID:1", "DTSTART:20261201T000000Z", "DURATION:PT1M", "RDATE:" + "20261201T000000Z," * 10_000),
        event("UID:1", "DTSTART:20261201T000000Z", *["EXDATE:20261201T000000Z"] * 2_001),
        event("UID:1", "DTSTART;TZID=Nowhere/Land:20261201T100000", "DTEND;TZID=Nowhere/Land:20261201T110000"),
        event("UID:1", "DTSTART:20261201T100000Z", "DTEND;TZID=Nowhere/Land:20261201T110000"),
        event(
            "UID:1", "DTSTART:20261201T100000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY", "EXDATE;TZID=Nowhere/Land:20261202T100000"
        ),
        event("UID:1", "DTSTART:20261301T100000Z", "DTEND:20261301T110000Z"),
        event("UID:1", "DTSTART:yesterday", "DTEND:tomorrow"),
        event("UID:1", "DTSTART:20261201T100000Z", "DTEND:20261201T090000Z"),
        event("UID:1", "DTSTART:20261201T100000Z", "DTEND;VALUE=DATE:20261202"),
        event("UID:1", "DTSTART:20261201T100000Z", "DTEND:20261201T110000Z", "DURATION:PT2H"),
        event("UID:1", "DTSTART:20261201T100000Z", "DTSTART:20261202T100000Z", "DURATION:PT2H"),
        event("UID:1", "DTSTART:20261201T100000Z", "DURATION:soon"),
        event("UID:1", "DTSTART:20261201T100000Z", "DURATION:-PT1H"),
        event("UID:1", "DTSTART:20261201T100000Z", "DURATION:P99999999999D"),
        event("UID:1", "SUMMARY:no time at all"),
        event("UID:1", "DTSTART:2026\x001201T100000Z", "DTEND:20261201T110000Z"),
        event("UID:1", "DTSTART;VALUE=PERIOD:20261201T100000Z/PT1H"),
        event("UID:1", "DTSTART:20261201T100000Z", "DURATION:PT1H", "RECURRENCE-ID:what"),
        "BEGIN:VEVENT\r\nDTSTART:20261201T100000Z\r\nBEGIN:VALARM\r\nEND:VEVENT",
        "BEGIN:VTODO\r\nBEGIN:VEVENT\r\nDTSTART:20261201T100000Z\r\nDURATION:PT1H\r\nEND:VEVENT\r\nEND:VTODO",
        "BEGIN:X\r\n" * 50 + event("DTSTART:20261201T100000Z", "DURATION:PT1H") + "\r\nEND:X" * 50,
        event("DTSTART:20261201T100000Z", "DURATION:PT1H", *["BEGIN:X"] * 50, *["END:X"] * 50),
        "BEGIN:VFREEBUSY\r\nFREEBUSY:20261201T100000Z/PT1H\r\nEND:VFREEBUSY",
    ],
)
def test_an_entry_that_nobody_can_read_is_counted_and_spoils_no_other(entry: str) -> None:
    answer = read(entry, GOOD)

    assert (None, [GOOD_HOURS], 1) == (answer.fault, hours(answer), answer.times.malformed)


def test_entries_within_each_other_are_both_counted() -> None:
    inner = event("UID:in", "DTSTART:20261202T100000Z", "DURATION:PT1H")
    answer = read(f"BEGIN:VEVENT\r\nUID:out\r\nDTSTART:20261202T120000Z\r\n{inner}\r\nEND:VEVENT", GOOD)

    assert ([GOOD_HOURS], 2) == (hours(answer), answer.times.malformed)


def test_an_entry_that_never_ends_is_counted() -> None:
    answer = read(GOOD, "BEGIN:VEVENT\r\nDTSTART:20261202T100000Z\r\nDURATION:PT1H")

    assert ([GOOD_HOURS], 1) == (hours(answer), answer.times.malformed)


_FROM = "20261130T090000Z"
_WEEKLY = ("UID:1", "DTSTART:20261123T090000Z", "RRULE:FREQ=WEEKLY;BYDAY=MO,WE")


@pytest.mark.parametrize(
    "series",
    [
        event(*_WEEKLY, "DTEND:00261123T093000Z"),
        event(*_WEEKLY, "DURATION:-P730000D"),
        event(*_WEEKLY, "DURATION:P730000D"),
        event("UID:1", "DTSTART:02021123T090000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY"),
        event("UID:1", "DTSTART:02021123T090000Z", "DTEND:20261123T093000Z", "RRULE:FREQ=WEEKLY"),
        "\r\n".join(
            (
                event(*_WEEKLY, "DTEND:20261123T093000Z"),
                event("UID:1", f"RECURRENCE-ID;RANGE=THISANDFUTURE:{_FROM}", f"DTSTART:{_FROM}", "DTEND:00261123T093000Z"),
            )
        ),
    ],
    ids=["ends before", "lasts less than nothing", "lasts", "began", "began and lasts", "ends before, from some day on"],
)
def test_a_series_of_two_thousand_years_costs_nothing(series: str) -> None:
    began = time.process_time()
    answer = read(series, GOOD)

    assert ([GOOD_HOURS], 1) == (hours(answer), answer.times.malformed)
    assert time.process_time() - began < 0.25


@pytest.mark.slow
def test_a_series_that_takes_too_long_is_counted_and_the_rest_is_read() -> None:
    never = event("UID:1", "DTSTART:19700101T000000Z", "DURATION:PT1M", "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;BYHOUR=1,2,3")
    began = time.process_time()
    answer = read(never, never.replace("UID:1", "UID:2"), GOOD)

    assert ([GOOD_HOURS], 2) == (hours(answer), answer.times.malformed)
    assert time.process_time() - began < 4 * SERIES_CPU_SECONDS


@pytest.mark.slow
def test_more_entries_than_a_calendar_has_are_refused_as_a_whole() -> None:
    quarters = "RRULE:FREQ=HOURLY;BYMINUTE=0,15,30,45"
    entries = [event(f"UID:{number}", "DTSTART:20261129T000000Z", "DURATION:PT1M", quarters) for number in range(20)]

    assert Fault.TOO_MANY == read(*entries).fault


@pytest.mark.parametrize("newline", ["\r\n", "\n", "\r", "\r\r\n"])
def test_lines_end_as_the_publisher_likes(newline: str) -> None:
    body = feed(GOOD).replace(b"\r\n", newline.encode())

    assert [GOOD_HOURS] == hours(read_feed(FeedJob(body, MONDAY, MONDAY + WEEK, "UTC")))


@pytest.mark.parametrize("odd", range(4))
def test_no_mixture_of_line_ends_makes_a_calendar_an_empty_one(odd: int) -> None:
    lines = feed(GOOD).replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n")
    before, after = lines[: odd * 2 + 1], lines[odd * 2 + 1 :]

    for first, last in ((b"\r", b"\n"), (b"\n", b"\r")):
        answer = read_feed(FeedJob(first.join(before) + first + last.join(after), MONDAY, MONDAY + WEEK, "UTC"))
        assert answer.fault is not None or answer.times.malformed or [GOOD_HOURS] == hours(answer)


def test_entries_whose_uid_is_empty_are_entries_of_their_own() -> None:
    later = GOOD.replace("T10", "T12").replace("T11", "T13")

    assert [GOOD_HOURS, (36.0, 37.0)] == hours(read(GOOD.replace("UID:good", "UID:"), later.replace("UID:good", "UID: ")))


@pytest.mark.parametrize("width", [1, 2, 7])
@pytest.mark.parametrize("blank", [b" ", b"\t"])
def test_lines_are_folded_wherever_the_publisher_likes_also_within_a_letter(width: int, blank: bytes) -> None:
    lines = feed(event("UID:ä€😀", "SUMMARY:ä€😀", "DTSTART:20261201T100000Z", "DTEND:20261201T110000Z")).split(b"\r\n")
    folded = [(b"\r\n" + blank).join(line[at : at + width] for at in range(0, len(line), width)) for line in lines[1:-2]]
    body = b"\r\n".join([lines[0], *folded, *lines[-2:]])

    assert [GOOD_HOURS] == hours(read_feed(FeedJob(body, MONDAY, MONDAY + WEEK, "UTC")))


def test_bytes_that_are_no_text_and_nuls_spoil_nothing() -> None:
    body = feed(
        event("UID:\udcff\udcfe", "SUMMARY:\x00\x00", "DTSTART:20261201T100000Z", "DTEND:20261201T110000Z")
        .encode("utf-8", "surrogatepass")
        .decode("latin-1")
    )

    assert [GOOD_HOURS] == hours(read_feed(FeedJob(body, MONDAY, MONDAY + WEEK, "UTC")))


def test_two_uids_of_bytes_that_are_no_text_are_two_entries() -> None:
    one = GOOD.replace("good", "?")
    body = feed(one, one.replace("T10", "T12").replace("T11", "T13")).replace(b"?", b"\xff", 1).replace(b"?", b"\xfe", 1)

    assert [GOOD_HOURS, (36.0, 37.0)] == hours(read_feed(FeedJob(body, MONDAY, MONDAY + WEEK, "UTC")))


def test_names_of_properties_are_in_any_case() -> None:
    lower = event("uid:1", "dtstart:20261201T100000Z", "DtEnd:20261201T110000Z").replace("BEGIN:VEVENT", "begin:vevent")

    assert [GOOD_HOURS] == hours(read(lower))


def test_a_title_that_looks_like_an_entry_is_a_title() -> None:
    title = "DESCRIPTION:BEGIN:VEVENT\\nDTSTART:20261202T100000Z\\n"

    assert [GOOD_HOURS] == hours(read(GOOD.replace("UID:good", title), "X-NOTE:BEGIN:VEVENT"))


def test_several_calendars_in_one_feed_are_one() -> None:
    body = feed(GOOD) + feed(GOOD.replace("good", "other").replace("T10", "T12").replace("T11", "T13"))

    assert [GOOD_HOURS, (36.0, 37.0)] == hours(read_feed(FeedJob(body, MONDAY, MONDAY + WEEK, "UTC")))


def test_a_feed_of_sixteen_megabytes_of_titles_is_read() -> None:
    title = "SUMMARY:" + "x" * 16_000
    body = feed(*[event(f"UID:{number}", title, "DTSTART:20200101T100000Z", "DURATION:PT1H") for number in range(1000)], GOOD)

    assert [GOOD_HOURS] == hours(read_feed(FeedJob(body, MONDAY, MONDAY + WEEK, "UTC")))


def test_no_word_of_an_entry_gets_into_an_answer() -> None:
    answer = read(
        event(
            "UID:canary", "SUMMARY:canary", "DTSTART;X-A=canary:20261201T100000Z", "DTEND:20261201T110000Z", "LOCATION:canary"
        ),
        event("UID:canary2", "DTSTART:canary", "RRULE:canary", "TRANSP:canary", "STATUS:canary"),
    )

    assert "canary" not in repr(answer)
    assert ([GOOD_HOURS], 1) == (hours(answer), answer.times.malformed)


def test_an_entry_that_began_years_ago_and_ends_within_the_range_is_busy() -> None:
    assert [(MONDAY - 365 * DAY, MONDAY + HOUR)] == [
        *read(event("DTSTART:20251130T000000Z", "DTEND:20261130T010000Z")).times.entries
    ]
