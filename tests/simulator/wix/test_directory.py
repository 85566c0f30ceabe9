"""Staff members and services, as the sources that the endpoint's module names have them."""

from __future__ import annotations

import pytest

from exporter.simulator import canary
from exporter.simulator.wix.operations import ALL_PERMISSIONS, READ_SERVICES, READ_STAFF
from tests.harness.simulated_wix import RawWix, Request, code_of

STAFF = "/bookings/v1/staff-members/query"
SERVICES = "/bookings/v2/services/query"
OTHER_SERVICES = "/_api/bookings/v2/services/query"
DETAILS = {"query": {}, "fields": ["RESOURCE_DETAILS"]}


async def test_a_staff_member_has_a_name_a_resource_and_an_events_schedule() -> None:
    raw = RawWix()
    hired = raw.site.add_staff("Anna")
    (row,) = (await raw.post(STAFF, DETAILS)).json()["staffMembers"]
    assert ("Anna", hired.resource_id) == (row["name"], row["resourceId"])
    assert (hired.resource_id, hired.schedule_id) == (row["resource"]["id"], row["resource"]["eventsSchedule"]["id"])
    assert row["id"] != hired.resource_id, "the two are different ids"


async def test_the_resource_is_not_filled_unless_the_fields_ask_for_it() -> None:
    raw = RawWix()
    raw.site.add_staff("Anna")
    (row,) = (await raw.post(STAFF, {"query": {}})).json()["staffMembers"]
    assert "resource" not in row


async def test_rows_of_staff_carry_personal_data_that_nobody_asked_for() -> None:
    raw = RawWix()
    raw.site.add_staff("Anna")
    text = (await raw.post(STAFF, DETAILS)).text
    assert canary.EMAIL in text
    assert canary.PHONE in text


async def test_staff_come_in_pages_of_50_and_of_100_at_most() -> None:
    raw = RawWix()
    for number in range(120):
        raw.site.add_staff(f"Staff {number}")
    first = (await raw.post(STAFF, {"query": {}})).json()
    whole = (await raw.post(STAFF, {"query": {"cursorPaging": {"limit": 100}}})).json()
    cursor = whole["pagingMetadata"]["cursors"]["next"]
    rest = (await raw.post(STAFF, {"query": {"cursorPaging": {"cursor": cursor}}})).json()
    ids = {row["resourceId"] for row in whole["staffMembers"] + rest["staffMembers"]}
    assert (50, 100, 20, 120) == (*(len(answer["staffMembers"]) for answer in (first, whole, rest)), len(ids))
    assert 400 == (await raw.post(STAFF, {"query": {"cursorPaging": {"limit": 101}}})).status_code


@pytest.mark.parametrize("path", [SERVICES, OTHER_SERVICES])
async def test_a_service_has_a_type_and_a_schedule_of_its_own(path: str) -> None:
    raw = RawWix()
    yoga = raw.site.add_service("Yoga", kind="CLASS", hidden=True)
    (row,) = (await raw.post(path, {"query": {"paging": {"limit": 100}}})).json()["services"]
    assert ("Yoga", "CLASS", True, yoga.schedule_id) == (row["name"], row["type"], row["hidden"], row["schedule"]["id"])


async def test_services_are_paged_by_offset_with_100_on_a_page() -> None:
    raw = RawWix()
    for number in range(130):
        raw.site.add_service(f"Service {number}")
    first, second = (answer.json() for answer in await raw.send([services(0), services(100)]))
    assert (100, 30) == (len(first["services"]), len(second["services"]))
    assert {"count": 30, "offset": 100, "total": 130} == second["pagingMetadata"]
    assert 400 == (await raw.post(SERVICES, {"query": {"paging": {"limit": 101}}})).status_code


def services(offset: int) -> Request:
    return Request("POST", SERVICES, json={"query": {"paging": {"limit": 100, "offset": offset}}})


@pytest.mark.parametrize(("path", "needed"), [(STAFF, READ_STAFF), (SERVICES, READ_SERVICES)])
async def test_a_key_without_the_permission_is_refused(path: str, needed: frozenset[str]) -> None:
    raw = RawWix()
    raw.key = raw.wix.add_key(raw.site, permissions=ALL_PERMISSIONS - needed)
    answer = await raw.post(path, {"query": {}})
    assert (403, "PERMISSION_DENIED") == (answer.status_code, code_of(answer))


async def test_queries_of_staff_and_services_are_no_writes() -> None:
    raw = RawWix()
    await raw.send([Request("POST", STAFF, json={}), Request("POST", SERVICES, json={})])
    assert {} == raw.simulator.log.writes()


ASKED = {"query": {}, "fields": ["RESOURCE_DETAILS", "ASSOCIATED_IDENTITY_STATUS"]}


@pytest.mark.parametrize("identity", ["UNKNOWN", "CONNECTED", "PENDING", "EXPIRED", "DISCONNECTED"])
async def test_the_account_behind_a_staff_member_has_one_of_five_states_and_comes_when_asked_for(identity: str) -> None:
    raw = RawWix()
    raw.site.add_staff(identity=identity)
    (row,) = (await raw.post(STAFF, ASKED)).json()["staffMembers"]
    assert identity == row["associatedWixIdentity"]["connection"]["status"]
    (row,) = (await raw.post(STAFF, {"query": {}})).json()["staffMembers"]
    assert {"associatedWixIdentity", "resource"}.isdisjoint(row)


async def test_a_staff_member_may_have_no_account_and_not_say_whether_it_gives_services() -> None:
    raw = RawWix()
    raw.site.add_staff(identity=None, service_provider=None)
    raw.site.add_staff(service_provider=False)
    rows = (await raw.post(STAFF, ASKED)).json()["staffMembers"]
    assert {(False, None), (True, False)} == {("associatedWixIdentity" in row, row.get("serviceProvider")) for row in rows}
