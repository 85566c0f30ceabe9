"""Our client against Radicale and xandikos, CalDAV servers that nobody here wrote: both say of a calendar what is in it."""

from __future__ import annotations

from typing import Final
from uuid import uuid4

import pytest

from exporter.calendar_busy import BusyObservation
from exporter.errors import AuthError, NotFoundError, PermissionDeniedError, TargetConfigError
from exporter.platforms.calendar.settings import CalendarTarget
from exporter.simulator import canary
from tests.harness.caldav_servers import Calendar, Entry, Radicale, Xandikos
from tests.harness.calendar_target import CalendarBench

pytestmark = [pytest.mark.servers, pytest.mark.slow]

HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
MIDNIGHT: Final = 1_795_651_200.0  # 2026-11-26, UTC
NINE: Final = MIDNIGHT + 9 * HOUR


@pytest.fixture
async def radicales(on_radicale: Radicale) -> Calendar:
    return await on_radicale.calendar(f"anna-{uuid4().hex[:8]}")


@pytest.fixture
async def xandikoses(on_xandikos: Xandikos) -> Calendar:
    return await on_xandikos.calendar(uuid4().hex)


@pytest.fixture(params=["radicales", "xandikoses"])
def calendar(request: pytest.FixtureRequest) -> Calendar:
    """A new and empty calendar on each of the servers."""
    found: Calendar = request.getfixturevalue(request.param)
    return found


def target_of(bench: CalendarBench, calendar: Calendar, read: str = "free_busy", password: str = "") -> CalendarTarget:
    user, word = calendar.auth or ("nobody", "asks for none")
    caldav = {"url": calendar.url, "username": user, "password": password or word, "read": read}
    return bench.target(zone="UTC", caldav=caldav)


async def seen(bench: CalendarBench, calendar: Calendar, read: str = "free_busy") -> BusyObservation:
    return await bench.observed(bench.open(target_of(bench, calendar, read)))


EVERYTHING: Final = (
    Entry("single", NINE, NINE + HOUR),
    Entry("adjacent", NINE + HOUR, NINE + 2 * HOUR),
    Entry("daily", NINE + 4 * HOUR, NINE + 5 * HOUR, ("RRULE:FREQ=DAILY;COUNT=3",)),
    Entry("cancelled", NINE + 6 * HOUR, NINE + 7 * HOUR, ("STATUS:CANCELLED",)),
    Entry("free", NINE + 8 * HOUR, NINE + 9 * HOUR, ("TRANSP:TRANSPARENT",)),
    Entry("holiday", MIDNIGHT + 5 * DAY, MIDNIGHT + 7 * DAY, whole_days=True),
    Entry("later", MIDNIGHT + 60 * DAY, MIDNIGHT + 60 * DAY + HOUR),
)
BUSY: Final = (
    (NINE, NINE + 2 * HOUR),
    *((NINE + day * DAY + 4 * HOUR, NINE + day * DAY + 5 * HOUR) for day in range(3)),
)


@pytest.mark.parametrize("read", ["free_busy", "entries"])
async def test_both_servers_and_both_ways_say_the_same_of_a_calendar(
    bench: CalendarBench, calendar: Calendar, read: str
) -> None:
    await calendar.put(*EVERYTHING)
    found = await seen(bench, calendar, read)
    assert (BUSY, 2) == (found.periods, found.whole_days)
    assert {} == bench.events.malformed
    assert {} == bench.events.unrecognized


async def test_entries_are_told_one_by_one_and_busy_times_are_not(bench: CalendarBench, calendar: Calendar) -> None:
    await calendar.put(*EVERYTHING)
    by_entries, by_busy_times = await seen(bench, calendar, "entries"), await seen(bench, calendar)
    assert ((NINE, NINE + HOUR), (NINE + HOUR, NINE + 2 * HOUR), *BUSY[1:]) == by_entries.entries
    assert ((NINE + 8 * HOUR, NINE + 9 * HOUR),) == by_entries.free
    assert (None, None) == (by_busy_times.entries, by_busy_times.free)


async def test_what_lies_in_a_whole_day_may_be_hidden_by_it(bench: CalendarBench, calendar: Calendar) -> None:
    await calendar.put(*EVERYTHING)
    assert ((MIDNIGHT + 5 * DAY, MIDNIGHT + 7 * DAY),) == (await seen(bench, calendar)).unclear
    assert () == (await seen(bench, calendar, "entries")).unclear


@pytest.mark.parametrize("read", ["free_busy", "entries"])
async def test_an_empty_calendar_is_free(bench: CalendarBench, calendar: Calendar, read: str) -> None:
    assert () == (await seen(bench, calendar, read)).periods


@pytest.mark.parametrize("read", ["free_busy", "entries"])
async def test_no_title_reaches_an_observation(bench: CalendarBench, calendar: Calendar, read: str) -> None:
    await calendar.put(*EVERYTHING)
    assert canary.TITLE not in repr(await seen(bench, calendar, read))


@pytest.mark.parametrize("read", ["free_busy", "entries"])
async def test_a_calendar_that_was_deleted_is_not_found(bench: CalendarBench, calendar: Calendar, read: str) -> None:
    session = bench.open(target_of(bench, calendar, read))
    assert () == await session.check()
    await calendar.delete()
    with pytest.raises(NotFoundError):
        await bench.poll(session)


async def test_a_wrong_password_and_a_calendar_of_somebody_else_are_told_apart(
    bench: CalendarBench, on_radicale: Radicale
) -> None:
    own, foreign = await on_radicale.calendar("ben", uuid4().hex), await on_radicale.calendar("carla", uuid4().hex)
    with pytest.raises(AuthError):
        await bench.poll(bench.open(target_of(bench, own, password="wrong")))
    user, password = own.auth or ("", "")
    target = bench.target(caldav={"url": foreign.url, "username": user, "password": password})
    with pytest.raises(PermissionDeniedError):
        await bench.poll(bench.open(target))


async def test_an_address_without_its_last_slash_is_read_or_says_what_is_wrong(
    bench: CalendarBench, on_radicale: Radicale
) -> None:
    own = await on_radicale.calendar("dora", uuid4().hex)
    user, password = own.auth or ("", "")
    target = bench.target(caldav={"url": own.url.rstrip("/"), "username": user, "password": password})
    assert () == (await bench.observed(bench.open(target))).periods


async def test_a_user_or_a_folder_is_no_empty_calendar(bench: CalendarBench, on_radicale: Radicale) -> None:
    own = await on_radicale.calendar("eva", uuid4().hex)
    user, password = own.auth or ("", "")
    for above in (own.url.removesuffix(f"{own.name}/"), f"{on_radicale.origin}/{user}/"):
        caldav = {"url": above, "username": user, "password": password, "read": "entries"}
        with pytest.raises(TargetConfigError, match=r"^127\.0\.0\.1 has a user or a folder at this address"):
            await bench.open(bench.target(caldav=caldav)).check()


async def test_a_thousand_entries_are_one_request(bench: CalendarBench, calendar: Calendar) -> None:
    entries = [Entry(f"e{number}", NINE + number * 600, NINE + number * 600 + 300) for number in range(1000)]
    await calendar.put(*entries)
    found = await seen(bench, calendar)
    assert 1000 == len(found.periods)
    assert 1 == len(bench.events.requests)
