"""An owner's calendar on the simulator, read each of the three ways: the times are the same, the titles stay behind."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from exporter.calendar_busy import BusyObservation
from exporter.config import effective_config, load_config
from exporter.errors import InvalidResponseError, NotFoundError, PollError, RateLimitedError
from exporter.model import CollectorName
from exporter.platforms.base import Services
from exporter.platforms.calendar import CALENDAR
from exporter.platforms.calendar.session import CalendarSession
from exporter.platforms.registry import PLATFORMS
from exporter.platforms.retry import wait_allowance
from exporter.polling.admission import Admission
from exporter.simulator import Simulator, running
from exporter.simulator.calendar import Calendar, Entry
from exporter.simulator.canary import CANARIES
from exporter.simulator.faults import Fault, FaultKind
from exporter.state.status_history import StatusHistory
from tests.harness.clock import ManualClock
from tests.harness.events import RecordedEvents
from tests.harness.pool import pool

NOW = 1_795_680_000.0  # 2026-11-26 08:00 UTC
HOUR = 3600.0
PASSWORD = "pa55-of-anna"
WAYS = ("free_busy", "entries", "feed")


class Anna:
    """One owner with a calendar on a simulator at ``url``, and the exporter's sessions on it."""

    def __init__(self, simulator: Simulator, url: str, services: Services, folder: Path) -> None:
        self.simulator, self.url, self._services, self._folder = simulator, url, services, folder
        self.calendar: Calendar = simulator.calendar.add_owner("anna", PASSWORD).add_calendar("work")
        self.clock = simulator.clock
        self._opened: list[CalendarSession] = []

    def config(self, way: str) -> Path:
        """Write a configuration that reads the calendar in one of the ways."""
        where: dict[str, Any] = {"ics_url": self.url + self.calendar.feed_path}
        if way != "feed":
            address = self.url + self.calendar.path
            where = {"caldav": {"url": address, "username": "anna", "password": PASSWORD, "read": way}}
        file = self._folder / f"{way}.yml"
        file.write_bytes(msgspec.yaml.encode({"targets": [{"name": "anna-cal", "platform": "calendar", **where}]}))
        return file

    def open(self, way: str) -> CalendarSession:
        (target,) = load_config(self.config(way)).targets
        session = CALENDAR.open_session(target, self._services)
        assert isinstance(session, CalendarSession)
        self._opened.append(session)
        return session

    async def read(self, way: str, session: CalendarSession | None = None) -> BusyObservation:
        """Poll once. Raises what the poll does."""
        with wait_allowance(300.0):
            polled = await (session or self.open(way)).collectors[CollectorName.BUSY].poll()
        assert isinstance(polled.observation, BusyObservation)
        return polled.observation

    async def aclose(self) -> None:
        for session in self._opened:
            await session.aclose()


@contextlib.asynccontextmanager
async def anna_of(folder: Path) -> AsyncIterator[Anna]:
    clock = ManualClock(NOW, auto=True)
    simulator = Simulator(clock)
    async with running(simulator.app) as url, pool(clock) as http:
        services = Services(
            http, clock, Random(1), RecordedEvents(), StatusHistory(), Admission(clock), shared=CALENDAR.new_shared()
        )
        made = Anna(simulator, url, services, folder)
        try:
            yield made
        finally:
            await made.aclose()


@pytest.fixture
async def anna(tmp_path: Path) -> AsyncIterator[Anna]:
    async with anna_of(tmp_path) as made:
        yield made


def dates(*starts: float) -> list[Entry]:
    return [Entry(f"date-{number}", NOW + start, NOW + start + HOUR) for number, start in enumerate(starts)]


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
async def test_busy_times_are_the_same_whichever_way_they_are_read(anna: Anna, way: str) -> None:
    anna.calendar.put(*dates(2 * HOUR, 5 * HOUR, 3 * HOUR))
    seen = await anna.read(way)
    assert ((NOW + 2 * HOUR, NOW + 4 * HOUR), (NOW + 5 * HOUR, NOW + 6 * HOUR)) == seen.periods
    assert {"next_24h": 3 * HOUR, "next_7d": 3 * HOUR} == {row.window.name: row.seconds for row in seen.windows}


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
async def test_what_is_cancelled_free_or_a_whole_day_makes_nobody_busy(anna: Anna, way: str) -> None:
    day = NOW // 86_400 * 86_400 + 2 * 86_400
    anna.calendar.put(
        Entry("cancelled", NOW + HOUR, NOW + 2 * HOUR, status="CANCELLED"),
        Entry("free", NOW + 3 * HOUR, NOW + 4 * HOUR, transparent=True),
        Entry("holiday", day, day + 86_400, whole_days=True),
        Entry("date", NOW + 5 * HOUR, NOW + 6 * HOUR),
    )
    seen = await anna.read(way)
    assert ((NOW + 5 * HOUR, NOW + 6 * HOUR),) == seen.periods
    assert 1 == seen.whole_days
    assert (None if way == "free_busy" else ((NOW + 3 * HOUR, NOW + 4 * HOUR),)) == seen.free


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
async def test_titles_and_the_credential_are_in_nothing_that_comes_of_a_calendar(anna: Anna, way: str) -> None:
    anna.calendar.put(*dates(HOUR))
    shown = repr(await anna.read(way)) + effective_config(load_config(anna.config(way)))
    for secret in (*CANARIES, PASSWORD, anna.calendar.feed.secret, "/dav/anna"):
        assert secret not in shown


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("gone", [True, False], ids=["deleted", "emptied"])
async def test_a_calendar_that_was_deleted_is_no_free_one(anna: Anna, way: str, gone: bool) -> None:
    anna.calendar.put(*dates(HOUR))
    session = anna.open(way)
    await anna.read(way, session)
    if gone:
        anna.calendar.deleted = True
        with pytest.raises(NotFoundError):
            await anna.read(way, session)
    else:
        anna.calendar.remove("date-0")
        assert () == (await anna.read(way, session)).periods


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
async def test_a_server_that_failed_once_is_asked_once_more_within_the_poll(anna: Anna, way: str) -> None:
    anna.calendar.put(*dates(HOUR))
    anna.simulator.faults.add(Fault(FaultKind.STATUS, status=503, times=1))
    assert ((NOW + HOUR, NOW + 2 * HOUR),) == (await anna.read(way)).periods


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
async def test_who_is_asked_to_wait_asks_no_more_until_then(anna: Anna, way: str) -> None:
    session = anna.open(way)
    anna.simulator.faults.add(Fault(FaultKind.STATUS, status=429, retry_after="600", times=1))
    with pytest.raises(RateLimitedError):
        await anna.read(way, session)
    asked = anna.simulator.log.count()
    with pytest.raises(PollError):
        await anna.read(way, session)
    assert asked == anna.simulator.log.count()
    paused_until = session.usage().paused_until
    assert paused_until is not None
    assert 590 <= paused_until - anna.clock.time() <= 600


@pytest.mark.slow
async def test_a_feed_that_is_a_page_to_sign_in_says_so(anna: Anna) -> None:
    anna.calendar.feed.is_html = True
    with pytest.raises(InvalidResponseError, match="sent a web page instead of a calendar's feed"):
        await anna.read("feed")


@pytest.mark.slow
async def test_a_feed_that_did_not_change_is_not_sent_again(anna: Anna) -> None:
    anna.calendar.put(*dates(HOUR))
    session = anna.open("feed")
    first = await anna.read("feed", session)
    assert first.periods == (await anna.read("feed", session)).periods
    assert [200, 304] == [entry.status for entry in anna.simulator.log]


@pytest.mark.parametrize("way", WAYS)
def test_a_calendar_can_be_missed_for_as_long_as_its_way_takes(way: str, tmp_path: Path) -> None:
    """Publishers make feeds anew when they like: some hours later is usual."""
    where = {"ics_url": "https://calendars.example/private-1/basic.ics"}
    if way != "feed":
        where = {"caldav": {"url": "https://dav.example/anna/main/", "username": "anna", "password": "p", "read": way}}  # type: ignore[dict-item]
    file = tmp_path / "exporter.yml"
    file.write_bytes(msgspec.yaml.encode({"targets": [{"name": "anna-cal", "platform": "calendar", **where}]}))
    (target,) = load_config(file).targets
    assert (6 * HOUR if way == "feed" else 1800.0) == target.pair_grace


def test_the_calendar_is_a_platform_like_the_others() -> None:
    assert PLATFORMS["calendar"] is CALENDAR
