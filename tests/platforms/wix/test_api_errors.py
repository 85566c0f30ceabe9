"""What goes wrong at Wix, and what becomes of it (docs/platforms/wix.md 9 and 10)."""

from __future__ import annotations

import importlib
import json
import pkgutil
from email.utils import formatdate
from typing import Literal

import httpx
import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from exporter.errors import (
    AuthError,
    ClientError,
    InvalidResponseError,
    NetworkError,
    NotEntitledError,
    NotFoundError,
    PermissionDeniedError,
    PollError,
    PollTimeoutError,
    RateLimitedError,
    Reason,
    ServerError,
)
from exporter.model import CollectorName
from exporter.platforms import wix
from exporter.platforms.wix.api_errors import REASONS
from exporter.simulator.faults import FaultKind
from exporter.simulator.wix.faults import function_removed, system_error
from exporter.simulator.wix.operations import READ_BOOKINGS
from exporter.state.advice import for_failure
from exporter.support.secret import Secret
from tests.harness.wix_site import WixBench

LIST = "ListConnections"
EMPTY = '{"message":"","details":{}}'


def coded(code: str) -> str:
    return json.dumps({"message": "text of Wix", "details": {"applicationError": {"code": code}}})


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (400, coded("INVALID_FILTER"), ClientError, "INVALID_FILTER"),
        (400, '{"message":"","details":{"validationError":{"fieldViolations":[]}}}', ClientError, None),
        (401, coded("UNAUTHENTICATED"), AuthError, "UNAUTHENTICATED"),
        (401, EMPTY, AuthError, None),
        (403, EMPTY, PermissionDeniedError, None),
        (403, "", PermissionDeniedError, None),
        (403, "<html>Forbidden</html>", PermissionDeniedError, None),
        (403, coded("PERMISSION_DENIED"), PermissionDeniedError, "PERMISSION_DENIED"),
        (403, coded("PREMIUM_FEATURE_NOT_ENABLED"), NotEntitledError, "PREMIUM_FEATURE_NOT_ENABLED"),
        (404, coded("CONNECTION_NOT_FOUND"), NotFoundError, "CONNECTION_NOT_FOUND"),
        (404, "<html>404</html>", NotFoundError, None),
        (409, coded("CONFLICT"), ClientError, "CONFLICT"),
        (414, "", ClientError, None),
        (428, coded("WIX_BOOKINGS_APP_NOT_INSTALLED"), NotEntitledError, "WIX_BOOKINGS_APP_NOT_INSTALLED"),
        (428, coded("QUITE_NEW"), NotEntitledError, "QUITE_NEW"),
        (429, EMPTY, RateLimitedError, None),
        (500, EMPTY, ServerError, None),
        (501, EMPTY, ServerError, None),
        (502, "<html>Bad Gateway</html>", ServerError, None),
        (503, coded("FUNCTION_REMOVED"), NotFoundError, "FUNCTION_REMOVED"),
        (503, "<html>busy</html>", ServerError, None),
        (504, "", ServerError, None),
        (599, "7", ServerError, None),
        (302, "", InvalidResponseError, None),
        (500, '{"details":{"applicationError":{"code":"jane@mail.example said: no"}}}', ServerError, None),
        (500, '{"details":{"applicationError":{"code":["A"]}}}', ServerError, None),
        (500, '{"details":{"applicationError":{"code":"IST.key"}}}', ServerError, None),
        (500, '{"details":{"applicationError":{"code":"abcdef01-0000-4000-8000-000000000000"}}}', ServerError, None),
        (500, '{"details":{"applicationError":"A"}}', ServerError, None),
    ],
)
async def test_each_answer_has_its_error(
    bench: WixBench, status: int, body: str, kind: type[PollError], code: str | None
) -> None:
    bench.answer_with(LIST, body, status=status)
    error = await bench.failure()
    assert type(error) is kind
    assert (error.status, error.code) == (status, code)
    assert error.request_id
    assert f"HTTP {status}" in error.message
    assert "text of Wix" not in error.message


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_server_error_is_asked_again_twice_within_the_poll(bench: WixBench, status: int) -> None:
    bench.simulator.faults.add(system_error(LIST, status=status, times=2))
    with capture_logs() as logs:
        await bench.observe()
    assert [str(status)] * 2 + ["200"] == bench.events.codes("list_connections")
    assert [("list_connections", "server_error")] * 2 == bench.events.retries
    noted = [entry for entry in logs if entry["event"] == "wix_request_repeated"]
    assert all(entry["request_id"] and entry["target"] == "salon" for entry in noted)
    assert 2 == len(noted)


async def test_the_third_server_error_ends_the_poll(bench: WixBench) -> None:
    bench.simulator.faults.add(system_error(LIST))
    await bench.failure()
    assert 3 == bench.calls(LIST)


async def test_the_waits_between_retries_grow_and_have_jitter(bench: WixBench) -> None:
    bench.simulator.faults.add(system_error(LIST, times=2))
    await bench.observe()
    first, second = bench.clock.slept
    assert 0.5 <= first <= 1.0 <= second <= 2.0
    assert first not in {0.5, 1.0}


async def test_a_lost_connection_is_asked_again(bench: WixBench) -> None:
    bench.spoil(FaultKind.DROP, LIST, times=1)
    await bench.observe()
    assert [("list_connections", "network")] == bench.events.retries


@pytest.mark.parametrize(
    ("status", "body"),
    [(400, EMPTY), (401, EMPTY), (403, EMPTY), (404, EMPTY), (428, EMPTY), (429, EMPTY), (501, EMPTY), (302, "")],
)
async def test_what_will_not_pass_is_asked_once(bench: WixBench, status: int, body: str) -> None:
    bench.answer_with(LIST, body, status=status)
    await bench.failure()
    assert 1 == bench.calls(LIST)


async def test_a_retired_function_is_asked_once(bench: WixBench) -> None:
    bench.simulator.faults.add(function_removed(LIST))
    assert isinstance(await bench.failure(), NotFoundError)
    assert 1 == bench.calls(LIST)


@pytest.mark.parametrize("kind", [FaultKind.SLOW_HEADERS, FaultKind.SLOW_BODY])
async def test_no_answer_in_time_is_a_timeout_and_is_asked_once(bench: WixBench, kind: FaultKind) -> None:
    bench.spoil(kind, LIST, seconds=15.0)
    assert isinstance(await bench.failure(), PollTimeoutError)
    assert ["none"] == bench.events.codes()


async def test_an_unreachable_host_is_a_network_error(bench: WixBench) -> None:
    bench.open(bench.target(base_url="http://127.0.0.1:1"))
    assert isinstance(await bench.failure(), NetworkError)


@pytest.mark.parametrize("kind", [FaultKind.TRUNCATED, FaultKind.BAD_GZIP, FaultKind.BROTLI, FaultKind.HUGE, FaultKind.EMPTY])
async def test_a_spoiled_body_is_an_invalid_response_and_no_data(bench: WixBench, kind: FaultKind) -> None:
    bench.site.connect_many(3)
    bench.spoil(kind, LIST)
    assert isinstance(await bench.failure(), InvalidResponseError)


@pytest.mark.parametrize("kind", [FaultKind.BOM, FaultKind.CONTENT_TYPE])
async def test_a_right_body_with_a_wrong_label_is_read(bench: WixBench, kind: FaultKind) -> None:
    bench.connect()
    bench.spoil(kind, LIST)
    await bench.only()


async def test_a_login_wall_is_an_invalid_response(bench: WixBench) -> None:
    bench.spoil(FaultKind.STATUS, LIST, status=200)
    error = await bench.failure()
    assert isinstance(error, InvalidResponseError)
    assert "text/html" in error.message


async def test_a_redirect_is_never_followed(bench: WixBench) -> None:
    bench.spoil(FaultKind.REDIRECT, LIST, location="/bookings/v2/external-calendars/providers")
    assert isinstance(await bench.failure(), InvalidResponseError)
    assert 1 == len(bench.simulator.log)


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("https://login.example.org/sso?token=planted", " to login.example.org"),
        ("https://anna:planted@login.example.org:8443/", " to login.example.org:8443"),
        ("//login.example.org/planted", " to login.example.org"),
        ("/planted", ""),
        ("", ""),
        ("https://[planted/", ""),
        ("https://pla nted/", ""),
    ],
)
async def test_a_redirect_names_the_host_that_it_leads_to_and_nothing_else_of_it(
    bench: WixBench, location: str, place: str
) -> None:
    bench.spoil(FaultKind.REDIRECT, LIST, location=location)
    error = await bench.failure()
    assert f"Wix redirects list_connections{place}, which is not followed (HTTP 302 without a reason)" == error.message


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_retry_after_is_honoured_in_both_forms(bench: WixBench, form: str) -> None:
    asked = "90" if form == "seconds" else formatdate(bench.clock.now + 60 + 90, usegmt=True)
    bench.spoil(FaultKind.RATE_LIMITED, LIST, retry_after=asked, times=1)
    error = await bench.failure()
    assert isinstance(error, RateLimitedError)
    assert error.retry_after == pytest.approx(90, abs=1)


@pytest.mark.parametrize("asked", [None, "", "soon"])
async def test_a_429_without_a_usable_retry_after_waits_a_minute(bench: WixBench, asked: str | None) -> None:
    bench.spoil(FaultKind.RATE_LIMITED, LIST, retry_after=asked, times=1)
    assert 60.0 == (await bench.failure()).retry_after


async def test_after_a_429_no_collector_of_the_site_asks_before_the_wait_is_over(bench: WixBench) -> None:
    bench.open(bench.target(bookings={}))
    bench.spoil(FaultKind.RATE_LIMITED, LIST, retry_after="300", times=1)
    await bench.failure()
    for collector in CollectorName.BOOKINGS, CollectorName.CONNECTIONS:
        error = await bench.failure(collector)
        assert isinstance(error, RateLimitedError)
        assert error.retry_after
    assert 1 == len(bench.simulator.log)
    bench.clock.now += 180
    await bench.observe()


@pytest.mark.slow
async def test_the_limit_of_the_site_is_never_reached_however_often_we_poll(bench: WixBench) -> None:
    collector = bench.session.collectors[CollectorName.CONNECTIONS]
    for _ in range(400):
        await collector.poll()
    at = [call.at for call in bench.simulator.log]
    assert max(sum(start <= moment < start + 60 for moment in at) for start in at) <= 200
    assert sum(bench.events.waited) > 0
    assert {"200"} == set(bench.events.codes())


def ask_to_wait(bench: WixBench, seconds: str) -> None:
    """Let every 503 carry a ``Retry-After``."""

    async def hint(response: httpx.Response) -> None:
        if response.status_code == 503:
            response.headers["retry-after"] = seconds

    bench.http.on_response = hint
    bench.simulator.faults.add(system_error(LIST, status=503, times=1))


async def test_a_503_that_asks_for_a_short_wait_gets_it(bench: WixBench) -> None:
    ask_to_wait(bench, "7")
    await bench.observe()
    assert [7.0] == bench.clock.slept


async def test_a_503_that_asks_for_a_long_wait_is_left_to_the_scheduler(bench: WixBench) -> None:
    ask_to_wait(bench, "120")
    error = await bench.failure()
    assert isinstance(error, ServerError)
    assert 120 == error.retry_after
    assert [] == bench.clock.slept


@pytest.mark.parametrize("status", [401, 403])
async def test_a_wrong_key_says_what_to_check(bench: WixBench, status: Literal[401, 403]) -> None:
    bench.switches.wrong_key_status = status
    bench.open(bench.target(api_key=Secret("IST.wrong-key")))
    error = await bench.failure()
    assert isinstance(error, AuthError if status == 401 else PermissionDeniedError)
    assert ("Bearer" if status == 401 else "three things") in for_failure("wix", error.reason, "api_key").fix
    assert "wrong-key" not in error.message


async def test_a_refused_key_names_the_three_checks_and_app_mode(bench: WixBench) -> None:
    bench.open(bench.target(api_key=Secret(bench.simulator.wix.add_key(bench.site, permissions=READ_BOOKINGS).value)))
    error = await bench.failure()
    assert isinstance(error, PermissionDeniedError)
    assert "three things" in for_failure("wix", error.reason, "api_key").fix
    assert "app mode" in for_failure("wix", error.reason, "api_key").fix


async def test_a_key_of_another_account_or_another_site_is_a_permission_matter(bench: WixBench) -> None:
    other = bench.simulator.wix.add_site()
    bench.open(bench.target(site_id=other.id))
    assert isinstance(await bench.failure(), PermissionDeniedError)


async def test_a_site_without_the_plan_is_not_entitled(bench: WixBench) -> None:
    bench.site.premium = False
    assert isinstance(await bench.failure(), NotEntitledError)


async def test_a_site_without_bookings_is_not_entitled(bench: WixBench) -> None:
    bench.site.bookings_installed = False
    bench.open(bench.target(bookings={}))
    assert isinstance(await bench.failure(CollectorName.BOOKINGS), NotEntitledError)


async def test_a_wrong_reader_prefix_is_not_found_and_says_so(bench: WixBench) -> None:
    bench.open(bench.target(bookings={"reader_prefix": "/bookings/v2"}))
    error = await bench.failure(CollectorName.BOOKINGS)
    assert isinstance(error, NotFoundError)
    assert "reader_prefix" in error.message


async def test_a_404_of_the_service_itself_asks_for_the_site_and_not_for_the_address(bench: WixBench) -> None:
    async def responded_by(response: httpx.Response) -> None:
        response.headers["x-wix-responded-by"] = "service/method"

    bench.http.on_response = responded_by
    bench.answer_with(LIST, coded("NOT_FOUND"), status=404)
    message = (await bench.failure()).message
    assert "site_id" in message
    assert "base_url" not in message


@pytest.mark.parametrize("url", ["http://www.wixapis.com", "ftp://localhost", "http://10.0.0.1:8080"])
async def test_plain_http_is_refused_outside_of_the_loopback(bench: WixBench, url: str) -> None:
    with pytest.raises(ValidationError, match="base_url"):
        bench.target(base_url=url)


async def test_the_self_check_tries_what_each_collector_needs(bench: WixBench) -> None:
    bench.open(bench.target(bookings={}))
    await bench.session.check()
    assert (1, 1) == (bench.calls(LIST), bench.calls("CountExtendedBookings"))
    bench.simulator.faults.add(system_error(LIST))
    with pytest.raises(ServerError):
        await bench.session.check()
    assert 2 == bench.calls(LIST)  # a person waits for it, so it is asked once
    bench.simulator.faults.clear()
    bench.site.premium = False
    with pytest.raises(NotEntitledError):
        await bench.session.check()


def test_a_site_counts_failures_for_each_reason_that_its_modules_name() -> None:
    modules = [importlib.import_module(f"{wix.__name__}.{module.name}") for module in pkgutil.iter_modules(wix.__path__)]
    errors = [each for module in modules for each in vars(module).values() if isinstance(each, type)]
    named = {error.reason for error in errors if issubclass(error, PollError)}
    assert {Reason.AUTH, Reason.NOT_ENTITLED, Reason.CONFIG} <= named <= {*REASONS}
    assert set(Reason) - {*REASONS} == {Reason.OPERATING_LIMIT, Reason.OVERLOAD}
