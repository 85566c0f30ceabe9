"""Fact sheet bitrix24.md section 15, "Transport and auth": URLs, encodings, credentials, the order of checks, the move."""

from __future__ import annotations

import gzip
import json

import httpx
import pytest

from exporter.simulator import running
from exporter.simulator.bitrix24.errors import ApiError
from tests.harness.bench import LINKS, LIST, Bench


async def test_a_webhook_call_lists_bookings(bench: Bench) -> None:
    bench.world.add_booking(1_790_000_100, 1_790_003_700)
    answer = await bench.post(LIST, {"order": {"id": "ASC"}})
    assert 200 == answer.status_code
    assert [1] == [row["id"] for row in answer.json()["result"]["booking"]]


@pytest.mark.parametrize("suffix", ["", ".json", ".JSON"])
async def test_the_json_suffix_is_optional(bench: Bench, suffix: str) -> None:
    assert 200 == (await bench.post(LIST + suffix)).status_code


@pytest.mark.parametrize("method", [LINKS, LINKS.lower(), LINKS.upper()])
async def test_the_method_name_is_read_without_letter_case(bench: Bench, method: str) -> None:
    bench.world.add_booking(1, 2)
    assert {"externalData": []} == (await bench.post(method, {"bookingId": 1})).json()["result"]


async def test_an_oauth_call_takes_the_token_from_the_json_body_or_the_query(bench: Bench) -> None:
    pair = bench.simulator.bitrix24.issue(bench.simulator.bitrix24.add_app(bench.portal))
    in_body = await bench.http.post(f"{bench.url}/rest/{LIST}", json={"auth": pair.access_token})
    in_query = await bench.http.post(f"{bench.url}/rest/{LIST}", params={"auth": pair.access_token})
    assert [200, 200] == [in_body.status_code, in_query.status_code]


async def test_get_and_form_calls_work_too(bench: Bench) -> None:
    bench.world.add_booking(100, 200)
    bench.world.add_booking(300, 400)
    within = {"filter[within][dateFrom]": "300", "filter[within][dateTo]": "400", "order[id]": "asc"}
    by_query = await bench.http.get(bench.webhook.url(bench.url) + LIST, params=within)
    by_form = await bench.http.post(bench.webhook.url(bench.url) + LIST, data=within)
    assert [[2], [2]] == [[row["id"] for row in answer.json()["result"]["booking"]] for answer in (by_query, by_form)]


async def test_a_long_answer_is_gzipped_for_who_accepts_it(bench: Bench) -> None:
    bench.world.fill(50, bench.clock.now)
    url = bench.webhook.url(bench.url) + LIST
    async with bench.http.stream("POST", url, json={}, headers={"Accept-Encoding": "gzip"}) as packed:
        raw = b"".join([chunk async for chunk in packed.aiter_raw()])
    plain = await bench.http.post(url, json={}, headers={"Accept-Encoding": "identity"})
    assert ("gzip", "", True) == (
        (
            packed.headers["content-encoding"],
            plain.headers.get("content-encoding", ""),
            len(json.loads(gzip.decompress(raw))["result"]["booking"]) == 50,
        )
    )


async def test_an_unknown_method_is_a_404(bench: Bench) -> None:
    assert (404, "ERROR_METHOD_NOT_FOUND", "Method not found!") == (await bench.error("booking.v1.booking.everything"))


async def test_a_webhook_without_the_user_id_is_method_not_found(bench: Bench) -> None:
    answer = await bench.http.post(f"{bench.url}/rest/{bench.webhook.code}/{LIST}", json={})
    assert (404, "ERROR_METHOD_NOT_FOUND") == (answer.status_code, answer.json()["error"])


async def test_a_double_slash_before_rest_is_no_auth_found(bench: Bench) -> None:
    url = bench.webhook.url(bench.url).replace("/rest/", "//rest/")
    answer = await bench.http.post(url + LIST, json={})
    assert (401, "NO_AUTH_FOUND") == (answer.status_code, answer.json()["error"])


async def test_a_call_without_any_credential_is_no_auth_found(bench: Bench) -> None:
    answer = await bench.http.post(f"{bench.url}/rest/{LIST}", json={})
    assert (401, "NO_AUTH_FOUND") == (answer.status_code, answer.json()["error"])


@pytest.mark.parametrize("variant", [("NO_AUTH_FOUND", 401), ("INVALID_CREDENTIALS", 401), ("INVALID_CREDENTIALS", 403)])
async def test_an_unknown_webhook_is_refused_in_every_documented_way(bench: Bench, variant: tuple[str, int]) -> None:
    bench.simulator.bitrix24.switches.unknown_webhook = variant
    bench.simulator.bitrix24.revoke_webhook(bench.webhook)
    status, code, _ = await bench.error(LIST)
    assert (status, code) == (variant[1], variant[0])


async def test_a_webhook_whose_date_has_passed_is_an_authorisation_error(bench: Bench) -> None:
    webhook = bench.simulator.bitrix24.add_webhook(bench.portal, expires=bench.clock.now + 10)
    before = await bench.http.post(webhook.url(bench.url) + LIST)
    bench.clock.now += 10
    after = await bench.http.post(webhook.url(bench.url) + LIST)
    assert 200 == before.status_code
    assert 401 == after.status_code


@pytest.mark.parametrize("variant", [("invalid_token", 401), ("NO_AUTH_FOUND", 401), ("INVALID_CREDENTIALS", 403)])
async def test_an_unknown_token_is_refused_in_every_documented_way(bench: Bench, variant: tuple[str, int]) -> None:
    bench.simulator.bitrix24.switches.unknown_token = variant
    answer = await bench.http.post(f"{bench.url}/rest/{LIST}", json={"auth": "no-such-token"})
    assert (answer.status_code, answer.json()["error"]) == (variant[1], variant[0])


async def test_an_access_token_expires_after_an_hour_of_the_clock(bench: Bench) -> None:
    pair = bench.simulator.bitrix24.issue(bench.simulator.bitrix24.add_app(bench.portal))
    seen = []
    for seconds in (3599, 1):
        bench.clock.now += seconds
        answer = await bench.http.post(f"{bench.url}/rest/{LIST}", json={"auth": pair.access_token})
        seen.append((answer.status_code, answer.json().get("error")))
    assert [(200, None), (401, "expired_token")] == seen


@pytest.mark.parametrize("status", [403, 401])
async def test_a_missing_scope_is_insufficient_scope(bench: Bench, status: int) -> None:
    bench.simulator.bitrix24.switches.missing_scope_status = status
    webhook = bench.simulator.bitrix24.add_webhook(bench.portal, scopes=frozenset({"crm"}))
    answer = await bench.http.post(webhook.url(bench.url) + LIST, json={})
    assert (answer.status_code, answer.json()["error"]) == (status, "insufficient_scope")


async def test_a_basic_method_needs_no_scope_and_scope_lists_what_was_granted(bench: Bench) -> None:
    webhook = bench.simulator.bitrix24.add_webhook(bench.portal, scopes=frozenset({"crm"}))
    assert ["crm"] == (await bench.http.post(webhook.url(bench.url) + "scope")).json()["result"]


async def test_checks_run_in_the_order_credential_overload_plan_scope(bench: Bench) -> None:
    webhook = bench.simulator.bitrix24.add_webhook(bench.portal, scopes=frozenset())
    url = webhook.url(bench.url) + LIST
    bench.simulator.bitrix24.revoke_webhook(webhook)
    bench.portal.overloaded = True
    bench.portal.refusal = ApiError("ACCESS_DENIED", "REST is available on commercial plans only.", 403)
    codes = [(await bench.http.post(url)).json()["error"]]
    bench.simulator.bitrix24.restore_webhook(webhook)
    codes.append((await bench.http.post(url)).json()["error"])
    bench.portal.overloaded = False
    codes.append((await bench.http.post(url)).json()["error"])
    bench.portal.refusal = None
    codes.append((await bench.http.post(url)).json()["error"])
    assert ["INVALID_CREDENTIALS", "OVERLOAD_LIMIT", "ACCESS_DENIED", "insufficient_scope"] == codes


async def test_plain_http_is_refused_when_the_switch_is_on(bench: Bench) -> None:
    bench.simulator.bitrix24.switches.https_only = True
    assert (400, "INVALID_REQUEST", "Https required.") == (await bench.error(LIST))


async def test_a_write_method_changes_nothing_and_is_logged_as_a_write(bench: Bench) -> None:
    status, _, _ = await bench.error("booking.v1.booking.add", {"name": "x"})
    assert (
        403,
        {"bitrix24 booking.v1.booking.add": 1},
        0,
    ) == (status, bench.simulator.log.writes(), len(bench.world.bookings()))


async def test_a_moved_portal_answers_302_with_the_same_path_at_the_new_host_and_an_html_body(bench: Bench) -> None:
    bench.portal.address = "https://new.example"
    answer = await bench.post(LIST)
    status, location, content_type = (answer.status_code, answer.headers["location"], answer.headers["content-type"])
    assert 302 == status
    assert location == f"https://new.example/rest/1/c0dec0dec0dec0de/{LIST}"
    assert content_type.startswith("text/html")


async def test_the_same_post_works_at_the_new_address(bench: Bench) -> None:
    async with running(bench.simulator.app) as new:
        bench.portal.address = new
        moved = await bench.post(LIST)
        assert 200 == (await bench.http.post(moved.headers["location"], json={})).status_code


async def test_a_redirect_that_was_followed_automatically_fails_because_it_arrives_as_get(bench: Bench) -> None:
    async with running(bench.simulator.app) as new:
        bench.portal.address = new
        answer = await bench.http.post(bench.webhook.url(bench.url) + LIST, json={}, follow_redirects=True)
        assert (400, "INVALID_REQUEST") == (answer.status_code, answer.json()["error"])


async def test_portals_are_told_apart_by_their_credential(bench: Bench) -> None:
    other = bench.simulator.bitrix24.add_portal("other")
    webhook = bench.simulator.bitrix24.add_webhook(other)
    bench.world.fill(3, bench.clock.now)
    rows = (await bench.http.post(webhook.url(bench.url) + LIST)).json()["result"]["booking"]
    assert [3, 0] == [len(await bench.ids()), len(rows)]


@pytest.mark.parametrize("path", ["/rest/api/1/{}/booking.list", "/rest/{}/booking.list", "/rest/1/{}", "/rest/1/{}/a/b"])
async def test_the_log_of_calls_hides_a_code_at_a_place_where_none_belongs(bench: Bench, path: str) -> None:
    code = "s3cr3tw3bh00kc0d"

    async with running(bench.simulator.app) as url, httpx.AsyncClient(trust_env=False) as http:
        await http.post(url + path.format(code))
        assert code not in (await http.get(f"{url}/_sim/log")).text
