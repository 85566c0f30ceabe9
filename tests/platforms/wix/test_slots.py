"""The collector ``slots``: bookable slots against private events, over real HTTP (docs/platforms/wix.md 7.2).

The clock stands at Monday 2026-09-21, 16:13 in Berlin; appointments last an hour and begin between 9:00 and 17:00.
"""

from __future__ import annotations

from datetime import datetime

import pytest

from exporter.model import CollectorName
from exporter.open_slots import ScheduleSlots, ServiceSlots
from exporter.platforms.wix.settings import (
    WixEvents,
    WixHeartbeat,
)
from exporter.policy import AcceptedReason, TargetPolicy
from exporter.simulator.wix import GOOGLE, MICROSOFT
from tests.harness.wix_shop import (
    BERLIN,
    EVENTS,
    FREE,
    HOUR,
    LIST,
    LOOKS_FOR_EVENTS,
    STAFF,
    Shop,
    opened,
    over,
    page,
    slot,
    two_calendars,
)


async def test_the_bookable_slots_of_the_next_48_hours_are_counted_by_the_name_of_the_service(shop: Shop) -> None:
    shop.open()
    seen = await shop.look()
    assert (ServiceSlots("Haircut", FREE, shop.at(16.5, day=21)),) == seen.services


async def test_a_healthy_import_has_no_slot_over_a_private_event(shop: Shop) -> None:
    shop.open()
    shop.plan(10)
    seen = await shop.look()
    assert ([0], [FREE - 3]) == (over(seen), opened(seen))


async def test_slots_over_a_private_event_are_counted_by_the_schedule_with_the_first_of_them(shop: Shop) -> None:
    shop.open(target={"aliases": {shop.staff.schedule_id: "Chair 1"}})
    shop.sell_over(10)
    assert (ScheduleSlots("Chair 1", 3, shop.at(9.5)),) == (await shop.look()).schedules


@pytest.mark.parametrize(
    ("hour", "length", "slots"), [(10, 1, 3), (9, 0.5, 1), (10, 0, 1), (18, 2, 0), (7, 2, 0), (7, 2.25, 1)]
)
async def test_what_only_touches_a_slot_is_not_under_it(shop: Shop, hour: float, length: float, slots: int) -> None:
    shop.open()
    shop.sell_over(hour, length)
    assert [slots] == over(await shop.look())


async def test_an_event_of_one_schedule_says_nothing_of_another(shop: Shop) -> None:
    other = shop.hire("Berta")
    shop.open(target={"aliases": {shop.staff.schedule_id: "Chair 1", other.schedule_id: "Chair 2"}})
    shop.sell_over(10)
    assert {"Chair 1": 3, "Chair 2": 0} == {row.schedule: row.over_busy for row in (await shop.look()).schedules}


async def test_nothing_is_said_of_who_is_not_among_the_ten_that_a_slot_names(shop: Shop) -> None:
    for number in range(11):
        shop.hire(f"Colleague {number}")
    last = shop.site.bookings.staff[-1]
    shop.open(target={"aliases": {last.schedule_id: "Chair 12"}})
    shop.plan(10, staff=last)
    shop.site.private.stop_blocking(last.schedule_id)
    seen = await shop.look()
    assert (10, 0) == (len(seen.schedules), sum(over(seen)))
    assert "Chair 12" not in {row.schedule for row in seen.schedules}


async def test_schedules_that_the_configuration_leaves_out_are_left_out(shop: Shop) -> None:
    other = shop.hire("Berta")
    shop.open(target={"schedule_ids": (other.schedule_id,), "aliases": {other.schedule_id: "Chair 2"}})
    shop.sell_over(10)
    assert (ScheduleSlots("Chair 2", 0),) == (await shop.look()).schedules


async def test_a_schedule_that_is_accepted_is_not_told_of(shop: Shop) -> None:
    shop.open(target={"aliases": {shop.staff.schedule_id: "Chair 1"}})
    shop.bench.policy = TargetPolicy(connections={"Chair 1": AcceptedReason("no calendar of ours")})
    shop.sell_over(10)
    assert () == (await shop.look()).schedules


async def test_an_event_that_is_new_counts_from_the_second_poll_that_sees_it(shop: Shop) -> None:
    shop.open()
    assert [0] == over(await shop.look())
    shop.sell_over(10)
    assert [0] == over(await shop.look(1740))
    assert [3] == over(await shop.look(1740))


async def test_an_event_is_new_as_well_when_the_last_look_is_long_ago(shop: Shop) -> None:
    shop.open()
    await shop.look()
    shop.sell_over(10)
    assert [[0], [3]] == [over(await shop.look(3 * 1800)), over(await shop.look(1740))]


async def test_a_second_look_a_few_seconds_later_makes_no_event_older(shop: Shop) -> None:
    shop.open()
    await shop.look(1740)
    shop.sell_over(10)
    first = over(await shop.look())
    shop.bench.clock.now -= 50
    assert [[0], [0]] == [first, over(await shop.look())]


async def test_two_looks_at_the_same_answer_of_the_events_make_no_event_older(shop: Shop) -> None:
    shop.open(events=WixEvents(interval=1800.0, max_age=5400.0, windows=()))
    await shop.bench.poll(CollectorName.EVENTS)
    await shop.look()
    shop.sell_over(10)
    await shop.bench.poll(CollectorName.EVENTS)
    assert [[0], [0]] == [over(await shop.look()), over(await shop.look())]


async def test_while_a_provider_fails_an_event_of_another_one_becomes_older_all_the_same(shop: Shop) -> None:
    shop.open(target=two_calendars(shop))
    await shop.look()
    shop.site.provider_down(MICROSOFT)
    shop.sell_over(10)
    assert [0, 3, 3] == [sum(over(await shop.look(1740))) for _ in range(3)]


async def test_however_long_a_provider_fails_an_event_of_another_one_is_new_at_first(shop: Shop) -> None:
    shop.open(target=two_calendars(shop))
    await shop.look()
    shop.site.provider_down(MICROSOFT)
    for _ in range(3):
        await shop.look(1740)
    shop.sell_over(10)
    assert 0 == sum(over(await shop.look(1740)))


@pytest.mark.parametrize("shared", [False, True])
async def test_what_was_found_stays_while_the_provider_of_the_calendar_fails(shop: Shop, *, shared: bool) -> None:
    events = WixEvents(interval=600.0, max_age=1800.0, windows=()) if shared else None
    shop.open(connections=shared, events=events, target=two_calendars(shop))
    shop.sell_over(10)
    if shared:
        await shop.bench.poll()
        await shop.bench.poll(CollectorName.EVENTS)
    assert 3 == sum(over(await shop.look()))
    shop.site.provider_down(GOOGLE)
    assert 3 == sum(over(await shop.look(0 if shared else 1740)))


@pytest.mark.slow
async def test_what_is_found_on_a_site_with_very_many_events_is_confirmed_for_the_days_of_the_slots_alone(shop: Shop) -> None:
    shop.open(events=WixEvents(interval=600.0, max_age=1800.0, max_events=50_000, windows=()))
    shop.sell_over(10)
    start = shop.at(0, 25)
    for number in range(10_050):
        shop.site.private.plan(shop.staff.schedule_id, start + number * 10, start + number * 10 + 5)
    await shop.bench.poll(CollectorName.EVENTS)
    assert [3] == over(await shop.look())


async def test_a_heartbeat_takes_no_slot_although_the_events_have_no_answer_yet(shop: Shop) -> None:
    heartbeats = (WixHeartbeat(schedule="Anna", at="10:03"),)
    shop.open(
        target={"aliases": {shop.staff.schedule_id: "Anna"}},
        connections=True,
        events=WixEvents(interval=600.0, max_age=1800.0, windows=(), heartbeats=heartbeats),
    )
    shop.sell_over(10 + 3 / 60, 1 / 60)
    assert [0] == over(await shop.look())


async def test_an_event_that_is_gone_counts_no_longer(shop: Shop) -> None:
    shop.open()
    shop.sell_over(10)
    await shop.look()
    shop.site.private.clear()
    assert [0] == over(await shop.look(1740))


async def test_the_copy_of_a_booking_is_no_private_event(shop: Shop) -> None:
    shop.open()
    shop.site.bookings.add(shop.at(10), shop.at(11), staff=shop.staff)
    shop.plan(10)
    shop.plan(12)
    named = [{"resources": [{"id": shop.staff.resource_id}]}]
    times = [(f"2026-09-22T{hour}:00:00", f"2026-09-22T{hour}:30:00") for hour in ("08", "10")]
    shop.bench.answer_with(LIST, page(*(slot(*each, availableResources=named) for each in times)))
    assert [1] == over(await shop.look())


async def test_what_is_left_of_the_copy_of_a_cancelled_booking_is_a_new_event_an_hour_later(shop: Shop) -> None:
    shop.open()
    booked = shop.site.bookings.add(shop.at(10), shop.at(11), staff=shop.staff)
    shop.sell_over(10)
    await shop.look()
    shop.site.bookings.amend(booked, status="CANCELED")
    assert [0] == over(await shop.look(1740))
    assert [0] == over(await shop.look(3600))
    assert [3] == over(await shop.look(1740))


@pytest.mark.parametrize(("all_day", "slots"), [(None, 0), (False, 0), (True, 17)])
async def test_events_of_whole_days_count_where_the_collector_events_is_told_so(
    shop: Shop, all_day: bool | None, slots: int
) -> None:
    events = {} if all_day is None else {"events": WixEvents(interval=600.0, all_day=all_day, windows=())}
    shop.open(**events)
    shop.sell_over(0, 24, all_day=True)
    assert [slots] == over(await shop.look())


async def test_a_slot_across_the_change_of_the_clocks_lies_where_it_lies(shop: Shop) -> None:
    # The clocks go back at 3:00 on 2026-10-25, a Sunday: 48 hours from Saturday noon end at 11:00 on Monday.
    shop.bench.clock.now = datetime(2026, 10, 24, 12, tzinfo=BERLIN).timestamp()
    monday = datetime(2026, 10, 26, 9, tzinfo=BERLIN).timestamp()
    shop.site.private.plan(shop.staff.schedule_id, monday, monday + 60)
    shop.site.private.stop_blocking(shop.staff.schedule_id)
    shop.open()
    [row] = (await shop.look()).schedules
    assert (1, monday) == (row.over_busy, row.first)


async def test_the_last_whole_answer_of_the_collector_events_is_used_where_there_is_one(shop: Shop) -> None:
    shop.open(events=WixEvents(interval=600.0, max_age=1800.0, windows=()))
    shop.plan(10)
    await shop.bench.poll(CollectorName.EVENTS)
    asked = shop.bench.calls(EVENTS)
    assert [0] == over(await shop.look())
    assert asked == shop.bench.calls(EVENTS)


async def test_what_the_collector_events_saw_is_confirmed_before_it_is_told(shop: Shop) -> None:
    shop.open(events=WixEvents(interval=600.0, max_age=1800.0, windows=()))
    shop.sell_over(10)
    await shop.bench.poll(CollectorName.EVENTS)
    assert [3] == over(await shop.look())
    shop.site.private.clear()
    assert [0] == over(await shop.look())


async def test_an_answer_of_the_collector_events_that_is_too_old_is_read_anew(shop: Shop) -> None:
    shop.open(events=WixEvents(interval=600.0, max_age=1800.0, windows=()))
    await shop.bench.poll(CollectorName.EVENTS)
    asked = shop.bench.calls(EVENTS)
    await shop.look(1801)
    assert asked + 1 == shop.bench.calls(EVENTS)


async def test_the_staff_that_the_connections_know_is_not_asked_for_again(shop: Shop) -> None:
    shop.open(connections=True)
    for _ in range(15):
        await shop.bench.poll()
    asked = shop.bench.calls(STAFF)
    assert [0] == over(await shop.look())
    assert (1, asked) == (asked, shop.bench.calls(STAFF))


async def test_the_first_poll_asks_for_the_staff_although_the_connections_would_later(shop: Shop) -> None:
    shop.open(connections=True)
    assert [0] == over(await shop.look())


NONE = '{"timeSlots":[],"timeZone":"UTC"}'


async def test_of_a_service_without_slots_soon_the_first_of_the_week_is_known(shop: Shop) -> None:
    shop.bench.answer_with(LIST, NONE, times=1)
    shop.open()
    (seen,) = (await shop.look()).services
    assert ("Haircut", 0, shop.at(16.5, day=23), False) == (seen.service, seen.open, seen.first, seen.has_none)


async def test_a_service_has_none_when_there_is_no_slot_in_the_week(shop: Shop) -> None:
    shop.service = shop.site.add_service("Closed", hidden=True)
    shop.open()
    (seen,) = (await shop.look()).services
    assert (None, True, 2) == (seen.first, seen.has_none, shop.bench.calls(LIST))


async def test_a_week_that_cannot_be_read_whole_is_no_week_without_slots(shop: Shop) -> None:
    shop.bench.answer_with(LIST, NONE, times=1)
    shop.bench.answer_with(LIST, page("7", slot(bookable=False)), times=1)
    shop.open()
    assert (ServiceSlots("Haircut", None),) == (await shop.look()).services


async def test_a_service_without_slots_has_none(shop: Shop) -> None:
    shop.service = shop.site.add_service("Closed", hidden=True)
    shop.open()
    assert [0] == opened(await shop.look())


@pytest.mark.parametrize(
    ("start", "end", "number"),
    [(0, 72.1, None), (95.9, 240, None), (0, 71.9, 0), (96.1, 240, 0), (168.1, 300, 0), (-72, 0, 0)],
)
async def test_that_a_service_has_no_slots_says_nothing_while_three_of_the_next_seven_days_are_closed(
    shop: Shop, start: float, end: float, number: int | None
) -> None:
    shop.service = shop.site.add_service("Closed", hidden=True)
    now = shop.bench.clock.now
    shop.bench.policy = TargetPolicy(closed=((now + start * HOUR, now + end * HOUR),))
    shop.open()
    assert [number] == opened(await shop.look())


async def test_slots_on_a_closed_day_are_counted_all_the_same(shop: Shop) -> None:
    shop.bench.policy = TargetPolicy(closed=((0.0, 1e11),))
    shop.open()
    assert [FREE] == opened(await shop.look())


@pytest.mark.parametrize(("schedules", "shown", "dropped"), [(499, 500, 0), (500, 500, 1)])
async def test_schedules_beyond_500_have_no_series_and_are_counted(
    shop: Shop, schedules: int, shown: int, dropped: int
) -> None:
    named = [shop.staff, *(shop.hire(f"Colleague {number}") for number in range(schedules))]
    rows = [
        slot(availableResources=[{"resources": [{"id": one.resource_id} for one in named[at : at + 10]]}])
        for at in range(0, len(named), 10)
    ]
    shop.bench.answer_with(LIST, page(*rows))
    for each in named:
        shop.plan(12, staff=each)
    shop.sell_over(10)
    shop.open(connections=False)  # they have a cap of their own
    seen = await shop.look()
    assert (shown, dropped, 1) == (len(seen.schedules), seen.dropped_schedules, over(seen)[0])


async def test_without_connections_a_0_is_told_where_private_events_come_alone(shop: Shop) -> None:
    other = shop.hire("Berta")
    shop.open(connections=False, target={"aliases": {shop.staff.schedule_id: "Chair 1", other.schedule_id: "Chair 2"}})
    shop.plan(10)
    assert (ScheduleSlots("Chair 1", 0),) == (await shop.look()).schedules


async def test_a_restart_makes_no_new_event_an_old_one(shop: Shop) -> None:
    shop.open(events=LOOKS_FOR_EVENTS)
    await shop.bench.poll(CollectorName.EVENTS)
    shop.sell_over(10)
    await shop.bench.poll(CollectorName.EVENTS)
    shop.open(events=LOOKS_FOR_EVENTS)
    assert [0] == over(await shop.look())
    assert [3] == over(await shop.look(900))


async def test_a_restart_forgets_no_event_that_the_collector_events_has_known_for_long(shop: Shop) -> None:
    shop.open(events=LOOKS_FOR_EVENTS)
    await shop.bench.poll(CollectorName.EVENTS)
    shop.sell_over(10)
    await shop.bench.poll(CollectorName.EVENTS)
    shop.bench.clock.now += 900
    shop.open(events=LOOKS_FOR_EVENTS)
    assert [3] == over(await shop.look())


async def test_events_that_were_there_when_the_collector_events_first_looked_count_at_once(shop: Shop) -> None:
    shop.open(events=LOOKS_FOR_EVENTS)
    shop.sell_over(10)
    await shop.bench.poll(CollectorName.EVENTS)
    assert [3] == over(await shop.look())


async def test_an_event_counts_from_when_the_collector_events_saw_it_first(shop: Shop) -> None:
    shop.open(events=LOOKS_FOR_EVENTS)
    await shop.bench.poll(CollectorName.EVENTS)
    await shop.look()
    shop.sell_over(10)
    await shop.bench.poll(CollectorName.EVENTS)
    assert [3] == over(await shop.look(900))


async def test_a_schedule_without_a_working_import_has_no_0_where_connections_are_watched(shop: Shop) -> None:
    shop.open(connections=True)
    (made,) = [connection.id for connection in shop.site.connections]
    await shop.bench.poll()
    assert [0] == over(await shop.look())
    shop.site.connections.disconnect(made)
    await shop.bench.poll()
    assert [] == over(await shop.look())
