"""``booking.v1.resourceType.list``: what the reference and the module's source say of it."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.simulator.bitrix24.world import ResourceType
from tests.harness.bench import Bench, on_bench

TYPES = "booking.v1.resourceType.list"


@pytest.mark.parametrize("key", ["resourceType", "resource"])
def test_types_come_under_the_key_of_the_source_or_of_the_reference(key: Any) -> None:  # noqa: ANN401  a literal of the switches
    async def script(bench: Bench) -> Any:  # noqa: ANN401  a decoded body
        bench.simulator.bitrix24.switches.resource_types_key = key
        bench.world.resource_types[3] = ResourceType(3, "Rooms", "room")
        return (await bench.post(TYPES, {"order": {"id": "ASC"}})).json()

    body = on_bench(script)
    assert [(1, "Specialists"), (3, "Rooms")] == [(row["id"], row["name"]) for row in body["result"][key]]
    assert 0 == body["total"], "as in all lists of the module"


def test_types_come_in_pages_of_50() -> None:
    async def script(bench: Bench) -> list[int]:
        bench.world.resource_types |= {number: ResourceType(number, f"Type {number}") for number in range(1, 61)}
        pages = [(await bench.post(TYPES, {"start": start})).json()["result"]["resourceType"] for start in (0, 50)]
        return [len(page) for page in pages]

    assert [50, 10] == on_bench(script)
