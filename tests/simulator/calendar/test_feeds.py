"""The published copies of a simulated calendar (calendar.md 3 and 5): secret addresses, lateness, and what is odd in files."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import httpx
import pytest

from exporter.simulator import Fault, FaultKind, canary
from exporter.simulator.calendar import RADICALE, Entry, Rule
from tests.simulator.calendar.conftest import FIRST, HOUR, Desk, hours


async def test_a_feed_is_the_whole_calendar_for_whoever_has_its_address(desk: Desk) -> None:
    desk.calendar.put(hours(-24 * 300), hours(9), hours(24 * 300))
    answer = await desk.feed()
    lines = answer.text.splitlines()
    assert (200, "text/calendar; charset=utf-8") == (answer.status_code, answer.headers["content-type"])
    assert ("BEGIN:VCALENDAR", "END:VCALENDAR", 3) == (lines[0], lines[-1], lines.count("BEGIN:VEVENT"))


async def test_a_wrong_address_is_not_found_and_neither_is_the_feed_of_a_calendar_that_was_deleted(desk: Desk) -> None:
    wrong = await desk.http.get(f"{desk.url}/ics/guessed/basic.ics")
    desk.calendar.deleted = True
    assert [404, 404] == [wrong.status_code, (await desk.feed()).status_code]


async def test_the_log_has_no_secret_address(desk: Desk) -> None:
    await desk.feed()
    assert desk.calendar.feed.secret not in str(desk.simulator.log.last.to_json())


async def test_a_full_feed_has_titles_and_one_of_availability_only_has_none(desk: Desk) -> None:
    desk.calendar.put(hours(9))
    full = (await desk.feed()).text.replace("\r\n ", "").replace("\\,", ",")
    desk.simulator.calendar.switches = replace(RADICALE, level="availability")
    seen = [[word for word in canary.CANARIES if word in text] for text in (full, (await desk.feed()).text)]
    assert [list(canary.CANARIES), []] == seen


async def test_a_late_feed_has_what_the_calendar_had_minutes_before(desk: Desk) -> None:
    desk.calendar.put(hours(9, uid="old"))
    desk.calendar.feed.late_seconds = 600.0
    desk.clock.now += 700
    desk.calendar.put(hours(12, uid="new"))
    desk.calendar.remove("old")
    assert [True, False] == [f"UID:{uid}" in (await desk.feed()).text for uid in ("old", "new")]
    desk.clock.now += 600
    assert [False, True] == [f"UID:{uid}" in (await desk.feed()).text for uid in ("old", "new")]


async def test_a_frozen_feed_is_the_same_bytes_for_hours(desk: Desk) -> None:
    desk.calendar.put(hours(9))
    before = (await desk.feed()).content
    desk.calendar.feed.frozen_at = desk.clock.now
    for _ in range(30):
        desk.clock.now += HOUR
        desk.calendar.put(hours(12), hours(13), uid_of(desk.clock.now))
    assert before == (await desk.feed()).content
    desk.calendar.feed.frozen_at = None
    assert before != (await desk.feed()).content


def uid_of(moment: float) -> Entry:
    return hours((moment - FIRST) / HOUR, uid=f"made-at-{moment:g}")


async def test_a_feed_may_be_a_sign_in_page_or_have_no_entries(desk: Desk) -> None:
    desk.calendar.put(hours(9))
    desk.calendar.feed.is_html = True
    page = await desk.feed()
    desk.calendar.feed.is_html, desk.calendar.feed.is_empty = False, True
    empty = await desk.feed()
    assert (200, "text/html; charset=utf-8") == (page.status_code, page.headers["content-type"])
    assert (200, "END:VCALENDAR", 0) == (empty.status_code, empty.text.splitlines()[-1], empty.text.count("VEVENT"))


@pytest.mark.slow
async def test_a_feed_may_have_20_mb_of_old_entries(desk: Desk) -> None:
    desk.calendar.feed.old_entries = 70_000
    desk.calendar.put(hours(9))
    answer = await desk.feed()
    assert 20_000_000 < len(answer.content) < 30_000_000
    assert answer.text.endswith("END:VCALENDAR\r\n")


async def test_times_may_be_in_a_zone_floating_in_an_unknown_zone_or_dates(desk: Desk) -> None:
    desk.calendar.put(
        hours(9, uid="zone", form="zone", zone="Europe/Berlin"),
        hours(9, uid="floating", form="floating", zone="Europe/Berlin"),
        hours(9, uid="unknown", form="unknown_zone", zone="Europe/Berlin"),
        hours(24, 24, uid="day", whole_days=True),
    )
    starts = [line for line in (await desk.feed()).text.splitlines() if line.startswith("DTSTART")]
    assert [
        "DTSTART;TZID=Europe/Berlin:20261201T100000",
        "DTSTART:20261201T100000",
        "DTSTART;TZID=Customized Time Zone 7:20261201T100000",
        "DTSTART;VALUE=DATE:20261202",
    ] == starts


async def test_what_recurs_stands_in_a_feed_once_with_its_rule_and_a_rule_may_be_a_bomb(desk: Desk) -> None:
    desk.calendar.put(hours(9, rule=Rule(days=7, count=5)), hours(12, raw_rule="FREQ=SECONDLY"))
    rules = [line for line in (await desk.feed()).text.splitlines() if line.startswith("RRULE")]
    assert ["RRULE:FREQ=DAILY;INTERVAL=7;COUNT=5", "RRULE:FREQ=SECONDLY"] == rules


async def test_cancelled_tentative_and_free_entries_say_so(desk: Desk) -> None:
    desk.calendar.put(hours(9, status="CANCELLED"), hours(12, status="TENTATIVE"), hours(15, transparent=True))
    text = (await desk.feed()).text
    assert [1, 1, 1] == [text.count(word) for word in ("STATUS:CANCELLED", "STATUS:TENTATIVE", "TRANSP:TRANSPARENT")]


async def test_whoever_has_the_newest_copy_is_told_so(desk: Desk) -> None:
    first = await desk.feed()
    tag, modified = first.headers["etag"], first.headers["last-modified"]
    again = [await desk.feed(**{"if-none-match": tag}), await desk.feed(**{"if-modified-since": modified})]
    desk.clock.now += 60
    desk.calendar.put(hours(9))
    later = [await desk.feed(**{"if-none-match": tag}), await desk.feed(**{"if-modified-since": modified})]
    assert [304, 304, 200, 200] == [answer.status_code for answer in (*again, *later)]


@pytest.mark.parametrize(("told", "names"), [("both", 2), ("etag", 1), ("last_modified", 1), ("none", 0)])
async def test_a_publisher_sends_both_validators_one_or_none(desk: Desk, told: str, names: int) -> None:
    desk.simulator.calendar.switches = replace(RADICALE, validators=told)  # type: ignore[arg-type]  # one of them
    headers = (await desk.feed()).headers
    assert names == sum(name in headers for name in ("etag", "last-modified"))


async def test_radicale_ignores_validators(desk: Desk) -> None:
    desk.simulator.calendar.switches = RADICALE
    first = await desk.feed()
    assert 200 == (await desk.feed(**{"if-none-match": first.headers["etag"]})).status_code


async def test_a_feed_may_come_slowly(desk: Desk) -> None:
    desk.simulator.faults.add(Fault(FaultKind.SLOW_BODY, platform="calendar", operation="feed", seconds=60))
    asked = asyncio.create_task(desk.feed())
    while not desk.clock.slept:  # noqa: ASYNC110  the server has no event for "half has been sent"
        await asyncio.sleep(0)
    assert not asked.done()
    await desk.clock.advance(60)
    assert 200 == (await asked).status_code


async def test_a_feed_in_two_halves_is_truncated_where_the_connection_breaks(desk: Desk) -> None:
    desk.simulator.faults.add(Fault(FaultKind.DROP_BODY, platform="calendar"))
    with pytest.raises(httpx.RemoteProtocolError):
        await desk.feed()
