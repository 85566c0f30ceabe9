"""The collector ``slots`` where a part of what it reads cannot be read, was read earlier, or is known from before a restart.

As in :mod:`tests.platforms.wix.test_slots` the clock stands at Monday 2026-09-21, 16:13 in Berlin.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from exporter.errors import (
    InvalidResponseError,
    NetworkError,
    PermissionDeniedError,
    PollError,
    PollTimeoutError,
    ServerError,
    TargetConfigError,
)
from exporter.model import CollectorName
from exporter.open_slots import SlotsObservation
from exporter.platforms.base import PollResult, RefusedPart
from exporter.platforms.wix.settings import WixSlots
from exporter.simulator import FaultKind
from exporter.simulator.wix import APPLE, GOOGLE, MICROSOFT
from exporter.simulator.wix.providers import Provider
from tests.harness.wix_shop import (
    CONNECTIONS,
    EVENTS,
    FREE,
    LIST,
    LOOKS_FOR_EVENTS,
    SLOTS,
    STAFF,
    Shop,
    opened,
    over,
    page,
    slot,
)

MINUTE = 60.0


def two_services(shop: Shop) -> WixSlots:
    beard = shop.site.add_service("Beard")
    return WixSlots(interval=1800.0, services=(shop.named(), shop.named("Beard", beard.id)), windows=())


async def look_partly(shop: Shop, after: float = 1740) -> tuple[SlotsObservation, PollError]:
    shop.bench.clock.now += after
    result = await shop.bench.poll(SLOTS)
    assert result.failure is not None
    return seen_in(result), result.failure


ONE_FAILS = [
    (FaultKind.STATUS, {"status": 500}, ServerError),
    (FaultKind.TRUNCATED, {}, InvalidResponseError),
]


@pytest.mark.parametrize(("kind", "options", "error"), ONE_FAILS)
async def test_a_service_that_cannot_be_read_costs_no_other_its_slots(
    shop: Shop, kind: FaultKind, options: dict[str, Any], error: type[PollError]
) -> None:
    shop.open(slots=two_services(shop))
    shop.bench.spoil(kind, LIST, after=1, **options)
    seen, failure = await look_partly(shop)
    assert ([FREE, None], error) == (opened(seen), type(failure))


@pytest.mark.parametrize(("kind", "options", "error"), ONE_FAILS)
@pytest.mark.parametrize("of", [LIST, EVENTS])
async def test_what_was_found_stays_while_a_part_cannot_be_read_until_it_is_too_old(
    shop: Shop, of: str, kind: FaultKind, options: dict[str, Any], error: type[PollError]
) -> None:
    shop.open(slots=two_services(shop))
    shop.sell_over(10)
    before = await shop.look()
    assert [6] == over(before)
    shop.bench.spoil(kind, of, after=1 if of == LIST else 0, **options)
    seen, failure = await look_partly(shop)
    assert ([6], error) == (over(seen), type(failure))
    assert opened(before)[1] == opened(seen)[1] or of == EVENTS
    shop.bench.simulator.faults.clear()
    shop.bench.spoil(kind, of, after=1 if of == LIST else 0, **options)
    seen, _ = await look_partly(shop, after=3 * 1800)
    assert ([3] if of == LIST else []) == over(seen)


async def test_a_part_that_cannot_be_read_makes_of_no_overlap_nothing_that_is_known(shop: Shop) -> None:
    shop.open(slots=two_services(shop))
    shop.plan(10)
    assert [0] == over(await shop.look())
    shop.bench.spoil(FaultKind.STATUS, LIST, after=1, status=500)
    seen, _ = await look_partly(shop)
    assert () == seen.schedules


async def test_slots_that_are_over_are_told_no_longer_although_their_service_cannot_be_read(shop: Shop) -> None:
    shop.open(slots=two_services(shop))
    shop.plan(16, staff=shop.staff)
    shop.bench.clock.now = shop.at(15.5)
    shop.site.private.stop_blocking(shop.staff.schedule_id)
    # At 15:31 two of either service lie over the event, of 16:00 and 16:30; half an hour later that of 16:30 is left.
    assert [4] == over(await shop.look())
    shop.bench.spoil(FaultKind.STATUS, LIST, after=1, status=500)
    seen, _ = await look_partly(shop, after=1800)
    assert [2] == over(seen)


async def test_a_check_of_the_slots_fails_where_a_part_of_the_poll_does(shop: Shop) -> None:
    shop.open(slots=two_services(shop))
    shop.bench.spoil(FaultKind.STATUS, LIST, after=1, status=500)
    with pytest.raises(ServerError):
        await shop.bench.session.check()


@pytest.fixture(params=[False, True], ids=["slots alone", "events beside"])
def beside(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Whether the collector ``events`` runs as well."""
    return {"events": LOOKS_FOR_EVENTS} if request.param else {}


async def pass_half_an_hour(shop: Shop, *, events: bool) -> PollResult:
    """Poll the events every ten minutes, if they are polled, and the slots in the end."""
    for _ in range(3):
        shop.bench.clock.now += 9 * MINUTE
        if events:
            with suppress(PollError):
                await shop.bench.poll(CollectorName.EVENTS)
    return await shop.bench.poll(SLOTS)


def seen_in(result: PollResult) -> SlotsObservation:
    assert isinstance(result.observation, SlotsObservation)
    return result.observation


def second_calendar(shop: Shop, provider: Provider = MICROSOFT) -> None:
    """Hire somebody with a calendar of another provider."""
    colleague = shop.site.add_staff("Berta")
    shop.site.connections.connect(provider, colleague.schedule_id)


GAPS = ["the other provider", "a row", "all"]


def fail(shop: Shop, what: str) -> None:
    if what == "the other provider":
        shop.site.provider_down(MICROSOFT)
    elif what == "a row":
        shop.bench.answer_with(EVENTS, '{"events":[{"scheduleId":7},' + event(shop, "2026-09-24T10:00:00Z") + "]}")
    else:
        shop.bench.spoil(FaultKind.STATUS, EVENTS, status=500)


def event(shop: Shop, start: str) -> str:
    end = start.replace(":00:00", ":30:00")
    return f'{{"scheduleId":"{shop.staff.schedule_id}","calendarType":"GOOGLE","start":"{start}","end":"{end}"}}'


@pytest.mark.parametrize("gap", GAPS)
async def test_an_event_that_its_owner_deleted_lies_under_no_slot_while_something_else_cannot_be_read(
    shop: Shop, beside: dict[str, Any], gap: str
) -> None:
    second_calendar(shop)
    shop.open(**beside)
    shop.plan(10)  # it blocks: nobody is offered this time
    for _ in range(2):
        assert 0 == sum(over(seen_in(await pass_half_an_hour(shop, events=bool(beside)))))
    fail(shop, gap)
    shop.site.private.clear()
    seen = seen_in(await pass_half_an_hour(shop, events=bool(beside)))
    assert (FREE, 0) == (opened(seen)[0], sum(over(seen)))


async def test_what_was_entered_since_a_service_was_read_last_lies_under_none_of_its_slots(
    shop: Shop, beside: dict[str, Any]
) -> None:
    shop.open(slots=two_services(shop), **beside)
    assert 0 == sum(over(seen_in(await pass_half_an_hour(shop, events=bool(beside)))))
    shop.plan(10)  # it blocks
    for _ in range(2):
        shop.bench.simulator.faults.clear()
        shop.bench.spoil(FaultKind.STATUS, LIST, status=500, after=1)
        assert 0 == sum(over(seen_in(await pass_half_an_hour(shop, events=bool(beside)))))


@pytest.mark.parametrize("gap", ["its provider", "all"])
async def test_what_was_told_stays_over_one_failure_although_another_provider_is_down_for_hours(shop: Shop, gap: str) -> None:
    second_calendar(shop)
    shop.site.connections.connect(APPLE, shop.site.add_staff("Carla").schedule_id)
    shop.open()
    shop.sell_over(10)
    told = [over(await shop.look())]
    shop.site.provider_down(MICROSOFT)
    for number in range(7):
        if number == 4:
            fail(shop, gap) if gap == "all" else shop.site.provider_down(GOOGLE)
        if number == 5:
            shop.bench.simulator.faults.clear()
            shop.site.provider_up(GOOGLE)
        told.append(over(seen_in(await pass_half_an_hour(shop, events=False))))
    assert [3] * 8 == [sum(each) for each in told]


async def test_the_first_poll_that_can_read_private_events_counts_them_at_once(shop: Shop) -> None:
    shop.open()
    shop.sell_over(10)
    shop.bench.spoil(FaultKind.STATUS, EVENTS, status=500)
    await shop.bench.poll(SLOTS)
    shop.bench.simulator.faults.clear()
    assert [3] == over(await shop.look(1740))


async def test_the_copy_of_a_booking_that_was_cancelled_minutes_before_a_restart_is_no_private_event(
    shop: Shop, beside: dict[str, Any]
) -> None:
    shop.open(**beside)
    booked = shop.site.bookings.add(shop.at(10), shop.at(11), staff=shop.staff)
    shop.sell_over(10)
    assert 0 == sum(over(seen_in(await pass_half_an_hour(shop, events=bool(beside)))))
    shop.site.bookings.amend(booked, status="CANCELED")
    shop.bench.clock.now += 120
    shop.open(**beside)
    if beside:
        await shop.bench.poll(CollectorName.EVENTS)
    assert 0 == sum(over(await shop.look()))


async def test_the_copy_of_a_cancelled_booking_is_known_where_slots_has_to_read_the_events_itself(shop: Shop) -> None:
    second_calendar(shop)
    shop.open(events=LOOKS_FOR_EVENTS)
    booked = shop.site.bookings.add(shop.at(10), shop.at(11), staff=shop.staff)
    shop.sell_over(10)
    for _ in range(2):
        assert 0 == sum(over(seen_in(await pass_half_an_hour(shop, events=True))))
    shop.site.provider_down(MICROSOFT)
    assert 0 == sum(over(seen_in(await pass_half_an_hour(shop, events=True))))
    shop.site.bookings.amend(booked, status="CANCELED")
    assert 0 == sum(over(seen_in(await pass_half_an_hour(shop, events=True))))


@pytest.mark.parametrize("status", [500, 503])
async def test_a_staff_that_cannot_be_read_is_told_by_the_poll_and_by_a_check(shop: Shop, status: int) -> None:
    shop.bench.spoil(FaultKind.STATUS, STAFF, status=status)
    shop.open()
    shop.sell_over(10)
    for _ in range(2):
        result = await pass_half_an_hour(shop, events=False)
        assert (FREE, (), ServerError) == (opened(seen_in(result))[0], seen_in(result).schedules, type(result.failure))
    with pytest.raises(ServerError):
        await shop.bench.open(shop.target(), asks_once=True).check()


async def test_a_check_tells_what_is_refused_although_another_part_fails_otherwise(shop: Shop) -> None:
    shop.open()
    shop.bench.spoil(FaultKind.STATUS, CONNECTIONS, status=403)
    shop.bench.spoil(FaultKind.STATUS, LIST, status=500)
    found = [one for one in await shop.bench.session.check() if isinstance(one, RefusedPart)]
    assert [(CollectorName.CONNECTIONS, PermissionDeniedError), (SLOTS, ServerError)] == [
        (one.collector, type(one.error)) for one in found
    ]


async def test_more_staff_than_is_read_is_told(shop: Shop) -> None:
    shop.open(connections=False)
    for number in range(1001):
        shop.site.add_staff(f"Colleague {number}")
    result = await shop.bench.poll(SLOTS)
    assert isinstance(result.failure, TargetConfigError)


async def test_events_that_come_too_late_cost_no_service_its_slots(shop: Shop) -> None:
    shop.open()
    shop.bench.spoil(FaultKind.SLOW_HEADERS, EVENTS, seconds=120.0)
    seen, failure = await look_partly(shop)
    assert (FREE, PollTimeoutError) == (opened(seen)[0], type(failure))


@pytest.mark.parametrize(
    ("kind", "options", "error"),
    [(FaultKind.SLOW_HEADERS, {"seconds": 120.0}, PollTimeoutError), (FaultKind.DROP, {}, NetworkError)],
)
async def test_a_service_that_is_not_answered_costs_no_other_what_lies_over_its_slots(
    shop: Shop, kind: FaultKind, options: dict[str, Any], error: type[PollError]
) -> None:
    shop.open(slots=two_services(shop))
    shop.sell_over(10)
    shop.bench.spoil(kind, LIST, after=1, **options)
    seen, failure = await look_partly(shop, after=0)
    assert (3, error) == (sum(over(seen)), type(failure))


async def test_a_confirmation_that_fails_costs_no_service_its_slots(shop: Shop) -> None:
    shop.open(events=LOOKS_FOR_EVENTS)
    shop.sell_over(10)
    await shop.bench.poll(CollectorName.EVENTS)
    shop.bench.spoil(FaultKind.STATUS, EVENTS, status=500)
    seen, failure = await look_partly(shop, after=0)
    assert (FREE, 0, ServerError) == (opened(seen)[0], sum(over(seen)), type(failure))


def twenty_services(shop: Shop) -> WixSlots:
    services = tuple(shop.named(f"Service {number}", shop.site.add_service(f"Service {number}").id) for number in range(20))
    return WixSlots(interval=1800.0, services=services, windows=())


ENDLESS = '{"timeSlots":[],"cursorPagingMetadata":{"hasNext":true,"cursors":{"next":"%d"}}}'


@pytest.mark.parametrize(
    ("options", "calls"), [({"status": 500}, 3 * 3), ({"status": 503, "retry_after": "900"}, 1), ({"seconds": 120.0}, 1)]
)
async def test_of_many_services_that_fail_few_are_asked_about_in_a_poll(
    shop: Shop, options: dict[str, Any], calls: int
) -> None:
    shop.open(slots=twenty_services(shop))
    shop.bench.spoil(FaultKind.SLOW_HEADERS if "seconds" in options else FaultKind.STATUS, LIST, **options)
    await shop.bench.failure(SLOTS)
    assert shop.bench.calls(LIST) <= calls


async def test_pages_without_end_are_read_of_few_services(shop: Shop) -> None:
    shop.open(slots=twenty_services(shop))
    for number in range(200):
        shop.bench.answer_with(LIST, ENDLESS % number, times=1)
    assert isinstance(await shop.bench.failure(SLOTS), InvalidResponseError)
    assert shop.bench.calls(LIST) <= 150


async def test_who_had_no_turn_is_asked_about_by_the_next_poll(shop: Shop) -> None:
    shop.open(slots=twenty_services(shop))
    shop.bench.spoil(FaultKind.STATUS, LIST, status=500)
    await shop.bench.failure(SLOTS)
    shop.bench.simulator.faults.clear()
    shop.bench.spoil(FaultKind.STATUS, LIST, status=500, after=17)
    seen, _ = await look_partly(shop, after=0)
    assert [None] * 3 + [FREE] * 17 == opened(seen)


@pytest.mark.parametrize(("start", "number", "malformed"), [("2026-09-20T08:00:00", 1, 0), ("2027-09-22T08:00:00", 1, 1)])
async def test_a_slot_of_another_time_than_was_asked_for_does_not_count(
    shop: Shop, start: str, number: int, malformed: int
) -> None:
    shop.bench.answer_with(LIST, page(slot(), slot(start, start.replace("08:00:00", "09:00:00"))))
    shop.open()
    seen = await shop.look()
    assert ([number], malformed) == (opened(seen), sum(shop.bench.events.malformed.values()))
    assert seen.services[0].first == shop.at(10)
