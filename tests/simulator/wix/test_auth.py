"""The simulated Wix asks for credentials as the real one does (wix.md 2, 9.2, 12; checklist 13 "Auth")."""

from __future__ import annotations

from typing import Literal

import httpx
import pytest

from exporter.simulator.wix.operations import (
    COUNT_BOOKINGS,
    MANAGE_EXTERNAL_CALENDARS,
    QUERY_BOOKINGS,
    READ_BOOKINGS,
    READ_OWN_CONNECTIONS,
)
from exporter.simulator.wix.providers import GOOGLE
from tests.harness.simulated_wix import CONNECTIONS, COUNT, EMPTY, PROVIDERS, QUERY, TOKEN, TOKEN_INFO, RawWix, Request, code_of


async def test_a_raw_key_with_the_site_id_is_accepted() -> None:
    assert 200 == (await RawWix().get(CONNECTIONS)).status_code


@pytest.mark.parametrize("authorization", [None, ""])
async def test_a_missing_or_empty_key_is_403_with_the_empty_shape(authorization: str | None) -> None:
    raw = RawWix()
    headers = {"wix-site-id": raw.site.id} | ({} if authorization is None else {"authorization": authorization})
    answer = await raw.get(CONNECTIONS, headers=headers)
    assert (403, EMPTY) == (answer.status_code, answer.json())


async def test_a_missing_key_is_401_by_switch() -> None:
    raw = RawWix()
    raw.wix.switches.missing_key_status = 401
    assert 401 == (await raw.get(CONNECTIONS, headers={"wix-site-id": raw.site.id})).status_code


@pytest.mark.parametrize(("switch", "expected"), [(401, 401), (403, 403)])
@pytest.mark.parametrize("prefix", ["IST.not-a-key-", "Bearer "])
async def test_a_wrong_or_bearer_prefixed_key_is_401_or_403_by_switch(
    switch: Literal[401, 403], expected: int, prefix: str
) -> None:
    raw = RawWix()
    raw.wix.switches.wrong_key_status = switch
    answer = await raw.get(CONNECTIONS, headers={**raw.headers, "authorization": prefix + raw.key.value})
    assert expected == answer.status_code


async def test_a_wrong_key_is_401_by_default() -> None:
    raw = RawWix()
    assert 401 == (await raw.get(CONNECTIONS, headers={**raw.headers, "authorization": "IST.wrong"})).status_code


async def test_a_revoked_key_is_a_wrong_key() -> None:
    raw = RawWix()
    raw.wix.credentials.revoke_key(raw.key.value)
    assert 401 == (await raw.get(CONNECTIONS)).status_code


async def test_a_missing_site_id_is_403() -> None:
    raw = RawWix()
    assert 403 == (await raw.get(CONNECTIONS, headers={"authorization": raw.key.value})).status_code


async def test_a_site_of_another_account_is_403() -> None:
    raw = RawWix()
    stranger = raw.wix.add_site()
    assert 403 == (await raw.get(CONNECTIONS, headers={**raw.headers, "wix-site-id": stranger.id})).status_code


async def test_a_site_that_is_not_on_the_keys_list_is_403() -> None:
    raw = RawWix()
    sister = raw.wix.add_site(account_id=raw.site.account_id)
    narrow = raw.wix.add_key(raw.site, site_ids=frozenset({raw.site.id}))
    of_sister = {"authorization": narrow.value, "wix-site-id": sister.id}
    assert 403 == (await raw.get(CONNECTIONS, headers=of_sister)).status_code
    assert 200 == (await raw.get(CONNECTIONS, headers=of_sister | {"wix-site-id": raw.site.id})).status_code


async def test_a_key_of_the_account_reaches_each_of_its_sites() -> None:
    raw = RawWix()
    sister = raw.wix.add_site(account_id=raw.site.account_id)
    sister.connect_many(1)
    answer = await raw.get(CONNECTIONS, headers={**raw.headers, "wix-site-id": sister.id})
    assert 1 == len(answer.json()["connections"])


@pytest.mark.parametrize(("reject", "expected"), [(False, 200), (True, 400)])
async def test_both_id_headers_are_accepted_or_400_by_switch(reject: bool, expected: int) -> None:
    raw = RawWix()
    raw.wix.switches.reject_both_ids = reject
    answer = await raw.get(CONNECTIONS, headers={**raw.headers, "wix-account-id": raw.site.account_id})
    assert expected == answer.status_code


async def test_the_token_endpoint_gives_a_token_of_four_hours_and_no_refresh_token() -> None:
    raw = RawWix()
    answer = (await raw.mint(raw.wix.credentials.install(raw.site.id))).json()
    assert {"access_token", "token_type", "expires_in"} == set(answer)
    assert ("Bearer", 14_400) == (answer["token_type"], answer["expires_in"])


@pytest.mark.parametrize("scheme", ["", "Bearer "])
async def test_an_app_token_needs_no_site_id_and_takes_either_scheme(scheme: str) -> None:
    raw = RawWix()
    token = (await raw.mint(raw.wix.credentials.install(raw.site.id))).json()["access_token"]
    assert 200 == (await raw.get(CONNECTIONS, headers={"authorization": scheme + token})).status_code


async def test_an_app_token_dies_after_four_hours_of_the_simulators_clock() -> None:
    raw = RawWix()
    token = (await raw.mint(raw.wix.credentials.install(raw.site.id))).json()["access_token"]
    raw.clock.now += 14_399
    assert 200 == (await raw.get(CONNECTIONS, headers={"authorization": token})).status_code
    raw.clock.now += 1
    assert 401 == (await raw.get(CONNECTIONS, headers={"authorization": token})).status_code


async def test_short_lived_tokens_come_on_demand() -> None:
    raw = RawWix()
    raw.wix.switches.token_lifetime = 60.0
    answer = (await raw.mint(raw.wix.credentials.install(raw.site.id))).json()
    assert 60 == answer["expires_in"]
    raw.clock.now += 60
    assert 401 == (await raw.get(CONNECTIONS, headers={"authorization": answer["access_token"]})).status_code


async def test_tokens_can_be_killed_before_their_time() -> None:
    raw = RawWix()
    token = (await raw.mint(raw.wix.credentials.install(raw.site.id))).json()["access_token"]
    raw.wix.credentials.expire_tokens()
    assert 401 == (await raw.get(CONNECTIONS, headers={"authorization": token})).status_code


async def test_a_bad_secret_is_401_in_the_oauth_shape() -> None:
    raw = RawWix()
    answer = await raw.mint(raw.wix.credentials.install(raw.site.id), client_secret="wrong")
    assert (401, "invalid_client") == (answer.status_code, answer.json()["error"])
    assert {"error", "error_description"} == set(answer.json())


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"grant_type": "refresh_token"}, "unsupported_grant_type"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"instance_id": "nowhere"}, "invalid_request"),
    ],
)
async def test_every_token_error_is_a_4xx_in_the_oauth_shape(change: dict[str, str], error: str) -> None:
    raw = RawWix()
    answer = await raw.mint(raw.wix.credentials.install(raw.site.id), **change)
    assert 400 <= answer.status_code < 500
    assert error == answer.json()["error"]


async def test_a_form_is_no_body_for_the_token_endpoint() -> None:
    raw = RawWix()
    [answer] = await raw.send([Request("POST", TOKEN, content=b"grant_type=client_credentials", headers={})])
    assert (400, "invalid_request") == (answer.status_code, answer.json()["error"])


async def test_the_instance_id_as_site_id_breaks_an_app_token() -> None:
    raw = RawWix()
    app = raw.wix.credentials.install(raw.site.id)
    token = (await raw.mint(app)).json()["access_token"]
    answer = await raw.get(CONNECTIONS, headers={"authorization": token, "wix-site-id": app.instance_id})
    assert (401, "UNAUTHORIZED") == (answer.status_code, code_of(answer))
    assert "No Metasite Context in identity" in answer.text


async def test_a_token_without_a_site_is_no_metasite_context() -> None:
    raw = RawWix()
    raw.wix.switches.tokens_without_site = True
    token = (await raw.mint(raw.wix.credentials.install(raw.site.id))).json()["access_token"]
    answer = await raw.get(CONNECTIONS, headers={"authorization": token})
    assert 401 == answer.status_code
    assert "No Metasite Context in identity" in answer.text


async def test_mints_are_counted_by_instance_and_failed_ones_are_not() -> None:
    raw = RawWix()
    app = raw.wix.credentials.install(raw.site.id)
    await raw.mint(app)
    await raw.mint(app)
    await raw.mint(app, client_secret="wrong")
    assert {app.instance_id: 2} == raw.wix.credentials.mints


async def test_an_app_that_left_the_site_has_no_valid_token() -> None:
    raw = RawWix()
    app = raw.wix.credentials.install(raw.site.id)
    token = (await raw.mint(app)).json()["access_token"]
    raw.wix.credentials.uninstall(app.instance_id)
    assert 401 == (await raw.get(CONNECTIONS, headers={"authorization": token})).status_code


async def test_token_info_describes_a_living_token() -> None:
    raw = RawWix()
    app = raw.wix.credentials.install(raw.site.id)
    token = (await raw.mint(app)).json()["access_token"]
    info = (await raw.post(TOKEN_INFO, {"token": token}, headers={})).json()
    assert (True, "APP", raw.site.id, app.instance_id) == (
        info["active"],
        info["subjectType"],
        info["siteId"],
        info["instanceId"],
    )
    assert 14_400 == int(info["exp"]) - int(info["iat"])


async def test_token_info_calls_a_dead_token_inactive() -> None:
    raw = RawWix()
    token = (await raw.mint(raw.wix.credentials.install(raw.site.id))).json()["access_token"]
    raw.clock.now += 14_400
    assert {"active": False} == (await raw.post(TOKEN_INFO, {"token": token}, headers={})).json()


async def test_the_legacy_refresh_gives_a_token_of_five_minutes() -> None:
    raw = RawWix()
    app = raw.wix.credentials.install(raw.site.id)
    asked = {
        "grant_type": "refresh_token",
        "client_id": app.app_id,
        "client_secret": app.app_secret,
        "refresh_token": app.refresh_token,
    }
    answer = await raw.post("/oauth/access", asked, headers={})
    assert {"access_token", "refresh_token"} == set(answer.json())
    token = {"authorization": answer.json()["access_token"]}
    raw.clock.now += 299
    assert 200 == (await raw.get(CONNECTIONS, headers=token)).status_code
    raw.clock.now += 1
    assert 401 == (await raw.get(CONNECTIONS, headers=token)).status_code


async def test_a_missing_permission_is_403_with_a_code() -> None:
    raw = RawWix()
    raw.key = raw.wix.add_key(raw.site, permissions=READ_BOOKINGS)
    answer = await raw.get(CONNECTIONS)
    assert (403, "PERMISSION_DENIED") == (answer.status_code, code_of(answer))
    assert "is required" in answer.json()["message"]
    assert 200 == (await raw.count({})).status_code


async def test_calendar_permissions_do_not_count_bookings() -> None:
    raw = RawWix()
    raw.key = raw.wix.add_key(raw.site, permissions=MANAGE_EXTERNAL_CALENDARS)
    assert 200 == (await raw.get(CONNECTIONS)).status_code
    assert 403 == (await raw.count({})).status_code


@pytest.mark.parametrize(("permission", "allowed", "refused"), [(COUNT_BOOKINGS, COUNT, QUERY), (QUERY_BOOKINGS, QUERY, COUNT)])
async def test_count_and_query_have_permissions_of_their_own(permission: str, allowed: str, refused: str) -> None:
    raw = RawWix()
    raw.key = raw.wix.add_key(raw.site, permissions=frozenset({permission}))
    assert 200 == (await raw.post(allowed, {})).status_code
    assert 403 == (await raw.post(refused, {})).status_code


async def test_a_caller_with_read_own_silently_gets_a_subset() -> None:
    raw = RawWix()
    raw.site.connect_many(1)
    raw.site.connections.connect(GOOGLE, raw.site.add_schedule().id, user_id=raw.key.user_id)
    raw.key = raw.wix.add_key(raw.site, permissions=frozenset({READ_OWN_CONNECTIONS}), user_id=raw.key.user_id)
    rows = await raw.connections()
    assert [raw.key.user_id] == [row["userId"] for row in rows]


@pytest.mark.parametrize("path", [CONNECTIONS, PROVIDERS])
async def test_a_site_without_the_plan_answers_403_premium_feature_not_enabled(path: str) -> None:
    raw = RawWix()
    raw.site.premium = False
    answer = await raw.get(path)
    assert (403, "PREMIUM_FEATURE_NOT_ENABLED") == (answer.status_code, code_of(answer))


async def test_bookings_can_be_counted_without_the_plan_for_calendars() -> None:
    raw = RawWix()
    raw.site.premium = False
    assert 200 == (await raw.count({})).status_code


async def test_a_site_without_bookings_answers_428_with_an_app_not_installed_code() -> None:
    raw = RawWix()
    raw.site.bookings_installed = False
    answers: list[httpx.Response] = [await raw.get(CONNECTIONS), await raw.count({})]
    assert [428, 428] == [answer.status_code for answer in answers]
    assert all(code_of(answer).endswith("APP_NOT_INSTALLED") for answer in answers)


async def test_the_legacy_refresh_refuses_another_grant_and_a_wrong_refresh_token() -> None:
    raw = RawWix()
    app = raw.wix.credentials.install(raw.site.id)
    asked = {"grant_type": "refresh_token", "client_id": app.app_id, "client_secret": app.app_secret, "refresh_token": "x"}
    refused = await raw.post("/oauth/access", asked, headers={})
    unsupported = await raw.post("/oauth/access", asked | {"grant_type": "client_credentials"}, headers={})
    assert [(401, "invalid_client"), (400, "unsupported_grant_type")] == [
        (answer.status_code, answer.json()["error"]) for answer in (refused, unsupported)
    ]
