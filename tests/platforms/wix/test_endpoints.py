"""No code path can call a write method of Wix: there is one place that sends, and it takes an endpoint from a closed list."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import exporter.platforms.wix as package
from exporter.platforms.wix.api import _about, _urls
from exporter.platforms.wix.endpoints import Endpoint
from exporter.simulator.wix import APPLE
from tests.harness.wix_site import WixBench

SOURCES = sorted(Path(package.__file__).parent.glob("*.py"))
SENDERS = {
    "build_request",
    "send",
    "stream",
    "request",
    "get",
    "post",
    "put",
    "patch",
    "delete",
    "options",
    "head",
    "Request",
    "new_request",
}


@pytest.mark.parametrize("endpoint", [endpoint for endpoint in Endpoint if "external-calendar" in endpoint.path])
def test_the_external_calendar_service_is_only_ever_read(endpoint: Endpoint) -> None:
    assert "GET" == endpoint.method
    assert ":" not in endpoint.path  # connections:connectByOAuth and the like
    assert "disconnect" not in endpoint.path


def test_the_posts_are_reads_and_the_minting_of_a_token() -> None:
    posts = {endpoint.path for endpoint in Endpoint if endpoint.method != "GET"}
    assert {
        "{reader}/v2/extended-bookings/count",
        "{reader}/v2/extended-bookings/query",
        "/oauth2/token",
        "/calendar/v3/schedules/query",
        "/bookings/v1/staff-members/query",
        "/bookings/v2/services/query",
        "/_api/service-availability/v2/time-slots",
        "/site-list/v2/sites/query",
    } == posts


def test_operations_are_short_stable_words() -> None:
    expected = [
        *("list_connections", "list_calendars", "list_providers", "list_events", "count_bookings", "query_bookings"),
        "mint_token",
        *("query_schedules", "query_staff", "query_services", "list_time_slots", "query_sites"),
    ]
    assert expected == [endpoint.operation for endpoint in Endpoint]


def test_one_place_builds_requests_and_from_an_endpoint_only() -> None:
    calls = [
        (path.name, node)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in SENDERS
        if isinstance(node.func, ast.Name) or "http" in ast.unparse(node.func)
    ]
    assert [("api.py", "new_request")] == [(name, ast.unparse(node.func)) for name, node in calls]
    method, url = (ast.unparse(argument) for argument in calls[0][1].args)
    assert "endpoint.method" == method
    assert "_about(self._urls[endpoint], endpoint, asked.connection)" == url


async def test_the_id_of_a_connection_stays_one_part_of_the_path_whatever_it_holds(bench: WixBench) -> None:
    bench.site.connections.amend(bench.connect(APPLE), id="..a b?c=#d%2Fe:disconnect")
    bench.open(bench.target())
    await bench.observe()
    bench.clock.now += 700
    await bench.observe()
    asked = [entry for entry in bench.simulator.log if "calendars" in entry.operation.lower() and "List" in entry.operation]
    assert ["ListCalendars"] == [entry.operation for entry in asked]
    assert not [entry for entry in bench.simulator.log if entry.write]


def test_the_id_of_a_connection_takes_its_own_place_alone_whatever_the_address_and_the_id_hold() -> None:
    endpoint = Endpoint.LIST_CALENDARS
    url = _about(_urls("https://proxy.example/CONNECTION/{connection}", "/CONNECTION")[endpoint], endpoint, "CONNECTION")
    calendars = "bookings/v2/external-calendars/connections/CONNECTION/calendars"
    assert f"https://proxy.example/CONNECTION/%7Bconnection%7D/{calendars}" == str(url)


def test_no_other_module_uses_the_shared_client_or_the_exchange() -> None:
    users = {path.name for path in SOURCES if "exchange(" in path.read_text() or ".http" in path.read_text()}
    assert {"api.py"} == users
