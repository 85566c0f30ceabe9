"""The pool over real sockets: what goes out, which answers are taken, and what every failure leaves behind."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import httpx
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from exporter.clock import SystemClock
from exporter.errors import InvalidResponseError, NetworkError, PollError
from exporter.platforms.http_pool import HttpPool
from exporter.platforms.name_resolution import HostResolver
from exporter.polling.admission import Admission
from tests.harness.certificates import contexts
from tests.harness.clock import ManualClock
from tests.harness.name_server import name_server
from tests.harness.peer import OK, Client, client_with, peer

SECRET = "s3cr3tw3bh00kc0de"


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", InvalidResponseError),
        (b"HTTP/1.1 two hundred\r\n\r\n", InvalidResponseError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", InvalidResponseError),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", InvalidResponseError),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n", InvalidResponseError),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 2000 + b"\r\n", InvalidResponseError),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx", InvalidResponseError),
    ],
)
async def test_an_answer_that_is_not_http_is_an_error_that_quotes_nothing(
    client: Client, reply: bytes, error: type[PollError]
) -> None:
    async with peer(lambda *_: reply) as server:
        with pytest.raises(error) as caught:
            await client.ask(f"{server.origin}/rest/1/{SECRET}/list")
        assert SECRET not in str(caught.value)
        assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.0 200 OK\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    ],
)
async def test_an_answer_comes_whole_in_each_form_that_http_has_for_it(client: Client, reply: bytes) -> None:
    async with peer(lambda *_: reply) as server:
        asking = asyncio.create_task(client.ask(server.origin))
        while not server.requests:  # noqa: ASYNC110  the peer has no event to wait for
            await asyncio.sleep(0)
        if reply.startswith(b"HTTP/1.0"):
            await asyncio.sleep(0)
            server.connections[0].close()  # the end of the body
        answer = await asking
        assert (200, b"{}") == (answer.status, answer.body)


@pytest.mark.parametrize("interim", [b"100 Continue", b"102 Processing", b"103 Early Hints"])
async def test_twenty_interim_answers_are_passed_over_and_one_more_ends_the_exchange(client: Client, interim: bytes) -> None:
    announced = b"HTTP/1.1 %s\r\nLink: </a>\r\n\r\n" % interim

    async with peer(lambda _, number: announced * (21 if number == 3 else 20) + OK) as server:
        for _ in range(2):
            assert b"{}" == (await client.ask(server.origin)).body
        assert 1 == len(server.connections)
        with pytest.raises(InvalidResponseError):
            await client.ask(server.origin)


@pytest.mark.slow
async def test_a_peer_that_announces_an_answer_for_ever_is_left_at_once(client: Client) -> None:
    async with peer(lambda *_: b"HTTP/1.1 103 Early Hints\r\n\r\n" * 500_000) as server:
        began = time.process_time()
        with pytest.raises(InvalidResponseError):
            await client.ask(server.origin)
        assert time.process_time() - began < 1.0


async def test_repeated_headers_and_odd_bytes_in_them_are_taken_as_they_come(client: Client) -> None:
    reply = b"HTTP/1.1 200 OK\r\nX-Wix-Request-Id: caf\xe9\r\nVia: a\r\nVia: b\r\nContent-Length: 2\r\n\r\n{}"
    async with peer(lambda *_: reply) as server:
        answer = await client.ask(server.origin)
        assert "caf\xe9" == answer.headers["x-wix-request-id"]
        assert "a, b" == answer.headers["via"]


async def test_a_request_says_who_asks_and_nothing_else_by_itself(client: Client) -> None:
    async with peer() as server:
        await client.ask(server.origin + "/a%2Fb?x=%20&y=1")
        line, *lines = server.requests[0].split(b"\r\n\r\n")[0].decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (row.partition(": ") for row in lines)}
        assert "POST /a%2Fb?x=%20&y=1 HTTP/1.1" == line
        assert headers.pop("user-agent").startswith("booking-sync-exporter/")
        assert headers.pop("host") == server.origin.removeprefix("http://")
        assert {"accept": "application/json", "accept-encoding": "gzip", "content-length": "3"} == headers


async def test_an_ipv6_address_is_reached(client: Client) -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 loopback here")

    async with peer(host="::1") as server:
        assert 200 == (await client.ask(server.origin)).status
        assert server.origin.removeprefix("http://").encode() in server.requests[0]


async def test_a_peer_that_takes_a_connection_and_says_nothing_is_given_up_after_five_seconds() -> None:
    """Over TLS: the connection stands, its handshake does not end."""

    clock = ManualClock()
    accepted: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
    server = await asyncio.start_server(lambda _, writer: accepted.put_nowait(writer), "127.0.0.1", 0)
    async with HttpPool(clock, tls=ssl.create_default_context()) as pool, server:
        port = server.sockets[0].getsockname()[1]
        asking = asyncio.create_task(Client(pool, clock).ask(f"https://127.0.0.1:{port}/{SECRET}", timeout=30))
        silent = await accepted.get()
        await clock.advance(4.9)
        assert not asking.done()
        await clock.advance(0.2)
        with pytest.raises(NetworkError, match=r"^cannot connect to 127\.0\.0\.1 within 5 s$"):
            await asking
        silent.transport.abort()


def not_answered(host: str, port: int, family: socket.AddressFamily) -> Sequence[str]:
    raise socket.gaierror(socket.EAI_NONAME if "none" in host else socket.EAI_AGAIN, f"{host}:{port} {family}")


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("portal.none.test", "its name does not exist"),
        ("portal.fail.test", "no name server found its address"),
        ("portal.silent.test", "no name server found its address"),
        ("portal.good.test", "refused or unreachable"),
    ],
)
async def test_an_operator_reads_whether_the_name_its_name_server_or_the_host_is_at_fault(host: str, told: str) -> None:
    clock = ManualClock()
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # and does not listen
        async with name_server() as server:
            names = HostResolver(clock, lambda: [server.address], system=not_answered)
            async with HttpPool(clock, tls=ssl.create_default_context(), names=names) as pool:
                asking = asyncio.create_task(Client(pool, clock).ask(f"http://{host}:{unused.getsockname()[1]}/{SECRET}"))
                while host not in server.asked:  # noqa: ASYNC110  the server has no event to wait for
                    await asyncio.sleep(0.001)
                if "silent" in host:
                    await clock.advance(5.1)
                with pytest.raises(NetworkError, match=f"^cannot connect to {host}: {told}$"):
                    await asking


async def test_a_poll_that_is_given_up_leaves_no_connection_open(client: Client) -> None:
    asked, ended = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()
        ended.set()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        asking = asyncio.create_task(client.ask(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", method="GET"))
        await asked.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await ended.wait()


@pytest.mark.slow
async def test_a_pool_that_was_closed_opens_nothing_any_more() -> None:
    async with peer(lambda *_: b"") as server:
        pool = HttpPool(SystemClock(), tls=ssl.create_default_context())
        asking = asyncio.create_task(Client(pool).ask(server.origin))
        while not server.requests:  # noqa: ASYNC110  the peer has no event to wait for
            await asyncio.sleep(0)
        await pool.aclose()
        with pytest.raises(NetworkError):
            await asking
        with pytest.raises(NetworkError):
            await Client(pool).ask(server.origin)
        assert 1 == len(server.connections)


async def test_httpx_s_own_mock_transport_stands_in_for_the_pool() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(201, json={"asked": str(request.url)}, headers={"Retry-After": "7"})

    asked = Client(httpx.MockTransport(answer))
    result = await asked.ask("https://portal.example/x")
    assert (201, b'{"asked":"https://portal.example/x"}') == (result.status, result.body.replace(b" ", b""))
    assert "7" == result.headers["retry-after"]
    assert ["201"] == asked.events.codes("list")


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectError("x"),
        httpx.ReadError("x"),
        httpx.StreamClosed(),
        httpx.ProxyError("x"),
    ],
)
async def test_each_failure_of_a_transport_is_one_of_ours(failure: Exception) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise failure

    with pytest.raises(NetworkError):
        await Client(httpx.MockTransport(fail)).ask(f"https://portal.example/{SECRET}")


async def opened(admission: Admission, origin: str) -> None:
    async with admission.connection(origin.partition("://")[2]):
        pass


@pytest.mark.slow
async def test_connections_wait_for_admission_outside_of_every_deadline() -> None:
    clock = ManualClock()
    admission = Admission(clock)
    async with peer() as server, HttpPool(clock, tls=ssl.create_default_context(), admit=admission.connection) as pool:
        before_us = [asyncio.create_task(opened(admission, server.origin)) for _ in range(2_000)]
        await clock.settle()
        asking = asyncio.create_task(Client(pool, clock).ask(server.origin, timeout=3))
        await clock.advance(9.5)
        assert [] == server.connections
        while not asking.done():
            await clock.advance(0.1)
            await asyncio.sleep(0.001)
        assert 200 == (await asking).status, "ten seconds in our own queue are no silence of the peer"
        await asyncio.gather(*before_us)


class NoNames(AbstractResolver):
    """Names that do not exist."""

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        raise socket.gaierror(socket.EAI_NONAME, f"{host}:{port} {family}")

    async def close(self) -> None:
        pass


def tracebacks() -> int:
    return sum(isinstance(thing, TracebackType) for thing in gc.get_objects())


@pytest.mark.slow
@pytest.mark.parametrize("wrong", ["refused", "no such name", "not trusted", "cut off"])
async def test_connections_that_fail_leave_nothing_for_the_garbage_collector(wrong: str, tmp_path: Path) -> None:
    of_server, _ = contexts(tmp_path)

    async with client_with(names=NoNames()) as client, peer(lambda *_: None) as server, peer(tls=of_server) as strange:
        url = {
            "refused": "http://127.0.0.1:1",
            "no such name": "http://none.invalid",
            "not trusted": strange.origin,
            "cut off": server.origin,
        }[wrong]

        async def fail() -> None:
            try:
                await client.ask(url, once=True)
            except PollError as error:
                error.__context__ = None  # as the poll does, which keeps the error

        await fail()
        gc.collect()
        gc.disable()
        try:
            before = tracebacks()
            for _ in range(50):
                await fail()
            assert tracebacks() - before < 10
        finally:
            gc.enable()
