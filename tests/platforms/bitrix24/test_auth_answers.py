"""What the auth server answers to a renewal: which refusal is which reason, what of an answer is stored (bitrix24.md 9.2)."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from exporter.errors import AuthError, PollError, RateLimitedError, Reason, TargetConfigError
from exporter.platforms.bitrix24.session import Shared
from exporter.simulator import Fault, FaultKind
from tests.harness.bitrix24_oauth import another_pair, open_oauth, stored, write_tokens
from tests.harness.bitrix24_target import Bench, poll_bookings


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        ("invalid_client", 401, Reason.AUTH),
        ("wrong_client", 200, Reason.AUTH),
        ("insufficient_scope", 403, Reason.PERMISSION),
        ("invalid_scope", 400, Reason.PERMISSION),
        ("PAYMENT_REQUIRED", 401, Reason.NOT_ENTITLED),
        ("NOT_INSTALLED", 401, Reason.NOT_ENTITLED),
        ("invalid_request", 400, Reason.CLIENT_ERROR),
        ("something_new", 403, Reason.AUTH),
        ("server_error", 500, Reason.SERVER_ERROR),
    ],
)
async def test_each_refusal_of_the_auth_server_is_one_reason(bench: Bench, code: str, status: int, reason: Reason) -> None:
    path = write_tokens(bench)
    before = stored(path)
    bench.clock.now += 3601
    bench.simulator.bitrix24.oauth.refuse_with = (code, status)
    with pytest.raises(PollError) as caught:
        await poll_bookings(open_oauth(bench))
    assert caught.value.reason is reason
    assert stored(path) == before
    assert ["tokens.json"] == [entry.name for entry in bench.folder.iterdir() if entry.suffix != ".lock"]


@pytest.mark.parametrize(
    ("status", "reason"), [(404, Reason.NOT_FOUND), (200, Reason.INVALID_RESPONSE), (302, Reason.INVALID_RESPONSE)]
)
async def test_an_auth_server_that_answers_with_a_page_is_an_error(bench: Bench, status: int, reason: Reason) -> None:
    write_tokens(bench)
    bench.clock.now += 3601
    bench.simulator.faults.add(Fault(FaultKind.STATUS, operation="oauth/token", status=status))
    with pytest.raises(PollError) as caught:
        await poll_bookings(open_oauth(bench))
    assert caught.value.reason is reason


async def test_tokens_of_another_portal_are_never_stored(bench: Bench) -> None:
    path = write_tokens(bench, member_id="somebody-else")
    before = stored(path)
    bench.clock.now += 3601
    with pytest.raises(AuthError, match="member_id"):
        await poll_bookings(open_oauth(bench))
    assert stored(path) == before


DEEP = b"[" * 100_000


@pytest.mark.parametrize("where", ["access_token", "a key that we do not read"])
async def test_an_answer_of_the_auth_server_that_is_nested_without_end_is_invalid(bench: Bench, where: str) -> None:
    write_tokens(bench)
    bench.clock.now += 3601
    pair = {"access_token": "a", "refresh_token": "b", "client_endpoint": "https://x.example/rest/"}
    body = json.dumps(pair | {where: "DEEP"}).encode().replace(b'"DEEP"', DEEP)

    async def deep(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(200, content=body) if request.url.path == "/oauth/token/" else None

    bench.http.instead = deep
    with pytest.raises(PollError) as caught:
        await poll_bookings(open_oauth(bench))
    assert caught.value.reason is Reason.INVALID_RESPONSE


async def test_a_token_file_that_is_nested_without_end_is_a_file_that_cannot_be_used(bench: Bench) -> None:
    write_tokens(bench).write_bytes(b'{"access_token": ' + DEEP[:60_000])
    with pytest.raises(TargetConfigError, match="is not JSON"):
        await poll_bookings(open_oauth(bench))


async def test_an_auth_server_that_limits_requests_is_no_credential_that_is_refused(bench: Bench) -> None:
    write_tokens(bench)
    bench.clock.now += 3601
    bench.simulator.faults.add(Fault(FaultKind.RATE_LIMITED, operation="oauth/token", retry_after="90", times=1))
    session = open_oauth(bench)
    with pytest.raises(RateLimitedError) as caught:
        await poll_bookings(session)
    assert 90 == caught.value.retry_after
    bench.clock.now += 90
    await poll_bookings(session)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["error", "member_id", "server_endpoint", "scope", "client_endpoint"])
async def test_a_null_in_the_auth_server_s_answer_loses_no_pair(bench: Bench, name: str) -> None:
    path = write_tokens(bench)
    before = stored(path)
    bench.clock.now += 3601
    fresh = another_pair(bench)

    async def answer(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(200, json=fresh | {name: None}) if request.url.path == "/oauth/token/" else None

    bench.http.instead = answer
    await poll_bookings(open_oauth(bench))
    assert fresh["refresh_token"] == stored(path)["refresh_token"]
    assert before.get(name) == stored(path).get(name)


async def renewed_with(bench: Bench, **changes: Any) -> dict[str, Any]:  # noqa: ANN401  JSON values
    """Renew the pair in the token file by an answer of the auth server with ``changes``, which a poll does not mind."""
    bench.clock.now += 3601
    fresh = another_pair(bench) | changes

    async def answer(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(200, json=fresh) if request.url.path == "/oauth/token/" else None

    bench.http.instead = answer
    await poll_bookings(open_oauth(bench))
    return fresh


async def test_of_an_answer_only_what_is_documented_is_stored_and_what_a_former_one_left_is_dropped(bench: Bench) -> None:
    path = write_tokens(bench, left_by_a_former_answer="x")
    fresh = await renewed_with(bench, pad="x" * 70_000, more={"nested": [1]})
    assert fresh["refresh_token"] == stored(path)["refresh_token"]
    documented = "access_token refresh_token expires expires_in scope domain client_endpoint server_endpoint member_id"
    assert {*documented.split(), "status", "user_id"} == stored(path).keys()
    assert path.stat().st_size < 2_000


@pytest.mark.parametrize("name", ["access_token", "refresh_token", "scope", "member_id", "domain"])
async def test_an_answer_above_what_is_read_after_a_restart_never_replaces_the_old_pair(bench: Bench, name: str) -> None:
    path = write_tokens(bench, **({"member_id": None} if name == "member_id" else {}))
    before = path.read_bytes()
    with pytest.raises(PollError, match="sent more than 64 KiB instead of a token pair") as caught:
        await renewed_with(bench, **{name: "x" * 65_536})
    assert caught.value.reason is Reason.INVALID_RESPONSE
    assert before == path.read_bytes()
    assert not path.with_name("tokens.json.new").exists()


async def test_the_largest_answer_that_is_stored_is_read_again_after_a_restart(bench: Bench) -> None:
    path = write_tokens(bench)
    room = 65_536 - path.stat().st_size
    fresh = await renewed_with(bench, scope="x" * (room - 1_000))
    assert 60_000 < path.stat().st_size <= 65_536
    bench.shared = Shared()  # as a process that has just started
    await poll_bookings(open_oauth(bench))
    assert fresh["refresh_token"] == stored(path)["refresh_token"]


async def test_a_token_file_that_is_too_large_says_so(bench: Bench) -> None:
    write_tokens(bench, pad="x" * 65_536)
    with pytest.raises(TargetConfigError, match=r"tokens\.json is larger than 64 KiB"):
        await poll_bookings(open_oauth(bench))


@pytest.mark.parametrize("value", [5, [], {}, True])
@pytest.mark.parametrize("name", ["member_id", "scope", "client_endpoint", "server_endpoint"])
async def test_a_field_of_another_type_costs_no_pair_and_the_old_one_stays(bench: Bench, name: str, value: object) -> None:
    path = write_tokens(bench)
    before = stored(path)
    fresh = await renewed_with(bench, **{name: value})
    assert fresh["refresh_token"] == stored(path)["refresh_token"]
    assert before[name] == stored(path)[name]
