"""Fact sheet bitrix24.md section 15: ``booking.v1.booking.list``, ``booking.get`` and ``resource.list``."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.simulator.bitrix24.world import Client
from tests.harness.bench import LIST, Bench

ASC = {"id": "ASC"}


def within(begin: int, end: int) -> dict[str, Any]:
    return {"filter": {"within": {"dateFrom": begin, "dateTo": end}}, "order": ASC}


async def everything(bench: Bench, step: int = 50) -> list[int]:
    """Read with offsets until a page is short."""
    seen: list[int] = []
    start = 0
    while True:
        ids = await bench.ids({"order": ASC, "start": start})
        seen += ids
        if len(ids) < step:
            return seen
        start += step


async def test_a_row_has_five_sorted_keys_with_integers_and_zones(bench: Bench) -> None:
    bench.world.add_booking(
        1723446900, 1723447800, id=15, name="Cut", resource_ids=(1, 2), zone="Europe/Berlin", end_zone="Europe/Kaliningrad"
    )
    row: dict[str, Any] = (await bench.post(LIST)).json()["result"]["booking"][0]
    assert ["datePeriod", "description", "id", "name", "resourceIds"] == list(row)
    assert {
        "datePeriod": {
            "from": {"timestamp": 1723446900, "timezone": "Europe/Berlin"},
            "to": {"timestamp": 1723447800, "timezone": "Europe/Kaliningrad"},
        },
        "description": None,
        "id": 15,
        "name": "Cut",
        "resourceIds": [1, 2],
    } == row


async def test_empty_name_description_and_resources_are_null(bench: Bench) -> None:
    bench.world.add_booking(1, 2)
    row: dict[str, Any] = (await bench.post(LIST)).json()["result"]["booking"][0]
    assert [None, None, None] == [row["name"], row["description"], row["resourceIds"]]


async def test_an_empty_portal_lists_an_empty_array(bench: Bench) -> None:
    answer = (await bench.post(LIST)).json()
    assert ({"booking": []}, 0) == (answer["result"], answer["total"])


@pytest.mark.parametrize("filters", [{}, []])
async def test_an_empty_filter_is_fine_as_object_and_as_array(bench: Bench, filters: object) -> None:
    bench.world.add_booking(1, 2)
    assert [1] == (await bench.ids({"filter": filters, "order": ASC}))


@pytest.mark.parametrize("name", ["FILTER", "Filter"])
async def test_a_filter_in_other_letter_case_is_dropped_silently(bench: Bench, name: str) -> None:
    bench.world.add_booking(100, 200)
    assert [1] == (await bench.ids({name: {"within": {"dateFrom": 5_000, "dateTo": 6_000}}, "order": ASC}))


@pytest.mark.parametrize("key", ["resourceIds", "datePeriod", ">=dateFrom", ">id", "id", "WITHIN", "status"])
async def test_an_unknown_filter_key_is_dropped_silently(bench: Bench, key: str) -> None:
    bench.world.fill(3, bench.clock.now)
    assert [1, 2, 3] == (await bench.ids({"filter": {key: 2}, "order": ASC}))


@pytest.mark.parametrize("order", [{"ID": "ASC"}, {"name": "ASC"}, [], {}, None])
async def test_without_a_known_order_key_each_request_is_shuffled_anew(bench: Bench, order: object) -> None:
    bench.world.fill(40, bench.clock.now)
    first, second = [await bench.ids({"order": order}) for _ in range(2)]
    assert first != second
    assert sorted(first) == sorted(second) == list(range(1, 41))


@pytest.mark.parametrize(
    ("order", "ids"),
    [
        ({"id": "asc"}, [1, 2, 3]),
        ({"id": "Desc"}, [3, 2, 1]),
        ({"dateFrom": "ASC"}, [2, 3, 1]),
        ({"dateTo": "DESC", "id": "ASC"}, [3, 1, 2]),
    ],
)
async def test_order_sorts_by_id_start_or_end_in_either_direction(bench: Bench, order: object, ids: list[int]) -> None:
    bench.world.add_booking(300, 400)
    bench.world.add_booking(100, 150)
    bench.world.add_booking(200, 900)
    assert (await bench.ids({"order": order})) == ids


@pytest.mark.parametrize(
    ("begin", "end", "selected"),
    [
        pytest.param(1000, 1100, True, id="starts exactly at dateFrom"),
        pytest.param(2000, 2100, False, id="starts exactly at dateTo"),
        pytest.param(900, 1000, False, id="ends exactly at dateFrom"),
        pytest.param(900, 1500, True, id="started before, ends inside"),
        pytest.param(900, 2500, True, id="started before, ends after"),
        pytest.param(1999, 2500, True, id="starts inside, ends after"),
        pytest.param(1000, 1000, True, id="zero length at dateFrom"),
        pytest.param(1500, 1500, True, id="zero length inside"),
        pytest.param(2000, 2000, False, id="zero length at dateTo"),
    ],
)
async def test_within_selects_overlap_on_a_half_open_interval(bench: Bench, begin: int, end: int, *, selected: bool) -> None:
    bench.world.add_booking(begin, end)
    assert (await bench.ids(within(1000, 2000))) == ([1] if selected else [])


async def test_an_older_build_does_not_return_a_zero_length_booking_at_date_from(bench: Bench) -> None:
    bench.simulator.bitrix24.switches.zero_length_at_start = False
    bench.world.add_booking(1000, 1000)
    assert [] == (await bench.ids(within(1000, 2000)))


async def test_the_bounds_may_be_numeric_strings_and_zero(bench: Bench) -> None:
    bench.world.add_booking(1000, 1100)
    assert [1] == (await bench.ids({"filter": {"within": {"dateFrom": "0", "dateTo": "1001"}}, "order": ASC}))


async def test_a_switch_selects_by_start_only_to_prove_that_clients_filter_again(bench: Bench) -> None:
    bench.simulator.bitrix24.switches.within = "start"
    bench.world.add_booking(900, 1500)
    bench.world.add_booking(1000, 1100)
    assert [2] == (await bench.ids(within(1000, 2000)))


async def test_milliseconds_select_nothing_without_any_error(bench: Bench) -> None:
    bench.world.add_booking(1_790_000_000, 1_790_003_600)
    assert [] == (await bench.ids(within(1_790_000_000_000, 1_790_003_600_000)))


async def test_a_recurring_booking_is_in_every_window_until_its_rule_ends_and_shows_its_first_period(bench: Bench) -> None:
    bench.world.add_booking(1000, 1100, until=50_000)
    ids = [await bench.ids(within(begin, begin + 10)) for begin in (990, 1500, 49_999, 50_000)]
    row = (await bench.post(LIST, within(49_999, 50_009))).json()["result"]["booking"][0]
    assert [[], [1], [1], []] == ids
    assert [1000, 1100] == [row["datePeriod"]["from"]["timestamp"], row["datePeriod"]["to"]["timestamp"]]
    assert "rrule" not in row


@pytest.mark.parametrize(
    ("period", "text"),
    [
        ({"dateFrom": 1}, "Required fields: dateTo"),
        ({"dateTo": 1}, "Required fields: dateFrom"),
        ({}, "Required fields: dateFrom, dateTo"),
        ([], "Required fields: dateFrom, dateTo"),
    ],
)
async def test_half_a_within_is_error_0_that_names_the_missing_fields(bench: Bench, period: object, text: str) -> None:
    assert (await bench.error(LIST, {"filter": {"within": period}})) == (400, 0, text)


@pytest.mark.parametrize("name", ["filter", "order"])
async def test_a_filter_or_order_that_is_no_object_is_error_100_or_empty(bench: Bench, name: str) -> None:
    text = f"Invalid value {{text}} to match with parameter {{{name}}}. Should be value of type array."
    seen = [await bench.error(LIST, {name: "text"})]
    bench.simulator.bitrix24.switches.binder_code = "empty"
    assert [*seen, await bench.error(LIST, {name: "text"})] == [(400, 100, text), (400, "", text)]


async def test_a_bad_date_in_created_within_is_error_422(bench: Bench) -> None:
    assert (400, 422, "Invalid date") == (await bench.error(LIST, {"filter": {"createdWithin": {"from": "yesterday-ish"}}}))


async def test_a_reversed_period_is_empty_unless_the_build_checks_it_as_documented(bench: Bench) -> None:
    bench.world.add_booking(1500, 1600)
    quiet = await bench.ids(within(2000, 1000))
    bench.simulator.bitrix24.switches.period_checked = True
    assert ([], (400, 422, "Invalid date period")) == (quiet, await bench.error(LIST, within(2000, 1000)))


async def test_created_within_is_half_open(bench: Bench) -> None:
    for created in (1_789_948_799, 1_789_948_800, 1_790_035_199, 1_790_035_200):  # around 2026-09-21 UTC
        bench.world.add_booking(1, 2, created=created)
    assert [2, 3] == (await bench.ids({"filter": {"createdWithin": {"from": "21.09.2026", "to": "22.09.2026"}}, "order": ASC}))


async def test_the_undocumented_resource_filter_works(bench: Bench) -> None:
    bench.world.add_booking(1, 2, resource_ids=(1,))
    bench.world.add_booking(1, 2, resource_ids=(2, 3))
    assert [2] == (await bench.ids({"filter": {"resourceId": [3]}, "order": ASC}))


async def test_the_client_filter_uses_the_first_of_each_type_and_joins_them_with_and(bench: Bench) -> None:
    bench.world.add_booking(1, 2, clients=(Client(7),))
    bench.world.add_booking(1, 2, clients=(Client(7), Client(9, "COMPANY")))
    contact = {"module": "crm", "code": "CONTACT", "id": 7}
    ignored = {"module": "crm", "code": "CONTACT", "id": 8}
    company = {"module": "crm", "code": "COMPANY", "id": 9}
    assert [[1, 2], [2]] == [
        await bench.ids({"filter": {"client": {"entities": entities}}, "order": ASC})
        for entities in ([contact, ignored], [contact, company])
    ]


async def test_a_client_entity_without_its_id_is_error_0(bench: Bench) -> None:
    assert (
        400,
        0,
        "Required fields: id",
    ) == (await bench.error(LIST, {"filter": {"client": {"entities": [{"module": "crm", "code": "CONTACT"}]}}}))


@pytest.mark.parametrize("number", [0, 1, 49, 50, 51, 100, 2512])
async def test_offset_pages_of_fifty_read_every_booking_once(bench: Bench, number: int) -> None:
    bench.portal.set_plan(None)
    bench.world.fill(number, bench.clock.now)
    assert (await everything(bench)) == list(range(1, number + 1))


@pytest.mark.parametrize(("start", "first"), [(0, 1), (19, 1), (49, 1), (50, 51), (99, 51), ("100", 101), (150, None)])
async def test_start_is_floored_to_a_page(bench: Bench, start: object, first: int | None) -> None:
    bench.world.fill(120, bench.clock.now)
    assert next(iter(await bench.ids({"order": ASC, "start": start})), None) == first


async def test_total_is_always_zero_and_next_is_never_there(bench: Bench) -> None:
    bench.world.fill(120, bench.clock.now)
    answers = [(await bench.post(LIST, {"order": ASC, "start": start})).json() for start in (0, 50, 100)]
    assert [(answer["total"], "next" in answer) for answer in answers] == [(0, False)] * 3


async def test_start_minus_one_is_page_one_without_total(bench: Bench) -> None:
    bench.world.fill(120, bench.clock.now)
    answer = (await bench.post(LIST, {"order": ASC, "start": -1})).json()
    assert (sorted(answer), [row["id"] for row in answer["result"]["booking"]]) == (["result", "time"], list(range(1, 51)))


async def test_a_switch_gives_the_real_total_and_next(bench: Bench) -> None:
    bench.simulator.bitrix24.switches.real_totals = True
    bench.world.fill(120, bench.clock.now)
    answers = [(await bench.post(LIST, {"order": ASC, "start": start})).json() for start in (0, 50, 100)]
    assert [(120, 50), (120, 100), (120, None)] == [(answer["total"], answer.get("next")) for answer in answers]


async def test_a_switch_changes_the_page_size(bench: Bench) -> None:
    bench.simulator.bitrix24.switches.page_size = 20
    bench.world.fill(45, bench.clock.now)
    assert (await everything(bench, step=20)) == list(range(1, 46))


async def test_a_switch_ignores_start(bench: Bench) -> None:
    bench.simulator.bitrix24.switches.ignores_start = True
    bench.world.fill(120, bench.clock.now)
    assert (await bench.ids({"order": ASC, "start": 100})) == list(range(1, 51))


@pytest.mark.parametrize(("shape", "expected"), [("object", dict), ("null", type(None)), ("list", list)])
async def test_a_switch_changes_the_shape_of_the_list(bench: Bench, shape: Any, expected: type) -> None:  # noqa: ANN401  a literal of Switches
    bench.simulator.bitrix24.switches.list_shape = shape
    bench.world.fill(2, bench.clock.now)
    assert type((await bench.post(LIST)).json()["result"]["booking"]) is expected


async def test_a_deleted_booking_is_hidden(bench: Bench) -> None:
    bench.world.fill(3, bench.clock.now)
    bench.world.delete_booking(2)
    assert [1, 3] == (await bench.ids({"order": ASC}))


async def test_a_booking_that_is_deleted_between_pages_shifts_the_next_row_past_the_reader(bench: Bench) -> None:
    bench.world.fill(60, bench.clock.now)
    bench.portal.after_page.append(lambda world: world.delete_booking(1))
    assert (await everything(bench)) == [*range(1, 51), *range(52, 61)]


async def test_a_booking_that_is_created_between_pages_lands_at_the_end(bench: Bench) -> None:
    bench.world.fill(60, bench.clock.now)
    bench.portal.after_page.append(lambda world: world.add_booking(1, 2))
    assert (await everything(bench)) == list(range(1, 62))


async def test_an_edited_booking_shows_its_new_period(bench: Bench) -> None:
    bench.world.add_booking(1000, 1100)
    before = await bench.ids(within(1000, 2000))
    bench.world.edit_booking(1, start=5000, end=5100)
    assert [[1], [], [1]] == [before, await bench.ids(within(1000, 2000)), await bench.ids(within(5000, 6000))]


async def test_both_days_of_the_clock_change_are_plain_epoch_seconds(bench: Bench) -> None:
    spring, autumn = 1_774_738_800, 1_792_879_200  # local midnight in Berlin before 29 Mar and 25 Oct 2026
    for midnight, hours in ((spring, 23), (autumn, 25)):
        bench.world.add_booking(midnight + hours * 3600 - 1, midnight + hours * 3600)  # the last second of the day
        bench.world.add_booking(midnight + hours * 3600, midnight + hours * 3600 + 60)  # the first of the next
    assert [
        [1],
        [3],
    ] == [await bench.ids(within(spring, spring + 23 * 3600)), await bench.ids(within(autumn, autumn + 25 * 3600))]


async def test_get_gives_one_booking_and_1021_for_a_missing_one(bench: Bench) -> None:
    bench.world.add_booking(1, 2, id=15)
    found = (await bench.post("booking.v1.booking.get", {"id": 15})).json()["result"]["booking"]["id"]
    assert (15, (400, 1021, "Booking not found")) == (found, await bench.error("booking.v1.booking.get", {"id": 16}))


async def test_resource_list_is_paged_like_bookings(bench: Bench) -> None:
    for number in range(60):
        bench.world.add_resource(f"Chair {number:02}")
    answer = (await bench.post("booking.v1.resource.list", {"order": {"name": "DESC"}, "start": 50})).json()
    rows = answer["result"]["resource"]
    names, row, total = ([row["name"] for row in rows][:2], rows[0], answer["total"])
    assert ["Chair 09", "Chair 08"] == names
    assert {"description": None, "id": 10, "isMain": True, "name": "Chair 09", "typeId": 1} == row
    assert 0 == total


async def test_a_portal_with_ten_thousand_bookings_answers_201_pages_exactly(bench: Bench) -> None:
    bench.portal.set_plan(None)
    bench.world.fill(10_000, bench.clock.now)
    assert 10_000 == len(set(await everything(bench)))
