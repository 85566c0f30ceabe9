"""Conflicts, resources, and what came and went (bitrix24.md 2.3, 3.1, 4.2)."""

from __future__ import annotations

import asyncio

import pytest

from exporter.counting.windows import WindowSpec
from exporter.model import BookingsObservation, CollectorName, Conflict
from exporter.platforms.base import PollResult
from exporter.simulator.faults import Fault, FaultKind
from tests.harness.bitrix24_target import (
    DAY,
    GET,
    HOUR,
    LIST,
    NEXT_7D,
    RESOURCES,
    WINDOWS,
    Bench,
    counts,
    poll_bookings,
)
from tests.harness.faults import met


def conflicting(observation: BookingsObservation) -> dict[str, int | None]:
    return {counted.window.name: counted.conflicting for counted in observation.windows}


def add(bench: Bench, start: float, hours: float = 1, *resources: int) -> int:
    """Add a booking that starts ``start`` hours from now and return its id."""
    begin = bench.now + start * HOUR
    return bench.world.add_booking(begin, begin + hours * HOUR, resource_ids=resources or (1,)).id


# Conflicts


async def test_a_double_booking_is_found_in_each_window_that_holds_one_of_the_two(bench: Bench) -> None:
    one, other = add(bench, 30), add(bench, 30.5)
    add(bench, 31.5)  # touches
    add(bench, 30, 1, 2)  # another chair
    observation = await poll_bookings(bench.open(windows=WINDOWS[2:]))
    assert {"next_24h": 0, "next_7d": 2} == conflicting(observation)
    start = int(bench.now + 30.5 * HOUR)
    assert observation.conflicts == (Conflict("1", str(one), str(other), start, start + HOUR // 2),)


async def test_resources_that_may_overlap_are_skipped_and_a_target_can_do_without_conflicts(bench: Bench) -> None:
    add(bench, 1, 1, 7), add(bench, 1, 1, 7)
    hall = await poll_bookings(bench.open(bookings={"overlapping_resources": frozenset({"7"})}, windows=NEXT_7D))
    assert {"next_7d": 0} == conflicting(hall)
    without = await poll_bookings(bench.open(bookings={"conflicts": False}, windows=NEXT_7D))
    assert ({"next_7d": None}, ()) == (conflicting(without), without.conflicts)


@pytest.mark.parametrize("hours", [0.5, 3, 30, 24 * 10])
async def test_a_partner_outside_everything_that_the_windows_cover_is_found(bench: Bench, hours: float) -> None:
    inside = add(bench, 7 * 24 - 0.25, hours)  # crosses the end of the last window
    add(bench, 7 * 24 - 0.25 + hours - 0.2, 1)  # starts after it
    session = bench.open(windows=NEXT_7D)
    for poll in range(2):
        before = bench.calls(LIST)
        observation = await poll_bookings(session)
        assert {"next_7d": 1} == conflicting(observation)
        assert observation.conflicts[0].first == str(inside)
        assert bench.calls(LIST) - before == (1 if hours <= 1 or poll else 2)  # learnt: the next poll needs no second read


async def test_an_early_partner_outside_the_windows_is_found_when_counting_by_overlap(bench: Bench) -> None:
    add(bench, -5, 5.5)
    add(bench, -4.9, 1)
    observation = await poll_bookings(bench.open(windows=NEXT_7D, bookings={"count": "overlap"}))
    assert ({"next_7d": 1}, {"next_7d": 1}) == (counts(observation), conflicting(observation))


async def test_only_the_first_ten_conflicts_are_named_but_all_are_counted(bench: Bench) -> None:
    for number in range(15):
        add(bench, 2 + 2 * number), add(bench, 2.5 + 2 * number)
    observation = await poll_bookings(bench.open(windows=NEXT_7D))
    assert {"next_7d": 30} == conflicting(observation)
    assert [conflict.start for conflict in observation.conflicts] == [
        int(bench.now + (2.5 + 2 * number) * HOUR) for number in range(10)
    ]


# Resources


def by_resource(observation: BookingsObservation) -> dict[str, int]:
    (window,) = observation.windows
    assert window.by_resource is not None
    return dict(window.by_resource)


async def test_each_resource_has_its_number_and_its_name_and_idle_ones_have_zero(bench: Bench) -> None:
    for name in ("Chair", "Room", "Idle"):
        bench.world.add_resource(name)
    add(bench, 1, 1, 1, 2), add(bench, 5, 1, 2)
    observation = await poll_bookings(bench.open(bookings={"per_resource": True}, windows=NEXT_7D))
    assert {"1": 1, "2": 2, "3": 0} == by_resource(observation)
    assert {"1": "Chair", "2": "Room", "3": "Idle"} == observation.resource_names
    assert 0 == observation.dropped_resources


async def test_the_cap_keeps_resources_with_bookings_and_says_how_many_it_dropped(bench: Bench) -> None:
    for number in range(5):
        bench.world.add_resource(f"Chair {number}")
    add(bench, 1, 1, 5), add(bench, 5, 1, 4)
    observation = await poll_bookings(bench.open(bookings={"per_resource": True, "max_resources": 3}, windows=NEXT_7D))
    assert {"1": 0, "4": 1, "5": 1} == by_resource(observation)
    assert 2 == observation.dropped_resources


async def test_the_more_windows_there_are_the_fewer_resources_are_shown_in_each(bench: Bench) -> None:
    for number in range(120):
        bench.world.add_resource(f"Chair {number}")
    windows = [WindowSpec(f"hour_{number}", f"now+{number}h", f"now+{number + 1}h") for number in range(50)]
    observation = await poll_bookings(bench.open(bookings={"per_resource": True}, windows=windows))
    assert [100] * 50 == [len(row.by_resource or ()) for row in observation.windows]
    assert 20 == observation.dropped_resources


async def test_names_are_read_once_an_hour_and_page_by_page(bench: Bench) -> None:
    for number in range(120):
        bench.world.add_resource(f"Chair {number}")
    session = bench.open(bookings={"per_resource": True, "max_resources": 500}, windows=NEXT_7D)
    assert 120 == len(by_resource(await poll_bookings(session)))
    await poll_bookings(session)
    assert 1 == bench.calls(RESOURCES)  # its further pages went into a batch
    bench.clock.now += HOUR
    await poll_bookings(session)
    assert 2 == bench.calls(RESOURCES)


async def test_counts_are_published_without_names_and_the_reason_is_told(bench: Bench) -> None:
    bench.world.add_resource("Chair")
    add(bench, 1)
    bench.simulator.faults.add(Fault(FaultKind.STATUS, operation=RESOURCES, status=403))
    session = bench.open(bookings={"per_resource": True}, windows=NEXT_7D)
    result: PollResult = await session.collectors[CollectorName.BOOKINGS].poll()
    assert isinstance(result.observation, BookingsObservation)
    assert {"1": 1} == by_resource(result.observation)
    assert result.failure is not None
    assert "permission" == result.failure.reason


# What came and what went


async def test_the_first_poll_discovers_nothing_and_a_new_booking_is_discovered_once(bench: Bench) -> None:
    session = bench.open()
    add(bench, 5)
    await poll_bookings(session)
    assert 0 == bench.events.discovered
    add(bench, 9), add(bench, 11)
    await poll_bookings(session)
    await poll_bookings(session)
    assert (2, 0) == (bench.events.discovered, bench.events.vanished)


async def test_a_booking_that_the_moving_window_reveals_is_not_new(bench: Bench) -> None:
    session = bench.open()
    add(bench, 5)
    add(bench, 7 * 24 + 30)  # the largest id, but nobody has looked there yet
    await poll_bookings(session)
    bench.clock.now += 2 * DAY
    observation = await poll_bookings(session)
    assert (1, 0) == (counts(observation)["next_7d"], bench.events.discovered)


async def test_an_old_booking_that_is_moved_into_the_window_is_not_new(bench: Bench) -> None:
    old = add(bench, 24 * 60)
    add(bench, 5)
    session = bench.open()
    await poll_bookings(session)
    bench.world.edit_booking(old, start=int(bench.now + 3 * HOUR), end=int(bench.now + 4 * HOUR))
    observation = await poll_bookings(session)
    assert (2, 0) == (counts(observation)["next_7d"], bench.events.discovered)


async def test_a_booking_deleted_before_its_start_has_vanished_and_one_moved_away_has_not(bench: Bench) -> None:
    deleted, moved, stays, past = add(bench, 5), add(bench, 7), add(bench, 9), add(bench, -3)
    session = bench.open()
    await poll_bookings(session)
    for gone in (deleted, past):  # what is deleted after its start is of no interest
        bench.world.delete_booking(gone)
    bench.world.edit_booking(moved, start=int(bench.now + 60 * DAY), end=int(bench.now + 60 * DAY + HOUR))
    observation = await poll_bookings(session)
    assert 1 == counts(observation)["next_7d"]
    assert (1, 2) == (bench.events.vanished, bench.commands(GET))
    await poll_bookings(session)
    assert (1, 2) == (bench.events.vanished, bench.commands(GET))
    assert bench.world.booking(stays) is not None


async def test_a_window_that_moves_past_bookings_makes_none_vanish(bench: Bench) -> None:
    for hours in range(-20, 150, 5):
        add(bench, hours, 1, hours + 30)
    session = bench.open()
    for _ in range(6):
        await poll_bookings(session)
        bench.clock.now += 30 * HOUR
    assert (0, 0, 0) == (bench.events.discovered, bench.events.vanished, bench.commands(GET))


async def test_who_could_not_be_asked_about_is_asked_about_at_the_next_poll(bench: Bench) -> None:
    gone = add(bench, 5)
    session = bench.open()
    await poll_bookings(session)
    bench.world.delete_booking(gone)
    bench.simulator.faults.add(Fault(FaultKind.STATUS, operation="batch", status=403, times=1))
    await poll_bookings(session)
    assert 0 == bench.events.vanished
    await poll_bookings(session)
    await poll_bookings(session)
    assert 1 == bench.events.vanished


async def test_a_poll_that_is_cancelled_while_it_asks_counts_nothing_twice(bench: Bench) -> None:
    gone = add(bench, 5)
    session = bench.open()
    await poll_bookings(session)
    bench.world.delete_booking(gone)
    add(bench, 7)
    bench.simulator.faults.add(Fault(FaultKind.NEVER, operation="batch", times=1))
    poll = asyncio.create_task(poll_bookings(session))
    await met(bench.simulator)
    poll.cancel()
    with pytest.raises(asyncio.CancelledError):
        await poll
    await poll_bookings(session)
    await poll_bookings(session)
    assert (1, 1) == (bench.events.discovered, bench.events.vanished)


async def test_a_failed_poll_forgets_nothing(bench: Bench) -> None:
    gone = add(bench, 5)
    session = bench.open()
    await poll_bookings(session)
    bench.world.delete_booking(gone)
    add(bench, 6)
    bench.simulator.bitrix24.revoke_webhook(bench.webhook)
    with pytest.raises(Exception, match="credential"):
        await poll_bookings(session)
    bench.simulator.bitrix24.restore_webhook(bench.webhook)
    await poll_bookings(session)
    assert (1, 1) == (bench.events.discovered, bench.events.vanished)


async def test_resources_that_the_portal_does_not_list_are_named_and_the_list_is_read_once_an_hour(bench: Bench) -> None:
    add(bench, 5)
    listed = bench.world.add_resource("Chair 1").id
    session = bench.open(bookings={"overlapping_resources": frozenset({str(listed), "4711"})})
    for _ in range(3):
        observation = await poll_bookings(session)
        assert ("4711",) == observation.unknown_resources
        assert {} == observation.resource_names
    assert 1 == bench.simulator.log.count(RESOURCES)
    assert () == (await poll_bookings(bench.open())).unknown_resources
    assert 1 == bench.simulator.log.count(RESOURCES)


async def test_a_portal_that_does_not_list_its_resources_proves_nothing_and_is_polled_all_the_same(bench: Bench) -> None:
    bench.simulator.faults.add(Fault(FaultKind.STATUS, operation=RESOURCES, status=500))
    session = bench.open(bookings={"overlapping_resources": frozenset({"4711"})})
    result = await session.collectors[CollectorName.BOOKINGS].poll()
    assert isinstance(result.observation, BookingsObservation)
    assert (None, ()) == (result.failure, result.observation.unknown_resources)
