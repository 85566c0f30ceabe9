"""How many series a target costs, on the page of an exporter that polls the simulated platforms."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from exporter.simulator import Simulator
from exporter.simulator.wix.providers import APPLE, GOOGLE, MICROSOFT, Provider
from tests.harness.application import application
from tests.harness.business import API_KEY, SITE_ID, WEBHOOK_CODE
from tests.harness.clock import ManualClock
from tests.harness.exposition import lines_of

URL = "http://127.0.0.1:8099"
WIX = {"name": "salon", "platform": "wix", "site_id": SITE_ID, "api_key": API_KEY, "base_url": URL}
PORTAL = {
    "name": "office",
    "platform": "bitrix24",
    "webhook_url": f"https://salon.bitrix24.example/rest/1/{WEBHOOK_CODE}/",
    "base_url": URL,
}


def site(*providers: Provider) -> Callable[[Simulator], None]:
    """Return how a site is built whose connections are at ``providers``."""

    def build(simulator: Simulator) -> None:
        made = simulator.wix.add_site(SITE_ID)
        simulator.wix.add_key(made, API_KEY)
        for provider in providers:
            made.connections.finish_sync(made.connections.connect(provider, made.add_staff().schedule_id))
        made.bookings.seed(days_back=1, days_ahead=7)

    return build


def portal(simulator: Simulator) -> None:
    made = simulator.bitrix24.add_portal("salon")
    simulator.bitrix24.add_webhook(made, code=WEBHOOK_CODE)
    made.world.fill(120, simulator.now())


def series(tmp_path: Path, build: Callable[[Simulator], None], target: dict[str, Any]) -> Counter[str]:
    """Return how many series of each family the polled ``target`` has."""

    async def polled() -> Counter[str]:
        clock = ManualClock()
        file = tmp_path / "exporter.yml"
        file.write_text(yaml.safe_dump({"timezone": "Europe/Berlin", "targets": [target]}))
        async with application(file, clock, through=httpx.ASGITransport(Simulator(clock, build=build).app)) as app:
            await app.finished_polls()
            found = lines_of(await app.page())
            return Counter(name for name, labels, _ in found if labels.get("target") == target["name"])

    return asyncio.run(polled())


@pytest.mark.parametrize(
    ("providers", "most"),
    [
        ((GOOGLE,) * 4, 173),
        ((GOOGLE, GOOGLE, MICROSOFT, MICROSOFT), 180),
        ((GOOGLE, APPLE, MICROSOFT, MICROSOFT), 187),
    ],
    ids=["one calendar type", "two", "three"],
)
def test_a_site_with_four_connections_has_180_series_and_7_for_each_calendar_type_beyond_two(
    tmp_path: Path, providers: tuple[Provider, ...], most: int
) -> None:
    assert series(tmp_path, site(*providers), WIX).total() == most


def test_a_connection_more_of_the_same_calendar_costs_16_series(tmp_path: Path) -> None:
    few, many = (series(tmp_path, site(*(GOOGLE,) * number), WIX).total() for number in (1, 21))
    assert many - few == 20 * 16


def test_a_portal_has_at_most_125_series(tmp_path: Path) -> None:
    assert series(tmp_path, portal, PORTAL).total() <= 125


def test_what_a_platform_takes_is_timed_by_platform_and_a_poll_has_two_buckets(tmp_path: Path) -> None:
    found = series(tmp_path, site(*(GOOGLE,) * 4), WIX)
    assert {name for name in found if "request_duration" in name or "retries" in name} == set()
    assert found["booking_sync_collector_poll_duration_seconds_bucket"] == 2 * 3
    assert found["booking_sync_collector_failures_total"] == 2 * 15


def test_of_calendar_types_that_a_site_does_not_have_the_aggregate_has_no_rows(tmp_path: Path) -> None:
    assert series(tmp_path, site(GOOGLE, APPLE), WIX)["booking_sync_connections"] == 2 * 7
