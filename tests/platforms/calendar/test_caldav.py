"""A calendar on a CalDAV server: what it is asked, what each of its answers means, and what is told of neither."""

from __future__ import annotations

import base64
import re

import pytest

from exporter.calendar_busy import BusyObservation
from exporter.errors import (
    AuthError,
    ClientError,
    InvalidResponseError,
    NotEntitledError,
    NotFoundError,
    PermissionDeniedError,
    PollError,
    RateLimitedError,
    ServerError,
    TargetConfigError,
)
from exporter.model import CollectorName
from tests.harness.calendar_target import CALENDAR, PASSWORD, PATH, USER, Asked, CalendarBench, Scripted, free_busy
from tests.platforms.calendar.conftest import NOW

HOUR = 3600.0
DAY = 24 * HOUR
NINE = NOW + 0.5 * HOUR
MIDNIGHT_UTC = NOW - 8.5 * HOUR
XML = "application/xml; charset=utf-8"


def entries(*events: str) -> bytes:
    rows = "".join(
        "<d:response><d:href>/x.ics</d:href><d:propstat><d:prop><c:calendar-data>BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n"
        f"SUMMARY:canary dentist\r\n{event}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n</c:calendar-data></d:prop>"
        "<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
        for event in events
    )
    return f'<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">{rows}</d:multistatus>'.encode()


async def failed(bench: CalendarBench, **changes: str) -> PollError:
    """Return why a poll failed, after looking that nothing in it is the owner's."""
    with pytest.raises(PollError) as raised:
        await bench.poll(bench.open(bench.target(**changes)))
    assert not re.search("canary|anna|dav/|w%C3|wörk", raised.value.message)
    assert raised.value.__cause__ is None
    return raised.value


async def test_one_question_about_a_day_back_and_eight_ahead_is_a_whole_poll(bench: CalendarBench) -> None:
    await bench.poll()
    (asked,) = bench.asked
    assert ("REPORT", PATH, "1") == (asked.method, asked.path, asked.headers["depth"])
    assert "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode() == asked.headers["authorization"]
    assert b"free-busy-query" in asked.body
    assert b'start="20261125T083000Z" end="20261204T083000Z"' in asked.body
    assert ["200"] == bench.events.codes("free_busy_query")


async def test_busy_times_are_joined_and_the_seconds_of_each_window_counted(bench: CalendarBench) -> None:
    bench.says(
        free_busy("20261126T090000Z/PT1H", "20261126T093000Z/PT1H", "20261127T080000Z/PT1H"),
        content_type="text/calendar; charset=utf-8; charset=utf-8",
    )
    seen = await bench.observed()
    assert ((NINE, NINE + 1.5 * HOUR), (NINE + 23 * HOUR, NINE + DAY)) == seen.periods
    assert {"next_24h": 2 * HOUR, "next_7d": 2.5 * HOUR} == {row.window.name: row.seconds for row in seen.windows}
    assert (NOW - DAY, NOW + 8 * DAY, None, None) == (seen.start, seen.end, seen.entries, seen.free)


async def test_a_free_calendar_is_an_observation(bench: CalendarBench) -> None:
    seen = await bench.observed()
    assert ((), 0) == (seen.periods, seen.whole_days)
    assert [0.0, 0.0] == [row.seconds for row in seen.windows]


async def test_a_window_beyond_the_week_is_read_too(bench: CalendarBench) -> None:
    month = {"name": "next_30d", "from": "now", "to": "now+30d"}
    seen = await bench.observed(bench.open(bench.target(collectors={"busy": {"windows": [month]}})))
    assert NOW + 30 * DAY == seen.end
    assert b'end="20261226T083000Z"' in bench.asked[0].body


async def test_a_whole_day_is_counted_and_proves_nothing_and_what_lies_in_it_is_unclear(bench: CalendarBench) -> None:
    bench.says(free_busy("20261126T220000Z/20261128T010000Z"))
    seen = await bench.observed()
    day = (MIDNIGHT_UTC + DAY - HOUR, MIDNIGHT_UTC + 2 * DAY)  # the day in Berlin, and that of UTC
    assert ((MIDNIGHT_UTC + 22 * HOUR, day[0]), (day[1], day[1] + HOUR)) == seen.periods
    assert (1, (day,)) == (seen.whole_days, seen.unclear)


async def test_a_local_time_is_counted_as_malformed(bench: CalendarBench) -> None:
    bench.says(free_busy("20261126T090000/PT1H", "20261126T090000Z/PT1H"))
    seen = await bench.observed()
    assert ((NINE, NINE + HOUR),) == seen.periods
    assert 1 == bench.events.malformed[CollectorName.BUSY]


async def test_entries_are_read_one_by_one_with_those_that_are_marked_as_free(bench: CalendarBench) -> None:
    bench.says(
        entries(
            "DTSTART:20261126T090000Z\r\nDTEND:20261126T100000Z",
            "DTSTART:20261126T100000Z\r\nDTEND:20261126T110000Z",
            "DTSTART:20261126T120000Z\r\nDTEND:20261126T130000Z\r\nTRANSP:TRANSPARENT",
            "DTSTART;VALUE=DATE:20261127",
            "DTSTART:20261126T120000\r\nDTEND:20261126T130000",
        ),
        status=207,
        content_type=XML,
    )
    seen = await bench.observed(bench.open(bench.target(read="entries")))
    assert ((NINE, NINE + 2 * HOUR),) == seen.periods
    assert ((NINE, NINE + HOUR), (NINE + HOUR, NINE + 2 * HOUR)) == seen.entries
    assert ((NINE + 3 * HOUR, NINE + 4 * HOUR),) == seen.free
    assert (1, ()) == (seen.whole_days, seen.unclear)
    assert 1 == bench.events.malformed[CollectorName.BUSY]
    assert ["207"] == bench.events.codes("calendar_query")


def kinds(inner: str) -> bytes:
    names = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"'
    found = f"<d:propstat><d:prop><d:resourcetype>{inner}</d:resourcetype></d:prop></d:propstat>"
    return f"<d:multistatus {names}><d:response>{found}</d:response></d:multistatus>".encode()


def of_kind(bench: CalendarBench, body: bytes, status: int = 207) -> None:
    """Let the server list no entries, and say this of what is at the address."""
    xml = {"content-type": XML}
    bench.answer = lambda asked: Scripted(body, status, xml) if asked.method == "PROPFIND" else Scripted(entries(), 207, xml)


@pytest.mark.parametrize(
    "inner", ["<d:collection/>", "<d:principal/><d:collection/>", "<d:collection><c:calendar/></d:collection>"]
)
async def test_an_address_without_entries_that_is_that_of_no_calendar_is_told(bench: CalendarBench, inner: str) -> None:
    of_kind(bench, kinds(inner))
    found = await failed(bench, read="entries")
    assert (TargetConfigError, 207) == (type(found), found.status)
    assert (
        "127.0.0.1 has a user or a folder at this address; write that of one calendar into caldav.url (HTTP 207)"
        == found.message
    )
    assert "0" == bench.asked[1].headers["depth"]
    assert b"<d:prop><d:resourcetype/></d:prop>" in bench.asked[1].body


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (kinds("<d:collection/><c:calendar/>"), 207),
        (kinds(""), 207),
        (entries(), 207),
        (b"<d:multistatus xmlns:d='DAV:'>", 207),
        (b"<!DOCTYPE html>", 200),
        (b"", 403),
        (b"", 405),
    ],
)
async def test_a_calendar_without_entries_is_asked_once_what_it_is_and_free_unless_it_says_that_it_is_none(
    bench: CalendarBench, body: bytes, status: int
) -> None:
    of_kind(bench, body, status)
    session = bench.open(bench.target(read="entries"))
    for _ in range(2):
        assert ((), ()) == ((await bench.observed(session)).periods, (await bench.observed(session)).entries)
    assert 1 == [asked.method for asked in bench.asked].count("PROPFIND")


async def test_what_a_calendar_is_is_asked_again_where_the_server_failed(bench: CalendarBench) -> None:
    of_kind(bench, b"", 503)
    session = bench.open(bench.target(read="entries"))
    assert () == (await bench.observed(session)).periods
    of_kind(bench, kinds("<d:collection/>"))
    with pytest.raises(TargetConfigError):
        await bench.poll(session)


@pytest.mark.parametrize(
    ("read", "operations"), [("free_busy", ("free_busy_query",)), ("entries", ("calendar_query", "resource_type"))]
)
async def test_what_a_calendar_may_be_asked_is_told_before_it_is(
    bench: CalendarBench, read: str, operations: tuple[str, ...]
) -> None:
    assert operations == bench.open(bench.target(read=read)).expected.operations


async def test_a_calendar_with_entries_is_one(bench: CalendarBench) -> None:
    bench.says(entries("DTSTART:20261126T090000Z\r\nDURATION:PT1H"), status=207, content_type=XML)
    session = bench.open(bench.target(read="entries"))
    await bench.poll(session)
    bench.says(entries(), status=207, content_type=XML)
    await bench.poll(session)
    assert ["REPORT", "REPORT"] == [asked.method for asked in bench.asked]


async def test_entries_are_asked_for_expanded(bench: CalendarBench) -> None:
    bench.says(entries(), status=207, content_type=XML)
    await bench.poll(bench.open(bench.target(read="entries")))
    assert b'<c:expand start="20261125T083000Z" end="20261204T083000Z"/>' in bench.asked[0].body


async def test_no_title_is_in_what_a_poll_brings(bench: CalendarBench) -> None:
    bench.says(entries("DTSTART:20261126T090000Z\r\nDURATION:PT1H"), status=207, content_type=XML)
    assert "canary" not in repr(await bench.observed(bench.open(bench.target(read="entries"))))


NO_BUSY_TIMES = "does not tell when somebody is busy at this address; if it is that of one calendar, write read: entries"


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (401, b"", AuthError, "does not accept the user name and password (HTTP 401)"),
        (403, b"", PermissionDeniedError, "does not let this user read the calendar"),
        (403, b'<d:error xmlns:d="DAV:"><d:supported-report/></d:error>', NotEntitledError, "write read: entries"),
        (404, b"", NotFoundError, "has no calendar at this address"),
        (410, b"", NotFoundError, "has no calendar at this address any more"),
        (405, b"", NotEntitledError, NO_BUSY_TIMES),
        (501, b"", NotEntitledError, NO_BUSY_TIMES),
        (207, entries(), NotEntitledError, NO_BUSY_TIMES),
        (204, b"", InvalidResponseError, "answered without a calendar"),
        (400, b"", ClientError, "calls the question a bad request"),
        (500, b"", ServerError, "failed to answer"),
        (300, b"", InvalidResponseError, "redirects to nowhere"),
        (200, b"", InvalidResponseError, "sent an empty body (text/calendar, 0 bytes)"),
        (200, free_busy("20261126T090000Z/PT1H")[:-10], InvalidResponseError, "sent a calendar that is cut off"),
        (200, b"<!DOCTYPE html>\n<html>canary</html>", InvalidResponseError, "sent a web page instead of a calendar"),
        (200, entries(), InvalidResponseError, "sent something that is not a calendar"),
    ],
)
async def test_each_answer_without_busy_times_has_its_reason(
    bench: CalendarBench, status: int, body: bytes, error: type[PollError], words: str
) -> None:
    bench.says(body, status)
    found = await failed(bench)
    assert (error, status) == (type(found), found.status)
    assert f"127.0.0.1 {words}" in found.message or words in found.message


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (200, b"", InvalidResponseError, "answered without a calendar"),
        (200, b"<!DOCTYPE html><html>", InvalidResponseError, "sent a web page instead of a calendar"),
        (207, b"<d:multistatus xmlns:d='DAV:'>", InvalidResponseError, "sent XML that is cut off"),
        (207, b"<!DOCTYPE html><html>", InvalidResponseError, "sent a web page instead of a calendar"),
        (405, b"", TargetConfigError, "does not answer questions about calendars at this address; correct caldav.url"),
        (
            403,
            b'<d:error xmlns:d="DAV:"><d:number-of-matches-within-limits/></d:error>',
            TargetConfigError,
            "does not tell so many entries at once; write read: free_busy",
        ),
    ],
)
async def test_each_answer_without_entries_has_its_reason(
    bench: CalendarBench, status: int, body: bytes, error: type[PollError], words: str
) -> None:
    bench.says(body, status, content_type=XML)
    found = await failed(bench, read="entries")
    assert (error, status) == (type(found), found.status)
    assert words in found.message


async def test_a_server_that_wants_another_sign_in_than_a_password_is_told_apart(bench: CalendarBench) -> None:
    bench.says(b"", 401, www_authenticate='Bearer realm="canary", error="invalid_token"')
    found = await failed(bench)
    assert isinstance(found, AuthError)
    what = "takes no user name with a password, but Bearer; write ics_url if it publishes a feed"
    assert f"127.0.0.1 {what} (HTTP 401)" == found.message


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("https://other.example/dav/anna.canary/", "redirects to other.example, where the password is not sent"),
        ("https://127.0.0.1/dav/anna.canary/", "redirects to https://127.0.0.1; write that before the path in caldav.url"),
        (PATH + "/", "redirects to the same address with a / at its end"),
        ("/somewhere/anna.canary/", "redirects to another path; write caldav.url as `curl --head` shows it"),
    ],
)
async def test_a_redirect_is_not_followed_and_says_what_to_write(bench: CalendarBench, location: str, words: str) -> None:
    bench.says(b"", 302, location=location)
    found = await failed(bench)
    assert isinstance(found, TargetConfigError)
    assert words in found.message
    assert 1 == len(bench.asked)


async def test_a_redirect_that_no_address_is_in_is_no_calendar(bench: CalendarBench) -> None:
    bench.says(b"", 302, location="https://[canary")
    assert "127.0.0.1 redirects to nowhere (HTTP 302)" == (await failed(bench)).message


async def test_a_fault_that_passes_is_asked_again(bench: CalendarBench) -> None:
    answers = iter([Scripted(b"", 503), Scripted(free_busy("20261126T090000Z/PT1H"))])
    bench.answer = lambda _: next(answers)
    assert ((NINE, NINE + HOUR),) == (await bench.observed()).periods
    assert [("free_busy_query", "server_error")] == bench.events.retries


async def test_a_wrong_password_is_not_sent_twice(bench: CalendarBench) -> None:
    bench.says(b"", 401)
    await failed(bench)
    assert 1 == len(bench.asked)


async def test_a_server_that_asks_to_wait_is_left_alone_for_so_long(bench: CalendarBench) -> None:
    bench.says(b"", 429, retry_after="120")
    session = bench.open()
    with pytest.raises(RateLimitedError) as raised:
        await bench.poll(session)
    assert 120 == raised.value.retry_after
    with pytest.raises(RateLimitedError):
        await bench.poll(session)
    assert 1 == len(bench.asked)


async def test_a_server_that_throttles_and_names_no_time_is_left_alone_for_five_minutes(bench: CalendarBench) -> None:
    bench.says(b"", 429)
    with pytest.raises(RateLimitedError) as raised:
        await bench.poll()
    assert 300 == raised.value.retry_after


async def test_an_answer_of_more_than_20_mib_is_refused(bench: CalendarBench) -> None:
    bench.says(b"BEGIN:VCALENDAR\r\n" + b"X" * (20 * 1024 * 1024))
    assert "127.0.0.1 sent more than 20 MiB for a calendar" == (await failed(bench)).message


async def test_another_origin_stands_for_that_of_the_address(bench: CalendarBench) -> None:
    await bench.poll(bench.open(bench.target(url="https://dav.example.org" + PATH, base_url=bench.url)))
    assert [PATH] == [asked.path for asked in bench.asked]


async def test_a_check_asks_for_the_next_hour_alone(bench: CalendarBench) -> None:
    assert () == await bench.open().check()
    assert b'start="20261126T083000Z" end="20261126T093000Z"' in bench.asked[0].body


async def test_a_check_fails_where_a_poll_would(bench: CalendarBench) -> None:
    bench.says(b"", 404)
    with pytest.raises(NotFoundError):
        await bench.open().check()


async def test_a_password_of_any_letters_is_sent_as_its_owner_wrote_it(bench: CalendarBench) -> None:
    await bench.poll(bench.open(bench.target(password="p:ss|w%rd")))
    sent = base64.b64decode(bench.asked[0].headers["authorization"].removeprefix("Basic "))
    assert b"anna:p:ss|w%rd" == sent


async def test_ten_thousand_busy_times_are_read_off_the_loop(bench: CalendarBench) -> None:
    def answer(_: Asked) -> Scripted:
        periods = [f"2026112{6 + minute // 1440}T{minute // 60 % 24:02}{minute % 60:02}00Z/PT30S" for minute in range(4000)]
        return Scripted(free_busy(*periods), headers={"content-type": CALENDAR})

    bench.answer = answer
    seen = await bench.observed()
    assert isinstance(seen, BusyObservation)
    assert 4000 == len(seen.periods)
