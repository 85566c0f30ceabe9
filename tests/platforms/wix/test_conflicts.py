"""Bookings that overlap: which of them conflict, and which do not (docs/platforms/wix.md 6)."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.policy import AcceptedReason, TargetPolicy
from exporter.simulator.wix.bookings import BookingKind
from tests.harness.wix_site import DAY, WixBench, by_window

HOUR = 3600.0
ROWS: dict[str, Any] = {"conflicts": True}


async def test_two_classes_of_one_event_at_different_times_are_two_appointments(bench: WixBench) -> None:
    staff, start = bench.site.add_staff(), bench.clock.now + HOUR
    for minutes in (0, 0, 30):
        begin = start + minutes * 60
        bench.site.bookings.add(begin, begin + HOUR, kind=BookingKind.GROUP, staff=staff, event_id="class")
    bench.open(bench.target(bookings={**ROWS, "windows": (DAY,)}))
    (window,) = (await bench.count()).windows
    assert (3, 3) == (window.bookings, window.conflicting)


async def test_a_double_booking_is_found_and_named(bench: WixBench) -> None:
    bench.site.add_staff()
    second = bench.site.bookings.double_book()
    bench.open(bench.target(bookings=ROWS))
    observation = await bench.count()
    assert 2 == by_window(observation)["next_24h"].conflicting
    (conflict,) = observation.conflicts
    assert conflict.second == second
    bench.site.bookings.cancel(second)
    after = await bench.count()
    assert (0, ()) == (by_window(after)["next_24h"].conflicting, after.conflicts)


@pytest.mark.parametrize("hours", [(-2, -1, 3), (23, 24.5, 3), (-30, -29, 40)])
async def test_a_partner_outside_of_the_window_counts_as_a_conflict(bench: WixBench, hours: tuple[float, float, float]) -> None:
    staff = bench.site.add_staff()
    inside = 0.5 if hours[0] < 0 else hours[0]
    outside = hours[0] if hours[0] < 0 else hours[1]
    at = bench.clock.now + 60
    bench.site.bookings.add(at + inside * HOUR, at + (inside + 2) * HOUR, staff=staff)
    bench.site.bookings.add(at + outside * HOUR, at + (outside + hours[2]) * HOUR, staff=staff)
    bench.open(bench.target(bookings={**ROWS, "windows": (DAY,)}))
    (window,) = (await bench.count()).windows
    assert (1, 1) == (window.bookings, window.conflicting)


async def test_a_resource_that_serves_several_at_a_time_has_no_conflicts(bench: WixBench) -> None:
    staff = bench.site.add_staff()
    bench.site.bookings.double_book()
    bench.open(bench.target(bookings={**ROWS, "overlapping_resources": frozenset({staff.resource_id})}))
    observation = await bench.count()
    assert (0, ()) == (by_window(observation)["next_24h"].conflicting, observation.conflicts)


async def test_the_bookings_of_one_class_do_not_conflict_with_each_other(bench: WixBench) -> None:
    staff, start = bench.site.add_staff(), bench.clock.now + HOUR
    for _ in range(10):
        bench.site.bookings.add(start, start + HOUR, kind=BookingKind.GROUP, staff=staff, event_id="class")
    bench.open(bench.target(bookings={**ROWS, "windows": (DAY,)}))
    (window,) = (await bench.count()).windows
    assert (10, 0) == (window.bookings, window.conflicting)


async def test_a_class_that_overlaps_an_appointment_conflicts_with_all_its_bookings(bench: WixBench) -> None:
    staff, start = bench.site.add_staff(), bench.clock.now + HOUR
    for _ in range(10):
        bench.site.bookings.add(start, start + HOUR, kind=BookingKind.GROUP, staff=staff, event_id="class")
    bench.site.bookings.add(start + HOUR / 2, start + 2 * HOUR, staff=staff)
    bench.open(bench.target(bookings={**ROWS, "windows": (DAY,)}))
    observation = await bench.count()
    assert 11 == observation.windows[0].conflicting
    assert 1 == len(observation.conflicts)


@pytest.mark.parametrize("which", [0, 9])
async def test_a_class_is_accepted_by_any_of_its_bookings_and_is_named_by_that_one(bench: WixBench, which: int) -> None:
    staff, start = bench.site.add_staff(), bench.clock.now + HOUR
    seats = [
        bench.site.bookings.add(start, start + HOUR, kind=BookingKind.GROUP, staff=staff, event_id="class") for _ in range(10)
    ]
    bench.site.bookings.add(start + HOUR / 2, start + 2 * HOUR, staff=staff)
    accepted = sorted(seats)[which]
    bench.policy = TargetPolicy(bookings={accepted: AcceptedReason("a helper is there"), "gone": AcceptedReason("over")})
    bench.open(bench.target(bookings={**ROWS, "windows": (DAY,)}))
    observation = await bench.count()
    assert (11, 11) == (observation.windows[0].conflicting, observation.windows[0].accepted)
    assert accepted in {observation.conflicts[0].first, observation.conflicts[0].second}
    assert (None, ("gone",)) == (observation.next_conflict, observation.unknown_accepted)


async def test_cancelled_bookings_are_counted_when_asked_for_but_conflict_with_nobody(bench: WixBench) -> None:
    staff, start = bench.site.add_staff(), bench.clock.now + HOUR
    bench.site.bookings.add(start, start + HOUR, staff=staff)
    bench.site.bookings.add(start, start + HOUR, staff=staff, status="CANCELED")
    bench.open(bench.target(bookings={**ROWS, "statuses": ("CONFIRMED", "CANCELED"), "windows": (DAY,)}))
    (window,) = (await bench.count()).windows
    assert (2, 0) == (window.bookings, window.conflicting)
