"""What Radicale and xandikos answer, asked without any code of ours: the facts that docs/platforms/calendar.md measured."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

import httpx
import pytest

from exporter.simulator import canary
from tests.harness.caldav_servers import Calendar, Entry, Radicale, Xandikos, XandikosCalendar

pytestmark = [pytest.mark.servers, pytest.mark.slow]

HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
FIRST: Final = datetime(2026, 12, 1, tzinfo=UTC).timestamp()
_RANGE: Final = 'start="20261201T000000Z" end="20261208T000000Z"'
_NAMES: Final = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:cs="http://calendarserver.org/ns/"'
BUSY: Final = f"<c:free-busy-query {_NAMES}><c:time-range {_RANGE}/></c:free-busy-query>"
EXPANDED: Final = (
    f"<c:calendar-query {_NAMES}><d:prop><c:calendar-data><c:expand {_RANGE}/></c:calendar-data></d:prop>"
    f'<c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT"><c:time-range {_RANGE}/></c:comp-filter>'
    "</c:comp-filter></c:filter></c:calendar-query>"
)
CHANGED: Final = f"<d:propfind {_NAMES}><d:prop><d:sync-token/><cs:getctag/><d:getetag/></d:prop></d:propfind>"


@pytest.fixture
async def radicales(on_radicale: Radicale) -> Calendar:
    return await on_radicale.calendar("anna", uuid4().hex)


@pytest.fixture
async def xandikoses(on_xandikos: Xandikos) -> Calendar:
    return await on_xandikos.calendar(uuid4().hex)


@pytest.fixture(params=["radicales", "xandikoses"])
def calendar(request: pytest.FixtureRequest) -> Calendar:
    found: Calendar = request.getfixturevalue(request.param)
    return found


@asynccontextmanager
async def client(auth: tuple[str, str] | None) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(auth=auth, timeout=60, trust_env=False) as http:
        yield http


async def asked(calendar: Calendar, method: str, body: str, depth: int = 1) -> httpx.Response:
    headers = {"Depth": str(depth), "Content-Type": "application/xml"}
    async with client(calendar.auth) as http:
        return await http.request(method, calendar.url, content=body, headers=headers)


async def busy(calendar: Calendar) -> list[str]:
    """Return the lines of the busy times, sorted; what else the answer has is looked at elsewhere."""
    answer = await asked(calendar, "REPORT", BUSY)
    assert 200 == answer.status_code, answer.text
    lines = answer.text.replace("\r\n", "\n").splitlines()
    assert ("BEGIN:VCALENDAR", "END:VCALENDAR") == (lines[0], [line for line in lines if line][-1])
    assert 1 == lines.count("BEGIN:VFREEBUSY")
    return sorted(line for line in lines if line.startswith("FREEBUSY"))


def hours(number: float, length: float = 1.0, *lines: str, uid: str = "") -> Entry:
    """Return an entry that begins ``number`` hours after the range does."""
    return Entry(uid or f"at-{number:g}", FIRST + number * HOUR, FIRST + (number + length) * HOUR, lines)


async def test_radicale_has_one_period_a_line_with_its_type(radicales: Calendar) -> None:
    await radicales.put(hours(9), hours(11))
    periods = ("20261201T090000Z/20261201T100000Z", "20261201T110000Z/20261201T120000Z")
    assert [f"FREEBUSY;FBTYPE=BUSY:{period}" for period in periods] == await busy(radicales)


async def test_xandikos_has_one_period_a_line_without_a_type(xandikoses: Calendar) -> None:
    await xandikoses.put(hours(9), hours(11))
    periods = ("20261201T090000Z/20261201T100000Z", "20261201T110000Z/20261201T120000Z")
    assert [f"FREEBUSY;VALUE=PERIOD:{period}" for period in periods] == await busy(xandikoses)


async def test_radicale_joins_busy_times_that_touch_or_overlap(radicales: Calendar) -> None:
    await radicales.put(*(hours(24 * (number // 10) + number % 10, 1.5) for number in range(60)))
    assert 6 == len(await busy(radicales))


async def test_xandikos_does_not_join_busy_times(xandikoses: Calendar) -> None:
    await xandikoses.put(*(hours(24 * (number // 10) + number % 10, 1.5) for number in range(60)))
    assert 60 == len(await busy(xandikoses))


async def test_radicale_shows_a_cancelled_entry_as_free_and_a_tentative_one_as_such(radicales: Calendar) -> None:
    await radicales.put(hours(9, 1, "STATUS:CANCELLED"), hours(11, 1, "STATUS:TENTATIVE"))
    free, tentative = "FREEBUSY;FBTYPE=FREE:20261201T09", "FREEBUSY;FBTYPE=BUSY-TENTATIVE:20261201T11"
    assert sorted([free, tentative]) == [
        line[: len(free) if "=FREE" in line else len(tentative)] for line in await busy(radicales)
    ]


async def test_xandikos_leaves_a_cancelled_entry_out(xandikoses: Calendar) -> None:
    await xandikoses.put(hours(9, 1, "STATUS:CANCELLED"))
    assert [] == await busy(xandikoses)


async def test_an_entry_that_is_written_as_free_is_left_out(calendar: Calendar) -> None:
    await calendar.put(hours(9, 1, "TRANSP:TRANSPARENT"), hours(11))
    assert ["20261201T110000Z"] == [line.partition(":")[2].partition("/")[0] for line in await busy(calendar)]


async def test_a_whole_day_is_busy_from_midnight_to_midnight_utc(calendar: Calendar) -> None:
    await calendar.put(Entry("holiday", FIRST + DAY, FIRST + 2 * DAY, whole_days=True))
    assert ["20261202T000000Z/20261203T000000Z"] == [line.partition(":")[2] for line in await busy(calendar)]


async def test_what_is_half_in_the_range_is_cut_at_its_borders(calendar: Calendar) -> None:
    await calendar.put(hours(-1, 2), hours(7 * 24 - 1, 3))
    periods = ["20261201T000000Z/20261201T010000Z", "20261207T230000Z/20261208T000000Z"]
    assert periods == [line.partition(":")[2] for line in await busy(calendar)]


async def test_the_server_expands_what_recurs(calendar: Calendar) -> None:
    await calendar.put(hours(9, 1, "RRULE:FREQ=DAILY;COUNT=5"))
    assert [f"202612{day:02}T090000Z" for day in range(1, 6)] == [
        line.partition(":")[2].partition("/")[0] for line in await busy(calendar)
    ]


async def test_busy_times_have_no_title_and_no_uid(calendar: Calendar) -> None:
    await calendar.put(hours(9, uid="of-a-person"))
    told = (await asked(calendar, "REPORT", BUSY)).text
    assert [] == [word for word in ("SUMMARY", "UID", canary.TITLE, "canary", "of-a-person") if word in told]


async def test_a_calendar_without_entries_is_a_good_answer_without_busy_times(calendar: Calendar) -> None:
    assert [] == await busy(calendar)


async def test_radicale_names_the_charset_twice(radicales: Calendar) -> None:
    answer = await asked(radicales, "REPORT", BUSY)
    assert "text/calendar; charset=utf-8; charset=utf-8" == answer.headers["content-type"]


async def test_xandikos_says_that_busy_times_are_bytes(xandikoses: Calendar) -> None:
    assert "application/octet-stream" == (await asked(xandikoses, "REPORT", BUSY)).headers["content-type"]


async def test_xandikos_refuses_a_report_that_does_not_say_that_it_is_xml(xandikoses: Calendar) -> None:
    async with client(None) as http:
        answer = await http.request("REPORT", xandikoses.url, content=BUSY, headers={"Depth": "1"})
    assert 415 == answer.status_code


async def test_expanded_entries_have_the_uid_of_the_series_and_each_the_moment_that_it_stands_for(calendar: Calendar) -> None:
    await calendar.put(hours(9, 1, "RRULE:FREQ=DAILY;COUNT=3", uid="series"), hours(15, uid="single"))
    answer = await asked(calendar, "REPORT", EXPANDED)
    assert 207 == answer.status_code
    assert (3, 1) == tuple(len(re.findall(rf"^UID:{uid}\r?$", answer.text, re.MULTILINE)) for uid in ("series", "single"))
    instances = re.findall(r"^RECURRENCE-ID:(\S+?)\r?$", answer.text, re.MULTILINE)
    assert [f"202612{day:02}T090000Z" for day in (1, 2, 3)] == sorted(instances)


async def test_expanded_entries_come_with_their_titles_and_with_what_is_free_or_cancelled(calendar: Calendar) -> None:
    await calendar.put(hours(9, 1, "TRANSP:TRANSPARENT"), hours(11, 1, "STATUS:CANCELLED"))
    told = (await asked(calendar, "REPORT", EXPANDED)).text
    assert [2, 1, 1] == [told.count(word) for word in ("canary Tweetie", "TRANSP:TRANSPARENT", "STATUS:CANCELLED")]


async def test_a_change_changes_the_sync_token_and_both_tags(calendar: Calendar) -> None:
    async def tags() -> list[str]:
        answer = await asked(calendar, "PROPFIND", CHANGED, depth=0)
        assert 207 == answer.status_code
        return re.findall(r"<(?:\w+:)?(?:sync-token|getctag|getetag)>([^<]+)<", answer.text)

    await calendar.put(hours(9))
    before = await tags()
    assert before == await tags()
    await calendar.put(hours(11))
    after = await tags()
    assert [3, 3] == [len(before), len(after)]
    assert [] == [tag for tag in after if tag in before]


async def test_only_xandikos_honours_if_none_match_for_an_entry(calendar: Calendar) -> None:
    status = 304 if isinstance(calendar, XandikosCalendar) else 200
    await calendar.put(hours(9, uid="one"))
    async with client(calendar.auth) as http:
        first = await http.get(f"{calendar.url}one.ics")
        again = await http.get(f"{calendar.url}one.ics", headers={"If-None-Match": first.headers["etag"]})
    assert (200, status) == (first.status_code, again.status_code)


async def test_a_get_of_the_calendar_is_the_whole_of_it_or_a_page_for_people(calendar: Calendar) -> None:
    kind = "text/html" if isinstance(calendar, XandikosCalendar) else "text/calendar"
    await calendar.put(hours(9))
    async with client(calendar.auth) as http:
        answer = await http.get(calendar.url)
        again = await http.get(calendar.url, headers={"If-None-Match": answer.headers.get("etag", "none")})
    assert (200, 200, kind) == (answer.status_code, again.status_code, answer.headers["content-type"].partition(";")[0])


@pytest.mark.parametrize("auth", [None, ("anna", "wrong"), ("nobody", "correct horse")])
async def test_without_the_right_password_radicale_answers_401(radicales: Calendar, auth: tuple[str, str] | None) -> None:
    headers = {"Depth": "1", "Content-Type": "application/xml"}
    async with client(auth) as http:
        answer = await http.request("REPORT", radicales.url, content=BUSY, headers=headers)
    assert (401, "Basic") == (answer.status_code, answer.headers["www-authenticate"].partition(" ")[0])


async def test_a_password_that_was_changed_opens_nothing_from_the_next_request_on(on_radicale: Radicale) -> None:
    calendar = await on_radicale.calendar("carla")
    before, old = await asked(calendar, "REPORT", BUSY), calendar.auth
    on_radicale.user("carla", "another one")
    async with client(old) as http:
        after = await http.request("REPORT", calendar.url, content=BUSY, headers={"Depth": "1"})
    assert [200, 401, 200] == [answer.status_code for answer in (before, after, await asked(calendar, "REPORT", BUSY))]


async def test_the_calendar_of_somebody_else_is_forbidden(on_radicale: Radicale, radicales: Calendar) -> None:
    on_radicale.user("ben", "battery staple")
    async with client(("ben", "battery staple")) as http:
        answer = await http.request("REPORT", radicales.url, content=BUSY, headers={"Depth": "1"})
    assert 403 == answer.status_code


async def test_a_calendar_that_was_deleted_is_not_found(calendar: Calendar) -> None:
    await calendar.delete()
    assert 404 == (await asked(calendar, "REPORT", BUSY)).status_code


async def test_an_entry_that_is_put_again_is_replaced_and_one_that_is_removed_is_gone(calendar: Calendar) -> None:
    await calendar.put(hours(9, uid="moved"), hours(15, uid="removed"))
    await calendar.put(hours(11, uid="moved"))
    await calendar.remove("removed")
    assert ["20261201T110000Z/20261201T120000Z"] == [line.partition(":")[2] for line in await busy(calendar)]
    with pytest.raises(FileNotFoundError):
        await calendar.remove("removed")
