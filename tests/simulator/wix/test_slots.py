"""Simulated bookable slots: who can be booked when, and what takes slots away (wix.md 7.2; checklist 13).

The clock stands at Monday 2026-09-21, 16:13 in Berlin. An appointment lasts an hour, so a day begins with the slot of 9:00
and ends with that of 17:00: 17 slots.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest

from exporter.simulator import canary
from exporter.simulator.wix import APPLE, GOOGLE, MICROSOFT, sync_config
from exporter.simulator.wix.bookings import Staff
from exporter.simulator.wix.connections import EXPORT_DEDICATED, IMPORT_PRIMARY
from exporter.simulator.wix.filters import utc_text
from exporter.simulator.wix.operations import ALL_PERMISSIONS, READ_TIME_SLOTS
from tests.harness.simulated_wix import EMPTY, EVENTS, RawWix, code_of

SLOTS = "/_api/service-availability/v2/time-slots"
STAFF = "1cd44cf8-756f-41c3-bd90-3e2ffcaf1155"
HOUR = 3600.0
DAY = 86_400.0
BERLIN = ZoneInfo("Europe/Berlin")


class Slots(RawWix):
    """A site that offers one service and has one staff member with a Google calendar; nothing is invented."""

    def __init__(self, **service: Any) -> None:  # noqa: ANN401  as Site.add_service takes them
        super().__init__()
        self.service = self.site.add_service("Haircut", **service)
        self.staff = self.hire()
        self.site.private.invents = False

    def hire(self, name: str = "Anna", **how: Any) -> Staff:  # noqa: ANN401  as Site.add_staff takes them
        staff = self.site.add_staff(name, **how)
        self.site.connections.connect(GOOGLE, staff.schedule_id)
        return staff

    def at(self, hour: float, day: int = 22) -> float:
        """Return the moment of an hour of a day in September in Berlin."""
        return datetime(2026, 9, day, tzinfo=BERLIN).timestamp() + hour * HOUR

    def book(self, hour: float, length: float = 1, **how: Any) -> str:  # noqa: ANN401  as Bookings.add takes them
        return self.site.bookings.add(self.at(hour), self.at(hour + length), **{"staff": self.staff} | how)

    def plan(self, hour: float, length: float = 1, **how: Any) -> None:  # noqa: ANN401  as PrivateCalendars.plan takes them
        self.site.private.plan(self.staff.schedule_id, self.at(hour), self.at(hour + length), **how)

    def asked(self, first: str = "2026-09-22", last: str = "2026-09-23", /, **more: object) -> dict[str, object]:
        """Return the body of a request for bookable slots and who is free, without what is ``None``."""
        given: dict[str, object] = {
            "serviceId": self.service.id,
            "fromLocalDate": f"{first}T00:00:00",
            "toLocalDate": f"{last}T00:00:00",
            "timeZone": "Europe/Berlin",
            "bookable": True,
            "includeResourceTypeIds": [STAFF],
        }
        return {key: value for key, value in (given | more).items() if value is not None}

    async def answer(self, *days: str, **more: object) -> dict[str, Any]:
        answer = await self.post(SLOTS, self.asked(*days, **more))
        assert 200 == answer.status_code, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def rows(self, *days: str, **more: object) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = (await self.answer(*days, **more))["timeSlots"]
        return rows

    async def begins(self, *days: str, **more: object) -> list[str]:
        """Return the local starts without their seconds."""
        return [row["localStartDate"][:-3] for row in await self.rows(*days, **more)]

    async def missing(self) -> list[str]:
        """Return the times of the 22nd at which nobody can be booked."""
        begins = await self.begins()
        return [time for time in WHOLE_DAY if f"2026-09-22T{time}" not in begins]

    async def named(self, hour: str) -> list[str]:
        """Return the resources that the slot of a time of the 22nd names."""
        [row] = [row for row in await self.rows() if row["localStartDate"] == f"2026-09-22T{hour}:00"]
        [named] = row["availableResources"]
        return [resource["id"] for resource in named["resources"]]


WHOLE_DAY = [f"{hour:02}:{minute:02}" for hour in range(9, 18) for minute in (0, 30)][:-1]


def field_of(answer: httpx.Response) -> str:
    """Return the field that a validation error names."""
    [violation] = answer.json()["details"]["validationError"]["fieldViolations"]
    field: str = violation["field"]
    return field


async def overlaps(raw: Slots) -> list[tuple[str, str]]:
    """Return each slot that names somebody whom a listed event keeps busy: the resource, and when the slot begins."""
    params = {"from": utc_text(raw.now), "to": utc_text(raw.now + 7 * DAY), "cursorPaging.limit": "1000"}
    events = (await raw.get(EVENTS, params)).json()["events"]
    assert events
    schedules = {staff.resource_id: staff.schedule_id for staff in raw.site.bookings.staff}
    spans = [
        (event["scheduleId"], *(datetime.fromisoformat(event[key]).timestamp() for key in ("start", "end"))) for event in events
    ]
    return [
        (resource["id"], row["localStartDate"])
        for row in await raw.rows("2026-09-21", "2026-09-28")
        for resource in row["availableResources"][0]["resources"]
        for schedule_id, begins, ends in spans
        if schedule_id == schedules[resource["id"]]
        and moment(row["localStartDate"]) < ends
        and begins < moment(row["localEndDate"])
    ]


def moment(local: str) -> float:
    return datetime.fromisoformat(local).replace(tzinfo=BERLIN).timestamp()


# The shape of an answer.


async def test_a_day_has_a_slot_on_each_hour_and_half_hour_from_9_to_18() -> None:
    raw = Slots()
    begins = await raw.begins()
    assert 17 == len(begins)
    assert [f"2026-09-22T{time}" for time in WHOLE_DAY] == begins


async def test_a_slot_has_the_ids_of_its_service_and_of_the_services_schedule() -> None:
    raw = Slots(minutes=45)
    row = (await raw.rows())[0]
    assert ("2026-09-22T09:00:00", "2026-09-22T09:45:00", True) == tuple(
        row[key] for key in ("localStartDate", "localEndDate", "bookable")
    )
    assert (raw.service.id, raw.service.schedule_id) == (row["serviceId"], row["scheduleId"])
    assert raw.staff.schedule_id != row["scheduleId"]
    assert "nonBookableReasons" not in row


@pytest.mark.parametrize(("first", "last", "number"), [("2026-09-26", "2026-09-27", 17), ("2026-09-27", "2026-09-28", 0)])
async def test_saturday_is_a_working_day_and_sunday_is_none(first: str, last: str, number: int) -> None:
    assert number == len(await Slots().rows(first, last))


async def test_the_lower_bound_is_included_and_the_upper_one_is_not() -> None:
    begins = await Slots().begins(fromLocalDate="2026-09-22T10:00:00", toLocalDate="2026-09-22T11:00:00")
    assert ["2026-09-22T10:00", "2026-09-22T10:30"] == begins


async def test_no_slot_lies_more_than_90_days_ahead() -> None:
    begins = await Slots().begins("2026-12-18", "2027-12-31")
    assert ("2026-12-18T09:00", "2026-12-19T17:00") == (begins[0], begins[-1])


async def test_bounds_at_the_ends_of_the_calendar_are_bounds_like_others() -> None:
    raw = Slots()
    begins = await raw.begins("0001-01-01", "9999-12-31", cursorPaging={"limit": 1})
    assert ["2026-09-21T16:30"] == begins
    assert [] == await raw.begins("9999-12-30", "9999-12-31")


# Local dates.


async def test_dates_have_no_offset_and_are_those_of_the_asked_zone() -> None:
    answer = await Slots().answer(timeZone="America/New_York")
    first = answer["timeSlots"][0]
    assert ("2026-09-22T03:00:00", "2026-09-22T04:00:00") == (first["localStartDate"], first["localEndDate"])
    assert "America/New_York" == answer["timeZone"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", first["localStartDate"])


async def test_a_change_of_the_clocks_moves_no_slot_in_the_sites_own_zone() -> None:
    raw = Slots()
    for first, last in (("2026-10-23", "2026-10-24"), ("2026-10-26", "2026-10-27")):
        begins = await raw.begins(first, last)
        assert (f"{first}T09:00", f"{first}T17:00", 17) == (begins[0], begins[-1], len(begins))


async def test_a_change_of_the_clocks_moves_the_slots_in_a_zone_without_it() -> None:
    begins = await Slots().begins("2026-10-24", "2026-10-27", timeZone="America/New_York")
    assert ["2026-10-24T03:00", "2026-10-26T04:00"] == begins[::17]


def abroad(zone: str, now: float | None = None) -> Slots:
    """Return a world whose site is in ``zone``, at another moment if one is given; while it works, it is evening in Cairo."""
    raw = Slots()
    raw.clock.now = now or raw.now
    raw.site = raw.wix.add_site(timezone=zone, account_id=raw.site.account_id)
    raw.service = raw.site.add_service("Haircut")
    raw.hire()
    return raw


async def test_of_an_hour_that_occurs_twice_two_slots_have_the_same_local_date() -> None:
    raw = abroad("America/New_York")
    rows = await raw.rows("2026-10-29", "2026-10-30", timeZone="Africa/Cairo")
    assert ["23:00:00", "23:30:00", "23:00:00"] == [row["localStartDate"][11:] for row in rows[-3:]]
    assert rows[-2]["localStartDate"] == rows[-2]["localEndDate"], "an hour lies between them"


async def test_a_bound_in_an_hour_that_occurs_twice_leaves_out_neither_of_two_slots_before_it() -> None:
    begins = await abroad("America/New_York").begins(
        fromLocalDate="2026-10-29T23:00:00", toLocalDate="2026-10-29T23:30:00", timeZone="Africa/Cairo"
    )
    assert ["2026-10-29T23:00", "2026-10-29T23:00"] == begins


async def test_a_bound_in_an_hour_that_is_left_out_leaves_out_no_slot_after_it() -> None:
    raw = abroad("America/Chicago", datetime(2026, 4, 20, tzinfo=BERLIN).timestamp())
    begins = await raw.begins(fromLocalDate="2026-04-24T00:30:00", toLocalDate="2026-04-24T12:00:00", timeZone="Africa/Cairo")
    assert ["2026-04-24T01:00"] == begins


# What a request needs.


@pytest.mark.parametrize("name", ["serviceId", "fromLocalDate", "toLocalDate", "timeZone"])
@pytest.mark.parametrize("value", [None, ""])
async def test_a_request_without_service_bounds_or_zone_is_refused(name: str, value: str | None) -> None:
    raw = Slots()
    answer = await raw.post(SLOTS, raw.asked(**{name: value}))
    assert (400, "MISSING_ARGUMENTS") == (answer.status_code, code_of(answer))
    assert name in answer.json()["message"]


async def test_without_a_zone_the_answer_is_in_that_of_the_site_by_switch() -> None:
    raw = Slots()
    raw.wix.switches.slots_time_zone = "optional"
    answer = await raw.answer(timeZone=None)
    assert ("Europe/Berlin", "2026-09-22T09:00:00") == (answer["timeZone"], answer["timeSlots"][0]["localStartDate"])


@pytest.mark.parametrize("zone", ["Mars/Olympus", "Europe", "../UTC"])
async def test_a_zone_that_is_none_is_refused(zone: str) -> None:
    raw = Slots()
    answer = await raw.post(SLOTS, raw.asked(timeZone=zone))
    assert (400, "INVALID_TIME_ZONE") == (answer.status_code, code_of(answer))


@pytest.mark.parametrize("kind", ["CLASS", "COURSE"])
async def test_only_services_with_appointments_have_slots(kind: str) -> None:
    raw = Slots(kind=kind)
    answer = await raw.post(SLOTS, raw.asked())
    assert (400, "INVALID_SERVICE_IDS_PROVIDED") == (answer.status_code, code_of(answer))


async def test_a_service_that_does_not_exist_is_404() -> None:
    raw = Slots()
    answer = await raw.post(SLOTS, raw.asked(serviceId=str(uuid4())))
    assert (404, "SERVICE_NOT_FOUND") == (answer.status_code, code_of(answer))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("serviceId", "haircut"),
        ("fromLocalDate", "2026-09-22T00:00:00Z"),
        ("fromLocalDate", "2026-09-22T00:00:00+02:00"),
        ("toLocalDate", "2026-09-23"),
        ("toLocalDate", "2026-09-31T00:00:00"),
        ("toLocalDate", 1_790_000_000),
        ("bookable", "true"),
        ("includeResourceTypeIds", ["staff"]),
        ("includeResourceTypeIds", STAFF),
        ("includeResourceTypeIds", [STAFF] * 101),
    ],
)
async def test_a_field_of_the_wrong_form_is_named(field: str, value: object) -> None:
    raw = Slots()
    answer = await raw.post(SLOTS, raw.asked(**{field: value}))
    assert (400, field) == (answer.status_code, field_of(answer))


async def test_a_key_without_the_permission_is_refused_with_a_code_or_by_switch_without_a_reason() -> None:
    raw = Slots()
    raw.key = raw.wix.add_key(raw.site, permissions=ALL_PERMISSIONS - READ_TIME_SLOTS)
    answer = await raw.post(SLOTS, raw.asked())
    assert (403, "UNAUTHORIZED_OPERATION") == (answer.status_code, code_of(answer))
    assert "BOOKINGS.AVAILABILITY_READ_TIME_SLOTS" in answer.text
    raw.wix.switches.slots_refusal = "empty"
    answer = await raw.post(SLOTS, raw.asked())
    assert (403, EMPTY) == (answer.status_code, answer.json())


async def test_the_call_is_no_write_and_names_its_method() -> None:
    raw = Slots()
    answer = await raw.post(SLOTS, raw.asked())
    assert (
        "com.wixpress.bookings.availability.v2.AvailabilityTimeSlots.ListAvailabilityTimeSlots"
        == (answer.headers["x-wix-responded-by"])
    )
    assert {} == raw.simulator.log.writes()


# Pages.


async def test_a_page_has_what_was_asked_for_and_the_next_one_comes_by_the_cursor_alone() -> None:
    raw = Slots()
    first = await raw.answer(cursorPaging={"limit": 10})
    cursor = first["cursorPagingMetadata"]["cursors"]["next"]
    second = (await raw.post(SLOTS, {"cursorPaging": {"cursor": cursor}})).json()
    begins = [row["localStartDate"] for row in first["timeSlots"] + second["timeSlots"]]
    assert (10, 7, 17) == (len(first["timeSlots"]), len(second["timeSlots"]), len(set(begins)))
    assert (True, False) == (first["cursorPagingMetadata"]["hasNext"], second["cursorPagingMetadata"]["hasNext"])
    assert {} == second["cursorPagingMetadata"]["cursors"]
    assert raw.staff.resource_id == second["timeSlots"][-1]["availableResources"][0]["resources"][0]["id"]


async def test_another_limit_beside_a_cursor_counts() -> None:
    raw = Slots()
    cursor = (await raw.answer(cursorPaging={"limit": 10}))["cursorPagingMetadata"]["cursors"]["next"]
    second = (await raw.post(SLOTS, {"cursorPaging": {"cursor": cursor, "limit": 5}})).json()
    assert (5, True) == (len(second["timeSlots"]), second["cursorPagingMetadata"]["hasNext"])


async def test_a_page_has_1000_slots_unless_fewer_are_asked_for() -> None:
    raw = Slots()
    answer = await raw.answer("2026-09-21", "2026-12-31")
    assert (1000, True) == (len(answer["timeSlots"]), answer["cursorPagingMetadata"]["hasNext"])


@pytest.mark.parametrize("limit", [0, 1001, "10", True])
async def test_a_limit_that_is_no_number_from_1_to_1000_is_refused(limit: object) -> None:
    raw = Slots()
    answer = await raw.post(SLOTS, raw.asked(cursorPaging={"limit": limit}))
    assert (400, "cursorPaging.limit") == (answer.status_code, field_of(answer))


async def test_a_cursor_is_refused_beside_other_arguments_and_when_it_is_of_another_call() -> None:
    raw = Slots()
    raw.hire()
    cursor = (await raw.answer(cursorPaging={"limit": 1}))["cursorPagingMetadata"]["cursors"]["next"]
    of_staff = (await raw.post("/bookings/v1/staff-members/query", {"query": {"cursorPaging": {"limit": 1}}})).json()
    foreign = of_staff["pagingMetadata"]["cursors"]["next"]
    for asked in (
        raw.asked(cursorPaging={"cursor": cursor}),
        {"cursorPaging": {"cursor": "next"}},
        {"cursorPaging": {"cursor": foreign}},
    ):
        answer = await raw.post(SLOTS, asked)
        assert (400, "INVALID_CURSOR") == (answer.status_code, code_of(answer))


# Who is free.


@pytest.mark.parametrize("types", [None, [], [str(uuid4())]])
async def test_a_slot_names_nobody_unless_the_type_of_staff_is_asked_for(types: list[str] | None) -> None:
    rows = await Slots().rows(includeResourceTypeIds=types)
    assert (17, []) == (len(rows), [row for row in rows if row["availableResources"]])


async def test_a_resource_has_its_id_and_a_name_and_no_other_name_is_in_the_answer() -> None:
    raw = Slots()
    answer = await raw.post(SLOTS, raw.asked())
    row = answer.json()["timeSlots"][0]
    assert [
        {
            "resourceTypeId": STAFF,
            "resources": [{"id": raw.staff.resource_id, "name": f"{canary.FIRST_NAME} {canary.LAST_NAME}"}],
            "hasMoreAvailableResources": False,
        }
    ] == row["availableResources"]
    assert {"id", "locationType"} == row["location"].keys()
    assert not [name for name in ("Anna", "Haircut", canary.EMAIL, canary.PHONE, canary.TITLE) if name in answer.text]


@pytest.mark.parametrize(("staff", "more"), [(10, False), (12, True)])
async def test_a_slot_names_ten_resources_at_most_and_says_that_there_are_more(staff: int, more: bool) -> None:
    raw = Slots()
    hired = [raw.staff.resource_id, *(raw.hire().resource_id for _ in range(staff - 1))]
    [named] = (await raw.rows())[0]["availableResources"]
    assert hired[:10] == [resource["id"] for resource in named["resources"]]
    assert more == named["hasMoreAvailableResources"]


async def test_who_gives_no_services_is_not_named() -> None:
    raw = Slots()
    raw.hire(service_provider=False)
    unsaid = raw.hire(service_provider=None)
    assert [raw.staff.resource_id, unsaid.resource_id] == await raw.named("09:00")


async def test_a_slot_for_which_nobody_is_free_does_not_come_and_a_free_colleague_is_named() -> None:
    raw = Slots()
    raw.book(10)
    assert ["09:30", "10:00", "10:30"] == await raw.missing()
    colleague = raw.hire()
    assert [colleague.resource_id] == await raw.named("10:00")
    assert [raw.staff.resource_id, colleague.resource_id] == await raw.named("11:00")


@pytest.mark.parametrize(
    ("status", "blocks"),
    [
        ("CONFIRMED", True),
        ("PENDING", True),
        ("CREATED", False),
        ("CANCELED", False),
        ("DECLINED", False),
        ("WAITING_LIST", False),
    ],
)
async def test_confirmed_and_pending_bookings_take_slots_and_no_others(status: str, blocks: bool) -> None:
    raw = Slots()
    raw.book(10, status=status)
    assert blocks == bool(await raw.missing())


async def test_a_booking_of_a_transparent_resource_takes_no_slot() -> None:
    raw = Slots()
    raw.book(10, transparency="TRANSPARENT")
    assert [] == await raw.missing()


# Imported events.


async def test_an_imported_event_takes_the_slots_of_its_staff_member_alone() -> None:
    raw = Slots()
    raw.plan(10)
    assert ["09:30", "10:00", "10:30"] == await raw.missing()
    colleague = raw.hire()
    assert [colleague.resource_id] == await raw.named("10:30")


async def test_a_whole_day_takes_the_slots_of_the_day() -> None:
    raw = Slots()
    raw.plan(0, 24, all_day=True, tells_all_day=False)
    assert [] == await raw.begins()
    assert 17 == len(await raw.rows("2026-09-23", "2026-09-24"))


async def test_an_event_without_length_takes_no_slot() -> None:
    raw = Slots()
    raw.plan(10.25, 0)
    assert [] == await raw.missing()


async def test_an_event_of_a_staff_members_schedule_takes_slots_though_no_connection_is_listed_for_it() -> None:
    raw = Slots()
    raw.site.private.plan_stray(raw.staff.schedule_id, raw.at(10), raw.at(11))
    assert ["09:30", "10:00", "10:30"] == await raw.missing()


@pytest.mark.parametrize(
    ("change", "blocks"),
    [
        ({"syncConfig": sync_config(None)}, False),
        ({"status": "DISCONNECTED"}, False),
        ({"status": "ERROR"}, False),
        ({"status": "SYNCED"}, True),
    ],
)
async def test_only_a_calendar_that_is_imported_takes_slots(change: dict[str, Any], blocks: bool) -> None:
    raw = Slots()
    raw.plan(10)
    [connection] = raw.site.connections
    raw.site.connections.amend(connection.id, **change)
    assert blocks == bool(await raw.missing())


async def test_a_provider_that_is_down_frees_no_slot() -> None:
    raw = Slots()
    raw.plan(10)
    raw.site.provider_down(GOOGLE)
    assert ["09:30", "10:00", "10:30"] == await raw.missing()


@pytest.mark.parametrize("delivered", [False, True])
async def test_an_event_that_leaves_its_time_free_takes_no_slot_even_where_it_is_listed(delivered: bool) -> None:
    raw = Slots()
    raw.wix.switches.transparent_events = delivered
    raw.plan(10, transparent=True)
    assert [] == await raw.missing()


async def test_in_a_healthy_world_nobody_is_named_whom_a_listed_event_keeps_busy() -> None:
    raw = Slots()
    raw.site.private.invents = raw.wix.switches.echoes = True
    buffers = sync_config(IMPORT_PRIMARY, {**EXPORT_DEDICATED, "includeBufferTime": True})
    for provider in (GOOGLE, APPLE, MICROSOFT):
        raw.site.connections.connect(provider, raw.hire().schedule_id, config=buffers)
    raw.site.bookings.seed(days_back=1, days_ahead=7)
    raw.plan(10, 3, days=3)
    assert [] == await overlaps(raw)


async def test_an_import_that_blocks_nothing_leaves_slots_over_the_busy_events_of_that_schedule_alone() -> None:
    raw = Slots()
    colleague = raw.hire()
    for staff in (raw.staff, colleague):
        raw.site.private.plan(staff.schedule_id, raw.at(10), raw.at(11))
    assert [] == await overlaps(raw)
    connections = await raw.connections()
    raw.site.private.stop_blocking(raw.staff.schedule_id)
    assert connections == await raw.connections(), "no status tells of it"
    assert [(raw.staff.resource_id, f"2026-09-22T{time}:00") for time in ("09:30", "10:00", "10:30")] == await overlaps(raw)
    raw.site.private.resume_blocking(raw.staff.schedule_id)
    assert [] == await overlaps(raw)


async def test_bookings_take_slots_though_the_import_blocks_nothing() -> None:
    raw = Slots()
    raw.site.private.stop_blocking(raw.staff.schedule_id)
    raw.plan(10)
    raw.book(14)
    assert ["13:30", "14:00", "14:30"] == await raw.missing()


# A cache.


async def test_slots_may_be_some_time_old_by_switch() -> None:
    raw = Slots()
    raw.wix.switches.slots_cached_seconds = 600
    assert [] == await raw.missing()
    raw.plan(10)
    raw.book(14)
    raw.clock.now += 599
    assert [] == await raw.missing()
    raw.clock.now += 1
    assert ["09:30", "10:00", "10:30", "13:30", "14:00", "14:30"] == await raw.missing()


async def test_without_a_cache_a_slot_is_gone_at_once() -> None:
    raw = Slots()
    assert [] == await raw.missing()
    raw.book(14)
    assert ["13:30", "14:00", "14:30"] == await raw.missing()


# What customers cannot book.


@pytest.mark.parametrize("bookable", [None, True, False])
async def test_a_closed_service_has_no_slot(bookable: bool | None) -> None:
    assert [] == await Slots(hidden=True).rows(bookable=bookable)


async def test_a_closed_service_has_slots_that_say_so_by_switch() -> None:
    raw = Slots(hidden=True)
    raw.wix.switches.closed_service_slots = "not_bookable"
    rows = await raw.rows(bookable=None)
    assert (17, False) == (len(rows), rows[0]["bookable"])
    assert {"tooEarlyToBook": False, "tooLateToBook": False, "bookOnlineDisabled": True} == rows[0]["bookingPolicyViolations"]
    assert [] == await raw.rows(bookable=True)


async def test_a_slot_that_is_too_near_says_that_it_is_too_late_to_book() -> None:
    raw = Slots(notice=17.5 * HOUR)
    row = (await raw.rows(bookable=False))[-1]
    assert ("2026-09-22T09:30:00", False) == (row["localStartDate"], row["bookable"])
    assert {"violatesBookingPolicy": True} == row["nonBookableReasons"]
    assert {"tooEarlyToBook": False, "tooLateToBook": True, "bookOnlineDisabled": False} == row["bookingPolicyViolations"]


async def test_a_slot_that_is_too_far_says_from_when_on_it_can_be_booked() -> None:
    raw = Slots(ahead=DAY)
    row = (await raw.rows(bookable=False))[0]
    assert "2026-09-22T16:30:00" == row["localStartDate"]
    assert {
        "tooEarlyToBook": True,
        "tooLateToBook": False,
        "bookOnlineDisabled": False,
        "earliestBookingDate": "2026-09-21T14:30:00.000Z",
    } == row["bookingPolicyViolations"]


async def test_a_slot_that_has_begun_cannot_be_booked() -> None:
    raw = Slots()
    assert ["2026-09-21T16:30"] == (await raw.begins("2026-09-21", "2026-09-22"))[:1]
    assert "2026-09-21T16:00" == (await raw.begins("2026-09-21", "2026-09-22", bookable=False))[-1]


async def test_without_the_filter_all_slots_come_and_those_that_can_be_booked_come_first() -> None:
    raw = Slots()
    rows = await raw.rows("2026-09-21", "2026-09-22", bookable=None)
    assert [True] * 2 + [False] * 15 == [row["bookable"] for row in rows]
    assert ["16:30", "17:00", "09:00", "09:30"] == [row["localStartDate"][11:16] for row in rows[:4]]


async def test_slots_that_cannot_be_booked_have_their_reasons_and_the_others_have_none() -> None:
    rows = await Slots().rows("2026-09-21", "2026-09-22", bookable=None)
    assert [row["bookable"] for row in rows] == ["nonBookableReasons" not in row for row in rows]
    assert [row["bookable"] for row in rows] == [not any(row["bookingPolicyViolations"].values()) for row in rows]
