"""Bookings of the resources that a pair names (bitrix24.md sections 2 and 4)."""

from __future__ import annotations

import httpx
import pytest

from exporter.counting.windows import WindowSpec
from exporter.model import BookingsObservation, CollectorName
from exporter.paired_bookings import PairedBooking, PairedBookings
from exporter.platforms.retry import wait_allowance
from tests.harness.bitrix24_target import DAY, HOUR, LIST, RESOURCES, WINDOWS, Bench, counts, poll_bookings

CONFLICTS = [False, True]


def pair(bench: Bench, *resources: int) -> None:
    bench.paired = {f"Chair {resource}": frozenset({str(resource)}) for resource in resources}


def add(bench: Bench, hours: float, *resources: int, length: float = 1.0) -> str:
    start = bench.now + hours * HOUR
    return str(bench.world.add_booking(start, start + length * HOUR, resource_ids=resources).id)


async def only(bench: Bench, *, conflicts: bool = True) -> PairedBookings:
    (paired,) = (await poll_bookings(bench.open(bookings={"conflicts": conflicts}))).paired
    return paired


@pytest.mark.parametrize("conflicts", CONFLICTS)
async def test_the_bookings_of_a_paired_resource_come_with_their_times_and_nothing_else(bench: Bench, conflicts: bool) -> None:
    pair(bench, 1)
    later, sooner = add(bench, 3, 1), add(bench, 1, 1, 2)
    add(bench, 1, 2)
    paired = await only(bench, conflicts=conflicts)
    now = bench.now
    expected = (
        PairedBooking(sooner, now + HOUR, now + 2 * HOUR),
        PairedBooking(later, now + 3 * HOUR, now + 4 * HOUR),
    )
    assert PairedBookings("Chair 1", now - DAY, now + 8 * DAY, expected, ids=frozenset({"1"})) == paired


async def test_a_pair_that_a_reload_brings_while_a_poll_is_under_way_is_read_by_the_next_one(bench: Bench) -> None:
    async def reload(_: httpx.Request) -> None:
        pair(bench, 1)

    session = bench.open(bookings={"conflicts": False}, windows=[WindowSpec("next_1h", "now", "now+1h")])
    add(bench, 100, 1)
    bench.http.on_request = reload
    assert () == (await poll_bookings(session)).paired
    assert [1] == [len(paired.bookings) for paired in (await poll_bookings(session)).paired]


@pytest.mark.parametrize("conflicts", CONFLICTS)
@pytest.mark.parametrize(("hours", "is_there"), [(-25.5, False), (-24.5, True), (191, True), (192, False)])
async def test_bookings_that_take_time_from_a_day_ago_until_eight_days_ahead_are_compared(
    bench: Bench, conflicts: bool, hours: float, is_there: bool
) -> None:
    pair(bench, 1)
    add(bench, hours, 1)
    assert (1 if is_there else 0) == len((await only(bench, conflicts=conflicts)).bookings)


@pytest.mark.parametrize("windows", [WINDOWS, (WindowSpec("next_hour", "now", "now+1h"),)])
@pytest.mark.parametrize("conflicts", CONFLICTS)
async def test_rows_that_are_read_for_a_pair_change_no_count_and_cost_no_request_more(
    bench: Bench, windows: tuple[WindowSpec, ...], conflicts: bool
) -> None:
    for hours in (-24.5, 0.5, 170, 191):
        add(bench, hours, 1)
    settings = {"conflicts": conflicts}
    session = bench.open(bookings=settings, windows=windows)
    before = await poll_bookings(session)
    calls = bench.calls(LIST)
    pair(bench, 1)
    after = await poll_bookings(session)
    assert (counts(before), ()) == (counts(after), before.paired)
    assert calls == bench.calls(LIST) - calls
    assert 4 == len(after.paired[0].bookings)


async def test_resources_that_no_pair_names_are_left_out(bench: Bench) -> None:
    add(bench, 1, 1)
    assert () == (await poll_bookings(bench.open())).paired


async def test_a_booking_of_two_paired_resources_is_in_both_calendars(bench: Bench) -> None:
    pair(bench, 1, 2)
    both = add(bench, 1, 1, 2)
    paired = (await poll_bookings(bench.open())).paired
    assert {"Chair 1": [both], "Chair 2": [both]} == {one.resource: [row.id for row in one.bookings] for one in paired}


async def test_a_booking_that_was_deleted_is_compared_no_longer(bench: Bench) -> None:
    pair(bench, 1)
    gone = add(bench, 1, 1)
    session = bench.open()
    assert 1 == len((await poll_bookings(session)).paired[0].bookings)
    bench.world.delete_booking(int(gone))
    assert () == (await poll_bookings(session)).paired[0].bookings


async def test_a_booking_without_length_takes_no_time(bench: Bench) -> None:
    pair(bench, 1)
    add(bench, 1, 1, length=0)
    paired = await only(bench)
    assert ((), True) == (paired.bookings, paired.complete)


async def test_a_row_that_cannot_be_read_may_be_one_of_the_resource(bench: Bench) -> None:
    pair(bench, 1)
    add(bench, 1, 1)
    odd = bench.world.add_booking(bench.now + 2 * HOUR, bench.now + HOUR, resource_ids=(1,))
    assert odd.id
    paired = await only(bench)
    assert (1, False) == (len(paired.bookings), paired.complete)


async def test_a_paired_resource_that_the_portal_does_not_list_is_told(bench: Bench) -> None:
    known = bench.world.add_resource("Chair")
    pair(bench, known.id, 4711)
    session = bench.open()
    with wait_allowance(300):
        polled = await session.collectors[CollectorName.BOOKINGS].poll()
    assert isinstance(polled.observation, BookingsObservation)
    assert ("4711",) == polled.observation.unknown_resources
    assert 1 == bench.calls(RESOURCES) + bench.commands(RESOURCES)


async def test_a_pair_that_a_reload_brings_is_read_with_the_next_poll(bench: Bench) -> None:
    add(bench, 1, 1)
    session = bench.open()
    assert () == (await poll_bookings(session)).paired
    pair(bench, 1)
    assert 1 == len((await poll_bookings(session)).paired[0].bookings)
