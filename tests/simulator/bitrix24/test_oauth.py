"""Fact sheet bitrix24.md section 15: ``/oauth/token/`` and ``/oauth/authorize/``."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from exporter.simulator import Fault, FaultKind
from exporter.simulator.bitrix24.oauth import App, Pair
from tests.harness.bench import LIST, Bench


async def refresh(bench: Bench, app: App, refresh_token: str, **more: str) -> httpx.Response:
    params = {
        "grant_type": "refresh_token",
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "refresh_token": refresh_token,
    }
    return await bench.http.get(f"{bench.url}/oauth/token/", params=params | more)


def installed(bench: Bench) -> tuple[App, Pair]:
    app = bench.simulator.bitrix24.add_app(bench.portal, user_id=67)
    return app, bench.simulator.bitrix24.issue(app)


async def test_a_refresh_gives_the_documented_fields(bench: Bench) -> None:
    app, pair = installed(bench)
    answer, url = (await refresh(bench, app, pair.refresh_token)).json(), bench.url
    assert {
        "access_token",
        "refresh_token",
        "expires",
        "expires_in",
        "scope",
        "domain",
        "client_endpoint",
        "server_endpoint",
        "member_id",
        "status",
        "user_id",
    } == set(answer)
    assert 3600 == answer["expires_in"]
    assert "booking,crm" == answer["scope"]
    assert 67 == answer["user_id"]
    assert answer["client_endpoint"] == f"{url}/rest/"


async def test_domain_is_the_authorisation_server_and_not_the_portal(bench: Bench) -> None:
    app, pair = installed(bench)
    domain, portal = (await refresh(bench, app, pair.refresh_token)).json()["domain"], urlsplit(bench.url).netloc
    assert "oauth.bitrix24.tech" == domain
    assert domain != portal


async def test_every_refresh_rotates_both_tokens_and_the_new_access_token_works(bench: Bench) -> None:
    app, pair = installed(bench)
    fresh = (await refresh(bench, app, pair.refresh_token)).json()
    works = await bench.http.post(f"{bench.url}/rest/{LIST}", json={"auth": fresh["access_token"]})
    changed = fresh["access_token"] != pair.access_token and fresh["refresh_token"] != pair.refresh_token
    assert (True, 200) == (changed, works.status_code)


async def test_a_spent_refresh_token_is_invalid_grant_unless_the_server_tolerates_it(bench: Bench) -> None:
    app, pair = installed(bench)
    seen = []
    for tolerant in (False, False, True):
        bench.simulator.bitrix24.oauth.tolerates_spent = tolerant
        answer = await refresh(bench, app, pair.refresh_token)
        seen.append((answer.status_code, answer.json().get("error")))
    assert [(200, None), (400, "invalid_grant"), (200, None)] == seen


async def test_a_refresh_token_expires_after_its_days(bench: Bench) -> None:
    app, pair = installed(bench)
    bench.clock.now += 180 * 86_400
    answer = await refresh(bench, app, pair.refresh_token)
    assert (400, "invalid_grant") == (answer.status_code, answer.json()["error"])


async def test_a_refresh_token_of_another_application_is_invalid_grant(bench: Bench) -> None:
    _, pair = installed(bench)
    other = bench.simulator.bitrix24.add_app(bench.portal)
    assert "invalid_grant" == (await refresh(bench, other, pair.refresh_token)).json()["error"]


async def test_a_wrong_secret_is_invalid_client(bench: Bench) -> None:
    app, pair = installed(bench)
    answer = await refresh(bench, app, pair.refresh_token, client_secret="wrong")
    assert (401, "invalid_client") == (answer.status_code, answer.json()["error"])


async def test_a_missing_grant_type_is_invalid_request(bench: Bench) -> None:
    app, pair = installed(bench)
    answer = await refresh(bench, app, pair.refresh_token, grant_type="")
    assert (400, "invalid_request") == (answer.status_code, answer.json()["error"])


@pytest.mark.parametrize(
    "variant", [("PAYMENT_REQUIRED", 401), ("wrong_client", 200), ("NOT_INSTALLED", 401), ("invalid_scope", 403)]
)
async def test_the_server_can_refuse_with_any_word_and_status(bench: Bench, variant: tuple[str, int]) -> None:
    app, pair = installed(bench)
    bench.simulator.bitrix24.oauth.refuse_with = variant
    answer = await refresh(bench, app, pair.refresh_token)
    assert (answer.json()["error"], answer.status_code) == variant


async def test_a_server_error_leaves_the_refresh_token_unspent(bench: Bench) -> None:
    app, pair = installed(bench)
    bench.simulator.faults.add(Fault(FaultKind.STATUS, operation="oauth/token", status=503, times=1))
    assert [503, 200] == [(await refresh(bench, app, pair.refresh_token)).status_code for _ in range(2)]


async def test_a_slow_authorisation_server_answers_late_and_right(bench: Bench) -> None:
    app, pair = installed(bench)
    bench.simulator.faults.add(Fault(FaultKind.SLOW_HEADERS, operation="oauth/token", seconds=20.0))
    asking = asyncio.ensure_future(refresh(bench, app, pair.refresh_token))
    while not bench.clock.slept:  # noqa: ASYNC110  the server has no event for "a call has arrived"
        await asyncio.sleep(0)
    await bench.clock.advance(19)
    early = asking.done()
    await bench.clock.advance(1)
    assert (False, 200) == (early, (await asking).status_code)


async def test_a_lost_answer_has_spent_the_refresh_token(bench: Bench) -> None:
    app, pair = installed(bench)
    bench.simulator.faults.add(Fault(FaultKind.DROP, operation="oauth/token", times=1))
    with pytest.raises(httpx.RemoteProtocolError):
        await refresh(bench, app, pair.refresh_token)
    answer = await refresh(bench, app, pair.refresh_token)
    assert (1, "invalid_grant") == (bench.simulator.bitrix24.oauth.refreshes, answer.json()["error"])


@pytest.mark.parametrize("switch", ["address", "client_endpoint"])
async def test_client_endpoint_follows_the_portal_to_its_new_address(bench: Bench, switch: str) -> None:
    app, pair = installed(bench)
    setattr(bench.portal, switch, {"address": "https://new.example", "client_endpoint": "https://new.example/rest/"}[switch])
    assert "https://new.example/rest/" == (await refresh(bench, app, pair.refresh_token)).json()["client_endpoint"]


async def test_refreshes_are_counted(bench: Bench) -> None:
    app, pair = installed(bench)
    for _ in range(3):
        await refresh(bench, app, pair.refresh_token)
    assert (1, 3) == (bench.simulator.bitrix24.oauth.refreshes, bench.simulator.log.count("oauth/token"))


async def authorize(bench: Bench, app: App) -> dict[str, str]:
    answer = await bench.http.get(
        f"{bench.url}/oauth/authorize/",
        params={"client_id": app.client_id, "state": "opaque", "redirect_uri": "http://127.0.0.1:9/back"},
    )
    assert 302 == answer.status_code
    location = urlsplit(answer.headers["location"])
    assert location.geturl().startswith("http://127.0.0.1:9/back?")
    return {name: values[0] for name, values in parse_qs(location.query).items()}


async def redeem(bench: Bench, app: App, code: str) -> httpx.Response:
    return await bench.http.get(
        f"{bench.url}/oauth/token/",
        params={
            "grant_type": "authorization_code",
            "client_id": app.client_id,
            "client_secret": app.client_secret,
            "code": code,
        },
    )


async def test_authorising_sends_the_browser_back_with_code_state_and_portal(bench: Bench) -> None:
    back, member_id = (await authorize(bench, bench.simulator.bitrix24.add_app(bench.portal)), bench.portal.member_id)
    assert {"code", "state", "domain", "member_id", "scope", "server_domain"} == set(back)
    assert "opaque" == back["state"]
    assert back["member_id"] == member_id


async def test_a_code_gives_a_pair_without_expires_and_user_id(bench: Bench) -> None:
    app = bench.simulator.bitrix24.add_app(bench.portal)
    answer: dict[str, Any] = (await redeem(bench, app, (await authorize(bench, app))["code"])).json()
    assert "access_token" in answer
    assert not {"expires", "user_id"} & set(answer)


async def test_a_code_works_once_and_for_thirty_seconds(bench: Bench) -> None:
    app = bench.simulator.bitrix24.add_app(bench.portal)
    code = (await authorize(bench, app))["code"]
    statuses = [(await redeem(bench, app, code)).status_code for _ in range(2)]
    late = (await authorize(bench, app))["code"]
    bench.clock.now += 30
    assert [200, 400, 400] == [*statuses, (await redeem(bench, app, late)).status_code]


async def test_no_token_or_secret_is_in_the_request_log(bench: Bench) -> None:
    app, pair = installed(bench)
    code = (await authorize(bench, app))["code"]
    await redeem(bench, app, code)
    fresh = (await refresh(bench, app, pair.refresh_token)).json()
    await bench.http.post(f"{bench.url}/rest/{LIST}", json={"auth": fresh["access_token"]})
    await bench.http.post(f"{bench.url}/rest/{LIST}?auth={fresh['access_token']}")
    await bench.post(LIST)
    log = (await bench.http.get(f"{bench.url}/_sim/log")).text
    secrets = [app.client_secret, pair.refresh_token, fresh["access_token"], code, bench.webhook.code]
    assert [] == [secret for secret in secrets if secret in log]
    assert '"total": 6' in log
