"""The simulator's server, request log and control, over real HTTP with a bare client."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from typing import Any

import httpx
import pytest

from exporter.simulator import Simulator, canary, running
from exporter.simulator import http as server
from exporter.simulator.requestlog import fingerprint
from tests.harness.bench import LIST, simulated_portal
from tests.harness.clock import ManualClock


async def test_the_server_takes_a_free_loopback_port_and_names_its_url() -> None:
    async with running(Simulator(ManualClock()).app) as url:
        pass
    assert url.startswith("http://127.0.0.1:")
    assert not url.endswith(":0")


async def test_the_server_serves_where_it_is_told_to_and_frees_the_port_at_the_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]

    statuses = []
    for _ in range(2):
        async with running(Simulator(ManualClock()).app, "127.0.0.1", port) as url, httpx.AsyncClient() as http:
            assert url == f"http://127.0.0.1:{port}"
            statuses.append((await http.get(f"{url}/_sim/")).status_code)
    assert [200, 200] == statuses


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_no_part_of_an_answer_waits_for_the_clients_acknowledgement(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    accepted: list[socket.socket] = []
    made = server._Protocol.connection_made

    def connection_made(self: server._Protocol, transport: asyncio.Transport) -> None:
        accepted.append(transport.get_extra_info("socket"))
        made(self, transport)

    monkeypatch.setattr(server._Protocol, "connection_made", connection_made)

    async with running(Simulator(ManualClock()).app, host) as url, httpx.AsyncClient() as http:
        assert 200 == (await http.get(f"{url}/_sim/")).status_code
        assert [1] == [sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for sock in accepted]


async def test_an_address_that_is_taken_is_an_os_error() -> None:
    async with running(Simulator(ManualClock()).app) as url:
        second = running(Simulator(ManualClock()).app, "127.0.0.1", int(url.rsplit(":", 1)[1]))
        with pytest.raises(OSError, match="in use"):
            await second.__aenter__()


async def test_ipv6_addresses_are_bracketed() -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 loopback here")
    async with running(Simulator(ManualClock()).app, "::1") as url, httpx.AsyncClient() as http:
        assert 200 == (await http.get(f"{url}/_sim/")).status_code
        assert url.startswith("http://[::1]:")


async def test_the_server_leaves_signals_and_logging_alone(caplog: pytest.LogCaptureFixture) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with caplog.at_level(logging.WARNING):
        async with running(Simulator(ManualClock()).app) as url, httpx.AsyncClient() as http:
            await http.get(f"{url}/_sim/")
            assert signal.getsignal(signal.SIGTERM) is before
    assert [] == caplog.records


async def test_an_exception_in_the_block_still_stops_the_server() -> None:
    seen = ""
    with pytest.raises(LookupError):
        async with running(Simulator(ManualClock()).app) as seen:
            raise LookupError
    async with httpx.AsyncClient() as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(seen)
    assert seen


async def test_an_unknown_path_is_an_html_404_and_in_the_log() -> None:
    async with simulated_portal() as bench:
        answer = await bench.http.get(f"{bench.url}/nothing/here")
        assert (
            404,
            "text/html; charset=utf-8",
            {"none unknown": 1},
        ) == (answer.status_code, answer.headers["content-type"], bench.simulator.log.counts())


async def test_the_date_header_is_the_simulators_time() -> None:
    async with simulated_portal() as bench:
        bench.clock.now = 1_790_000_000.0
        assert "Mon, 21 Sep 2026 14:13:20 GMT" == (await bench.post("scope")).headers["date"]


async def test_the_log_counts_by_operation_credential_and_status() -> None:
    async with simulated_portal() as bench:
        other = bench.simulator.bitrix24.add_webhook(bench.portal, code="another")
        await bench.post(LIST)
        await bench.post(LIST, {"filter": "wrong"})
        await bench.http.post(other.url(bench.url) + LIST)
        log = bench.simulator.log
        assert [3, 3, 1, 1, 0, 0] == [
            log.count(),
            log.count(LIST),
            log.count(LIST, status=400),
            log.count(credential=fingerprint("another")),
            log.count(platform="wix"),
            log.count("scope"),
        ]


async def test_the_log_keeps_time_path_parameters_and_headers() -> None:
    async with simulated_portal() as bench:
        url = bench.webhook.url(bench.url) + LIST
        await bench.http.post(f"{url}?start=50", json={"order": {"id": "ASC"}}, headers={"User-Agent": "x/1"})
        (call,) = (await bench.http.get(f"{bench.url}/_sim/log")).json()["calls"]
        entry: dict[str, Any] = call
        call = entry
    assert 1_790_000_000.0 == call["at"]
    assert call["path"] == f"/rest/1/***/{LIST}"
    assert {"start": "50", "order": {"id": "ASC"}} == call["params"]
    assert "x/1" == call["headers"]["user-agent"]
    assert [call["method"], call["operation"], call["status"], call["write"]] == ["POST", LIST, 200, False]


async def test_no_credential_reaches_the_log() -> None:
    async with simulated_portal() as bench:
        for secret in ("Bearer s3cret-a", "s3cret-b"):
            await bench.post("scope", {"auth": secret, "deep": [{"refresh_token": secret}], "cmd": f"a?auth={secret}"})
            await bench.http.get(f"{bench.url}/x?access_token=s3cret-c", headers={"Authorization": secret, "Cookie": secret})
        await bench.http.post(f"{bench.url}/rest/c0dec0dec0dec0de/scope")
        await bench.http.post(f"{bench.url}/rest/1/unknown-s3cret/scope", content="client_secret=s3cret-d&x=1")
        log = (await bench.http.get(f"{bench.url}/_sim/log")).text
    assert "c0dec0dec0dec0de" not in log
    assert "s3cret" not in log


async def test_log_limit_gives_the_newest_calls() -> None:
    async with simulated_portal() as bench:
        for method in ("scope", "server.time"):
            await bench.post(method)
        newest = (await bench.http.get(f"{bench.url}/_sim/log?limit=1")).json()
        none = (await bench.http.get(f"{bench.url}/_sim/log?limit=0")).json()
        refused = await bench.http.get(f"{bench.url}/_sim/log?limit=x")
        assert [
            2,
            ["server.time"],
            [],
            400,
        ] == [newest["total"], [call["operation"] for call in newest["calls"]], none["calls"], refused.status_code]


async def test_a_body_that_is_not_json_is_named_as_such_in_the_log() -> None:
    async with simulated_portal() as bench:
        url = bench.webhook.url(bench.url) + "scope"
        await bench.http.post(url, content="{", headers={"Content-Type": "application/json"})
        assert {"(body)": "not JSON"} == bench.simulator.log.last.params


async def test_reset_goes_back_to_the_first_moment() -> None:
    def build(simulator: Simulator) -> None:
        simulator.bitrix24.add_portal("salon").world.fill(3, simulator.now())

    simulator = Simulator(ManualClock(), build=build)
    async with running(simulator.app) as url, httpx.AsyncClient() as http:
        simulator.bitrix24.portals["salon"].world.delete_booking(1)
        simulator.bitrix24.add_portal("other")
        await http.get(f"{url}/x")
        await http.post(f"{url}/_sim/faults", json={"kind": "drop"})
        await http.post(f"{url}/_sim/incidents/double-booking/start")
        await http.post(f"{url}/_sim/reset")
        overview = (await http.get(f"{url}/_sim/")).json()
    assert [{"salon": 3}, {}, [], []] == [
        {name: portal["bookings"] for name, portal in overview["platforms"]["bitrix24"]["portals"].items()},
        overview["requests"],
        overview["faults"],
        [incident["active_since"] for incident in overview["incidents"] if incident["active_since"]],
    ]


async def test_the_overview_shows_the_time_and_no_secret() -> None:
    async with simulated_portal() as bench:
        bench.world.fill(5, bench.clock.now)
        answer = await bench.http.get(f"{bench.url}/_sim/")
        now, text = (answer.json()["now"], answer.text)
    assert 1_790_000_000.0 == now
    assert "c0dec0dec0dec0de" not in text


async def test_answers_carry_the_canaries_so_that_tests_can_look_for_them() -> None:
    async with simulated_portal() as bench:
        bench.world.fill(1, bench.clock.now)
        text = (await bench.post(LIST)).text
    assert [] == [word for word in canary.CANARIES if word not in text]


@pytest.mark.parametrize(
    "body",
    [b"{", b'{"a":"\xff"}', b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 900 + b"1" + b"}" * 900],
    ids=["broken", "no UTF-8", "nested without end", "nested deep"],
)
async def test_a_body_that_is_no_json_is_never_a_fault_of_the_simulator(body: bytes) -> None:
    simulator = Simulator(ManualClock())
    key = simulator.wix.add_key(site := simulator.wix.add_site())
    simulator.bitrix24.add_webhook(simulator.bitrix24.add_portal("salon"), code="code")
    headers = {"Content-Type": "application/json", "Authorization": key.value, "wix-site-id": site.id}
    paths = ("/_api/bookings-reader/v2/extended-bookings/query", "/oauth2/token", f"/rest/1/code/{LIST}", "/_sim/faults")
    async with running(simulator.app) as url, httpx.AsyncClient() as http:
        for path in paths:
            assert (await http.post(f"{url}{path}", content=body, headers=headers)).status_code < 500, path
        assert 3 == len((await http.get(f"{url}/_sim/log")).json()["calls"]), "each call of a platform is in the log"
