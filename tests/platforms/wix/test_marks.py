"""Bookings that Wix itself marks as double-booked: counted without reading a row (docs/platforms/wix.md 6.2)."""

from __future__ import annotations

from itertools import permutations
from random import Random
from typing import Any

import pytest

from exporter.errors import InvalidResponseError, ServerError
from exporter.model import BookingsObservation, CollectorName
from exporter.simulator import FaultKind
from exporter.simulator.wix.bookings import Booking, BookingKind
from tests.harness.wix_site import DAY, WixBench, by_window

HOUR = 3600.0
COUNT = "CountExtendedBookings"
BOOKINGS = CollectorName.BOOKINGS
ONE_WINDOW: dict[str, Any] = {"windows": (DAY,)}


def double_book(bench: WixBench, hours: float) -> str:
    """Put two confirmed bookings on one person, so many hours after the next poll; returns the second."""
    staff, start = bench.site.add_staff(), bench.clock.now + 60 + hours * HOUR
    bench.site.bookings.add(start, start + HOUR, staff=staff)
    return bench.site.bookings.add(start, start + HOUR, staff=staff)


async def test_what_wix_marks_is_counted_for_a_day_and_for_a_week_half_open(bench: WixBench) -> None:
    for hours in (-1, 0, 24, 7 * 24 - 1, 7 * 24):
        double_book(bench, hours)
    bench.open(bench.target(bookings=ONE_WINDOW))
    observation = await bench.count()
    assert {"next_24h": 2, "next_7d": 6} == observation.platform_conflicts


@pytest.mark.parametrize(("hours", "calls", "found"), [(None, 1, (0, 0)), (30, 2, (0, 2)), (1, 2, (2, 2))])
async def test_one_call_more_counts_the_marks_of_a_week_and_another_those_of_a_day_where_there_are_any(
    bench: WixBench, hours: float | None, calls: int, found: tuple[int, int]
) -> None:
    if hours is not None:
        double_book(bench, hours)
    bench.open(bench.target(bookings=ONE_WINDOW))
    observation = await bench.count()
    assert dict(zip(("next_24h", "next_7d"), found, strict=True)) == observation.platform_conflicts
    assert (2 + calls, 0) == (bench.calls(COUNT), bench.calls("QueryExtendedBookings"))


async def test_marks_are_asked_for_among_the_bookings_that_take_somebodys_time(bench: WixBench) -> None:
    bench.open(bench.target(bookings=ONE_WINDOW))
    await bench.count()
    wanted = list(bench.simulator.log)[-1].params["filter"]["$and"]  # type: ignore[index]  # logged parameters are plain JSON
    assert {"doubleBooked": {"$eq": True}} in wanted
    assert {"status": {"$in": ["CONFIRMED", "PENDING"]}} in wanted


async def test_marks_are_counted_beside_rows_that_are_read(bench: WixBench) -> None:
    double_book(bench, 1)
    bench.open(bench.target(bookings={"conflicts": True}))
    observation = await bench.count()
    assert (2, 2) == (by_window(observation)["next_24h"].conflicting, observation.platform_conflicts["next_24h"])


def _naive(bookings: list[Booking], start: float, end: float) -> int:
    """Count by comparing each with each, as docs/platforms/wix.md 6.2 has it."""
    double = {
        one.id
        for one, other in permutations(bookings, 2)
        if one.resource_id == other.resource_id is not None
        and one.event_id != other.event_id
        and other.status == "CONFIRMED"
        and one.start < other.end
        and other.start < one.end
    }
    taken = {"CONFIRMED", "PENDING"}
    return sum(one.id in double and one.status in taken and start <= one.start < end for one in bookings)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
async def test_the_counts_are_those_of_comparing_each_booking_with_each(bench: WixBench, seed: int) -> None:
    random = Random(seed)
    staff = [bench.site.add_staff() for _ in range(3)]
    for _ in range(60):
        start = bench.clock.now + random.randrange(-12, 8 * 24) * HOUR
        group = random.random() < 0.3
        bench.site.bookings.add(
            start,
            start + random.choice((1, 30, 60)) * HOUR,
            staff=random.choice(staff),
            status=random.choice(("CONFIRMED", "CONFIRMED", "PENDING", "CANCELED", "WAITING_LIST")),
            kind=BookingKind.GROUP if group else BookingKind.INDIVIDUAL,
            event_id=random.choice("abc") if group else None,
        )
    bench.open(bench.target(bookings=ONE_WINDOW))
    observation = await bench.count()
    rows = list(bench.site.bookings)
    now = by_window(observation)["next_24h"].window.start
    expected = {"next_24h": _naive(rows, now, now + 24 * HOUR), "next_7d": _naive(rows, now, now + 7 * 24 * HOUR)}
    assert expected == observation.platform_conflicts
    assert 0 < expected["next_24h"] < expected["next_7d"]


@pytest.mark.parametrize("options", [{"platform_conflicts": False}, {"statuses": ("CREATED", "CANCELED")}])
async def test_nothing_is_asked_or_shown_where_it_is_switched_off_or_nothing_on_the_calendar_is_counted(
    bench: WixBench, options: dict[str, Any]
) -> None:
    double_book(bench, 1)
    bench.open(bench.target(bookings={**ONE_WINDOW, **options}))
    observation = await bench.count()
    assert {} == observation.platform_conflicts
    assert len(options.get("statuses", ("CONFIRMED", "PENDING"))) == bench.calls(COUNT)


async def test_a_mark_that_never_comes_is_no_double_booking_of_ours(bench: WixBench) -> None:
    bench.switches.double_booked = "never"
    double_book(bench, 1)
    bench.open(bench.target(bookings=ONE_WINDOW))
    assert {"next_24h": 0, "next_7d": 0} == (await bench.count()).platform_conflicts


async def test_a_refused_filter_costs_the_marks_alone_and_is_tried_again_after_an_hour(bench: WixBench) -> None:
    bench.switches.double_booked = "refused"
    double_book(bench, 5)
    bench.open(bench.target(bookings=ONE_WINDOW))
    observation = await bench.count()
    assert (2, {}) == (by_window(observation)["next_24h"].bookings, observation.platform_conflicts)
    assert "INVALID_FILTER" in observation.marks_refused
    asked = bench.calls(COUNT)
    bench.switches.double_booked = "set"
    bench.clock.now += 3_400
    again = await bench.count()
    assert {} == again.platform_conflicts
    assert observation.marks_refused == again.marks_refused
    assert asked + 2 == bench.calls(COUNT)
    bench.clock.now += 140
    last = await bench.count()
    assert ({"next_24h": 2, "next_7d": 2}, "") == (last.platform_conflicts, last.marks_refused)


async def test_where_counting_is_refused_altogether_the_rows_are_counted_and_there_are_no_marks(bench: WixBench) -> None:
    double_book(bench, 1)
    bench.spoil(FaultKind.STATUS, COUNT, status=404)
    bench.open(bench.target(bookings=ONE_WINDOW))
    observation = await bench.count()
    assert (2, {}) == (by_window(observation)["next_24h"].bookings, observation.platform_conflicts)


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ('{"count": -1}', 200, InvalidResponseError),
        ("{}", 200, InvalidResponseError),
        ('{"count": "many"}', 200, InvalidResponseError),
        ("<html>", 200, InvalidResponseError),
        ("", 503, ServerError),
    ],
)
async def test_an_answer_that_is_no_count_fails_the_poll_in_part_and_the_other_counts_are_shown(
    bench: WixBench, body: str, status: int, error: type[Exception]
) -> None:
    double_book(bench, 1)
    bench.open(bench.target(bookings=ONE_WINDOW))
    await bench.count()
    # The two counts of the window come first; the third is the first of the marks.
    for _ in range(2):
        bench.answer_with(COUNT, '{"count": 1}', times=1)
    bench.answer_with(COUNT, body, status=status)
    result = await bench.poll(BOOKINGS)
    assert isinstance(result.failure, error)
    assert isinstance(result.observation, BookingsObservation)
    assert (2, {}) == (by_window(result.observation)["next_24h"].bookings, result.observation.platform_conflicts)
