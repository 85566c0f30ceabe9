"""OAuth: renewed only when the portal says so, repeated only where it helps, one chain for everybody (bitrix24.md 9.2)."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import httpx
import pytest

from exporter.errors import AuthError, NetworkError
from exporter.platforms.bitrix24.tokenfile import TokenFile
from exporter.simulator import Fault, FaultKind
from exporter.support.secret import Secret
from tests.harness.bitrix24_oauth import TOKEN, another_pair, open_oauth, refreshes, stored, write_tokens
from tests.harness.bitrix24_target import Bench, counts, poll_bookings, poll_links


async def test_a_fresh_token_is_used_without_any_refresh(bench: Bench) -> None:
    write_tokens(bench)
    bench.world.fill(120, bench.now, days=(0.1, 6.9))
    assert 120 == counts(await poll_bookings(open_oauth(bench)))["next_7d"]
    assert 0 == refreshes(bench)


async def test_an_expired_token_is_renewed_once_and_the_call_repeated(bench: Bench) -> None:
    path = write_tokens(bench)
    before = stored(path)
    bench.clock.now += 3601
    session = open_oauth(bench)
    await poll_bookings(session)
    after = stored(path)
    assert 1 == refreshes(bench)
    assert before["refresh_token"] != after["refresh_token"]
    assert before["member_id"] == after["member_id"]
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert ["tokens.json"] == [entry.name for entry in bench.folder.iterdir() if entry.suffix != ".lock"]
    await poll_bookings(session)
    assert 1 == refreshes(bench)
    assert [("booking.v1.booking.list", "auth")] == bench.events.retries


async def test_nothing_is_renewed_by_a_timer(bench: Bench) -> None:
    write_tokens(bench)
    session = open_oauth(bench)
    for _ in range(10):
        await poll_bookings(session)
        bench.clock.now += 300
    assert 0 == refreshes(bench)


async def test_many_expired_calls_at_once_make_one_refresh(bench: Bench) -> None:
    write_tokens(bench)
    bench.clock.now += 3601
    sessions = [open_oauth(bench, name=name) for name in ("one", "two", "three")]
    await asyncio.gather(*(collector.poll() for session in sessions for collector in session.collectors.values()))
    assert 1 == refreshes(bench)


async def test_one_token_file_spelt_in_two_ways_is_renewed_once(bench: Bench, tmp_path: Path) -> None:
    write_tokens(bench)
    bench.clock.now += 3601
    (tmp_path / "link").symlink_to(tmp_path)
    spellings = ["tokens.json", f"../{tmp_path.name}/tokens.json", str(tmp_path / "link" / "tokens.json")]
    sessions = [open_oauth(bench, bench.oauth(token_file=bench.folder / spelling)) for spelling in spellings]
    await asyncio.gather(*(poll_bookings(session) for session in sessions))
    assert 1 == refreshes(bench)
    assert 1 == bench.calls("oauth/token")


async def test_a_token_that_expires_in_the_middle_of_the_pages_loses_nothing(bench: Bench) -> None:
    bench.simulator.bitrix24.oauth.access_seconds = 20
    write_tokens(bench)
    bench.world.fill(400, bench.now, days=(0.1, 6.9))

    def expire(_: object) -> None:
        bench.clock.now += 21

    session = open_oauth(bench)
    bench.portal.after_page.append(expire)
    observation = await poll_bookings(session)
    assert 400 == counts(observation)["next_7d"]
    assert 1 == refreshes(bench)


async def test_a_fault_of_the_auth_server_is_repeated_with_the_same_token(bench: Bench) -> None:
    write_tokens(bench)
    bench.clock.now += 3601
    bench.simulator.faults.add(Fault(FaultKind.STATUS, operation="oauth/token", status=502, times=2))
    await poll_bookings(open_oauth(bench))
    assert 1 == refreshes(bench)
    assert ["502", "502", "200"] == bench.events.codes(TOKEN)


async def test_a_lost_answer_is_survived_where_the_server_tolerates_the_old_token(bench: Bench) -> None:
    write_tokens(bench)
    bench.clock.now += 3601
    bench.simulator.bitrix24.oauth.tolerates_spent = True
    bench.simulator.faults.add(Fault(FaultKind.DROP, operation="oauth/token", times=1))
    session = open_oauth(bench)
    with pytest.raises(NetworkError):
        await poll_bookings(session)
    assert ["none"] == bench.events.codes(TOKEN), "the token may be spent: it is not sent again within the poll"
    await poll_bookings(session)
    assert ["none", "200"] == bench.events.codes(TOKEN)


async def test_an_auth_server_that_cannot_be_reached_is_asked_again_within_the_poll(bench: Bench) -> None:
    write_tokens(bench)
    bench.clock.now += 3601
    refused = 0

    async def refuse(request: httpx.Request) -> None:
        nonlocal refused
        if request.url.path == "/oauth/token/" and refused < 2:
            refused += 1
            raise httpx.ConnectError("refused")

    bench.http.on_request = refuse
    await poll_bookings(open_oauth(bench))
    assert ["none", "none", "200"] == bench.events.codes(TOKEN)
    assert 1 == refreshes(bench)


async def test_a_refused_refresh_token_stops_everything_until_the_file_changes(bench: Bench) -> None:
    path = write_tokens(bench, refresh_token="spent-long-ago")
    bench.clock.now += 3601
    session = open_oauth(bench)
    for _ in range(3):
        with pytest.raises(AuthError, match="bitrix24-login"):
            await poll_bookings(session)
    assert 1 == bench.calls("oauth/token")
    assert 1 == bench.calls("booking.v1.booking.list")
    path.unlink()
    write_tokens(bench)
    await poll_bookings(session)


async def test_a_pair_that_another_process_renewed_is_picked_up(bench: Bench) -> None:
    path = write_tokens(bench)
    session = open_oauth(bench)
    await poll_bookings(session)
    bench.clock.now += 3601
    replacement = path.with_name("other")
    replacement.write_text(json.dumps(another_pair(bench)))
    replacement.replace(path)
    await poll_bookings(session)
    assert 0 == refreshes(bench)


async def test_invalid_grant_reads_the_file_once_more_before_it_gives_up(bench: Bench) -> None:
    path = write_tokens(bench)
    session = open_oauth(bench)
    await poll_bookings(session)
    bench.clock.now += 3601
    fresh = another_pair(bench)
    oauth = bench.simulator.bitrix24.oauth
    oauth.revoke(next(iter(oauth._by_refresh.values())))
    chain: Any = session._credential
    ask = chain._chain._ask

    async def meanwhile(*arguments: object) -> object:
        path.write_text(json.dumps(fresh))  # another process wins the race after we looked
        return await ask(*arguments)

    chain._chain._ask = meanwhile
    await poll_bookings(session)
    assert ["400"] == bench.events.codes(TOKEN)


async def test_the_client_secret_goes_to_the_auth_server_only(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    write_tokens(bench)
    bench.clock.now += 3601
    bodies: list[bytes] = []

    async def watch(request: httpx.Request) -> None:
        bodies.append(str(request.url).encode() + request.content)

    bench.http.on_request = watch
    await poll_links(open_oauth(bench))
    assert [True] == [b"/oauth/token/?" in body for body in bodies if b"appsecret-planted-1" in body]
    output = capsys.readouterr()
    assert "appsecret-planted-1" not in output.out + output.err


async def test_a_token_that_stays_invalid_is_renewed_once_and_then_given_up(bench: Bench) -> None:
    write_tokens(bench)
    body = json.dumps({"error": "invalid_token", "error_description": "Unable to get application by token"})
    fault = Fault(FaultKind.BODY, operation="booking.v1.booking.list", status=401, body=body, content_type="application/json")
    bench.simulator.faults.add(fault)
    with pytest.raises(AuthError):
        async with asyncio.timeout(20):
            await poll_bookings(open_oauth(bench))
    assert 1 == refreshes(bench)


@pytest.mark.parametrize("step", ["load", "stamp"])
async def test_a_pair_that_another_process_stores_while_the_file_is_read_is_not_missed(
    bench: Bench, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_tokens(bench, access_token="old", refresh_token="old")
    content = json.dumps(another_pair(bench))
    read = getattr(TokenFile, step)

    def then_stored(file: TokenFile) -> object:
        found = read(file)
        if path.read_text() != content:
            path.write_text(content)
        return found

    monkeypatch.setattr(TokenFile, step, then_stored)
    session = open_oauth(bench)
    await poll_bookings(session)
    await poll_bookings(session)
    assert 0 == bench.calls("oauth/token"), "the other process has spent the old one"


async def test_a_corrected_application_is_tried_although_the_auth_server_refused_another_one(bench: Bench) -> None:
    write_tokens(bench)
    bench.simulator.bitrix24.add_app(bench.portal, client_id="local.other", client_secret="another-secret")
    bench.clock.now += 3601
    other = bench.oauth(client_id="local.other", client_secret=Secret("another-secret"))
    with pytest.raises(AuthError):
        await poll_bookings(open_oauth(bench, other))
    await poll_bookings(open_oauth(bench))  # as a reload does
