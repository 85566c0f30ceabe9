"""How many series a target costs, on the page of an exporter that polls the simulated platforms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from exporter.simulator import Simulator
from exporter.simulator.bitrix24.simulator import CALENDAR_SCOPES
from exporter.simulator.wix.connections import import_from
from exporter.simulator.wix.providers import APP_PROVIDER, APPLE, GOOGLE, MICROSOFT, Provider
from exporter.simulator.wix.world import OfferedService
from tests.harness.application import application
from tests.harness.business import API_KEY, APP_SECRET, SITE_ID, WEBHOOK_CODE
from tests.harness.clock import ManualClock
from tests.harness.exposition import lines_of

URL = "http://127.0.0.1:8099"
NAMED = {"name": "salon", "platform": "wix", "base_url": URL}
KEY = {"site_id": SITE_ID, "api_key": API_KEY}
WIX = {**NAMED, **KEY}
APP = {
    "app_id": "3f0c5d52-9b0e-4a7e-8a67-5f6d2c1b0a91",
    "app_secret": APP_SECRET,
    "instance_id": "a1d6e7c4-0b3f-4c55-9d2e-6f7081920a3b",
}
PORTAL = {
    "name": "office",
    "platform": "bitrix24",
    "webhook_url": f"https://salon.bitrix24.example/rest/1/{WEBHOOK_CODE}/",
    "base_url": URL,
}
CALENDARS = (GOOGLE, APPLE, MICROSOFT, APP_PROVIDER)


def site(*providers: Provider, config: Mapping[str, object] | None = None) -> Callable[[Simulator], None]:
    """Return how a site is built whose connections are at ``providers``, with this ``syncConfig``."""

    def build(simulator: Simulator) -> None:
        made = simulator.wix.add_site(SITE_ID)
        simulator.wix.add_key(made, API_KEY)
        simulator.wix.credentials.install(
            SITE_ID, app_id=APP["app_id"], app_secret=APP["app_secret"], instance_id=APP["instance_id"]
        )
        for provider in providers:
            made.connections.finish_sync(made.connections.connect(provider, made.add_staff().schedule_id, config=config))
        made.bookings.seed(days_back=1, days_ahead=7)

    return build


def portal(simulator: Simulator) -> None:
    made = simulator.bitrix24.add_portal("salon")
    simulator.bitrix24.add_webhook(made, code=WEBHOOK_CODE)
    made.world.fill(120, simulator.now())


async def series(tmp_path: Path, build: Callable[[Simulator], None], target: dict[str, Any]) -> Counter[str]:
    """Return how many series of each family the polled ``target`` has."""

    async def polled() -> Counter[str]:
        clock = ManualClock()
        file = tmp_path / "exporter.yml"
        file.write_text(yaml.safe_dump({"timezone": "Europe/Berlin", "targets": [target]}))
        async with application(file, clock, through=httpx.ASGITransport(Simulator(clock, build=build).app)) as app:
            await app.finished_polls()
            for _ in range(22):  # in ten minutes each connection is probed
                await app.pass_time(30)
            found = lines_of(await app.page())
            return Counter(name for name, labels, _ in found if labels.get("target") == target["name"])

    return await polled()


def connected(number: int, types: int) -> tuple[Provider, ...]:
    """Return the providers of ``number`` connections to calendars of ``types`` types."""
    return tuple(CALENDARS[position % types] for position in range(number))


OF_A_SITE = {
    "collector_up": 2,
    "collector_interval_seconds": 2,
    "collector_max_age_seconds": 2,
    "collector_last_success_timestamp_seconds": 2,
    "collector_next_poll_timestamp_seconds": 2,
    "collector_data_expired": 2,
    "collector_series_dropped": 1,
    "collector_polls_total": 2,
    "collector_failures_total": 2 * 13,
    "collector_poll_duration_seconds_bucket": 2 * 2,
    "collector_poll_duration_seconds_sum": 2,
    "collector_poll_duration_seconds_count": 2,
    "target_info": 1,
    "target_paused": 1,
    "malformed_rows_total": 1,
    "unrecognized_values_total": 5,
    "staff": 3,
    "staff_unprotected": 7,
    "provider_up": 4,
    "bookings": 4,
    "bookings_by_status": 4 * 2,
    "platform_conflicting_bookings": 2,
    "window_start_timestamp_seconds": 4,
    "window_end_timestamp_seconds": 4,
    "window_complete": 4,
    "credential_info": 1,
    "connections_sharing_account": 1,
    "api_requests_total": 5 * 2 + 1,  # Google answers no probe: 428
    "api_throttle_wait_seconds_total": 1,
    "api_budget_limit": 1,
    "api_budget_remaining": 1,
}
OF_A_CALENDAR_TYPE = {"connections": 5}
OF_A_CONNECTION = {
    "connection_status": 7,
    "connection_error": 5,
    "connection_info": 1,
    "connection_sync_enabled": 2,
    "connection_status_since_timestamp_seconds": 1,
}
OF_A_PORTAL = {
    "collector_up": 2,
    "collector_interval_seconds": 2,
    "collector_max_age_seconds": 2,
    "collector_last_success_timestamp_seconds": 2,
    "collector_next_poll_timestamp_seconds": 2,
    "collector_data_expired": 2,
    "collector_polls_total": 2,
    "collector_failures_total": 2 * 15,
    "collector_poll_duration_seconds_bucket": 2 * 2,
    "collector_poll_duration_seconds_sum": 2,
    "collector_poll_duration_seconds_count": 2,
    "target_info": 1,
    "target_paused": 1,
    "malformed_rows_total": 2,
    "unrecognized_values_total": 2 * 2,
    "bookings": 4,
    "conflicting_bookings": 4,
    "accepted_conflicting_bookings": 4,
    "next_booking_timestamp_seconds": 1,
    "bookings_discovered_total": 1,
    "bookings_vanished_total": 1,
    "linked_bookings": 1,
    "unlinked_bookings": 1,
    "calendar_linked_bookings": 1,
    "links_unverified_bookings": 1,
    "links": 3,
    "window_start_timestamp_seconds": 5,
    "window_end_timestamp_seconds": 5,
    "window_complete": 5,
    "credential_info": 1,
    "api_requests_total": 5 * 2,
    "api_throttle_wait_seconds_total": 1,
    "api_budget_limit": 2,
    "api_budget_remaining": 2,
    "api_operating_seconds": 3,
    "api_operating_reset_timestamp_seconds": 2,
}


@pytest.mark.slow
@pytest.mark.parametrize("connections", [1, 4, 20])
@pytest.mark.parametrize("types", [1, 2, 3, 4])
async def test_a_site_has_these_series(tmp_path: Path, connections: int, types: int) -> None:
    found = await series(tmp_path, site(*connected(connections, types)), WIX)
    types = min(types, connections)
    per_type = {name: number * types for name, number in OF_A_CALENDAR_TYPE.items()}
    per_connection = {name: number * connections for name, number in OF_A_CONNECTION.items()}
    probed = sum(provider in (APPLE, MICROSOFT) for provider in connected(connections, types))
    expected = {**OF_A_SITE, **per_type, **per_connection, **({"connection_probe_success": probed} if probed else {})}
    assert {f"booking_sync_{name}": number for name, number in expected.items()} == found


@pytest.mark.parametrize("types", [1, 2, 3, 4])
@pytest.mark.parametrize("credential", [KEY, APP], ids=["key", "app"])
async def test_a_site_with_four_connections_has_at_most_201_series(
    tmp_path: Path, types: int, credential: dict[str, str]
) -> None:
    assert (await series(tmp_path, site(*connected(4, types)), {**NAMED, **credential})).total() <= 201


async def test_a_site_whose_connections_all_import_chosen_calendars_has_at_most_209_series(tmp_path: Path) -> None:
    chosen = {"listEventFromCalendars": import_from("4xve0tohyhnrlzy3lp4zf7b07"), "syncToCalendar": {"enabled": True}}
    calendars = (APPLE, MICROSOFT, APPLE, MICROSOFT)
    found = await series(tmp_path, site(*calendars, config=chosen), {**NAMED, **APP})
    assert 8 == found["booking_sync_connection_import_calendars"]
    assert found.total() <= 209


def test_a_connection_more_costs_at_most_19_series_and_a_calendar_type_5() -> None:
    probed = {"connection_probe_success": 1, "connection_import_calendars": 2}
    assert 19 == sum((OF_A_CONNECTION | probed).values())
    assert 5 == sum(OF_A_CALENDAR_TYPE.values())


async def test_a_site_without_connections_has_fewer_series_than_one_with_four(tmp_path: Path) -> None:
    none, four = [(await series(tmp_path, site(*connected(number, 1)), WIX)).total() for number in (0, 4)]
    assert none < four


async def test_a_portal_has_these_series_which_are_at_most_120(tmp_path: Path) -> None:
    found = await series(tmp_path, portal, PORTAL)
    assert {f"booking_sync_{name}": number for name, number in OF_A_PORTAL.items()} == found
    assert found.total() <= 120


OF_PRIVATE_EVENTS = {
    "collector_failures_total": 13,
    "collector_poll_duration_seconds_bucket": 2,
    **dict.fromkeys(
        (
            "collector_up",
            "collector_interval_seconds",
            "collector_max_age_seconds",
            "collector_last_success_timestamp_seconds",
            "collector_next_poll_timestamp_seconds",
            "collector_data_expired",
            "collector_polls_total",
            "collector_poll_duration_seconds_sum",
            "collector_poll_duration_seconds_count",
            "malformed_rows_total",
        ),
        1,
    ),
    "unrecognized_values_total": 5,
    "api_requests_total": 2 * 2,
    "external_conflicts": 2 * 3,
    "window_start_timestamp_seconds": 2,
    "window_end_timestamp_seconds": 2,
    "window_complete": 2,
    "external_events": 4 * 2,
    "external_events_last_change_timestamp_seconds": 4,
    "external_events_horizon_timestamp_seconds": 4,
    "external_events_up": 4,
}


async def test_private_events_of_four_connections_bring_66_series(tmp_path: Path) -> None:
    chosen = {"connections": None, "bookings": None}
    without = await series(tmp_path, site(*connected(4, 4)), {**WIX, "collectors": chosen})
    found = await series(tmp_path, site(*connected(4, 4)), {**WIX, "collectors": {**chosen, "events": None}})
    assert 66 == sum(OF_PRIVATE_EVENTS.values())
    assert OF_PRIVATE_EVENTS == {name.removeprefix("booking_sync_"): number for name, number in (found - without).items()}


async def test_slots_have_a_series_for_each_service_and_each_schedule_that_a_slot_names(tmp_path: Path) -> None:
    service = "0b1f4d7a-2222-4333-8444-555566667777"

    def with_service(simulator: Simulator) -> None:
        site(*connected(4, 4))(simulator)
        [made] = simulator.wix.sites.values()
        made.services.append(OfferedService(service, "Haircut", "0b1f4d7a-3333-4333-8444-555566667777"))

    chosen = {"connections": None, "bookings": None}
    slots = {"services": [{"name": "Haircut", "id": service}]}
    without = await series(tmp_path, with_service, {**WIX, "collectors": chosen})
    found = await series(tmp_path, with_service, {**WIX, "collectors": {**chosen, "slots": slots}})
    brought = found - without
    assert 1 == brought["booking_sync_open_slots"]
    assert 1 == brought["booking_sync_next_open_slot_timestamp_seconds"]
    assert 6 == brought["booking_sync_unrecognized_values_total"]
    assert 38 == brought.total() - 2 - brought["booking_sync_slots_over_busy"]  # as docs/sizing.md says


OF_COPIES = {
    "calendar_mismatches": 3,
    "calendar_unverified_bookings": 1,
    "api_operating_seconds": 1,
    "api_operating_reset_timestamp_seconds": 0,
}


async def test_copies_in_the_staffs_calendar_cost_five_series_where_there_are_some_and_none_elsewhere(tmp_path: Path) -> None:
    def with_copies(simulator: Simulator) -> None:
        made = simulator.bitrix24.add_portal("salon")
        simulator.bitrix24.add_webhook(made, code=WEBHOOK_CODE, scopes=CALENDAR_SCOPES)
        made.world.fill(120, simulator.now())
        for resource in made.world.resources:
            made.calendar.link(resource, 12)

    found = await series(tmp_path, with_copies, PORTAL)
    expected = Counter(OF_A_PORTAL) + Counter(OF_COPIES)
    assert {f"booking_sync_{name}": number for name, number in expected.items()} == found
