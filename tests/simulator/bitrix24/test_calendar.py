"""Fact sheet bitrix24.md 15, 16 and 17.2: copies of bookings in the staff's calendar, and ``calendar.event.getbyid``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from exporter.simulator.bitrix24.simulator import CALENDAR_SCOPES
from tests.harness.bench import LINKS, Bench, simulated_portal

EVENT = "calendar.event.getbyid"
HOUR = 3600
ANNA, BEN = 12, 15


@pytest.fixture
async def bench() -> Any:  # noqa: ANN401  a Bench, as everywhere
    """A portal whose first chair is Anna's and whose second is Ben's; the webhook has the scope calendar."""
    async with simulated_portal() as portal:
        webhook = portal.simulator.bitrix24.add_webhook(portal.portal, scopes=CALENDAR_SCOPES)
        for number, user in ((1, ANNA), (2, BEN)):
            portal.world.add_resource(f"Chair {number}")
            portal.portal.calendar.link(number, user)
        yield replace(portal, webhook=webhook)


def book(bench: Bench, chair: int = 1, start: int = 1723446900) -> int:
    """Book a chair for an hour and return the booking's id."""
    return bench.world.add_booking(start, start + HOUR, resource_ids=(chair,)).id


async def event_of(bench: Bench, booking: int) -> int:
    """Return the calendar event that the booking's external data names."""
    items = (await bench.post(LINKS, {"bookingId": booking})).json()["result"]["externalData"]
    (item,) = (item for item in items if (item["moduleId"], item["entityTypeId"]) == ("calendar", "EVENT"))
    return int(item["value"])


async def read(bench: Bench, event: int) -> Any:  # noqa: ANN401  JSON
    return (await bench.post(EVENT, {"id": event})).json()["result"]


async def copy_of(bench: Bench, booking: int) -> Any:  # noqa: ANN401  JSON
    return await read(bench, await event_of(bench, booking))


async def test_a_booking_of_a_linked_resource_has_a_copy_of_the_type_booking_at_its_time(bench: Bench) -> None:
    event = await copy_of(bench, book(bench))
    assert ("1723446900", "1723450500") == (event["DATE_FROM_TS_UTC"], event["DATE_TO_TS_UTC"])
    assert ("booking", "N", "N", "H", "busy") == tuple(
        event[field] for field in ("EVENT_TYPE", "DELETED", "DT_SKIP_TIME", "MEETING_STATUS", "ACCESSIBILITY")
    )
    assert ("12", [12]) == (event["MEETING_HOST"], [each["id"] for each in event["ATTENDEE_LIST"]])
    assert "" == event["RRULE"]


async def test_the_copies_of_one_resource_move_and_come_back_and_no_others(bench: Bench) -> None:
    past, ahead, other = book(bench, start=1723440000), book(bench), book(bench, chair=2)

    async def starts() -> list[str]:
        return [(await copy_of(bench, each))["DATE_FROM_TS_UTC"] for each in (past, ahead, other)]

    before = await starts()
    move_back = bench.portal.calendar.shift_all(1, HOUR, after=1723440000)
    assert [before[0], "1723450500", before[2]] == await starts()
    move_back()
    assert before == await starts()


async def test_a_copy_that_was_made_anew_meanwhile_is_not_moved_back(bench: Bench) -> None:
    booking = book(bench)
    move_back = bench.portal.calendar.shift_all(1, HOUR, after=0)
    bench.world.edit_booking(booking, start=1723546900, end=1723546900 + HOUR)
    move_back()
    assert "1723546900" == (await copy_of(bench, booking))["DATE_FROM_TS_UTC"]


async def test_the_first_user_is_the_host_and_all_are_attendees(bench: Bench) -> None:
    bench.portal.calendar.link(1, BEN, ANNA)
    event = await copy_of(bench, book(bench))
    assert ("15", [15, 12]) == (event["MEETING_HOST"], [each["id"] for each in event["ATTENDEE_LIST"]])


async def test_the_result_is_the_event_itself(bench: Bench) -> None:
    answer = (await bench.post(EVENT, {"id": await event_of(bench, book(bench))})).json()
    assert (["result", "time"], "5001") == (sorted(answer), answer["result"]["ID"])


async def test_a_booking_of_another_resource_has_no_copy(bench: Bench) -> None:
    booking = bench.world.add_booking(1, 2, resource_ids=(bench.world.add_resource("Chair 3").id,))
    assert () == booking.links


async def test_bookings_that_are_there_get_a_copy_when_their_resource_is_linked(bench: Bench) -> None:
    chair = bench.world.add_resource("Chair 3").id
    booking = book(bench, chair)
    bench.portal.calendar.link(chair, ANNA)
    assert "1723446900" == (await copy_of(bench, booking))["DATE_FROM_TS_UTC"]


async def test_the_copy_of_a_booking_that_is_moved_is_the_same_event_at_the_other_time(bench: Bench) -> None:
    booking = book(bench)
    before = await event_of(bench, booking)
    bench.world.edit_booking(booking, start=1723450000, end=1723453600)
    assert before == await event_of(bench, booking)
    assert "1723450000" == (await read(bench, before))["DATE_FROM_TS_UTC"]


async def test_by_switch_a_booking_that_is_moved_gets_another_copy(bench: Bench) -> None:
    bench.portal.calendar.remakes = True
    booking = book(bench)
    before = await event_of(bench, booking)
    bench.world.edit_booking(booking, start=1723450000, end=1723453600)
    assert before != await event_of(bench, booking)
    assert (None, "1723450000") == (await read(bench, before), (await copy_of(bench, booking))["DATE_FROM_TS_UTC"])


async def test_the_copy_of_a_booking_that_is_deleted_is_null(bench: Bench) -> None:
    booking = book(bench)
    event = await event_of(bench, booking)
    bench.world.delete_booking(booking)
    assert await read(bench, event) is None


async def test_a_change_of_something_else_leaves_the_copy_as_it_is(bench: Bench) -> None:
    booking = book(bench)
    bench.portal.calendar.shift(booking, HOUR)
    bench.world.link(booking, 7)
    assert "1723450500" == (await copy_of(bench, booking))["DATE_FROM_TS_UTC"]


async def test_an_event_that_never_was_is_null_under_http_200(bench: Bench) -> None:
    answer = await bench.post(EVENT, {"id": 99})
    assert (200, None) == (answer.status_code, answer.json()["result"])


@pytest.mark.parametrize(("switch", "shown"), [("null", None), ("marked", "Y")])
async def test_a_copy_that_the_staff_deleted_is_null_or_marked_by_switch(bench: Bench, switch: Any, shown: object) -> None:  # noqa: ANN401  a literal of Switches
    bench.simulator.bitrix24.switches.deleted_event = switch
    booking = book(bench)
    bench.portal.calendar.edit(booking, deleted=True)
    event = await copy_of(bench, booking)
    assert shown == (event and event["DELETED"])


async def test_a_copy_moves_without_its_booking_as_an_hour_of_summer_time_moves_it(bench: Bench) -> None:
    booking = book(bench)
    bench.portal.calendar.shift(booking, HOUR)
    event = await copy_of(bench, booking)
    assert ("1723450500", "1723454100") == (event["DATE_FROM_TS_UTC"], event["DATE_TO_TS_UTC"])


@pytest.mark.parametrize(
    ("changes", "field", "shown"),
    [
        ({"status": "N"}, "MEETING_STATUS", "N"),
        ({"event_type": "#shared#"}, "EVENT_TYPE", "#shared#"),
        ({"event_type": None}, "EVENT_TYPE", None),
        ({"whole_day": True}, "DT_SKIP_TIME", "Y"),
        ({"repeats": True}, "RRULE", {"FREQ": "WEEKLY", "INTERVAL": 1}),
    ],
)
async def test_a_copy_is_declined_of_another_type_of_the_whole_day_or_repeated(
    bench: Bench, changes: dict[str, Any], field: str, shown: object
) -> None:
    booking = book(bench)
    bench.portal.calendar.edit(booking, **changes)
    assert shown == (await copy_of(bench, booking))[field]


async def test_the_copy_of_a_recurring_booking_repeats(bench: Bench) -> None:
    booking = bench.world.add_booking(1723446900, 1723450500, resource_ids=(1,), until=1724446900)
    assert {"FREQ": "WEEKLY", "INTERVAL": 1} == (await copy_of(bench, booking.id))["RRULE"]


async def test_access_is_denied_to_the_events_of_one_of_many_users_with_an_empty_code(bench: Bench) -> None:
    bench.portal.calendar.unseen_users.add(BEN)
    annas, bens = [await event_of(bench, book(bench, chair)) for chair in (1, 2)]
    assert "5001" == (await read(bench, annas))["ID"]
    assert (400, "", "Access denied") == await bench.error(EVENT, {"id": bens})


async def test_an_error_of_these_methods_is_in_the_language_of_the_portal(bench: Bench) -> None:
    bench.simulator.bitrix24.switches.russian_descriptions = True
    bench.portal.calendar.unseen_users.add(ANNA)
    assert (400, "", "Доступ запрещен") == await bench.error(EVENT, {"id": await event_of(bench, book(bench))})


async def test_by_switch_an_event_that_may_not_be_seen_is_null(bench: Bench) -> None:
    bench.simulator.bitrix24.switches.unseen_event = "null"
    bench.portal.calendar.unseen_users.add(ANNA)
    assert await copy_of(bench, book(bench)) is None


@pytest.mark.parametrize("params", [{}, {"id": None}, {"id": 0}, {"id": ""}])
async def test_a_missing_id_is_an_error_with_an_empty_code(bench: Bench, params: dict[str, Any]) -> None:
    assert (400, "") == (await bench.error(EVENT, params))[:2]


async def test_a_batch_has_the_event_null_and_the_denied_one_each_in_its_section(bench: Bench) -> None:
    bench.portal.calendar.unseen_users.add(BEN)
    annas, bens = [await event_of(bench, book(bench, chair)) for chair in (1, 2)]
    sections = await bench.batch({f"v{number}": f"{EVENT}?id={number}" for number in (annas, bens, 99)})
    assert (str(annas), None) == (sections["result"][f"v{annas}"]["ID"], sections["result"]["v99"])
    assert {f"v{bens}": {"error": "", "error_description": "Access denied"}} == sections["result_error"]


@pytest.mark.parametrize("status", [403, 401])
async def test_without_the_scope_calendar_the_method_is_refused_and_bookings_are_not(bench: Bench, status: int) -> None:
    bench.simulator.bitrix24.switches.missing_scope_status = status
    event = await event_of(bench, book(bench))
    plain = replace(bench, webhook=bench.simulator.bitrix24.add_webhook(bench.portal))
    assert (status, "insufficient_scope") == (await plain.error(EVENT, {"id": event}))[:2]
    assert event == await event_of(plain, 1)


async def test_a_portal_whose_booking_tool_is_switched_off_still_shows_its_calendars(bench: Bench) -> None:
    event = await event_of(bench, book(bench))
    bench.portal.booking_tool_disabled = True
    assert str(event) == (await read(bench, event))["ID"]


async def test_a_portal_has_no_copies_until_a_resource_is_linked() -> None:
    async with simulated_portal() as bench:
        bench.world.add_resource("Chair 1")
        assert () == bench.world.add_booking(1, 2, resource_ids=(1,)).links
