"""Simulated private calendars: exact events, copies of bookings, and what a row leaves out (wix.md 5; checklist 13)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest

from exporter.simulator import canary
from exporter.simulator.wix import APPLE, GOOGLE, MICROSOFT, sync_config
from exporter.simulator.wix.connections import EXPORT_DEDICATED, IMPORT_PRIMARY
from exporter.simulator.wix.filters import utc_text
from tests.harness.simulated_wix import EVENTS, RawWix

HOUR = 3600.0
DAY = 86_400.0


class Calendars(RawWix):
    """A site with one schedule that a Google calendar is connected to; nothing is invented."""

    def __init__(self) -> None:
        super().__init__()
        self.staff = self.site.add_staff()
        self.connection = self.connect(GOOGLE)
        self.site.private.invents = False

    def connect(self, provider: Any, config: Any = None) -> str:  # noqa: ANN401  a provider, a sync configuration
        return self.site.connections.connect(provider, self.staff.schedule_id, config=config)

    def plan(self, hours: float, length: float = 1, **how: Any) -> None:  # noqa: ANN401  as PrivateCalendars.plan takes them
        start = self.now + hours * HOUR
        self.site.private.plan(self.staff.schedule_id, start, start + length * HOUR, **how)

    async def answer(self, **more: str) -> dict[str, Any]:
        params = {"from": utc_text(self.now), "to": utc_text(self.now + 7 * DAY), **more}
        answer = await self.get(EVENTS, params)
        assert 200 == answer.status_code
        found: dict[str, Any] = answer.json()
        return found

    async def rows(self, **more: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = (await self.answer(**{"cursorPaging.limit": "1000"} | more))["events"]
        return rows

    async def hours(self) -> list[tuple[float, float]]:
        """Return start and end of each event, in hours from now."""

        def hour(text: str) -> float:
            return (datetime.fromisoformat(text).timestamp() - self.now) / HOUR

        return [(hour(row["start"]), hour(row["end"])) for row in await self.rows()]


async def test_a_planned_event_comes_as_the_sheet_has_it_and_no_other_comes() -> None:
    raw = Calendars()
    raw.plan(2)
    [row] = await raw.rows()
    assert (raw.staff.schedule_id, "GOOGLE") == (row["scheduleId"], row["calendarType"])
    assert [(2, 3)] == await raw.hours()
    assert "allDay" not in row


async def test_the_name_of_the_owner_comes_along_and_a_title_does_not() -> None:
    raw = Calendars()
    raw.plan(2)
    [row] = await raw.rows(fieldsets="NO_PI")
    assert canary.FIRST_NAME == row["scheduleOwnerName"]
    assert not {"title", "calendarName", "id", "connectionId"} & row.keys()


async def test_a_recurring_event_comes_as_its_instances() -> None:
    raw = Calendars()
    raw.plan(2, days=3)
    assert [(2, 3), (26, 27), (50, 51)] == await raw.hours()


@pytest.mark.parametrize(
    ("hours", "length", "comes"), [(-1, 1, False), (-1, 1.5, True), (7 * 24 - 0.5, 1, True), (7 * 24, 1, False), (0, 0, True)]
)
async def test_events_that_straddle_a_bound_come_and_those_that_touch_it_from_outside_do_not(
    hours: float, length: float, comes: bool
) -> None:
    raw = Calendars()
    raw.plan(hours, length)
    assert comes == bool(await raw.rows())


@pytest.mark.parametrize(("tells", "said"), [(True, {"allDay": True}), (False, {})])
async def test_a_whole_day_says_so_or_leaves_it_out(tells: bool, said: dict[str, bool]) -> None:
    raw = Calendars()
    raw.plan(24, 24, all_day=True, tells_all_day=tells)
    [row] = await raw.rows()
    assert said == {key: value for key, value in row.items() if key == "allDay"}
    assert ([row], []) == (await raw.rows(allDay="true"), await raw.rows(allDay="false"))


@pytest.mark.parametrize("delivered", [False, True])
async def test_an_event_that_leaves_its_time_free_comes_by_switch_and_looks_like_any_other(delivered: bool) -> None:
    raw = Calendars()
    raw.wix.switches.transparent_events = delivered
    raw.plan(2, transparent=True)
    raw.plan(4)
    rows = await raw.rows()
    assert 1 + delivered == len(rows)
    assert {"scheduleId", "calendarType", "start", "end", "scheduleOwnerId", "scheduleOwnerName"} == set(rows[0])


async def test_copies_of_bookings_come_back_by_switch_and_only_of_what_is_on_the_calendar() -> None:
    raw = Calendars()
    for hours, status in ((2, "CONFIRMED"), (4, "CANCELED"), (6, "PENDING")):
        start = raw.now + hours * HOUR
        raw.site.bookings.add(start, start + HOUR, staff=raw.staff, status=status)
    assert [] == await raw.hours()
    raw.wix.switches.echoes = True
    assert [(2, 3)] == await raw.hours()


async def test_only_a_connection_that_exports_has_copies() -> None:
    raw = Calendars()
    raw.wix.switches.echoes = True
    raw.site.bookings.add(raw.now + HOUR, raw.now + 2 * HOUR, staff=raw.staff)
    raw.site.connections.amend(raw.connection, syncConfig=sync_config(IMPORT_PRIMARY, None))
    assert [] == await raw.hours()


async def test_a_buffer_time_is_an_event_of_its_own_right_behind_the_copy() -> None:
    raw = Calendars()
    raw.wix.switches.echoes = True
    raw.site.connections.amend(
        raw.connection, syncConfig=sync_config(IMPORT_PRIMARY, {**EXPORT_DEDICATED, "includeBufferTime": True})
    )
    raw.site.bookings.add(raw.now + HOUR, raw.now + 2 * HOUR, staff=raw.staff)
    assert [(1, 2), (2, 2.25)] == await raw.hours()


@pytest.mark.parametrize("twice", [False, True])
async def test_after_a_reconnect_events_come_once_or_twice_by_switch(twice: bool) -> None:
    raw = Calendars()
    raw.wix.switches.events_twice_after_reconnect = twice
    raw.plan(2)
    assert [(2, 3)] == await raw.hours()
    raw.site.connections.reconnect(raw.connection)
    assert [(2, 3)] * (1 + twice) == await raw.hours()


async def test_a_schedule_may_have_several_calendars() -> None:
    raw = Calendars()
    raw.connect(MICROSOFT)
    raw.plan(2)
    raw.plan(4, provider=MICROSOFT)
    raw.plan(6, provider=APPLE)  # nobody is connected to it
    rows = await raw.rows()
    assert ["GOOGLE", "MICROSOFT"] == [row["calendarType"] for row in rows]
    assert {raw.staff.schedule_id} == {row["scheduleId"] for row in rows}


async def test_an_event_may_be_of_a_schedule_that_no_connection_is_listed_for() -> None:
    raw = Calendars()
    stranger = str(uuid4())
    raw.site.private.plan_stray(stranger, raw.now + HOUR, raw.now + 2 * HOUR)
    assert [stranger] == [row["scheduleId"] for row in await raw.rows()]
    assert stranger not in {row["scheduleId"] for row in await raw.connections()}


async def test_a_disconnected_calendar_delivers_nothing_and_one_that_does_not_import_neither() -> None:
    raw = Calendars()
    raw.plan(2)
    raw.site.connections.amend(raw.connection, syncConfig=sync_config(None))
    assert [] == await raw.rows()
    raw.site.connections.amend(raw.connection, syncConfig=sync_config())
    raw.site.connections.disconnect(raw.connection)
    assert [] == await raw.rows()


async def test_a_calendar_that_fell_silent_brings_nothing_until_its_silence_ends() -> None:
    raw = Calendars()
    raw.plan(2)
    raw.site.private.fall_silent(raw.staff.schedule_id)
    assert [] == await raw.hours()
    raw.site.private.end_silence(raw.staff.schedule_id)
    assert [(2, 3)] == await raw.hours()


async def test_the_time_of_the_next_private_event_can_be_sold_and_overlaps_it() -> None:
    raw = Calendars()
    assert raw.site.sell_private_time() is None
    for hours in (2, 30, 5, 7):
        raw.plan(hours)
    sold = raw.site.bookings[str(raw.site.sell_private_time())]
    assert (raw.staff.schedule_id, raw.staff.resource_id) == (sold.schedule_id, sold.resource_id)
    assert raw.now + 5 * HOUR < sold.start < raw.now + 6 * HOUR < sold.end


async def test_a_provider_that_fails_costs_its_own_events_alone() -> None:
    raw = Calendars()
    raw.connect(MICROSOFT)
    raw.plan(2)
    raw.plan(4, provider=MICROSOFT)
    raw.site.provider_down(MICROSOFT)
    answer = await raw.answer(partialFailure="true")
    assert [MICROSOFT.id] == answer["failedProviderIds"]
    assert ["GOOGLE"] == [row["calendarType"] for row in answer["events"]]


async def test_more_than_1000_events_come_over_cursors_each_once() -> None:
    raw = Calendars()
    for minute in range(1500):
        raw.plan(1 + minute / 60, 1 / 60)
    first = await raw.answer(**{"cursorPaging.limit": "1000"})
    cursor = first["pagingMetadata"]["cursors"]["next"]
    second = await raw.answer(**{"cursorPaging.limit": "1000", "cursorPaging.cursor": cursor})
    assert (1000, 500) == (len(first["events"]), len(second["events"]))
    assert 1500 == len({row["start"] for row in first["events"] + second["events"]})
    assert "cursors" not in second["pagingMetadata"]


async def test_what_is_invented_overlaps_no_booking() -> None:
    raw = RawWix()
    for provider in (GOOGLE, APPLE, MICROSOFT):
        raw.site.connections.connect(provider, raw.site.add_staff().schedule_id)
    raw.site.bookings.seed(days_back=1, days_ahead=7, share=1)
    params = {"from": utc_text(raw.now), "to": utc_text(raw.now + 7 * DAY), "cursorPaging.limit": "1000"}
    rows = (await raw.get(EVENTS, params)).json()["events"]
    spans = [tuple(datetime.fromisoformat(row[key]).timestamp() for key in ("start", "end")) for row in rows]
    assert len(spans) > 15
    assert not [booking for booking in raw.site.bookings for start, end in spans if booking.start < end and start < booking.end]


async def test_the_schedule_of_a_bookings_resource_is_that_of_the_events_and_not_that_of_its_service() -> None:
    raw = Calendars()
    raw.site.bookings.add(raw.now + HOUR, raw.now + 2 * HOUR, staff=raw.staff, transparency="TRANSPARENT")
    [row] = (await raw.query({"cursorPaging": {"limit": 10}})).json()["extendedBookings"]
    slot = row["booking"]["bookedEntity"]["slot"]
    assert (raw.staff.schedule_id, "TRANSPARENT") == (slot["resource"]["scheduleId"], slot["resource"]["transparency"])
    assert raw.staff.schedule_id != slot["scheduleId"]
    found = (await raw.count({"bookedEntity.item.slot.scheduleId": slot["scheduleId"]})).json()
    assert {"count": 1} == found
