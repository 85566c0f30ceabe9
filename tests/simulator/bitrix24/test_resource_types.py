"""``booking.v1.resourceType.list``: what the reference and the module's source say of it."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.simulator.bitrix24.world import ResourceType
from tests.harness.bench import Bench

TYPES = "booking.v1.resourceType.list"


@pytest.mark.parametrize("key", ["resourceType", "resource"])
async def test_types_come_under_the_key_of_the_source_or_of_the_reference(bench: Bench, key: Any) -> None:  # noqa: ANN401  a literal of Switches
    bench.simulator.bitrix24.switches.resource_types_key = key
    bench.world.resource_types[3] = ResourceType(3, "Rooms", "room")
    body = (await bench.post(TYPES, {"order": {"id": "ASC"}})).json()
    assert [(1, "Specialists"), (3, "Rooms")] == [(row["id"], row["name"]) for row in body["result"][key]]
    assert 0 == body["total"], "as in all lists of the module"


async def test_types_come_in_pages_of_50(bench: Bench) -> None:
    bench.world.resource_types |= {number: ResourceType(number, f"Type {number}") for number in range(1, 61)}
    pages = [(await bench.post(TYPES, {"start": start})).json()["result"]["resourceType"] for start in (0, 50)]
    assert [50, 10] == [len(page) for page in pages]
