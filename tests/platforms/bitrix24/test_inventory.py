"""What a portal has: resources by id, name and type, with what a user may not read told and the rest listed."""

from __future__ import annotations

import pytest

from exporter.platforms.bitrix24 import BITRIX24
from exporter.platforms.bitrix24.session import BitrixSession
from exporter.platforms.inventory import Inventory
from exporter.simulator.bitrix24.world import ResourceType
from exporter.simulator.faults import Fault, FaultKind
from exporter.support.secret import Secret
from tests.harness.bitrix24_oauth import open_oauth, write_tokens
from tests.harness.bitrix24_target import Bench


async def read(session: BitrixSession) -> Inventory:
    try:
        return await BITRIX24.inventory(session)
    finally:
        await session.aclose()


def resources(inventory: Inventory) -> list[tuple[str, ...]]:
    (listing,) = inventory.listings
    return list(listing.rows)


@pytest.mark.parametrize("key", ["resourceType", "resource"])
async def test_resources_have_their_types_whatever_the_portal_calls_those(bench: Bench, key: str) -> None:
    bench.simulator.bitrix24.switches.resource_types_key = key  # type: ignore[assignment]  # one of two words
    bench.world.resource_types[3] = ResourceType(3, "Rooms", "room")
    bench.world.add_resource("Anna")
    bench.world.add_resource("Sauna", type_id=3)
    bench.world.add_resource("Van", type_id=9)
    inventory = await read(bench.open())
    assert [("1", "Anna", "Specialists"), ("2", "Sauna", "Rooms"), ("3", "Van", "9")] == resources(inventory)
    assert (("1", "Anna"), ("2", "Sauna"), ("3", "Van")) == inventory.names[0].found
    assert ("resource_aliases", ()) == (inventory.names[0].key, inventory.gaps)


async def test_oauth_reads_what_a_webhook_reads(bench: Bench) -> None:
    bench.world.add_resource("Anna")
    write_tokens(bench)
    assert [("1", "Anna", "Specialists")] == resources(await read(open_oauth(bench)))


async def test_a_webhook_without_the_scope_is_told_which_one_it_lacks(bench: Bench) -> None:
    code = bench.simulator.bitrix24.add_webhook(bench.portal, scopes=frozenset({"crm"})).code
    (gap,) = (await read(bench.open(webhook_url=Secret(f"https://salon.bitrix24.example/rest/1/{code}/")))).gaps
    assert "resources, resource types" == gap.what
    assert "scope booking" in gap.message
    assert "scope `booking`" in gap.fix


async def test_types_that_cannot_be_read_cost_no_resource(bench: Bench) -> None:
    bench.world.add_resource("Anna")
    bench.simulator.faults.add(Fault(FaultKind.STATUS, status=404, operation="booking.v1.resourceType.list"))
    inventory = await read(bench.open())
    assert [("1", "Anna", "1")] == resources(inventory)
    assert ["resource types"] == [gap.what for gap in inventory.gaps]


@pytest.mark.slow
async def test_five_thousand_resources_are_read_to_the_end(bench: Bench) -> None:
    for number in range(5_000):
        bench.world.add_resource(f"Chair {number}")
    inventory = await read(bench.open())
    assert (5_000, ()) == (len(resources(inventory)), inventory.gaps)


@pytest.mark.slow
@pytest.mark.parametrize("odd", ["[]", "null", '{"a": 1}', "true", '"   "'])
async def test_an_odd_type_of_a_resource_costs_no_resource(bench: Bench, odd: str) -> None:
    row = '{"id": 1, "name": "Anna", "typeId": ' + odd + "}"
    body = '{"result": {"resource": [' + row + "]}}"
    fault = Fault(FaultKind.BODY, body=body, content_type="application/json", operation="booking.v1.resource.list")
    bench.simulator.faults.add(fault)
    assert ["Anna"] == [row[1] for row in resources(await read(bench.open()))]


async def test_polls_do_not_expect_what_only_the_inventory_calls(bench: Bench) -> None:
    assert "booking.v1.resourceType.list" not in bench.open().expected.operations
