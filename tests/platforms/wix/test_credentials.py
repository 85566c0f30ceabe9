"""API keys and app tokens (docs/platforms/wix.md 2)."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from exporter.errors import AuthError, InvalidResponseError, PollError, RateLimitedError, ServerError
from exporter.model import CollectorName
from exporter.platforms.base import Collector
from exporter.platforms.retry import wait_allowance
from exporter.simulator.faults import Fault, FaultKind
from exporter.simulator.requestlog import fingerprint
from exporter.simulator.wix.credentials import Installation
from exporter.simulator.wix.faults import system_error
from exporter.state.advice import for_failure
from exporter.support.secret import Secret
from tests.harness.simulated_wix import TOKEN
from tests.harness.wix_site import WixBench

MINT = "CreateAccessToken"


def install(bench: WixBench) -> Installation:
    return bench.simulator.wix.credentials.install(bench.site.id)


def open_app(bench: WixBench, **changes: Any) -> Installation:  # noqa: ANN401  fields of the target
    """Open the session in app mode."""
    app = install(bench)
    bench.open(bench.target(app=app, bookings={}, **changes))
    return app


async def test_a_key_is_sent_raw_with_its_site_and_never_with_an_account(bench: WixBench) -> None:
    await bench.observe()
    call = bench.simulator.log.last
    assert call.credential == fingerprint(bench.key.value)
    assert call.headers["wix-site-id"] == bench.site.id
    assert "wix-account-id" not in call.headers
    assert "cookie" not in call.headers


async def test_a_pasted_key_with_line_breaks_works(bench: WixBench) -> None:
    half = len(bench.key.value) // 2
    bench.open(bench.target(api_key=Secret(f" {bench.key.value[:half]}\n{bench.key.value[half:]}\r\n")))
    await bench.observe()


async def test_a_key_target_never_asks_for_a_token(bench: WixBench) -> None:
    bench.simulator.wix.credentials.revoke_key(bench.key.value)
    assert isinstance(await bench.failure(), AuthError)
    assert 0 == bench.calls(MINT)
    assert "mint_token" not in bench.session.expected.operations


@pytest.mark.slow
async def test_one_token_serves_all_collectors_and_polls_and_names_no_site(bench: WixBench) -> None:
    app = open_app(bench)
    for _ in range(10):
        await bench.observe()
        await bench.count()
    assert bench.simulator.wix.credentials.mints == {app.instance_id: 1}
    assert all("wix-site-id" not in call.headers for call in bench.simulator.log)
    assert "mint_token" in bench.session.expected.operations


async def test_collectors_that_start_together_share_one_mint(bench: WixBench) -> None:
    open_app(bench)
    await asyncio.gather(*(collector.poll() for collector in bench.session.collectors.values()))
    assert 1 == bench.calls(MINT)


async def test_a_token_is_renewed_before_it_ends(bench: WixBench) -> None:
    open_app(bench)
    await bench.observe()
    bench.clock.now += 14_400 * 0.8 - 120
    await bench.observe()
    assert 1 == bench.calls(MINT)
    bench.clock.now += 14_400 * 0.1
    await bench.observe()
    assert 2 == bench.calls(MINT)
    assert 0 == bench.simulator.log.count(status=401)


async def test_a_token_that_died_early_is_renewed_once_and_the_poll_succeeds(bench: WixBench) -> None:
    open_app(bench)
    await bench.observe()
    bench.simulator.wix.credentials.expire_tokens()
    await bench.observe()
    assert 2 == bench.calls(MINT)
    assert [("list_connections", "auth")] == bench.events.retries


async def test_a_401_to_two_collectors_at_once_is_one_mint(bench: WixBench) -> None:
    open_app(bench)
    await bench.observe()
    bench.simulator.wix.credentials.expire_tokens()
    await asyncio.gather(*(collector.poll() for collector in bench.session.collectors.values()))
    assert 2 == bench.calls(MINT)


async def test_a_fresh_token_that_is_refused_ends_the_poll(bench: WixBench) -> None:
    open_app(bench)
    bench.switches.tokens_without_site = True
    error = await bench.failure()
    assert isinstance(error, AuthError)
    assert "instance_id" in for_failure("wix", error.reason, "app").fix
    assert 2 == bench.calls(MINT)
    assert 2 == bench.calls("ListConnections")


@pytest.mark.parametrize(
    "wrong", [{"app_secret": Secret("wrong")}, {"app_id": "wrong"}, {"instance_id": "00000000-0000-4000-8000-000000000000"}]
)
async def test_wrong_app_fields_are_an_auth_error_whose_fix_names_them(bench: WixBench, wrong: dict[str, Any]) -> None:
    open_app(bench, **wrong)
    error = await bench.failure()
    assert isinstance(error, AuthError)
    assert "`app_secret`" in for_failure("wix", error.reason, "app").fix
    assert error.code in {"invalid_client", "invalid_request"}
    assert 0 == bench.calls("ListConnections")


async def test_a_server_error_while_minting_is_asked_again(bench: WixBench) -> None:
    open_app(bench)
    bench.simulator.faults.add(system_error(MINT, times=2))
    await bench.observe()
    assert [("mint_token", "server_error")] * 2 == bench.events.retries


async def test_a_token_endpoint_that_stays_down_is_a_server_error(bench: WixBench) -> None:
    open_app(bench)
    bench.simulator.faults.add(system_error(MINT))
    assert isinstance(await bench.failure(), ServerError)


async def test_a_failed_renewal_leaves_the_old_token_in_use_while_it_lives(bench: WixBench) -> None:
    open_app(bench)
    await bench.observe()
    bench.clock.now += 14_400 * 0.86
    bench.simulator.faults.add(system_error(MINT))
    with capture_logs() as logs:
        await bench.observe()
    (note,) = [entry for entry in logs if entry["event"] == "wix_token_not_renewed"]
    assert ("salon", "server_error", 500) == (note["target"], note["reason"], note["status"])
    assert note["request_id"]
    bench.clock.now += 14_400 * 0.14
    assert isinstance(await bench.failure(), ServerError)
    bench.simulator.faults.clear()
    await bench.observe()


async def test_a_failed_renewal_is_tried_again_after_a_minute_and_not_with_every_call(bench: WixBench) -> None:
    open_app(bench)
    await bench.observe()
    bench.clock.now += 14_400 * 0.86
    bench.answer_with(MINT, "{}", status=400)
    await bench.count()
    assert 2 == bench.calls(MINT)
    await bench.count()
    assert 3 == bench.calls(MINT)


async def failures_of_both(bench: WixBench, *, after: float = 0.0) -> list[tuple[PollError, float]]:
    """Poll both collectors, the second ``after`` seconds later. Returns what each failed with and how long that took."""

    async def one(collector: Collector, wait: float) -> tuple[PollError, float]:
        await bench.clock.sleep(wait)
        began = bench.clock.monotonic()
        with wait_allowance(60), pytest.raises(PollError) as caught:
            await collector.poll()
        return caught.value, bench.clock.monotonic() - began

    collectors = bench.session.collectors.values()
    return list(await asyncio.gather(*(one(collector, wait) for collector, wait in zip(collectors, (0.0, after), strict=True))))


@pytest.mark.parametrize(
    "fault",
    [
        Fault(FaultKind.STATUS, status=503, operation=MINT, delay=25.0),
        Fault(FaultKind.STATUS, status=503, operation=MINT, delay=9.0),
        Fault(FaultKind.DROP, operation=MINT, delay=25.0),
        Fault(FaultKind.STATUS, status=503, operation=MINT, retry_after="10"),
        Fault(FaultKind.RATE_LIMITED, operation=MINT, retry_after="5"),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.delay:g}-{fault.retry_after}",
)
async def test_who_waits_for_a_mint_that_fails_fails_with_it_instead_of_waiting_for_one_of_his_own(
    bench: WixBench, fault: Fault
) -> None:
    open_app(bench, timeout=30.0)
    bench.simulator.faults.add(fault)
    both = await failures_of_both(bench)
    assert 1 == len({(type(error), error.message) for error, _ in both})
    assert max(seconds for _, seconds in both) <= 30
    assert 1 <= bench.calls(MINT) <= 3
    minted = bench.calls(MINT)
    bench.clock.now += 120
    await failures_of_both(bench)
    assert bench.calls(MINT) > minted, "the next poll tries for itself"
    bench.simulator.faults.clear()
    bench.clock.now += 300
    await bench.observe()


async def test_a_401_with_a_time_to_come_back_costs_no_token_but_the_one_that_it_refused(bench: WixBench) -> None:
    open_app(bench)
    await bench.observe()
    bench.spoil(FaultKind.STATUS, "ListConnections", status=401, retry_after="300", times=1)
    assert isinstance(await bench.failure(), RateLimitedError)  # there is no asking for a token either
    assert 1 == bench.calls(MINT)
    await bench.observe()
    await bench.count()
    assert 2 == bench.calls(MINT)
    bench.spoil(FaultKind.STATUS, "CountExtendedBookings", status=401, retry_after="20", times=1)
    await asyncio.gather(*(collector.poll() for collector in bench.session.collectors.values()))
    assert 3 == bench.calls(MINT)


def hold_first_mint(bench: WixBench) -> tuple[asyncio.Event, asyncio.Event]:
    """Let the first mint wait on its way out; returns what tells that it waits, and what lets it go."""
    waits, go = asyncio.Event(), asyncio.Event()

    async def hold(request: httpx.Request) -> None:
        if request.url.path == TOKEN and not waits.is_set():
            waits.set()
            await go.wait()

    bench.http.on_request = hold
    return waits, go


async def test_a_poll_that_is_cancelled_while_it_mints_leaves_the_next_one_to_mint(bench: WixBench) -> None:
    open_app(bench)
    waits, _ = hold_first_mint(bench)
    first, second = (asyncio.create_task(collector.poll()) for collector in bench.session.collectors.values())
    await waits.wait()
    first.cancel()
    assert (await second).failure is None
    assert first.cancelled()
    assert 1 == bench.calls(MINT)


async def test_a_poll_that_is_cancelled_while_another_mints_does_not_cost_the_token(bench: WixBench) -> None:
    open_app(bench)
    waits, go = hold_first_mint(bench)
    first, second = (asyncio.create_task(collector.poll()) for collector in bench.session.collectors.values())
    await waits.wait()
    second.cancel()
    go.set()
    assert (await first).failure is None
    assert second.cancelled()
    assert 1 == bench.calls(MINT)


@pytest.mark.parametrize(
    "body", ["{}", '{"access_token":""}', '{"access_token":7}', '{"access_token":"\\u200b"}', "[]", "<html>", ""]
)
async def test_an_answer_without_a_token_is_an_invalid_response(bench: WixBench, body: str) -> None:
    open_app(bench)
    bench.answer_with(MINT, body)
    assert isinstance(await bench.failure(), InvalidResponseError)
    assert 0 == bench.calls("ListConnections")


@pytest.mark.parametrize("told", ["null", "0", "-5", '"soon"', "true"])
async def test_an_odd_lifetime_is_read_as_the_documented_one(bench: WixBench, told: str) -> None:
    app = open_app(bench)
    token = bench.simulator.wix.credentials._mint(app, 14_400.0)
    bench.answer_with(MINT, f'{{"access_token":"{token}","expires_in":{told}}}', times=1)
    for _ in range(3):
        await bench.observe()
    assert 1 == bench.calls(MINT)
    bench.clock.now += 14_400 * 0.9
    await bench.observe()
    assert (2, 0) == (bench.calls(MINT), bench.simulator.log.count(status=401))


async def test_short_lived_tokens_are_minted_as_often_as_needed(bench: WixBench) -> None:
    bench.switches.token_lifetime = 90.0
    open_app(bench)
    for _ in range(4):
        await bench.observe()
    assert 2 == bench.calls(MINT)
    assert 0 == bench.simulator.log.count(status=401)


async def test_a_lost_answer_of_the_token_endpoint_is_asked_again(bench: WixBench) -> None:
    open_app(bench)
    bench.spoil(FaultKind.DROP, MINT, times=1)
    await bench.poll(CollectorName.BOOKINGS)
    assert 2 == bench.calls(MINT)
