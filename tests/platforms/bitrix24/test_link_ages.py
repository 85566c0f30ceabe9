"""How old a link answer may be, and which bookings are asked about again (bitrix24.md 5 and 6.2)."""

from __future__ import annotations

import pytest

from exporter.booking_links import LinksObservation
from exporter.platforms.bitrix24.session import BitrixSession
from exporter.platforms.bitrix24.settings import Budget
from exporter.simulator.bitrix24.world import Link
from tests.harness.bitrix24_target import HOUR, LINKS, Bench, poll_links


def verified(observation: LinksObservation) -> tuple[int, int, int]:
    """Return the bookings that are linked, unlinked and unverified."""
    [window] = observation.windows
    return window.linked, window.unlinked, window.unverified


def truth(bench: Bench) -> tuple[int, int]:
    """Return the bookings of the portal that are linked and unlinked; all lie in the window."""
    rows = bench.world.bookings()
    linked = sum(any(link.module == "crm" for link in row.links) for row in rows)
    return linked, len(rows) - linked


async def poll_after(bench: Bench, seconds: float, session: BitrixSession) -> LinksObservation:
    bench.clock.now += seconds
    return await poll_links(session)


def add_linked(bench: Bench, hours: float) -> None:
    begin = bench.now + hours * HOUR
    bench.world.add_booking(begin, begin + HOUR, links=(Link("1"),))


def lose_all_links(bench: Bench) -> None:
    for booking in bench.world.bookings():
        bench.world.link(booking.id)


def half_spent(bench: Bench, bookings: int) -> BitrixSession:
    """Return a target whose first poll spends 60 % of its budget; the portal forgets that after ten minutes."""
    bench.portal.costs[LINKS.lower()] = 1.5
    for number in range(1, bookings + 1):
        add_linked(bench, number)
    budget = Budget(requests_per_second=5.0, burst=250, operating_seconds=1.5 * bookings / 0.6)
    return bench.open(links={"interval": 30.0, "max_age": 120.0}, budget=budget)


@pytest.mark.slow
async def test_links_that_cannot_be_asked_again_are_unverified_after_max_age_and_neither_linked_nor_unlinked(
    bench: Bench,
) -> None:
    nothing = {("crm", "deal"): 0, ("calendar", "event"): 0, ("catalog", "sku"): 0}
    session = half_spent(bench, 20)
    began = bench.now
    assert (20, 0, 0) == verified(await poll_links(session))
    lose_all_links(bench)
    while bench.now - began < 90:
        assert (20, 0, 0) == verified(await poll_after(bench, 30, session))
    bench.clock.now = began + 121
    while bench.now - began < 560:
        window = (await poll_links(session)).windows[0]
        assert (0, 0, 20) == (window.linked, window.unlinked, window.unverified)
        assert (0, nothing, True) == (window.calendar_linked, window.by_entity, window.complete)
        bench.clock.now += 30
    assert 20 == bench.commands(LINKS), "from half of the budget on nothing is asked again"


async def test_bookings_whose_answer_is_too_old_are_named_as_unlinked_no_more_than_they_are_counted(bench: Bench) -> None:
    session = half_spent(bench, 20)
    lose_all_links(bench)
    observation = await poll_links(session)
    assert ((0, 20, 0), 5) == (verified(observation), len(observation.unlinked))
    observation = await poll_after(bench, 121, session)
    assert ((0, 0, 20), ()) == (verified(observation), observation.unlinked)


async def test_unverified_links_are_verified_again_when_the_operating_time_recovers(bench: Bench) -> None:
    session = half_spent(bench, 20)
    await poll_links(session)
    lose_all_links(bench)
    assert (0, 0, 20) == verified(await poll_after(bench, 300, session))
    assert (0, 20, 0) == verified(await poll_after(bench, 301, session))


async def test_a_new_booking_is_asked_about_in_the_half_of_the_budget_that_known_ones_do_not_get(bench: Bench) -> None:
    session = half_spent(bench, 20)
    await poll_links(session)
    add_linked(bench, 1.5)
    assert (1, 0, 20) == verified(await poll_after(bench, 150, session))


@pytest.mark.slow
async def test_more_bookings_than_the_rotation_can_reach_within_max_age_are_unverified_and_never_old(bench: Bench) -> None:
    bench.world.fill(800, bench.now, days=(0.6, 6.9))
    session = bench.open(links={"interval": 900.0, "max_age": None})
    assert (*truth(bench), 0) == verified(await poll_links(session))
    lose_all_links(bench)
    for poll in range(1, 13):
        linked, unlinked, unverified = verified(await poll_after(bench, 900, session))
        assert 800 == linked + unlinked + unverified
        if poll > 3:
            assert 0 == linked, "the links were lost more than 45 minutes ago"
            assert 300 <= unlinked <= 400, "100 in each of the polls of 45 minutes"


@pytest.mark.slow
@pytest.mark.parametrize(("rows", "verify_calls"), [(20, 2), (300, 2), (400, 3)])
async def test_a_portal_whose_rotation_is_fast_enough_has_no_unverified_bookings(
    bench: Bench, rows: int, verify_calls: int
) -> None:
    bench.world.fill(rows, bench.now, days=(0.6, 6.9))
    session = bench.open(links={"interval": 900.0, "max_age": None, "verify_calls": verify_calls})
    for _ in range(10):
        assert (*truth(bench), 0) == verified(await poll_after(bench, 900, session))


async def test_those_asked_longest_ago_are_verified_first(bench: Bench) -> None:
    bench.world.fill(40, bench.now, days=(0.6, 6.9))
    session = bench.open(links={"interval": 100.0, "max_age": 150.0, "batch_size": 10, "verify_calls": 1})
    await poll_links(session)
    numbers = [verified(await poll_after(bench, 100, session))[2] for _ in range(8)]
    assert [0, *[20] * 7] == numbers, "two blocks of ten are younger than 150 s, and no booking is asked twice meanwhile"


async def test_verifying_stops_at_half_of_the_budget_and_fails_nothing(bench: Bench) -> None:
    bench.portal.costs[LINKS.lower()] = 0.2
    bench.world.fill(200, bench.now, days=(0.1, 6.9))
    budget = Budget(requests_per_second=5.0, burst=250, operating_seconds=100.0)
    session = bench.open(links={"verify_calls": 1000}, budget=budget)
    await poll_links(session)
    assert 200 == bench.commands(LINKS)
    await poll_links(session)
    assert 250 == bench.commands(LINKS)


async def test_a_step_of_the_wall_clock_makes_no_answer_older_or_younger(bench: Bench) -> None:
    session = half_spent(bench, 20)
    await poll_links(session)
    for bench.clock.set_by in (-1_800, 1_800):
        assert 0 == (await poll_links(session)).windows[0].unverified
    bench.clock.set_by = -1_800
    assert (0, 0, 20) == verified(await poll_after(bench, 150, session))
