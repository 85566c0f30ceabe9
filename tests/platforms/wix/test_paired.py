"""Bookings of the resources that a pair names, and what Wix knows to be busy for them (docs/platforms/wix.md 5 and 6)."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.errors import TargetConfigError
from exporter.model import BookingsObservation, CollectorName
from exporter.paired_bookings import PairedBooking, PairedBookings
from exporter.simulator.faults import FaultKind
from exporter.simulator.wix import MICROSOFT
from exporter.simulator.wix.bookings import ABSENT, BookingKind, Staff
from tests.harness.wix_calendars import DAY, EVENTS, QUERY, Calendars
from tests.harness.wix_site import WixBench, by_window

HOUR = 3600.0
COUNT = "CountExtendedBookings"
ROWS: dict[str, Any] = {"conflicts": True}
CONFLICTS = [False, True]


def pair(bench: WixBench, staff: Staff, name: str = "Anna") -> None:
    bench.paired = {**bench.paired, name: frozenset({staff.schedule_id.lower()})}


async def only(bench: WixBench) -> PairedBookings:
    (paired,) = (await bench.count()).paired
    return paired


@pytest.mark.parametrize("conflicts", CONFLICTS)
async def test_the_confirmed_bookings_of_a_paired_resource_come_with_their_times_and_nothing_else(
    bench: WixBench, conflicts: bool
) -> None:
    anna, ben = bench.site.add_staff(), bench.site.add_staff()
    pair(bench, anna)
    at = bench.clock.now + 60
    later = bench.site.bookings.add(at + 3 * HOUR, at + 4 * HOUR, staff=anna)
    sooner = bench.site.bookings.add(at + HOUR, at + 2 * HOUR, staff=anna)
    bench.site.bookings.add(at + HOUR, at + 2 * HOUR, staff=ben)
    for status in ("PENDING", "CREATED", "CANCELED", "DECLINED", "WAITING_LIST"):
        bench.site.bookings.add(at + 5 * HOUR, at + 6 * HOUR, staff=anna, status=status)
    bench.open(bench.target(bookings={"conflicts": conflicts}))
    paired = await only(bench)
    assert ("Anna", at - DAY, at + 8 * DAY, True) == (paired.resource, paired.start, paired.end, paired.complete)
    assert [sooner, later] == [booking.id for booking in paired.bookings]
    assert ((at + 5 * HOUR, at + 6 * HOUR),) == paired.waiting
    made = bench.site.bookings[sooner]
    first = paired.bookings[0]
    assert PairedBooking(sooner, at + HOUR, at + 2 * HOUR, first.created, first.changed) == first
    assert (int(made.created), int(made.updated)) == (int(first.created or 0), int(first.changed or 0))


@pytest.mark.parametrize("conflicts", CONFLICTS)
@pytest.mark.parametrize(
    ("hours", "is_there"),
    [((-25, -24), False), ((-25, -23), True), ((191, 193), True), ((192, 193), False), ((-30, 200), True)],
)
async def test_bookings_that_take_time_from_a_day_ago_until_eight_days_ahead_are_compared(
    bench: WixBench, conflicts: bool, hours: tuple[float, float], is_there: bool
) -> None:
    anna, at = bench.site.add_staff(), bench.clock.now + 60
    pair(bench, anna)
    bench.site.bookings.add(at + hours[0] * HOUR, at + hours[1] * HOUR, staff=anna)
    bench.open(bench.target(bookings={"conflicts": conflicts}))
    assert (1 if is_there else 0) == len((await only(bench)).bookings)


@pytest.mark.parametrize("conflicts", CONFLICTS)
async def test_rows_that_are_read_for_a_pair_change_no_count(bench: WixBench, conflicts: bool) -> None:
    anna, at = bench.site.add_staff(), bench.clock.now + 60
    for hours in (-24.5, 1, 170):
        bench.site.bookings.add(at + hours * HOUR, at + (hours + 1) * HOUR, staff=anna)
    bench.open(bench.target(bookings={"conflicts": conflicts}))
    before = await bench.count()
    pair(bench, anna)
    bench.clock.now -= 60
    after = await bench.count()
    assert by_window(before) == by_window(after)
    assert ((), 3) == (before.paired, len(after.paired[0].bookings))


async def test_without_a_pair_no_row_is_read(bench: WixBench) -> None:
    bench.site.add_staff()
    bench.open(bench.target(bookings={}))
    assert () == (await bench.count()).paired
    assert 0 == bench.calls(QUERY)


async def test_a_pair_costs_one_request_for_each_hundred_bookings_of_nine_days_and_the_counts_stay(bench: WixBench) -> None:
    anna, at = bench.site.add_staff(), bench.clock.now + 60
    bench.open(bench.target(bookings={}))
    await bench.count()
    counted = bench.calls(COUNT)
    pair(bench, anna)
    for number in range(101):
        start = at + number * 600
        bench.site.bookings.add(start, start + 600, staff=anna)
    await bench.count()
    assert (2, counted) == (bench.calls(QUERY), bench.calls(COUNT) - counted)


async def test_with_conflicts_only_the_day_that_no_window_covers_is_read_besides(bench: WixBench) -> None:
    anna = bench.site.add_staff()
    bench.open(bench.target(bookings=ROWS))
    await bench.count()
    before = bench.calls(QUERY)
    await bench.count()
    alone = bench.calls(QUERY) - before
    pair(bench, anna)
    await bench.count()
    assert alone + 1 == bench.calls(QUERY) - before - alone


async def test_windows_without_confirmed_bookings_lend_no_rows(bench: WixBench) -> None:
    anna, at = bench.site.add_staff(), bench.clock.now + 60
    pair(bench, anna)
    bench.site.bookings.add(at + HOUR, at + 2 * HOUR, staff=anna)
    bench.open(bench.target(bookings={**ROWS, "statuses": ("CANCELED",)}))
    assert 1 == len((await only(bench)).bookings)


async def test_a_resource_is_known_by_its_own_id_as_well(bench: WixBench) -> None:
    anna, at = bench.site.add_staff(), bench.clock.now + 60
    bench.paired = {"Chair 1": frozenset({anna.resource_id.lower()})}
    bench.site.bookings.add(at + HOUR, at + 2 * HOUR, staff=anna)
    bench.open(bench.target(bookings={}))
    assert 1 == len((await only(bench)).bookings)


async def test_each_resource_that_pairs_name_has_its_own_bookings_and_one_read_serves_them_all(bench: WixBench) -> None:
    anna, ben, at = bench.site.add_staff(), bench.site.add_staff(), bench.clock.now + 60
    pair(bench, anna)
    pair(bench, ben, "Ben")
    for staff, hours in ((anna, 1), (ben, 2), (ben, 3)):
        bench.site.bookings.add(at + hours * HOUR, at + (hours + 1) * HOUR, staff=staff)
    bench.open(bench.target(bookings={}))
    assert {"Anna": 1, "Ben": 2} == {paired.resource: len(paired.bookings) for paired in (await bench.count()).paired}
    assert 1 == bench.calls(QUERY)


async def test_what_takes_nobodys_time_is_not_looked_for_in_a_calendar(bench: WixBench) -> None:
    anna, at = bench.site.add_staff(), bench.clock.now + 60
    pair(bench, anna)
    bench.site.bookings.add(at + HOUR, at + 2 * HOUR, staff=anna, transparency="TRANSPARENT")
    bench.site.bookings.add(at + HOUR, at + 2 * DAY, staff=anna, kind=BookingKind.COURSE)
    bench.open(bench.target(bookings={}))
    paired = await only(bench)
    assert ((), True) == (paired.bookings, paired.complete)


async def test_a_booking_whose_end_cannot_be_read_is_left_out_and_said_to_be_missing(bench: WixBench) -> None:
    anna, at = bench.site.add_staff(), bench.clock.now + 60
    pair(bench, anna)
    odd = bench.site.bookings.add(at + HOUR, at + 2 * HOUR, staff=anna)
    bench.site.bookings.add(at + 3 * HOUR, at + 4 * HOUR, staff=anna)
    bench.site.bookings.amend(odd, patch={"endDate": ABSENT})
    bench.open(bench.target(bookings=ROWS))
    paired = await only(bench)
    assert (1, False) == (len(paired.bookings), paired.complete)


@pytest.mark.parametrize(("conflicts", "answers_before"), [(False, 0), (True, 1)])
async def test_rows_that_cannot_be_read_cost_the_pairs_alone_and_show_as_a_failure(
    bench: WixBench, conflicts: bool, answers_before: int
) -> None:
    anna, at = bench.site.add_staff(), bench.clock.now + 60
    pair(bench, anna)
    bench.site.bookings.add(at + HOUR, at + 2 * HOUR, staff=anna)
    bench.open(bench.target(bookings={"conflicts": conflicts}))
    bench.spoil(FaultKind.STATUS, QUERY, status=500, after=answers_before)
    result = await bench.poll(CollectorName.BOOKINGS)
    assert isinstance(result.observation, BookingsObservation)
    assert (1, ()) == (by_window(result.observation)["next_24h"].bookings, result.observation.paired)
    assert result.failure is not None


async def test_too_many_bookings_of_nine_days_are_no_matter_of_windows(bench: WixBench) -> None:
    anna, at = bench.site.add_staff(), bench.clock.now + 60
    pair(bench, anna)
    for hours in (1, 3):
        bench.site.bookings.add(at + hours * HOUR, at + (hours + 1) * HOUR, staff=anna)
    bench.open(bench.target(bookings={"max_bookings": 1}))
    failure = (await bench.poll(CollectorName.BOOKINGS)).failure
    assert isinstance(failure, TargetConfigError)
    assert "raise it" in failure.message
    assert "windows" not in failure.message


async def test_a_check_of_the_credential_reads_a_row_where_a_pair_needs_rows(bench: WixBench) -> None:
    session = bench.open(bench.target(bookings={}))
    await session.check()
    assert 0 == bench.calls(QUERY)
    pair(bench, bench.site.add_staff())
    await session.check()
    assert 1 == bench.calls(QUERY)


async def test_rows_are_among_what_a_session_is_expected_to_ask_where_it_is_opened_with_a_pair(bench: WixBench) -> None:
    assert "query_bookings" not in bench.open(bench.target(bookings={})).expected.operations
    pair(bench, bench.site.add_staff())
    expected = bench.open(bench.target(bookings={})).expected
    assert "query_bookings" in expected.operations
    assert ("booked_entity", "end_date") == expected.fields[CollectorName.BOOKINGS]
    assert not expected.reads_bookings


async def test_what_wix_knows_to_be_busy_is_each_imported_event_and_each_booking_of_the_schedule(calendars: Calendars) -> None:
    pair(calendars.bench, calendars.staff)
    calendars.plan(2)
    calendars.plan(20, 30)
    calendars.book(5)
    calendars.book(8, status="PENDING")
    calendars.book(11, status="CANCELED")
    calendars.book(12, staff=calendars.bench.site.add_staff())
    calendars.open()
    (paired,) = (await calendars.look()).paired
    at = calendars.at
    assert ("Anna", at(0), at(7 * 24)) == (paired.resource, paired.start, paired.end)
    assert {(at(2), at(3)), (at(20), at(50))} == set(paired.periods)
    assert {(at(5), at(6)), (at(8), at(9))} == set(paired.booked)


async def test_a_resource_that_is_named_by_its_own_id_has_the_events_of_its_schedule_once_a_booking_tells_it(
    calendars: Calendars,
) -> None:
    calendars.bench.paired = {"Chair 1": frozenset({calendars.staff.resource_id.lower()})}
    calendars.plan(2)
    calendars.book(5)
    calendars.open()
    (paired,) = (await calendars.look()).paired
    assert (1, 1) == (len(paired.periods), len(paired.booked))


async def test_while_a_provider_fails_nobody_says_what_wix_knows(calendars: Calendars) -> None:
    pair(calendars.bench, calendars.staff)
    calendars.site.connections.connect(MICROSOFT, calendars.bench.site.add_staff().schedule_id)
    calendars.open()
    assert 1 == len((await calendars.look()).paired)
    calendars.site.provider_down(MICROSOFT)
    result = await calendars.bench.poll(EVENTS)
    assert result.failure is not None
    assert () == getattr(result.observation, "paired", None)
