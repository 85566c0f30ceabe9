"""What a site has, read from the simulator: with all rights, without some, and from answers that are odd or hostile."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from exporter.platforms.inventory import Inventory
from exporter.platforms.wix import WIX
from exporter.platforms.wix.answers import short_hash
from exporter.platforms.wix.settings import WixTarget
from exporter.simulator import canary
from exporter.simulator.faults import FaultKind
from exporter.simulator.wix.bookings import Staff
from exporter.simulator.wix.operations import (
    ALL_PERMISSIONS,
    MANAGE_EXTERNAL_CALENDARS,
    READ_CALENDAR,
    READ_OWN_CONNECTIONS,
    READ_SERVICES,
    READ_STAFF,
)
from exporter.simulator.wix.providers import APPLE, GOOGLE, Provider
from exporter.simulator.wix.world import OfferedService
from exporter.support.secret import Secret
from tests.harness.wix_site import WixBench

Rows = list[dict[str, str]]
ODD = [
    {"id": 5, "resourceId": None},
    {},
    "text",
    None,
    {"id": "", "resourceId": ""},
    {"id": "x" * 2_000, "resourceId": "x" * 2_000},
]
FINE = {"id": "good", "resourceId": "good", "name": "Anna", "resource": {"eventsSchedule": {"id": "plan"}}}
QUERIES = {"schedules": "QuerySchedules", "staff": "QueryStaffMembers", "services": "QueryServices"}


async def read(bench: WixBench, target: WixTarget | None = None) -> Inventory:
    return await WIX.inventory(bench.open(target))


def rows(inventory: Inventory, what: str) -> Rows:
    (listing,) = (listing for listing in inventory.listings if listing.what == what)
    return [dict(zip(listing.columns, row, strict=True)) for row in listing.rows]


def names(inventory: Inventory, key: str) -> Mapping[str, str]:
    (found,) = (names for names in inventory.names if names.key == key)
    return dict(found.found)


def gaps(inventory: Inventory) -> dict[str, str]:
    return {gap.what: gap.message for gap in inventory.gaps}


async def test_a_connection_stands_with_its_schedule_whose_it_is_and_what_the_board_calls_it(bench: WixBench) -> None:
    anna = bench.site.add_staff("Anna")
    made = bench.site.connections.connect(APPLE, anna.schedule_id)
    bench.site.connections.finish_sync(made)
    expected = {
        "id": anna.schedule_id,
        "label": short_hash(anna.schedule_id),
        "name": "Anna",
        "calendar": "apple",
        "connection": short_hash(made),
        "status": "synced",
    }
    inventory = await read(bench)
    assert expected == rows(inventory, "schedules")[0]
    assert () == inventory.gaps
    assert {anna.schedule_id: "Anna"} == names(inventory, "aliases")
    assert {anna.resource_id: "Anna"} == names(inventory, "resource_aliases")
    member = {"resource id": anna.resource_id, "name": "Anna", "schedule id": anna.schedule_id}
    assert [member] == rows(inventory, "staff")


async def test_a_broken_connection_says_why_and_an_aliased_schedule_has_its_alias_as_label(bench: WixBench) -> None:
    anna = bench.site.add_staff("Anna")
    bench.site.connections.revoke_token(bench.site.connections.connect(GOOGLE, anna.schedule_id))
    row = rows(await read(bench, bench.target(aliases={anna.schedule_id.upper(): "Chair 1"})), "schedules")[0]
    assert ("Chair 1", "error (token_revoked)") == (row["label"], row["status"])


async def test_schedules_of_services_stand_with_the_services_alone(bench: WixBench) -> None:
    cut = bench.site.add_service("Cut")
    inventory = await read(bench)
    assert [{"id": cut.id, "name": "Cut", "type": "appointment", "hidden": "no"}] == rows(inventory, "services")
    assert ["Business"] == [row["name"] for row in rows(inventory, "schedules")]


async def test_an_app_is_listed_with_its_instance_and_a_key_with_its_site(bench: WixBench) -> None:
    app = bench.simulator.wix.credentials.install(bench.site.id)
    by_app = {row["key"]: row["value"] for row in rows(await read(bench, bench.target(app=app)), "account")}
    by_key = {row["key"]: row["value"] for row in rows(await read(bench), "account")}
    assert {"app_id": app.app_id, "instance_id": app.instance_id} == by_app
    assert {"site_id": bench.site.id} == by_key


@pytest.mark.parametrize("app_mode", [False, True])
@pytest.mark.parametrize(
    ("missing", "what", "permission"),
    [
        (MANAGE_EXTERNAL_CALENDARS, "connections", "Manage External Calendars"),
        (READ_CALENDAR, "schedules", "Read Calendar"),
        (READ_STAFF, "staff", "BOOKINGS.STAFF_MEMBER_READ"),
        (READ_SERVICES, "services", "Read Bookings - Public Data"),
    ],
)
async def test_a_missing_permission_is_named_and_the_rest_is_listed(
    bench: WixBench, missing: frozenset[str], what: str, permission: str, *, app_mode: bool
) -> None:
    anna = bench.site.add_staff("Anna")
    bench.site.add_service("Cut")
    bench.site.connections.connect(GOOGLE, anna.schedule_id)
    left = ALL_PERMISSIONS - missing
    if app_mode:
        target = bench.target(app=bench.simulator.wix.credentials.install(bench.site.id, permissions=left))
    else:
        target = bench.target(api_key=Secret(bench.simulator.wix.add_key(bench.site, permissions=left).value))
    inventory = await read(bench, target)
    (gap,) = inventory.gaps
    assert what == gap.what
    assert permission in gap.message
    assert ("install" in gap.fix) == app_mode
    assert "Anna" == names(inventory, "aliases")[anna.schedule_id], "named by its schedule where staff is not readable"
    assert {"staff", "services"} - {what} == {kind for kind in ("staff", "services") if rows(inventory, kind)}


async def test_a_wrong_key_is_told_once_and_asks_no_further(bench: WixBench) -> None:
    inventory = await read(bench, bench.target(api_key=Secret("IST.no-such-key")))
    assert ["connections, schedules, staff, services"] == [gap.what for gap in inventory.gaps]
    assert (1, 0) == (bench.calls("ListConnections"), bench.calls("QueryStaffMembers"))


@pytest.mark.slow
async def test_five_thousand_members_are_read_to_the_end_at_the_pace_of_all_calls(bench: WixBench) -> None:
    plan = bench.site.add_schedule("Anna").id
    bench.site.bookings.staff += [Staff(plan, f"resource-{number}") for number in range(5_000)]
    before = bench.clock.now
    inventory = await read(bench)
    assert (5_000, ()) == (len(rows(inventory, "staff")), inventory.gaps)
    assert 50 == bench.calls("QueryStaffMembers")
    assert 14 <= bench.clock.now - before <= 15, "53 calls: 10 at once, then 3 a second"


@pytest.mark.parametrize(
    ("key", "what", "operation"), [("schedules", "schedules", "QuerySchedules"), ("staffMembers", "staff", "QueryStaffMembers")]
)
async def test_a_cursor_that_goes_in_circles_ends_with_the_first_repetition(
    bench: WixBench, key: str, what: str, operation: str
) -> None:
    page = {key: [FINE], "pagingMetadata": {"cursors": {"next": "JWE.again"}}}
    bench.answer_with(operation, json.dumps(page))
    assert "again and again" in gaps(await read(bench))[what]
    assert 2 == bench.calls(operation)


async def test_a_page_with_more_rows_than_any_has_is_refused(bench: WixBench) -> None:
    bench.answer_with("QueryServices", json.dumps({"services": [{"id": f"s{number}"} for number in range(101)]}))
    assert "more than 100 rows" in gaps(await read(bench))["services"]


@pytest.mark.slow
async def test_more_than_ten_thousand_things_are_refused_and_not_cut(bench: WixBench) -> None:
    bench.site.services += [OfferedService(f"service-{number}", "Cut", f"plan-{number}") for number in range(10_001)]
    inventory = await read(bench)
    assert "more than 10,000 things" in gaps(inventory)["services"]
    assert [] == rows(inventory, "services")


@pytest.mark.parametrize(
    "body",
    [
        "null",
        "[]",
        '"text"',
        "{}",
        '{"schedules": 1, "staffMembers": 1, "services": 1}',
        "<html>",
        '{"schedules": [[[[',
        "\ufeff{}",
    ],
)
@pytest.mark.parametrize(("what", "operation"), QUERIES.items())
async def test_an_answer_that_is_none_is_a_gap_and_never_an_empty_list_without_a_word(
    bench: WixBench, what: str, operation: str, body: str
) -> None:
    bench.site.add_staff("Anna")
    bench.answer_with(operation, body)
    inventory = await read(bench)
    assert [what] == [gap.what for gap in inventory.gaps]
    assert [] == rows(inventory, what) or "schedules" == what


@pytest.mark.parametrize(
    ("key", "operation"),
    [("schedules", "QuerySchedules"), ("staffMembers", "QueryStaffMembers"), ("services", "QueryServices")],
)
async def test_odd_rows_are_left_out_and_counted_and_the_others_are_listed(bench: WixBench, key: str, operation: str) -> None:
    bench.answer_with(operation, json.dumps({key: [*ODD, FINE]}))
    inventory = await read(bench)
    (gap,) = inventory.gaps
    assert "6 rows" in gap.message
    assert any("Anna" in row.values() for listing in inventory.listings for row in rows(inventory, listing.what))


@pytest.mark.parametrize("odd", [{"name": 5}, {"name": None}, {"resource": None}, {"resource": {"eventsSchedule": {"id": 7}}}])
async def test_a_member_without_a_name_or_a_schedule_is_listed_all_the_same(bench: WixBench, odd: dict[str, object]) -> None:
    bench.answer_with("QueryStaffMembers", json.dumps({"staffMembers": [{**FINE, **odd}]}))
    assert ["good"] == [row["resource id"] for row in rows(await read(bench), "staff")]


@pytest.mark.parametrize("kind", [FaultKind.HALF_SURROGATE, FaultKind.BAD_UTF8, FaultKind.BOM])
async def test_texts_that_were_cut_cost_no_row(bench: WixBench, kind: FaultKind) -> None:
    bench.site.add_staff("Anna")
    bench.spoil(kind)
    assert ["Anna"] == [row["name"] for row in rows(await read(bench), "staff")]


async def test_a_provider_that_does_not_answer_is_told_since_its_connections_are_missing(bench: WixBench) -> None:
    for provider in (GOOGLE, APPLE):
        bench.site.connections.connect(provider, bench.site.add_staff("Anna").schedule_id)
    bench.site.provider_down(APPLE)
    inventory = await read(bench)
    assert "does not answer Wix" in gaps(inventory)["connections"]
    assert ["google"] == [row["calendar"] for row in rows(inventory, "schedules") if row["calendar"]]


async def test_mails_phones_and_notes_of_staff_and_customers_are_nowhere(bench: WixBench) -> None:
    bench.site.connections.connect(GOOGLE, bench.site.add_staff("Anna").schedule_id)
    bench.site.add_service("Cut")
    bench.site.bookings.seed(days_back=1, days_ahead=7)
    text = repr(await read(bench))
    assert not [word for word in (canary.EMAIL, canary.PHONE, canary.TITLE, canary.LAST_NAME) if word in text]


async def test_an_inventory_writes_nothing_and_counts_in_no_collector(bench: WixBench) -> None:
    bench.site.add_staff("Anna")
    await read(bench)
    assert {} == bench.simulator.log.writes()
    assert not {"query_services", "query_schedules"} & set(bench.open().expected.operations)


async def test_a_key_that_may_not_probe_connections_is_told_which_permission_it_needs(bench: WixBench) -> None:
    bench.connect(APPLE)
    left = ALL_PERMISSIONS - {READ_OWN_CONNECTIONS}
    target = bench.target(api_key=Secret(bench.simulator.wix.add_key(bench.site, permissions=left).value))
    (gap,) = (await read(bench, target)).gaps
    assert ("live probes", True) == (gap.what, "READ_OWN_EXTERNAL_CALENDAR_CONNECTIONS" in gap.message)


@pytest.mark.parametrize("provider", [GOOGLE, APPLE])
async def test_a_connection_that_cannot_be_probed_for_its_own_sake_is_no_missing_permission(
    bench: WixBench, provider: Provider
) -> None:
    bench.site.connections.kill_token(bench.connect(provider))
    assert () == (await read(bench)).gaps
