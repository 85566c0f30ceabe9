"""Wix bookings that come and go: which are new, whatever their creation date says; and repetitions under a short interval."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.errors import PermissionDeniedError, ServerError
from exporter.model import BookingsObservation, CollectorName
from exporter.platforms.retry import wait_allowance
from exporter.simulator import Fault, FaultKind
from exporter.simulator.wix.faults import system_error
from tests.harness.wix_site import DAY, WixBench, by_window

HOUR = 3600.0
DAY_SECONDS = 24 * HOUR
QUERY = "QueryExtendedBookings"
ROWS: dict[str, Any] = {"conflicts": True}
BOOKINGS = CollectorName.BOOKINGS


@pytest.mark.slow
async def test_an_id_that_appears_where_the_last_read_looked_is_discovered_once_whatever_its_creation_date_says(
    bench: WixBench,
) -> None:
    now = bench.clock.now
    bench.site.bookings.add(now + HOUR, now + 2 * HOUR, created=now - 30 * DAY_SECONDS)
    bench.open(bench.target(bookings={"conflicts": True}))
    await bench.count()
    assert 0 == bench.events.discovered
    bench.site.bookings.add(now + 3 * HOUR, now + 4 * HOUR, created=now - 30 * DAY_SECONDS)
    for _ in range(30):
        await bench.count()
    assert 1 == bench.events.discovered


async def test_a_booking_that_went_and_came_back_is_not_discovered_again(bench: WixBench) -> None:
    now = bench.clock.now
    made = bench.site.bookings.add(now + HOUR, now + 2 * HOUR, created=now - 30 * DAY_SECONDS)
    bench.open(bench.target(bookings={"conflicts": True}))
    await bench.count()
    bench.site.bookings.cancel(made)
    for _ in range(3):
        await bench.count()
    bench.site.bookings.amend(made, status="CONFIRMED")
    await bench.count()
    assert (0, 1) == (bench.events.discovered, bench.events.vanished)


async def test_a_repetition_never_waits_longer_than_the_interval(bench: WixBench) -> None:
    bench.simulator.faults.add(system_error("ListConnections"))
    with wait_allowance(1.0), pytest.raises(ServerError):
        await bench.session.collectors[CollectorName.CONNECTIONS].poll()
    assert sum(bench.clock.slept) <= 1.0


@pytest.mark.parametrize("created", [None, -30 * DAY_SECONDS])
async def test_a_booking_made_as_usual_counts_once(bench: WixBench, created: float | None) -> None:
    now = bench.clock.now
    bench.open(bench.target(bookings={"conflicts": True}))
    await bench.count()
    bench.site.bookings.add(now + HOUR, now + 2 * HOUR, created=None if created is None else now + created)
    for _ in range(5):
        await bench.count()
    assert 1 == bench.events.discovered


async def test_counts_are_published_although_nobody_answers_which_bookings_are_new(bench: WixBench) -> None:
    now = bench.clock.now
    bench.site.bookings.add(now + HOUR, now + 2 * HOUR)
    bench.open(bench.target(bookings={"conflicts": True}))
    await bench.count()
    before = bench.simulator.log.count("QueryExtendedBookings")
    counted = await bench.count()
    questions = bench.simulator.log.count("QueryExtendedBookings") - before
    refused = Fault(FaultKind.STATUS, status=403, operation="QueryExtendedBookings", after=questions - 1)
    bench.simulator.faults.add(refused)
    result = await bench.poll(CollectorName.BOOKINGS)
    assert isinstance(result.failure, PermissionDeniedError)
    assert isinstance(result.observation, BookingsObservation)
    assert [row.bookings for row in counted.windows] == [row.bookings for row in result.observation.windows]


@pytest.mark.slow
async def test_new_bookings_are_discovered_when_they_are_made_however_far_ahead_they_are(bench: WixBench) -> None:
    bench.site.bookings.add(bench.clock.now + HOUR, bench.clock.now + 2 * HOUR)
    bench.open(bench.target(bookings=ROWS))
    await bench.count()
    assert 0 == bench.events.discovered
    bench.site.bookings.add(bench.clock.now + 2 * HOUR, bench.clock.now + 3 * HOUR)
    bench.site.bookings.add(bench.clock.now + 300 * 24 * HOUR, bench.clock.now + 300 * 24 * HOUR + HOUR)
    bench.site.bookings.add(bench.clock.now + 2 * HOUR, bench.clock.now + 3 * HOUR, status="CREATED")
    for _ in range(40):
        await bench.count()
    assert 2 == bench.events.discovered


async def test_a_booking_that_enters_a_window_as_time_goes_by_is_not_new(bench: WixBench) -> None:
    start = bench.clock.now + 8 * 24 * HOUR
    bench.site.bookings.add(start, start + HOUR, created=bench.clock.now - 24 * HOUR)
    bench.open(bench.target(bookings=ROWS))
    assert 0 == by_window(await bench.count())["next_7d"].bookings
    bench.clock.now += 2 * 24 * HOUR
    assert 1 == by_window(await bench.count())["next_7d"].bookings
    assert (0, 0) == (bench.events.discovered, bench.events.vanished)


@pytest.mark.slow
async def test_a_booking_that_the_reader_shows_late_is_discovered_once(bench: WixBench) -> None:
    bench.switches.reader_lag_seconds = 300.0
    bench.open(bench.target(bookings=ROWS))
    await bench.count()
    bench.site.bookings.add(bench.clock.now + HOUR, bench.clock.now + 2 * HOUR)
    for _ in range(30):
        await bench.count()
    assert 1 == bench.events.discovered


async def test_bookings_that_are_gone_before_their_start_have_vanished(bench: WixBench) -> None:
    now = bench.clock.now
    cancelled = bench.site.bookings.add(now + 5 * HOUR, now + 6 * HOUR)
    deleted = bench.site.bookings.add(now + 7 * HOUR, now + 8 * HOUR)
    past = bench.site.bookings.add(now - 5 * HOUR, now - 4 * HOUR)
    moved = bench.site.bookings.add(now + 9 * HOUR, now + 10 * HOUR)
    bench.open(bench.target(bookings=ROWS))
    await bench.count()
    bench.site.bookings.cancel(cancelled)
    bench.site.bookings.delete(deleted)
    bench.site.bookings.delete(past)
    bench.site.bookings.amend(moved, start=now + 20 * HOUR, end=now + 21 * HOUR)
    for _ in range(3):
        await bench.count()
    assert 2 == bench.events.vanished


async def test_a_booking_that_starts_has_not_vanished(bench: WixBench) -> None:
    bench.site.bookings.add(bench.clock.now + 90, bench.clock.now + 120)
    bench.open(bench.target(bookings={**ROWS, "windows": (DAY,)}))
    for _ in range(4):
        await bench.count()
    assert 0 == bench.events.vanished


async def test_a_failed_poll_neither_discovers_nor_loses_bookings(bench: WixBench) -> None:
    bench.site.bookings.add(bench.clock.now + 5 * HOUR, bench.clock.now + 6 * HOUR)
    bench.open(bench.target(bookings=ROWS))
    await bench.count()
    bench.simulator.faults.add(system_error(QUERY))
    bench.site.bookings.add(bench.clock.now + 7 * HOUR, bench.clock.now + 8 * HOUR)
    await bench.failure(BOOKINGS)
    bench.simulator.faults.clear()
    await bench.count()
    assert (1, 0) == (bench.events.discovered, bench.events.vanished)
