"""What the collector ``slots`` makes of refusals, of odd answers and of failures (docs/platforms/wix.md 7.2).

The clock stands at Monday 2026-09-21, 16:13 in Berlin; appointments last an hour and begin between 9:00 and 17:00.
"""

from __future__ import annotations

from typing import Any

import pytest

from exporter.errors import (
    AuthError,
    ClientError,
    InvalidResponseError,
    NetworkError,
    NotFoundError,
    PermissionDeniedError,
    PollError,
    PollTimeoutError,
    RateLimitedError,
    ServerError,
    TargetConfigError,
)
from exporter.model import CollectorName
from exporter.open_slots import ScheduleSlots, SlotsObservation, SlotsPart
from exporter.platforms.wix.settings import (
    WixEvents,
    WixSlots,
)
from exporter.simulator import FaultKind, canary
from exporter.simulator.wix import MICROSOFT
from exporter.simulator.wix.operations import ALL_PERMISSIONS, READ_TIME_SLOTS
from tests.harness.wix_shop import (
    EVENTS,
    FREE,
    LIST,
    SLOTS,
    STAFF,
    Shop,
    opened,
    over,
    page,
    slot,
)


@pytest.mark.parametrize("answered", ["code", "empty"])
async def test_a_right_that_is_missing_fails_the_poll_with_what_the_platform_said(shop: Shop, answered: str) -> None:
    shop.bench.switches.slots_refusal = answered  # type: ignore[assignment]  # one of two words
    shop.bench.key = shop.bench.simulator.wix.add_key(shop.site, permissions=ALL_PERMISSIONS - READ_TIME_SLOTS)
    shop.open()
    error = await shop.bench.failure(SLOTS)
    assert isinstance(error, PermissionDeniedError)
    assert "list_time_slots" in error.message


async def test_after_a_refusal_no_further_service_is_asked_about(shop: Shop) -> None:
    shop.bench.key = shop.bench.simulator.wix.add_key(shop.site, permissions=ALL_PERMISSIONS - READ_TIME_SLOTS)
    beard = shop.site.add_service("Beard")
    services = (shop.named(), shop.named("Beard", beard.id))
    shop.open(slots=WixSlots(interval=1800.0, services=services, windows=()))
    assert isinstance(await shop.bench.failure(SLOTS), PermissionDeniedError)
    assert 1 == shop.bench.calls(LIST)


@pytest.mark.parametrize(("status", "error"), [(404, NotFoundError), (410, ClientError), (501, ServerError)])
async def test_an_endpoint_that_is_gone_fails_the_poll(shop: Shop, status: int, error: type[PollError]) -> None:
    shop.bench.spoil(FaultKind.EMPTY, LIST, status=status)
    shop.open()
    assert isinstance(await shop.bench.failure(SLOTS), error)


@pytest.mark.parametrize(
    ("right", "part"),
    [
        ("CALENDAR.READ_EXTERNAL_CALENDAR_EVENTS", SlotsPart.EVENTS),
        ("BOOKINGS.BOOKING_READ", SlotsPart.EVENTS),
        ("BOOKINGS.STAFF_MEMBER_READ", SlotsPart.STAFF),
    ],
)
async def test_what_else_is_refused_costs_the_schedules_alone(shop: Shop, right: str, part: SlotsPart) -> None:
    lacking = ALL_PERMISSIONS - {right, "BOOKINGS.BOOKING_READ_ANY"}
    shop.bench.key = shop.bench.simulator.wix.add_key(shop.site, permissions=lacking)
    shop.open()
    seen = await shop.look()
    assert ([FREE], ()) == (opened(seen), seen.schedules)
    assert [part] == list(seen.refused)


async def test_a_refusal_when_an_overlap_is_confirmed_leaves_the_schedules_unknown(shop: Shop) -> None:
    shop.open(events=WixEvents(interval=600.0, max_age=1800.0, windows=()))
    shop.sell_over(10)
    await shop.bench.poll(CollectorName.EVENTS)
    shop.bench.spoil(FaultKind.EMPTY, EVENTS, status=403)
    seen = await shop.look()
    assert ((), [SlotsPart.EVENTS]) == (seen.schedules, list(seen.refused))


@pytest.mark.parametrize("kind", ["gone", "class"])
async def test_a_service_that_the_site_does_not_have_or_that_takes_no_appointments_is_named(shop: Shop, kind: str) -> None:
    id_ = "00000000-1111-4222-8333-444444444444" if kind == "gone" else shop.site.add_service("Yoga", kind="CLASS").id
    services = (shop.named("Yoga", id_), shop.named())
    shop.open(slots=WixSlots(interval=1800.0, services=services, windows=()))
    seen = await shop.look()
    assert ([None, FREE], ("Yoga",), {}) == (opened(seen), seen.unknown_services, seen.refused)


async def test_a_service_that_is_known_again_is_no_longer_named(shop: Shop) -> None:
    shop.open()
    shop.bench.answer_with(LIST, '{"details":{"applicationError":{"code":"SERVICE_NOT_FOUND"}}}', status=404, times=1)
    assert ("Haircut",) == (await shop.look()).unknown_services
    assert () == (await shop.look()).unknown_services


async def test_the_listing_of_a_site_names_the_right_that_slots_lack_where_they_are_watched(shop: Shop) -> None:
    shop.bench.key = shop.bench.simulator.wix.add_key(shop.site, permissions=ALL_PERMISSIONS - READ_TIME_SLOTS)
    shop.open()
    (gap,) = (await shop.inventory()).gaps
    assert ("bookable slots", True) == (gap.what, "BOOKINGS.AVAILABILITY_READ_TIME_SLOTS" in f"{gap.message} {gap.fix}")
    shop.bench.open()
    assert () == (await shop.inventory()).gaps


async def test_the_listing_of_a_site_does_not_mind_a_service_that_is_gone(shop: Shop) -> None:
    gone = shop.named("Yoga", "00000000-1111-4222-8333-444444444444")
    shop.open(slots=WixSlots(interval=1800.0, services=(gone,), windows=()))
    assert () == (await shop.inventory()).gaps


async def test_slots_that_cannot_be_booked_are_none(shop: Shop) -> None:
    row = slot(bookable=False)
    shop.bench.answer_with(LIST, page(row))
    shop.open()
    assert [0] == opened(await shop.look())


BAD_ROWS = [
    "7",
    "null",
    slot(start="NaN"),
    slot(start="2026-09-31T08:00:00"),
    slot(end="2026-09-22T08:00:00"),
    slot(end="2026-09-25T09:00:00"),
    slot(bookable="yes"),
    slot(bookable=None),
    slot(availableResources=[{"resources": [{"id": 7}]}]),
    slot(availableResources=[{"resources": [{}]}]),
    slot(availableResources="none"),
    '{"bookable":true}',
]


@pytest.mark.parametrize("bad", BAD_ROWS)
async def test_a_row_that_cannot_be_read_is_counted_and_costs_no_other(shop: Shop, bad: str) -> None:
    shop.bench.answer_with(LIST, page(bad, slot()))
    shop.open()
    assert [1] == opened(await shop.look())
    assert {SLOTS: 1} == shop.bench.events.malformed


@pytest.mark.parametrize("bad", BAD_ROWS)
async def test_rows_of_which_none_can_be_read_are_not_no_slots(shop: Shop, bad: str) -> None:
    shop.bench.answer_with(LIST, page(bad))
    shop.open()
    assert isinstance(await shop.bench.failure(SLOTS), InvalidResponseError)


async def test_a_row_that_cannot_be_read_makes_of_no_overlap_nothing_that_is_known(shop: Shop) -> None:
    named = slot(availableResources=[{"resources": [{"id": shop.staff.resource_id}]}])
    shop.bench.answer_with(LIST, page(named, "7"))
    shop.open()
    assert () == (await shop.look()).schedules


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "null",
        "{}",
        '{"timeSlots":null}',
        '{"timeSlots":[],"timeZone":"Europe/Berlin"}',
        '{"timeSlots":[],"timeZone":["UTC"]}',
        '{"timeSlots":[],"cursorPagingMetadata":{"hasNext":true}}',
        page(*[slot()] * 501),
        page(*[slot()] * 500),
    ],
)
async def test_what_is_no_page_of_slots_is_an_invalid_answer(shop: Shop, body: str) -> None:
    shop.bench.answer_with(LIST, body)
    shop.open()
    assert isinstance(await shop.bench.failure(SLOTS), InvalidResponseError)


async def test_an_id_in_capitals_is_the_same_resource(shop: Shop) -> None:
    named = slot(availableResources=[{"resources": [{"id": shop.staff.resource_id.upper()}]}])
    shop.bench.answer_with(LIST, page(named))
    shop.plan(10)
    shop.open()
    assert [1] == over(await shop.look())


async def test_more_slots_than_a_page_holds_are_read_over_their_cursors(shop: Shop) -> None:
    first = page(*[slot()] * 500, more=',"cursorPagingMetadata":{"hasNext":true,"cursors":{"next":"a"}}')
    last = page(*[slot()] * 3, more=',"cursorPagingMetadata":{"hasNext":false}')
    shop.bench.answer_with(LIST, first, times=1)
    shop.bench.answer_with(LIST, last)
    shop.open()
    assert [503] == opened(await shop.look())


@pytest.mark.parametrize("rows", [500, 0])
async def test_pages_in_circles_end_the_poll(shop: Shop, rows: int) -> None:
    following = ',"cursorPagingMetadata":{"hasNext":true,"cursors":{"next":"a"}}'
    shop.bench.answer_with(LIST, page(*[slot()] * rows, more=following))
    shop.open()
    assert "again and again" in (await shop.bench.failure(SLOTS)).message
    assert 2 == shop.bench.calls(LIST)


@pytest.mark.parametrize(
    ("kind", "options", "error"),
    [
        (FaultKind.STATUS, {"status": 500}, ServerError),
        (FaultKind.EMPTY, {"status": 401}, AuthError),
        (FaultKind.RATE_LIMITED, {}, RateLimitedError),
        (FaultKind.TRUNCATED, {}, InvalidResponseError),
        (FaultKind.DROP, {}, NetworkError),
        (FaultKind.SLOW_HEADERS, {"seconds": 120.0}, PollTimeoutError),
    ],
)
async def test_what_fails_fails_the_poll_and_no_other(
    shop: Shop, kind: FaultKind, options: dict[str, Any], error: type[PollError]
) -> None:
    shop.bench.spoil(kind, LIST, **options)
    shop.open(connections=True)
    assert isinstance(await shop.bench.failure(SLOTS), error)


async def test_whom_slots_name_and_the_staff_does_not_have_is_counted(shop: Shop) -> None:
    strangers = [{"resources": [{"id": f"00000000-1111-4222-8333-44444444444{number}"} for number in (1, 2)]}]
    known = [{"resources": [{"id": shop.staff.resource_id.upper()}]}]
    rows = [slot(availableResources=strangers), slot(availableResources=strangers), slot(availableResources=known)]
    shop.bench.answer_with(LIST, page(*rows))
    shop.open()
    await shop.look()
    assert 2 == shop.bench.events.unrecognized[SLOTS, "resource"]


async def test_nobody_is_called_a_stranger_while_the_staff_is_not_known_whole(shop: Shop) -> None:
    strangers = [{"resources": [{"id": "00000000-1111-4222-8333-444444444444"}]}]
    shop.bench.answer_with(LIST, page(slot(availableResources=strangers)))
    shop.bench.spoil(FaultKind.EMPTY, STAFF, status=403)
    shop.open()
    await shop.look()
    assert {} == shop.bench.events.unrecognized


async def test_a_provider_that_fails_leaves_what_is_known_to_be_wrong_and_nothing_else(shop: Shop) -> None:
    other = shop.site.add_staff("Berta")
    shop.site.connections.connect(MICROSOFT, other.schedule_id)
    shop.open(target={"aliases": {shop.staff.schedule_id: "Chair 1", other.schedule_id: "Chair 2"}})
    shop.sell_over(10)
    shop.site.provider_down(MICROSOFT)
    assert (ScheduleSlots("Chair 1", 3, shop.at(9.5)),) == (await shop.look()).schedules


async def test_more_private_events_than_are_read_for_slots_fail_and_say_what_to_do(shop: Shop) -> None:
    shop.open()
    row = '{{"scheduleId":"{0}","calendarType":"GOOGLE","start":"2026-09-22T08:00:00Z","end":"2026-09-22T09:00:00Z"}}'
    following = ',"pagingMetadata":{"hasNext":true,"cursors":{"next":"NEXT"}}}'
    body = '{"events":[' + ",".join([row.format(shop.staff.schedule_id)] * 1000) + "]"
    for number in range(11):
        shop.bench.answer_with(EVENTS, body + following.replace("NEXT", str(number)), times=1)
    result = await shop.bench.poll(SLOTS)
    assert isinstance(result.observation, SlotsObservation)
    assert (FREE, ()) == (*opened(result.observation), result.observation.schedules)
    assert isinstance(result.failure, TargetConfigError)
    assert "collector slots" in result.failure.message


async def test_no_name_of_a_person_stays(shop: Shop) -> None:
    shop.open()
    shop.sell_over(10)
    seen = await shop.look()
    assert canary.LAST_NAME not in repr(seen)
    assert canary.LAST_NAME not in repr(vars(shop.bench.session.collectors[SLOTS]))


async def test_a_check_of_the_credential_shows_what_the_poll_shows(shop: Shop) -> None:
    shop.open(connections=True)
    shop.sell_over(10)
    *_, seen = await shop.bench.session.check()
    assert isinstance(seen, SlotsObservation)
    assert [3] == over(seen)
