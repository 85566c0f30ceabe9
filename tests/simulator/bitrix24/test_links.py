"""Fact sheet bitrix24.md section 15: ``booking.v1.booking.externalData.list``, and the documented example answers."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.simulator.bitrix24.world import Link, calendar_event, sku
from tests.harness.bench import LINKS, LIST, Bench


async def test_the_documented_answer_with_deal_1_and_2(bench: Bench) -> None:
    bench.world.add_booking(1723446900, 1723447800, id=15)
    bench.world.link(15, 1, 2)
    answer: dict[str, Any] = (await bench.post(LINKS, {"bookingId": 15})).json()
    assert {
        "externalData": [
            {"entityTypeId": "DEAL", "moduleId": "crm", "value": "1"},
            {"entityTypeId": "DEAL", "moduleId": "crm", "value": "2"},
        ]
    } == answer["result"]
    assert 0 == answer["total"]
    assert "next" not in answer


async def test_all_three_kinds_of_items_are_listed_in_their_spelling_without_a_filter(bench: Bench) -> None:
    bench.world.add_booking(1, 2, links=(Link("1"), calendar_event(52), sku(7)))
    bench.world.add_booking(1, 2, links=(calendar_event(53), sku(7)))
    mixed, without_crm = [
        (await bench.post(LINKS, {"bookingId": number})).json()["result"]["externalData"] for number in (1, 2)
    ]
    assert [
        {"entityTypeId": "DEAL", "moduleId": "crm", "value": "1"},
        {"entityTypeId": "EVENT", "moduleId": "calendar", "value": "52"},
        {"entityTypeId": "SKU", "moduleId": "catalog", "value": "7"},
    ] == mixed
    assert [
        {"entityTypeId": "EVENT", "moduleId": "calendar", "value": "53"},
        {"entityTypeId": "SKU", "moduleId": "catalog", "value": "7"},
    ] == without_crm


async def test_a_booking_of_the_diary_has_its_deal_its_calendar_event_and_its_service(bench: Bench) -> None:
    bench.world.add_resource("Chair 1")
    bench.portal.customers.book(1723446900, 1, created=0.0)
    items = (await bench.post(LINKS, {"bookingId": 1})).json()["result"]["externalData"]
    assert [
        ("crm", "DEAL"),
        ("calendar", "EVENT"),
        ("catalog", "SKU"),
    ] == [(item["moduleId"], item["entityTypeId"]) for item in items]


async def test_the_documented_list_with_bookings_in_berlin(bench: Bench) -> None:
    bench.world.add_booking(1723446900, 1723447800, id=15, name="Haircut", resource_ids=(1, 2))
    bench.world.add_booking(1723450500, 1723454100, id=16, resource_ids=(1,))
    answer: dict[str, Any] = (await bench.post(LIST, {"order": {"id": "ASC"}})).json()
    assert ["result", "time", "total"] == sorted(answer)
    assert {
        "booking": [
            {
                "id": 15,
                "name": "Haircut",
                "description": None,
                "resourceIds": [1, 2],
                "datePeriod": {
                    "from": {"timestamp": 1723446900, "timezone": "Europe/Berlin"},
                    "to": {"timestamp": 1723447800, "timezone": "Europe/Berlin"},
                },
            },
            {
                "id": 16,
                "name": None,
                "description": None,
                "resourceIds": [1],
                "datePeriod": {
                    "from": {"timestamp": 1723450500, "timezone": "Europe/Berlin"},
                    "to": {"timestamp": 1723454100, "timezone": "Europe/Berlin"},
                },
            },
        ]
    } == answer["result"]


async def test_a_booking_without_links_gives_an_empty_array(bench: Bench) -> None:
    bench.world.add_booking(1, 2)
    assert {"externalData": []} == (await bench.post(LINKS, {"bookingId": 1})).json()["result"]


async def test_start_changes_nothing_so_looping_on_it_never_ends(bench: Bench) -> None:
    bench.world.add_booking(1, 2)
    bench.world.link(1, *range(60))
    first, second, third = [
        (await bench.post(LINKS, {"bookingId": 1, "start": start})).json()["result"] for start in (0, 50, 100)
    ]
    assert first == second == third
    assert isinstance(first, dict)
    assert 60 == len(first["externalData"])


@pytest.mark.parametrize("booking_id", ["15", 15])
async def test_the_id_may_be_a_number_or_a_numeric_string(bench: Bench, booking_id: object) -> None:
    bench.world.add_booking(1, 2, id=15)
    assert 200 == (await bench.post(LINKS, {"bookingId": booking_id})).status_code


@pytest.mark.parametrize(("style", "code"), [("number", 1021), ("string", "1021")])
async def test_a_missing_booking_is_1021_as_number_or_string(bench: Bench, style: Any, code: object) -> None:  # noqa: ANN401  a literal of Switches
    bench.simulator.bitrix24.switches.numeric_codes = style
    assert (await bench.error(LINKS, {"bookingId": 99})) == (400, code, "Booking not found")


async def test_a_booking_that_was_deleted_after_the_list_call_is_1021(bench: Bench) -> None:
    bench.world.add_booking(1, 2)
    listed = await bench.ids()
    bench.world.delete_booking(1)
    assert ([1], 1021) == (listed, (await bench.error(LINKS, {"bookingId": 1}))[1])


async def test_a_missing_booking_id_is_error_100(bench: Bench) -> None:
    assert (400, 100, "Could not find value for parameter {bookingId}") == (await bench.error(LINKS, {"BOOKINGID": 1}))


async def test_the_cost_of_the_method_is_configurable(bench: Bench) -> None:
    bench.world.add_booking(1, 2)
    seen: list[object] = []
    for seconds in (0.15, 7.5):
        bench.portal.costs[LINKS.lower()] = seconds
        time = (await bench.post(LINKS, {"bookingId": 1})).json()["time"]
        seen.append((time["processing"], time["operating"]))
    assert [(0.15, 0.15), (7.5, 7.65)] == seen
