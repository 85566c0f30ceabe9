"""The intake that both simulated platforms share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from exporter.simulator import Simulator
from exporter.simulator.diary import Diary
from tests.harness.clock import ManualClock

Business = tuple[Diary, Callable[[], int]]
DAY = 86_400.0


def a_site(simulator: Simulator) -> Business:
    site = simulator.wix.add_site()
    for _ in range(20):
        site.add_staff()
    return site.diary, lambda: len(site.bookings)


def a_portal(simulator: Simulator) -> Business:
    portal = simulator.bitrix24.add_portal("salon")
    for number in range(20):
        portal.world.add_resource(f"Chair {number}")
    return portal.diary, lambda: len(portal.world.bookings())


every_platform = pytest.mark.parametrize("open_business", [a_site, a_portal])


@every_platform
def test_bookings_arrive_at_about_the_pace_that_was_asked_for(open_business: Callable[[Simulator], Business]) -> None:
    clock = ManualClock()
    simulator = Simulator(clock)
    diary, bookings = open_business(simulator)
    diary.start_intake(60.0)
    clock.now += 3_600
    simulator.advance()
    assert 50 < bookings() < 70


@every_platform
def test_it_does_not_matter_how_often_somebody_looks(open_business: Callable[[Simulator], Business]) -> None:
    counts = set()
    for looks in (1, 7):
        clock = ManualClock()
        simulator = Simulator(clock)
        diary, bookings = open_business(simulator)
        diary.start_intake(60.0)
        for _ in range(looks):
            clock.now += 42_000 / looks
            simulator.advance()
        counts.add(bookings())
    assert 1 == len(counts)


@every_platform
@pytest.mark.parametrize("looked_at", [True, False])
def test_what_an_intake_missed_while_it_stood_still_stays_missed(
    open_business: Callable[[Simulator], Business], looked_at: bool
) -> None:
    clock = ManualClock()
    simulator = Simulator(clock)
    diary, bookings = open_business(simulator)
    diary.start_intake(60.0)
    diary.stop_intake()
    clock.now += 3_600
    if looked_at:
        simulator.advance()
    diary.resume_intake()
    simulator.advance()
    assert 0 == bookings()
    clock.now += 120
    simulator.advance()
    assert 0 < bookings() < 4


@every_platform
def test_a_clock_that_jumps_does_not_fill_the_world_without_end(open_business: Callable[[Simulator], Business]) -> None:
    clock = ManualClock()
    simulator = Simulator(clock)
    diary, bookings = open_business(simulator)
    diary.start_intake(60.0)
    clock.now += 10 * DAY
    simulator.advance()
    assert 2_000 == bookings()
