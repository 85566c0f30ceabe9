"""The collector ``slots``: bookable slots against private events, over real HTTP (docs/platforms/wix.md 7.2).

The clock stands at Monday 2026-09-21, 16:13 in Berlin; appointments last an hour and begin between 9:00 and 17:00.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
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
from exporter.open_slots import ScheduleSlots, ServiceSlots, SlotsObservation, SlotsPart
from exporter.platforms.inventory import Inventory
from exporter.platforms.wix.session import WixSession
from exporter.platforms.wix.settings import (
    SlotService,
    WixCollectors,
    WixConnections,
    WixEvents,
    WixHeartbeat,
    WixSlots,
    WixTarget,
)
from exporter.policy import AcceptedReason, TargetPolicy
from exporter.simulator import FaultKind, canary
from exporter.simulator.wix import GOOGLE, MICROSOFT
from exporter.simulator.wix.bookings import Staff
from exporter.simulator.wix.operations import ALL_PERMISSIONS, READ_TIME_SLOTS
from tests.harness.wix_site import WINDOWS, WixBench

HOUR = 3600.0
SLOTS = CollectorName.SLOTS
LIST = "ListAvailabilityTimeSlots"
EVENTS = "ListEvents"
STAFF = "QueryStaffMembers"
CONNECTIONS = "ListConnections"
BERLIN = ZoneInfo("Europe/Berlin")
FREE = 2 + 17 + 15
"""Slots of the next 48 hours: those of Monday at 16:30 and 17:00, all of Tuesday, and those of Wednesday until 16:13."""


class Shop:
    """A site with one service and one staff member, whose Google calendar is connected. Nothing is invented."""

    def __init__(self, bench: WixBench) -> None:
        self.bench = bench
        self.site = bench.site
        self.site.private.invents = False
        self.service = self.site.add_service("Haircut")
        self.staff = self.hire()

    def hire(self, name: str = "Anna", **how: Any) -> Staff:  # noqa: ANN401  as Site.add_staff takes them
        staff = self.site.add_staff(name, **how)
        self.site.connections.connect(GOOGLE, staff.schedule_id)
        return staff

    def target(self, *, connections: bool = True, target: Mapping[str, Any] | None = None, **collectors: Any) -> WixTarget:  # noqa: ANN401  settings
        chosen: dict[str, Any] = {"slots": WixSlots(interval=1800.0, services=(self.named(),), windows=())}
        if connections:
            chosen["connections"] = WixConnections(interval=60.0, max_age=300.0, windows=WINDOWS)
        return self.bench.target(collectors=WixCollectors(**{**chosen, **collectors}), **(target or {}))

    def named(self, name: str = "Haircut", id: str = "") -> SlotService:  # noqa: A002  as the configuration calls it
        return SlotService(name=name, id=id or self.service.id)

    def open(self, **options: Any) -> None:  # noqa: ANN401  as for target
        self.bench.open(self.target(**options))

    def at(self, hour: float, day: int = 22) -> float:
        """Return the moment of an hour of a day in September in Berlin."""
        return datetime(2026, 9, day, tzinfo=BERLIN).timestamp() + hour * HOUR

    def plan(self, hour: float, length: float = 1, staff: Staff | None = None, **how: Any) -> None:  # noqa: ANN401  as plan takes them
        self.site.private.plan((staff or self.staff).schedule_id, self.at(hour), self.at(hour + length), **how)

    def sell_over(self, hour: float = 10, length: float = 1, **how: Any) -> None:  # noqa: ANN401  as plan takes them
        """Put an event into the calendar, and let the import block nothing."""
        self.plan(hour, length, **how)
        self.site.private.stop_blocking(self.staff.schedule_id)

    async def inventory(self) -> Inventory:
        session = self.bench.session
        assert isinstance(session, WixSession)
        return await session.inventory()

    async def look(self, after: float = 0) -> SlotsObservation:
        """Poll the connections once before the first time, and the slots."""
        self.bench.clock.now += after
        session = self.bench.session
        assert isinstance(session, WixSession)
        if CollectorName.CONNECTIONS in session.collectors and not self.bench.calls(CONNECTIONS):
            await self.bench.poll()
        result = await self.bench.poll(SLOTS)
        assert result.failure is None
        assert isinstance(result.observation, SlotsObservation)
        return result.observation


@pytest.fixture
def shop(bench: WixBench) -> Shop:
    return Shop(bench)


def over(seen: SlotsObservation) -> list[int]:
    return [row.over_busy for row in seen.schedules]


def opened(seen: SlotsObservation) -> list[int | None]:
    return [row.open for row in seen.services]


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


def two_calendars(shop: Shop) -> dict[str, object]:
    """Connect somebody else's calendar at another provider; returns what names both."""
    other = shop.site.add_staff("Berta")
    shop.site.connections.connect(MICROSOFT, other.schedule_id)
    return {"aliases": {shop.staff.schedule_id: "Chair 1", other.schedule_id: "Chair 2"}}


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


async def test_slots_that_cannot_be_booked_are_none(shop: Shop) -> None:
    row = slot(bookable=False)
    shop.bench.answer_with(LIST, page(row))
    shop.open()
    assert [0] == opened(await shop.look())


def slot(start: str = "2026-09-22T08:00:00", end: str = "2026-09-22T09:00:00", **more: object) -> str:
    fields = {"localStartDate": start, "localEndDate": end, "bookable": True, "availableResources": []}
    return msgspec.json.encode(fields | more).decode()


def page(*rows: str, more: str = "") -> str:
    return f'{{"timeSlots":[{",".join(rows)}],"timeZone":"UTC"{more}}}'


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


async def test_without_connections_a_0_is_told_where_private_events_come_alone(shop: Shop) -> None:
    other = shop.hire("Berta")
    shop.open(connections=False, target={"aliases": {shop.staff.schedule_id: "Chair 1", other.schedule_id: "Chair 2"}})
    shop.plan(10)
    assert (ScheduleSlots("Chair 1", 0),) == (await shop.look()).schedules


LOOKS_FOR_EVENTS = WixEvents(interval=600.0, max_age=1800.0, windows=())


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


async def test_a_schedule_without_a_working_import_has_no_0_where_connections_are_watched(shop: Shop) -> None:
    shop.open(connections=True)
    (made,) = [connection.id for connection in shop.site.connections]
    await shop.bench.poll()
    assert [0] == over(await shop.look())
    shop.site.connections.disconnect(made)
    await shop.bench.poll()
    assert [] == over(await shop.look())
