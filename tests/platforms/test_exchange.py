"""The shared HTTP exchange, over real sockets."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from random import Random

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from exporter.clock import SystemClock
from exporter.errors import InvalidResponseError, NetworkError, PollError, PollTimeoutError, TlsError
from exporter.platforms.answer_kinds import BATCH, CONNECTIONS, COUNT, OTHER, PAGE, AnswerKind
from exporter.platforms.base import Services
from exporter.platforms.exchange import Answer, exchange, new_request, retry_after_seconds
from exporter.polling.admission import Admission
from exporter.simulator import running
from exporter.state.status_history import StatusHistory
from tests.harness.certificates import self_signed
from tests.harness.clock import ManualClock
from tests.harness.events import RecordedEvents
from tests.harness.pool import pool

CODE = "s3cr3tw3bh00kc0de"
PATH = f"/rest/1/{CODE}/booking.v1.booking.list"


def exchange_with(
    script: Callable[[Services, RecordedEvents], Awaitable[None]],
) -> None:
    async def main() -> None:
        events = RecordedEvents()
        clock = SystemClock()
        async with pool(clock) as http:
            await script(Services(http, clock, Random(1), events, StatusHistory(), Admission(clock)), events)

    asyncio.run(main())


async def get(services: Services, url: str, *, kind: AnswerKind = BATCH, timeout: float = 5.0) -> Answer:
    return await exchange(services, "list", new_request("GET", httpx.URL(url)), kind=kind, timeout=timeout)


def app_with(handler: Callable[[Request], Awaitable[Response]]) -> Starlette:
    return Starlette(routes=[Route("/{path:path}", handler)])


def failure_of(error: type[PollError], url: str, *, timeout: float = 5.0) -> tuple[PollError, RecordedEvents]:
    """Return the error of a GET to ``url`` and what was counted; it must not hold the path, and chain nothing."""
    caught: list[PollError] = []
    counted = RecordedEvents()

    async def attempt(services: Services, events: RecordedEvents) -> None:
        with pytest.raises(error) as info:
            await get(services, url, timeout=timeout)
        caught.append(info.value)
        counted.requests.extend(events.requests)

    exchange_with(attempt)
    assert CODE not in str(caught[0])
    assert caught[0].__suppress_context__ or caught[0].__context__ is None
    return caught[0], counted


def test_an_answer_comes_whole_whatever_its_status_and_is_counted() -> None:
    async def handler(_: Request) -> Response:
        return PlainTextResponse("teapot", status_code=418, headers={"X-Wix-Request-Id": "abc"})

    async def scenario(services: Services, events: RecordedEvents) -> None:
        async with running(app_with(handler)) as url:
            answer = await get(services, url + PATH)
        assert (418, b"teapot", "abc", "text/plain") == (
            answer.status,
            answer.body,
            answer.headers["x-wix-request-id"],
            answer.content_type,
        )
        assert ["418"] == events.codes("list")

    exchange_with(scenario)


def test_a_redirect_is_returned_and_never_followed() -> None:
    visited = []

    async def handler(request: Request) -> Response:
        visited.append(request.url.path)
        return RedirectResponse("/elsewhere", status_code=302)

    async def scenario(services: Services, _events: RecordedEvents) -> None:
        async with running(app_with(handler)) as url:
            assert (await get(services, url + PATH)).status == 302
        assert [PATH] == visited

    exchange_with(scenario)


def test_no_cookie_is_kept() -> None:
    cookies = []

    async def handler(request: Request) -> Response:
        cookies.append(request.headers.get("cookie"))
        return PlainTextResponse("", headers={"Set-Cookie": "XSRF-TOKEN=1; Path=/"})

    async def scenario(services: Services, _events: RecordedEvents) -> None:
        async with running(app_with(handler)) as url:
            await get(services, url + PATH)
            await get(services, url + PATH)
        assert [None, None] == cookies

    exchange_with(scenario)


KIB = 1024
MIB = 1024 * KIB
CAPS = [
    (COUNT, 64 * KIB, "more than 64 KiB for a count"),
    (PAGE, 2 * MIB, "more than 2 MiB for a page of rows"),
    (CONNECTIONS, 8 * MIB, "more than 8 MiB for a list of connections"),
    (BATCH, 16 * MIB, "more than 16 MiB for a batch"),
    (OTHER, 256 * KIB, "more than 256 KiB for an answer of this kind"),
]


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize(("kind", "cap", "said"), CAPS, ids=[kind.what for kind, *_ in CAPS])
def test_a_body_over_the_cap_of_its_kind_is_refused_even_when_it_was_small_on_the_wire(
    kind: AnswerKind, cap: int, said: str, compress: bool
) -> None:
    sent = [b"x" * cap, b"x" * (cap + 1)]

    async def handler(_: Request) -> Response:
        body = sent.pop(0)
        return Response(gzip.compress(body, 1), headers={"Content-Encoding": "gzip"}) if compress else Response(body)

    async def scenario(services: Services, events: RecordedEvents) -> None:
        async with running(app_with(handler)) as url:
            assert cap == len((await get(services, url + PATH, kind=kind)).body)
            with pytest.raises(InvalidResponseError, match=said):
                await get(services, url + PATH, kind=kind)
        assert ["200", "200"] == events.codes("list")

    exchange_with(scenario)


@pytest.mark.parametrize("status", [302, 400, 403, 500, 503])
@pytest.mark.parametrize("kind", [COUNT, BATCH], ids=["of a count", "of a batch"])
def test_a_refusal_has_a_cap_of_its_own_whatever_was_asked_for(kind: AnswerKind, status: int) -> None:
    sent = [b"x" * 256 * KIB, b"x" * (256 * KIB + 1)]

    async def handler(_: Request) -> Response:
        return Response(sent.pop(0), status_code=status)

    async def scenario(services: Services, _: RecordedEvents) -> None:
        async with running(app_with(handler)) as url:
            assert status == (await get(services, url + PATH, kind=kind)).status
            with pytest.raises(InvalidResponseError, match="more than 256 KiB for a refusal") as caught:
                await get(services, url + PATH, kind=kind)
        assert status == caught.value.status

    exchange_with(scenario)


MANY = [
    (PAGE, 100_000, "more than 100,000 values for a page of rows"),
    (BATCH, 200_000, "more than 200,000 values for a batch"),
    (CONNECTIONS, 500_000, "more than 500,000 values for a list of connections"),
]


@pytest.mark.parametrize("element", [b"0,", b"{},", b"[],", b'"":0,', b"[{},{}],", b"[" * 40 + b"]" * 40 + b","])
@pytest.mark.parametrize(("kind", "cap", "said"), MANY, ids=[kind.what for kind, *_ in MANY])
def test_values_are_counted_before_anything_is_built_of_them(kind: AnswerKind, cap: int, said: str, element: bytes) -> None:
    each = sum(element.count(sign) for sign in (b",", b"[", b"{"))
    sent = [element * (cap // each), element * (cap // each + 1)]

    async def handler(_: Request) -> Response:
        return Response(sent.pop(0).ljust(600_000))

    async def scenario(services: Services, _: RecordedEvents) -> None:
        async with running(app_with(handler)) as url:
            await get(services, url + PATH, kind=kind)
            with pytest.raises(InvalidResponseError, match=said):
                await get(services, url + PATH, kind=kind)

    exchange_with(scenario)


def test_a_body_that_cannot_be_decompressed_is_an_invalid_response() -> None:
    async def handler(_: Request) -> Response:
        return Response(b"not gzip", headers={"Content-Encoding": "gzip"})

    async def scenario(services: Services, _events: RecordedEvents) -> None:
        async with running(app_with(handler)) as url:
            with pytest.raises(InvalidResponseError, match="decompressed"):
                await get(services, url + PATH)

    exchange_with(scenario)


@pytest.mark.parametrize("layers", [2, 5])
def test_gzip_inside_gzip_is_not_opened_at_all(layers: int) -> None:
    # Two layers of httpx's decoders make 2 GB of these 2 KB before anybody can look at the size.
    body = bytes(1024 * 1024)
    for _ in range(layers):
        body = gzip.compress(body)

    async def handler(_: Request) -> Response:
        return Response(body, headers={"Content-Encoding": ", ".join(["gzip"] * layers)})

    async def scenario(services: Services, _events: RecordedEvents) -> None:
        async with running(app_with(handler)) as url:
            with pytest.raises(InvalidResponseError, match="decompressed"):
                await get(services, url + PATH)

    exchange_with(scenario)


def test_a_compressed_body_that_was_cut_off_is_an_invalid_response() -> None:
    whole = gzip.compress(b"[1, 2, 3]" * 1000)

    async def handler(_: Request) -> Response:
        return Response(whole[: len(whole) // 2], headers={"Content-Encoding": "gzip"})

    async def scenario(services: Services, _events: RecordedEvents) -> None:
        async with running(app_with(handler)) as url:
            with pytest.raises(InvalidResponseError, match="decompressed"):
                await get(services, url + PATH)

    exchange_with(scenario)


def test_a_compressed_body_of_several_members_is_read_whole_and_one_with_something_else_behind_it_is_told() -> None:
    members = gzip.compress(b"[1,") + gzip.compress(b" 2]")

    async def handler(request: Request) -> Response:
        behind = b"<br>" if request.url.path == "/odd" else b""
        return Response(members + behind, headers={"Content-Encoding": "gzip"})

    async def scenario(services: Services, _events: RecordedEvents) -> None:
        async with running(app_with(handler)) as url:
            assert b"[1, 2]" == (await get(services, url + PATH)).body
            with pytest.raises(
                InvalidResponseError, match="sent a body that cannot be decompressed: something else comes behind"
            ):
                await get(services, url + "/odd")

    exchange_with(scenario)


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP"])
def test_gzip_is_asked_for_and_opened(coding: str) -> None:
    asked: list[str | None] = []

    async def handler(request: Request) -> Response:
        asked.append(request.headers.get("accept-encoding"))
        return Response(gzip.compress(b"{}"), headers={"Content-Encoding": coding})

    async def scenario(services: Services, _events: RecordedEvents) -> None:
        async with running(app_with(handler)) as url:
            assert b"{}" == (await get(services, url + PATH)).body

    exchange_with(scenario)
    assert ["gzip"] == asked


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_a_body_in_thousands_of_crumbs_is_an_invalid_response(coding: str) -> None:
    async def handler(_: Request) -> Response:
        async def crumbs() -> AsyncIterator[bytes]:
            body = gzip.compress(random_text(100_000)) if coding == "gzip" else b"x" * 100_000
            for number in range(len(body)):
                yield body[number : number + 1]

        return StreamingResponse(crumbs(), headers={"content-encoding": coding})

    async def script(services: Services, _: RecordedEvents) -> None:
        async with running(app_with(handler)) as url:
            with pytest.raises(InvalidResponseError, match="crumbs of a few bytes"):
                await get(services, url + PATH)

    exchange_with(script)


@pytest.mark.parametrize("size", [64, 512])
def test_small_pieces_that_a_server_may_honestly_send_are_read(size: int) -> None:
    async def handler(_: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(5_000):
                yield b"x" * size

        return StreamingResponse(pieces())

    async def script(services: Services, _: RecordedEvents) -> None:
        async with running(app_with(handler)) as url:
            assert b"x" * size * 5_000 == (await get(services, url + PATH)).body

    exchange_with(script)


RECORDS = [
    b'{"id":%05d,"start":"2026-11-27T10:00:00Z","end":"2026-11-27T11:00:00Z","status":"CONFIRMED"},' % n for n in range(5_000)
]


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data) if data else b""


def one_by_one() -> Iterator[bytes]:
    """Write each record as a chunk."""
    return map(chunk, RECORDS)


def in_three_writes() -> Iterator[bytes]:
    """Write the length of each record, the record, and the end of its line by themselves."""
    for record in RECORDS:
        yield from (b"%x\r\n" % len(record), record, b"\r\n")


def compressed() -> Iterator[bytes]:
    """Compress each record as it comes, and flush what that gives."""
    packer = zlib.compressobj(wbits=31)
    for record in RECORDS:
        yield chunk(packer.compress(record) + packer.flush(zlib.Z_SYNC_FLUSH))
    yield chunk(packer.flush())


@pytest.mark.parametrize(
    ("writes", "coding"),
    [
        pytest.param(one_by_one, "identity", id="each as a chunk"),
        pytest.param(in_three_writes, "identity", id="each in three writes"),
        pytest.param(compressed, "gzip", id="each compressed"),
    ],
)
def test_records_that_a_server_flushes_one_by_one_are_read(writes: Callable[[], Iterator[bytes]], coding: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: %s\r\n\r\n" % coding.encode())
        for piece in writes():
            writer.write(piece)
            await asyncio.sleep(0)  # it arrives by itself
            await asyncio.sleep(0)
        writer.write(b"0\r\n\r\n")
        writer.close()

    async def script(services: Services, _: RecordedEvents) -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            answer = await get(services, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout=30.0)
        assert b"".join(RECORDS) == answer.body

    exchange_with(script)


def random_text(size: int) -> bytes:
    return Random(1).randbytes(size).hex().encode()


def test_the_deadline_bounds_the_whole_exchange_not_only_each_read() -> None:
    clock = ManualClock()

    async def handler(_: Request) -> Response:
        async def drip() -> object:
            while True:
                await clock.sleep(1.0)
                yield b"x"

        return StreamingResponse(drip())  # type: ignore[arg-type]  # an async generator of bytes

    async def main() -> None:
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

    asyncio.run(main())


def test_a_refused_connection_is_a_network_error() -> None:
    error, counted = failure_of(NetworkError, f"http://127.0.0.1:1{PATH}")
    assert "cannot connect to 127.0.0.1" in str(error)
    assert ["none"] == counted.codes()


def test_an_unknown_host_is_a_network_error() -> None:
    failure_of(NetworkError, f"http://no-such-host.invalid{PATH}")


def test_a_dropped_connection_is_a_network_error() -> None:
    async def scenario(services: Services, events: RecordedEvents) -> None:
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

    exchange_with(scenario)


def test_an_untrusted_certificate_is_a_tls_error(tmp_path: Path) -> None:
    async def scenario(services: Services, _events: RecordedEvents) -> None:
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

    exchange_with(scenario)


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


def test_targets_that_hang_keep_no_other_waiting() -> None:
    async def scenario(services: Services, _events: RecordedEvents) -> None:
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
            assert (await get(services, url + PATH, timeout=10)).body == b"fine"
            released.set()
            await asyncio.gather(*hanging)

    exchange_with(scenario)


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")

    async def answer(_: Request) -> Response:
        return PlainTextResponse("fine")

    async def scenario(services: Services, _events: RecordedEvents) -> None:
        async with running(app_with(answer)) as url:
            assert (await get(services, url + PATH)).status == 200
        with pytest.raises(NetworkError):
            await get(services, "http://portal.example/")

    exchange_with(scenario)
