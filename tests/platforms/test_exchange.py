"""The shared HTTP exchange, over real sockets: what comes back, what each failure is told as, and how long it may take."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from random import Random

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse

from exporter.errors import NetworkError, PollError, PollTimeoutError, TlsError
from exporter.platforms.base import Services
from exporter.platforms.exchange import Answer, retry_after_seconds
from exporter.polling.admission import Admission
from exporter.simulator import running
from exporter.state.status_history import StatusHistory
from tests.harness.certificates import self_signed
from tests.harness.clock import ManualClock
from tests.harness.events import RecordedEvents
from tests.harness.exchange import CODE, PATH, app_with, get
from tests.harness.pool import pool


async def failure_of(services: Services, error: type[PollError], url: str, *, timeout: float = 5.0) -> PollError:
    """Return the error of a GET to ``url``; it must not hold the path, and chain nothing."""
    with pytest.raises(error) as info:
        await get(services, url, timeout=timeout)
    assert CODE not in str(info.value)
    assert info.value.__suppress_context__ or info.value.__context__ is None
    return info.value


async def test_an_answer_comes_whole_whatever_its_status_and_is_counted(services: Services, events: RecordedEvents) -> None:
    async def handler(_: Request) -> Response:
        return PlainTextResponse("teapot", status_code=418, headers={"X-Wix-Request-Id": "abc"})

    async with running(app_with(handler)) as url:
        answer = await get(services, url + PATH)
    assert (418, b"teapot", "abc", "text/plain") == (
        answer.status,
        answer.body,
        answer.headers["x-wix-request-id"],
        answer.content_type,
    )
    assert ["418"] == events.codes("list")


async def test_a_redirect_is_returned_and_never_followed(services: Services) -> None:
    visited = []

    async def handler(request: Request) -> Response:
        visited.append(request.url.path)
        return RedirectResponse("/elsewhere", status_code=302)

    async with running(app_with(handler)) as url:
        assert 302 == (await get(services, url + PATH)).status
    assert [PATH] == visited


async def test_no_cookie_is_kept(services: Services) -> None:
    cookies = []

    async def handler(request: Request) -> Response:
        cookies.append(request.headers.get("cookie"))
        return PlainTextResponse("", headers={"Set-Cookie": "XSRF-TOKEN=1; Path=/"})

    async with running(app_with(handler)) as url:
        await get(services, url + PATH)
        await get(services, url + PATH)
    assert [None, None] == cookies


async def test_the_deadline_bounds_the_whole_exchange_not_only_each_read() -> None:
    clock = ManualClock()

    async def handler(_: Request) -> Response:
        async def drip() -> object:
            while True:
                await clock.sleep(1.0)
                yield b"x"

        return StreamingResponse(drip())  # type: ignore[arg-type]  # an async generator of bytes

    events = RecordedEvents()
    async with pool(clock) as http, running(app_with(handler)) as url:
        services = Services(http, clock, Random(1), events, StatusHistory(), Admission(clock))
        asking = asyncio.create_task(get(services, url + PATH, timeout=30.0))
        while not asking.done():
            await clock.advance(1.0)
            await asyncio.sleep(0.001)
        with pytest.raises(PollTimeoutError, match="within 30 s") as info:
            await asking
        assert info.value.__suppress_context__, "what came before it holds the URL"
    assert ["none"] == events.codes()
    assert clock.monotonic() >= 30


async def test_a_refused_connection_is_a_network_error(services: Services, events: RecordedEvents) -> None:
    error = await failure_of(services, NetworkError, f"http://127.0.0.1:1{PATH}")
    assert "cannot connect to 127.0.0.1" in str(error)
    assert ["none"] == events.codes()


async def test_an_unknown_host_is_a_network_error(services: Services) -> None:
    await failure_of(services, NetworkError, f"http://no-such-host.invalid{PATH}")


async def test_a_dropped_connection_is_a_network_error(services: Services, events: RecordedEvents) -> None:
    async def drop(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        await writer.drain()
        writer.transport.abort()

    server = await asyncio.start_server(drop, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(NetworkError, match="was lost") as info:
            await get(services, f"http://127.0.0.1:{port}{PATH}")
    assert CODE not in str(info.value)
    assert ["none"] == events.codes()


async def test_a_port_without_tls_is_a_tls_error_that_says_so(services: Services) -> None:
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(TlsError, match=r"^TLS with localhost failed: no TLS is spoken at this port$"):
            await get(services, f"https://localhost:{port}{PATH}")


async def test_an_untrusted_certificate_is_a_tls_error(services: Services, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(TlsError, match=r"TLS with localhost failed: self.signed certificate"):
            await get(services, f"https://localhost:{port}{PATH}")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("Fri, 20 Nov 2026 12:01:30 GMT", 90.0),
        ("Fri, 20 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
        ("99999999999", 3600.0),
        ("9" * 400, 3600.0),
        ("Fri, 20 Nov 2099 12:01:30 GMT", 3600.0),
    ],
)
def test_retry_after_is_read_in_both_forms(value: str, seconds: float | None) -> None:
    noon = 1_795_176_000.0  # 2026-11-20 12:00:00 UTC
    answer = Answer(429, {"retry-after": value}, b"")
    assert seconds == retry_after_seconds(answer, ManualClock(noon))


@pytest.mark.slow
async def test_targets_that_hang_keep_no_other_waiting(services: Services) -> None:
    released, asked = asyncio.Event(), 0

    async def handler(request: Request) -> Response:
        nonlocal asked
        if request.url.path == "/hang":
            asked += 1
            await released.wait()
        return PlainTextResponse("fine")

    async with running(app_with(handler)) as url:
        hanging = [asyncio.create_task(get(services, url + "/hang", timeout=60)) for _ in range(300)]
        while asked < 200:  # noqa: ASYNC110  as many as an ordinary pool lets through
            await asyncio.sleep(0.01)
        assert b"fine" == (await get(services, url + PATH, timeout=10)).body
        released.set()
        await asyncio.gather(*hanging)


async def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")

    async def answer(_: Request) -> Response:
        return PlainTextResponse("fine")

    async with running(app_with(answer)) as url:
        assert 200 == (await get(services, url + PATH)).status
    with pytest.raises(NetworkError):
        await get(services, "http://portal.example/")
