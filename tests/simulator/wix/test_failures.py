"""How the simulated Wix fails, limits and logs (wix.md 9, 10, 11; checklist 13 "Failure modes (any endpoint)")."""

from __future__ import annotations

import gzip
import re
from email.utils import parsedate_to_datetime

import httpx
import pytest

from exporter.simulator import Fault, FaultKind, canary
from exporter.simulator.wix.faults import function_removed, system_error
from exporter.simulator.wix.operations import OPERATIONS
from tests.harness.simulated_wix import CONNECTIONS, COUNT, EMPTY, PROVIDERS, QUERY, TOKEN, RawWix, Request, code_of


def statuses(answers: list[httpx.Response]) -> list[int]:
    return [answer.status_code for answer in answers]


@pytest.mark.parametrize("path", [CONNECTIONS, "/bookings/v2/nothing", "/bookings/v1/externalCalendar/x"])
@pytest.mark.parametrize("fault", [None, FaultKind.STATUS, FaultKind.EMPTY, FaultKind.RATE_LIMITED, FaultKind.TRUNCATED])
async def test_every_answer_has_a_request_id_of_its_own_and_a_cookie_that_nobody_wants(
    path: str, fault: FaultKind | None
) -> None:
    raw = RawWix()
    if fault:
        raw.simulator.faults.add(Fault(fault, status=502))
    answers = await raw.send([Request("GET", path)] * 3)
    assert 3 == len({answer.headers["x-wix-request-id"] for answer in answers})
    assert all(answer.headers["set-cookie"].startswith("XSRF-TOKEN=") for answer in answers)


async def test_no_answer_tells_the_limits() -> None:
    names = {name.lower() for name in (await RawWix().get(CONNECTIONS)).headers}
    assert not [name for name in names if "ratelimit" in name or name == "retry-after"]


async def test_the_service_that_answered_is_named() -> None:
    raw = RawWix()
    answers = await raw.send([Request("GET", CONNECTIONS), Request("GET", PROVIDERS, headers={})])
    assert ["ListConnections", "ListProviders"] == [
        answer.headers["x-wix-responded-by"].rpartition(".")[2] for answer in answers
    ]


@pytest.mark.parametrize(
    "path",
    [
        "/bookings/v2/external-calendar/connections",  # the singular: a known wrong guess
        "/calendar/v3/external-calendars/connections",
        "/_api/bookings/v2/bookings/query",
        "/bookings/v2/external-calendars/connections/a/b/c",
    ],
)
async def test_a_wrong_path_is_an_html_404_that_no_service_answered(path: str) -> None:
    answer = await RawWix().get(path)
    assert 404 == answer.status_code
    assert answer.headers["content-type"].startswith("text/html")
    assert "x-wix-responded-by" not in answer.headers


@pytest.mark.parametrize("path", ["/bookings/v1/externalCalendar/connections", "/bookings/reader/v2/extended-bookings/query"])
async def test_a_retired_path_is_503_function_removed(path: str) -> None:
    answer = await RawWix().get(path)
    assert (503, "FUNCTION_REMOVED") == (answer.status_code, code_of(answer))


@pytest.mark.parametrize(("method", "path"), [("POST", CONNECTIONS), ("GET", COUNT), ("PUT", PROVIDERS), ("GET", TOKEN)])
async def test_a_wrong_method_is_501(method: str, path: str) -> None:
    [answer] = await RawWix().send([Request(method, path)])
    assert 501 == answer.status_code


@pytest.mark.parametrize("path", [CONNECTIONS, PROVIDERS])
@pytest.mark.parametrize("status", [500, 403])
async def test_a_system_error_has_the_empty_shape(path: str, status: int) -> None:
    raw = RawWix()
    raw.simulator.faults.add(system_error(status=status))
    answer = await raw.get(path)
    assert (status, EMPTY) == (answer.status_code, answer.json())
    assert answer.headers["content-type"].startswith("application/json")


async def test_function_removed_can_strike_any_operation_for_a_while() -> None:
    raw = RawWix()
    raw.simulator.faults.add(function_removed("CountExtendedBookings", times=1))
    first, second, other = await raw.send(
        [Request("POST", COUNT, json={}), Request("POST", COUNT, json={}), Request("POST", QUERY, json={})]
    )
    assert (503, "FUNCTION_REMOVED") == (first.status_code, code_of(first))
    assert [200, 200] == statuses([second, other])


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_gateway_answers_html(status: int) -> None:
    raw = RawWix()
    raw.simulator.faults.add(Fault(FaultKind.STATUS, status=status))
    answer = await raw.get(CONNECTIONS)
    assert status == answer.status_code
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("retry_after", [None, "7", "Mon, 21 Sep 2026 14:14:20 GMT"])
async def test_a_429_comes_with_and_without_retry_after(retry_after: str | None) -> None:
    raw = RawWix()
    raw.simulator.faults.add(Fault(FaultKind.RATE_LIMITED, retry_after=retry_after))
    answer = await raw.get(CONNECTIONS)
    assert (429, retry_after) == (answer.status_code, answer.headers.get("retry-after"))


async def test_200_requests_a_minute_are_free_and_the_next_one_is_429_without_retry_after() -> None:
    raw = RawWix()
    answers = await raw.send([Request("GET", CONNECTIONS)] * 201)
    assert [200] * 200 + [429] == statuses(answers)
    assert "retry-after" not in answers[-1].headers


async def test_the_bucket_refills_with_the_simulators_clock() -> None:
    raw = RawWix()
    await raw.send([Request("GET", CONNECTIONS)] * 200)
    assert 429 == (await raw.get(CONNECTIONS)).status_code
    raw.clock.now += 0.3
    assert [200, 429] == statuses(await raw.send([Request("GET", CONNECTIONS)] * 2))
    raw.clock.now += 60
    assert [200] * 200 + [429] == statuses(await raw.send([Request("GET", CONNECTIONS)] * 201))


async def test_each_site_has_a_bucket_of_its_own() -> None:
    raw = RawWix()
    raw.wix.switches.requests_per_minute = 2
    sister = raw.wix.add_site(account_id=raw.site.account_id)
    answers = await raw.send([Request("GET", CONNECTIONS)] * 3)
    assert [200, 200, 429] == statuses(answers)
    assert 200 == (await raw.get(CONNECTIONS, headers={**raw.headers, "wix-site-id": sister.id})).status_code


async def test_key_and_app_of_one_site_share_its_bucket() -> None:
    raw = RawWix()
    raw.wix.switches.requests_per_minute = 2
    token = (await raw.mint(raw.wix.credentials.install(raw.site.id))).json()["access_token"]
    await raw.send([Request("GET", CONNECTIONS)] * 2)
    assert 429 == (await raw.get(CONNECTIONS, headers={"authorization": token})).status_code


async def test_a_full_bucket_says_when_to_come_back_by_switch() -> None:
    raw = RawWix()
    raw.wix.switches.requests_per_minute = 2
    raw.wix.switches.retry_after = "seconds"
    await raw.send([Request("GET", CONNECTIONS)] * 2)
    assert 30 <= int((await raw.get(CONNECTIONS)).headers["retry-after"]) <= 31
    raw.wix.switches.retry_after = "date"
    moment = parsedate_to_datetime((await raw.get(CONNECTIONS)).headers["retry-after"]).timestamp()
    raw.clock.now = moment
    assert 200 == (await raw.get(CONNECTIONS)).status_code


async def test_a_refused_credential_costs_the_site_nothing() -> None:
    raw = RawWix()
    raw.wix.switches.requests_per_minute = 1
    await raw.get(CONNECTIONS, headers={**raw.headers, "authorization": "IST.wrong"})
    assert 200 == (await raw.get(CONNECTIONS)).status_code


@pytest.mark.parametrize("body", ["[]", "null", '"text"', "", "{"])
async def test_an_answer_can_have_any_body(body: str) -> None:
    raw = RawWix()
    raw.simulator.faults.add(Fault(FaultKind.BODY, body=body, content_type="application/json"))
    assert body == (await raw.get(CONNECTIONS)).text


async def test_an_answer_can_be_truncated_mislabelled_or_start_with_a_byte_order_mark() -> None:
    raw = RawWix()
    whole = (await raw.get(PROVIDERS)).content
    for kind in (FaultKind.TRUNCATED, FaultKind.CONTENT_TYPE, FaultKind.BOM):
        raw.simulator.faults.add(Fault(kind, times=1))
    cut, mislabelled, marked = await raw.send([Request("GET", PROVIDERS)] * 3)
    assert whole[: len(whole) // 2] == cut.content
    assert (whole, "text/html; charset=utf-8") == (mislabelled.content, mislabelled.headers["content-type"])
    assert b"\xef\xbb\xbf" + whole == marked.content


async def test_a_large_answer_is_compressed_for_who_accepts_it() -> None:
    raw = RawWix()
    raw.site.connect_many(20)
    packed = await raw.get(CONNECTIONS, headers={**raw.headers, "accept-encoding": "gzip"})
    plain = await raw.get(CONNECTIONS, headers={**raw.headers, "accept-encoding": "identity"})
    assert ("gzip", None) == (packed.headers.get("content-encoding"), plain.headers.get("content-encoding"))
    assert packed.content == plain.content
    assert len(gzip.compress(plain.content)) < len(plain.content)


async def test_a_dropped_connection_has_no_status() -> None:
    raw = RawWix()
    raw.simulator.faults.add(Fault(FaultKind.DROP))
    with pytest.raises(httpx.TransportError):
        await raw.get(CONNECTIONS)
    assert raw.simulator.log.last.status is None


async def test_the_log_tells_time_operation_params_and_status() -> None:
    raw = RawWix()
    await raw.get(CONNECTIONS, [("partialFailure", "true"), ("scheduleIds", "x"), ("scheduleIds", "y")])
    last = raw.simulator.log.last
    assert (raw.now, "wix", "ListConnections", "GET", 400) == (last.at, last.platform, last.operation, last.method, last.status)
    assert {"partialFailure": "true", "scheduleIds": ["x", "y"]} == last.params


async def test_the_log_holds_no_credential_and_no_connection_id() -> None:
    raw = RawWix()
    [made] = raw.site.connect_many(1)
    app = raw.wix.credentials.install(raw.site.id)
    token = (await raw.mint(app)).json()["access_token"]
    await raw.get(f"{CONNECTIONS}/{made}")
    await raw.get(CONNECTIONS, headers={"authorization": f"Bearer {token}"})
    await raw.post("/oauth2/token-info", {"token": token}, headers={})
    written = repr(list(raw.simulator.log))
    for secret in (raw.key.value, app.app_secret, token, made):
        assert secret not in written
    assert "connections/{connection_id}" in written


async def test_calls_of_one_credential_can_be_told_from_those_of_another() -> None:
    raw = RawWix()
    await raw.get(CONNECTIONS)
    await raw.get(CONNECTIONS)
    raw.key = raw.wix.add_key(raw.site)
    await raw.get(CONNECTIONS)
    assert [2, 1] == sorted((raw.simulator.log.count(credential=one) for one in credentials(raw)), reverse=True)


def credentials(raw: RawWix) -> set[str]:
    return {call.credential for call in raw.simulator.log}


async def test_a_request_id_names_one_call() -> None:
    assert re.fullmatch(r"\d+\.\d{13}\.[0-9a-f]{16}", (await RawWix().get(CONNECTIONS)).headers["x-wix-request-id"])


async def test_the_overview_shows_the_world_without_secrets_or_people() -> None:
    raw = RawWix()
    raw.site.connect_many(3)
    raw.site.bookings.add(raw.now, raw.now)
    text = (await raw.get("/_sim/", headers={})).text
    assert '"SYNCED": 3' in text
    for secret in (*canary.CANARIES, raw.key.value):
        assert secret not in text


async def test_a_reset_forgets_sites_keys_and_switches() -> None:
    raw = RawWix()
    raw.wix.switches.providers_fail = True
    raw.simulator.reset()
    assert ({}, False) == (raw.wix.sites, raw.wix.switches.providers_fail)
    assert 401 == (await raw.get(CONNECTIONS)).status_code


@pytest.mark.parametrize(
    ("incident", "during"),
    [
        ("token-revoked", ["ERROR", "SYNCED", "SYNCED"]),
        ("sync-stuck", ["SYNCED", "SYNC_IN_PROGRESS", "SYNCED"]),
    ],
)
async def test_an_incident_breaks_one_connection_and_its_end_repairs_it(incident: str, during: list[str]) -> None:
    raw = RawWix()
    raw.site.connect_many(3)
    raw.simulator.incidents.start(incident)
    raw.clock.now += 3600
    assert during == [row["status"] for row in await raw.connections()]
    raw.simulator.incidents.stop(incident)
    assert ["SYNCED"] * 3 == [row["status"] for row in await raw.connections()]


async def test_a_provider_down_incident_hides_the_connections_of_one_provider() -> None:
    raw = RawWix()
    raw.site.connect_many(3)
    raw.simulator.incidents.start("provider-down")
    answer = (await raw.get(CONNECTIONS, {"partialFailure": "true"})).json()
    assert (1, 2) == (len(answer["failedProviderIds"]), len(answer["connections"]))
    raw.simulator.incidents.stop("provider-down")
    assert 3 == len(await raw.connections())


async def test_a_double_booking_incident_marks_two_bookings_of_the_site() -> None:
    raw = RawWix()
    raw.site.add_staff()
    raw.site.bookings.seed(days_back=1, days_ahead=3)
    raw.simulator.incidents.start("double-booking")
    assert {"count": 2} == (await raw.count({"doubleBooked": True})).json()
    raw.simulator.incidents.stop("double-booking")
    assert {"count": 0} == (await raw.count({"doubleBooked": True})).json()


async def test_an_intake_incident_stops_new_bookings_and_its_end_lets_them_in_again() -> None:
    raw = RawWix()
    raw.site.add_staff()
    raw.site.diary.start_intake(60.0)
    raw.simulator.incidents.start("intake-stopped")
    raw.clock.now += 600
    assert {"count": 0} == (await raw.count({})).json()
    raw.simulator.incidents.stop("intake-stopped")
    raw.clock.now += 60
    assert {"count": 1} == (await raw.count({})).json()


async def test_incidents_leave_a_site_alone_that_has_nothing_to_break() -> None:
    raw = RawWix()
    for incident in ("token-revoked", "sync-stuck", "provider-down", "double-booking", "intake-stopped"):
        raw.simulator.incidents.start(incident)
    raw.simulator.incidents.stop_all()
    assert [] == await raw.connections()
    assert {"count": 0} == (await raw.count({})).json()


def test_every_write_operation_is_known_as_one() -> None:
    assert {"ConnectByOAuth", "ConnectByCredentials", "UpdateSyncConfig", "Disconnect"} == {
        operation.name for operation in OPERATIONS if operation.write
    }
