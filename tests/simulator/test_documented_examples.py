"""The examples of the two APIs' documentation, served as documented, end up as the right gauges."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import yaml

from exporter.simulator import Fault, FaultKind, Simulator, running
from exporter.simulator.bitrix24.world import Link, calendar_event, sku
from tests.harness.application import RunningApplication, application
from tests.harness.clock import ManualClock

START = 1_723_446_900  # bitrix24.md 2.4: 2024-08-12 09:15 in Berlin
END = 1_723_447_800
SITE = "7f1c0c5e-2f0e-4f9c-9a55-3d8a5b1f6a10"
GOOGLE = "6c533722-f1f9-4847-95c7-d4c4922ae9b0"
APPLE = "9f084ae8-b3a6-4eb6-a29d-bc682c04b5fc"
WEBHOOK = {"name": "portal", "platform": "bitrix24", "webhook_url": "https://portal.bitrix24.example/rest/1/example0code/"}
NOW_WINDOW = [{"name": "around", "from": "now-24h", "to": "now+24h"}]


@contextlib.asynccontextmanager
async def exporter_on(
    folder: Path, build: Callable[[Simulator], None], target: dict[str, Any]
) -> AsyncIterator[tuple[RunningApplication, Simulator, str]]:
    """Watch ``target`` of a simulator while the block runs, after its first polls."""
    clock = ManualClock(START - 3600)
    simulator = Simulator(clock, build=build)
    async with running(simulator.app) as url:
        config = folder / "exporter.yml"
        config.write_text(
            yaml.safe_dump({"timezone": "Europe/Berlin", "windows": NOW_WINDOW, "targets": [{**target, "base_url": url}]})
        )
        async with application(config, clock) as app:
            await app.finished_polls()
            yield app, simulator, url


def documented_portal(simulator: Simulator) -> None:
    portal = simulator.bitrix24.add_portal("portal")
    simulator.bitrix24.add_webhook(portal, code="example0code")
    for name in ("Chair 1", "Chair 2"):
        portal.world.add_resource(name)
    portal.world.add_booking(START, END, id=15, resource_ids=(1, 2), name="…", links=(Link("1"), Link("2")))


def bitrix24(**collectors: object) -> dict[str, Any]:
    return {**WEBHOOK, "collectors": collectors}


async def test_a_booking_in_berlin_is_counted_in_its_window(tmp_path: Path) -> None:
    async with exporter_on(tmp_path, documented_portal, bitrix24(bookings={"interval": "60s"})) as (app, _, url):
        async with httpx.AsyncClient() as http:
            served = (
                await http.post(url + "/rest/1/example0code/booking.v1.booking.list", json={"order": {"id": "ASC"}})
            ).json()
        assert served["result"] == {
            "booking": [
                {
                    "datePeriod": {
                        "from": {"timestamp": START, "timezone": "Europe/Berlin"},
                        "to": {"timestamp": END, "timezone": "Europe/Berlin"},
                    },
                    "description": None,
                    "id": 15,
                    "name": "…",
                    "resourceIds": [1, 2],
                }
            ]
        }
        assert 0 == served["total"]
        assert "next" not in served
        page = await app.samples()
        assert 1 == page['bookings{window="around"}']
        assert 0 == page['conflicting_bookings{window="around"}']
        assert page["next_booking_timestamp_seconds"] == START


async def test_a_booking_with_deals_one_and_two_is_linked_once_with_two_links(tmp_path: Path) -> None:
    async with exporter_on(tmp_path, documented_portal, bitrix24(links={"interval": "60s", "window": "around"})) as (
        app,
        _,
        url,
    ):
        async with httpx.AsyncClient() as http:
            served = (
                await http.post(url + "/rest/1/example0code/booking.v1.booking.externalData.list", json={"bookingId": 15})
            ).json()
        assert [
            {"entityTypeId": "DEAL", "moduleId": "crm", "value": "1"},
            {"entityTypeId": "DEAL", "moduleId": "crm", "value": "2"},
        ] == served["result"]["externalData"]
        page = await app.samples()
        assert 1 == page['linked_bookings{window="around"}']
        assert 0 == page['unlinked_bookings{window="around"}']
        assert 2 == page['links{entity_type="deal",module="crm",window="around"}']


async def test_a_booking_with_only_a_calendar_event_and_a_service_is_not_linked(tmp_path: Path) -> None:
    def build(simulator: Simulator) -> None:
        documented_portal(simulator)
        world = simulator.bitrix24.portals["portal"].world
        world.add_booking(START + 7200, END + 7200, id=16, resource_ids=(1,), links=(calendar_event(52), sku(7)))

    async with exporter_on(tmp_path, build, bitrix24(links={"interval": "60s", "window": "around"})) as (app, _, _url):
        page = await app.samples()
        assert 1 == page['linked_bookings{window="around"}']
        assert 1 == page['unlinked_bookings{window="around"}']
        assert 1 == page['calendar_linked_bookings{window="around"}']
        assert 1 == page['links{entity_type="event",module="calendar",window="around"}']
        assert 1 == page['links{entity_type="sku",module="catalog",window="around"}']
        assert 0 == page['unrecognized_values_total{collector="links",field="module"}']


async def test_error_1021_means_that_the_booking_is_gone_not_that_the_poll_failed(tmp_path: Path) -> None:
    def build(simulator: Simulator) -> None:
        documented_portal(simulator)
        portal = simulator.bitrix24.portals["portal"]
        portal.world.add_booking(START + 7200, END + 7200, id=16, resource_ids=(1,), links=(Link("9"),))

    async with exporter_on(tmp_path, build, bitrix24(links={"interval": "60s", "window": "around"})) as (app, simulator, url):
        simulator.bitrix24.portals["portal"].world.delete_booking(16)
        async with httpx.AsyncClient() as http:
            answer = await http.post(url + "/rest/1/example0code/booking.v1.booking.externalData.list", json={"bookingId": 16})
        assert 400 == answer.status_code
        assert "1021" == str(answer.json()["error"])
        assert "Booking not found" == answer.json()["error_description"]
        await app.pass_time(61)
        await app.finished_polls(2)
        page = await app.samples()
        assert 1 == page['collector_up{collector="links"}']
        assert 1 == page['linked_bookings{window="around"}']
        assert 2 == page['links{entity_type="deal",module="crm",window="around"}']


async def test_error_422_is_a_failed_poll_with_a_reason_and_no_number(tmp_path: Path) -> None:
    def build(simulator: Simulator) -> None:
        documented_portal(simulator)
        body = '{"error": 422, "error_description": "Invalid date period"}'
        simulator.faults.add(Fault(FaultKind.BODY, status=400, body=body, content_type="application/json"))

    async with exporter_on(tmp_path, build, bitrix24(bookings={"interval": "60s"})) as (app, _, _url):
        page = await app.samples()
        assert 0 == page['collector_up{collector="bookings"}']
        assert 1 == page['collector_failures_total{collector="bookings",reason="client_error"}']
        assert not [name for name in page if name.startswith("bookings{")]


def documented_site(simulator: Simulator) -> None:
    site = simulator.wix.add_site(SITE)
    simulator.wix.add_key(site, "IST.example")
    schedule = site.add_schedule()
    for row in documented_connections(schedule.id):
        site.connections.add(row)


def documented_connections(schedule: str) -> list[dict[str, Any]]:
    """The two shapes of the reference (wix.md 3.2): one exporting and synced, one that only imports and has no userId."""
    return [
        {
            "id": "4WnvD8Qz" + "k" * 175,
            "providerId": GOOGLE,
            "calendarType": "GOOGLE",
            "scheduleId": schedule,
            "userId": "f2e6c8d0-1111-4222-8333-444455556666",
            "externalAccountEmail": "a@b.c",
            "status": "SYNCED",
            "errorReason": "UNDEFINED",
            "syncConfig": {
                "listEventFromCalendars": {"enabled": True, "primaryCalendar": {}},
                "syncToCalendar": {"enabled": True, "dedicatedCalendar": {}},
            },
        },
        {
            "id": "9Zp" + "q" * 146,
            "providerId": APPLE,
            "calendarType": "I_CAL",
            "scheduleId": schedule,
            "externalAccountEmail": "d@e.f",
            "status": "CONNECTED",
            "syncConfig": {"listEventFromCalendars": {"enabled": True, "calendars": {"calendars": [{"id": "home"}]}}},
        },
    ]


async def test_the_documented_connections_become_one_hot_states_without_an_address(tmp_path: Path) -> None:
    target = {"name": "site", "platform": "wix", "site_id": SITE, "api_key": "IST.example"}
    async with exporter_on(tmp_path, documented_site, {**target, "collectors": {"connections": {"interval": "60s"}}}) as (
        app,
        simulator,
        url,
    ):
        schedule = next(row.schedule_id for row in simulator.wix.sites[SITE].connections)
        async with httpx.AsyncClient(headers={"Authorization": "IST.example", "wix-site-id": SITE}) as http:
            served = (await http.get(url + "/bookings/v2/external-calendars/connections?partialFailure=true")).json()
        assert sorted(served["connections"], key=lambda row: row["id"]) == documented_connections(schedule)
        page = await app.samples()
        assert 1 == page['connections{calendar_type="google",status="synced"}']
        assert 1 == page['connections{calendar_type="apple",status="connected"}']
        states = {name: value for name, value in page.items() if name.startswith("connection_status{") and value == 1}
        assert 2 == len(states)
        enabled = {name: value for name, value in page.items() if name.startswith("connection_sync_enabled{")}
        assert [0, 1, 1, 1] == sorted(enabled.values())
        assert {0.0} == {value for name, value in page.items() if name.startswith("connection_error{")}
        text = await app.page()
        assert "a@b.c" not in text
        assert "d@e.f" not in text
