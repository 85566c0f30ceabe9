"""The pool of connections, over real sockets: what is kept, what is repeated, what becomes of broken peers."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import TracebackType

import httpx
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from exporter.clock import SystemClock
from exporter.errors import InternalError, InvalidResponseError, NetworkError, PollError, TlsError
from exporter.platforms.base import Services
from exporter.platforms.exchange import Answer, exchange, new_request
from exporter.platforms.http_pool import HttpPool
from exporter.platforms.proxies import Proxies
from exporter.polling.admission import Admission
from exporter.state.status_history import StatusHistory
from tests.harness.certificates import self_signed
from tests.harness.clock import ManualClock
from tests.harness.events import RecordedEvents

SECRET = "s3cr3tw3bh00kc0de"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@dataclass
class Peer:
    """A server that speaks bytes: ``answer`` gets each request and says what to send, ``None`` to hang up instead."""

    answer: Callable[[bytes, int], bytes | None]
    requests: list[bytes] = field(default_factory=list)
    connections: list[asyncio.StreamWriter] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    origin: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.append(writer)
        if task := asyncio.current_task():
            self.tasks.append(task)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                _, _, told = head.lower().partition(b"content-length:")
                length = int(told.split(b"\r\n")[0] or 0)
                self.requests.append(head + await reader.readexactly(length))
                reply = self.answer(self.requests[-1], len(self.requests))
                if reply is None:
                    writer.transport.abort()
                    return
                writer.write(reply)
                await writer.drain()


@contextlib.asynccontextmanager
async def peer(
    answer: Callable[[bytes, int], bytes | None] = lambda *_: OK, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Peer]:
    served = Peer(answer)
    server = await asyncio.start_server(served.serve, host, 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    name = f"[{host}]" if ":" in host else "localhost" if tls else host
    served.origin = f"{'https' if tls else 'http'}://{name}:{port}"
    try:
        yield served
    finally:
        server.close()
        for writer in served.connections:
            writer.transport.abort()
        await asyncio.gather(*served.tasks)


@dataclass
class Client:
    """The exporter's side: its pool, and what it counted."""

    http: httpx.AsyncBaseTransport
    clock: SystemClock | ManualClock = field(default_factory=SystemClock)
    events: RecordedEvents = field(default_factory=RecordedEvents)

    async def ask(self, url: str, *, method: str = "POST", once: bool = False, timeout: float = 10.0) -> Answer:
        services = Services(self.http, self.clock, Random(1), self.events, StatusHistory(), Admission(self.clock))
        request = new_request(method, httpx.URL(url), content=b"[1]" if method == "POST" else None, once=once)
        return await exchange(services, "list", request, timeout=timeout)


def client(
    script: Callable[[Client], Awaitable[None]],
    *,
    tls: ssl.SSLContext | None = None,
    proxy: str = "",
    names: AbstractResolver | None = None,
) -> None:
    """Run ``script`` with a pool; ``proxy`` is what the environment would say."""

    async def main() -> None:
        environment = {"http": proxy, "https": proxy} if proxy else {}
        pool = HttpPool(SystemClock(), tls=tls or ssl.create_default_context(), proxies=Proxies(environment), names=names)
        async with pool:
            await script(Client(pool))

    asyncio.run(main())


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_requests_one_after_the_other_share_a_connection(method: str) -> None:
    async def script(client: Client) -> None:
        async with peer() as server:
            for _ in range(5):
                assert (await client.ask(server.origin, method=method)).body == b"{}"
            assert (5, 1) == (len(server.requests), len(server.connections))

    client(script)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_kept_connection_that_the_peer_closed_meanwhile_is_no_failure(method: str) -> None:
    async def script(client: Client) -> None:
        # The peer hangs up just when the second request arrives: nothing shows that before it is sent.
        async with peer(lambda _, number: None if number == 2 else OK) as server:
            await client.ask(server.origin, method=method)
            assert (await client.ask(server.origin, method=method)).status == 200
            assert len(server.connections) == 2
            assert ["200", "200"] == client.events.codes("list")

    client(script)


def test_a_peer_that_closed_all_kept_connections_costs_each_request_one_repetition_at_most() -> None:
    async def script(client: Client) -> None:
        async with peer(lambda _, number: None if 10 < number <= 20 else OK) as server:
            await asyncio.gather(*(client.ask(server.origin) for _ in range(10)))
            await asyncio.gather(*(client.ask(server.origin) for _ in range(10)))
            assert len(server.requests) == 30
            assert {"200"} == set(client.events.codes("list"))

    client(script)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_new_connection_that_breaks_is_a_failure_and_nothing_is_sent_twice(method: str) -> None:
    async def script(client: Client) -> None:
        async with peer(lambda *_: None) as server:
            with pytest.raises(NetworkError, match="was lost"):
                await client.ask(server.origin, method=method)
            assert len(server.requests) == 1
            assert ["none"] == client.events.codes("list")

    client(script)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_that_may_go_out_once_only_never_uses_a_connection_that_idled(method: str) -> None:
    async def script(client: Client) -> None:
        async with peer(lambda _, number: None if number == 2 else OK) as server:
            await client.ask(server.origin, method=method)
            with pytest.raises(NetworkError):
                await client.ask(server.origin, method=method, once=True)
            assert len(server.requests) == 2, "a refresh token is spent by the first"
            assert len(server.connections) == 2

    client(script)


def test_a_repetition_that_breaks_as_well_is_a_failure() -> None:
    async def script(client: Client) -> None:
        async with peer(lambda _, number: OK if number == 1 else None) as server:
            await client.ask(server.origin)
            with pytest.raises(NetworkError, match="was lost"):
                await client.ask(server.origin)
            assert len(server.requests) == 3

    client(script)


def test_a_connection_whose_answer_was_not_read_to_its_end_is_not_used_again() -> None:
    async def script(client: Client) -> None:
        endless = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"x" * (17 * 1024 * 1024)
        async with peer(lambda _, number: endless if number == 1 else OK) as server:
            with pytest.raises(InvalidResponseError, match="more than 16 MiB"):
                await client.ask(server.origin)
            assert (await client.ask(server.origin)).body == b"{}"
            assert len(server.connections) == 2

    client(script)


def own_path(request: bytes) -> bytes:
    """Return an answer whose body is the path that was asked for."""
    path = request.split(b" ")[1]
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(path), path)


def test_what_a_peer_sends_beyond_its_answer_is_not_taken_for_the_next_one() -> None:
    async def script(client: Client) -> None:
        async with peer(lambda request, _: own_path(request) + own_path(b"GET /forged HTTP/1.1")) as server:
            for number in range(5):
                assert (await client.ask(f"{server.origin}/{number}", method="GET")).body == b"/%d" % number

    client(script)


@pytest.mark.parametrize(
    "surplus",
    [
        own_path(b"GET /forged HTTP/1.1"),
        b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"\r\n",
    ],
)
@pytest.mark.parametrize("turns", [0, 20])
def test_what_a_peer_sends_while_a_connection_idles_is_not_taken_for_the_next_answer(surplus: bytes, turns: int) -> None:
    async def script(client: Client) -> None:
        async with peer(lambda request, _: own_path(request)) as server:
            for number in range(5):
                assert (await client.ask(f"{server.origin}/{number}", method="GET")).body == b"/%d" % number
                for connection in server.connections:
                    if not connection.is_closing():
                        connection.write(surplus)
                for _ in range(turns):  # read by the loop already, or still in the socket
                    await asyncio.sleep(0)
            assert {"200"} == set(client.events.codes("list"))

    client(script)


def test_an_answer_that_comes_too_late_is_not_taken_for_the_next_one() -> None:
    async def script(client: Client) -> None:
        async with peer(lambda request, _: b"" if b"/slow" in request else own_path(request)) as server:
            await client.ask(f"{server.origin}/first", method="GET")
            asking = asyncio.create_task(client.ask(f"{server.origin}/slow", method="GET"))
            while len(server.requests) < 2:  # noqa: ASYNC110  the peer has no event to wait for
                await asyncio.sleep(0)
            asking.cancel()  # as the deadline does
            with pytest.raises(asyncio.CancelledError):
                await asking
            server.connections[0].write(own_path(b"GET /slow HTTP/1.1"))
            assert (await client.ask(f"{server.origin}/next", method="GET")).body == b"/next"

    client(script)


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
def test_an_answer_that_is_not_http_is_an_error_that_quotes_nothing(reply: bytes, error: type[PollError]) -> None:
    async def script(client: Client) -> None:
        async with peer(lambda *_: reply) as server:
            with pytest.raises(error) as caught:
                await client.ask(f"{server.origin}/rest/1/{SECRET}/list")
            assert SECRET not in str(caught.value)
            assert caught.value.__suppress_context__ or caught.value.__context__ is None

    client(script)


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.0 200 OK\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    ],
)
def test_an_answer_comes_whole_in_each_form_that_http_has_for_it(reply: bytes) -> None:
    async def script(client: Client) -> None:
        async with peer(lambda *_: reply) as server:
            asking = asyncio.create_task(client.ask(server.origin))
            while not server.requests:  # noqa: ASYNC110  the peer has no event to wait for
                await asyncio.sleep(0)
            if reply.startswith(b"HTTP/1.0"):
                await asyncio.sleep(0)
                server.connections[0].close()  # the end of the body
            answer = await asking
            assert (200, b"{}") == (answer.status, answer.body)

    client(script)


def test_repeated_headers_and_odd_bytes_in_them_are_taken_as_they_come() -> None:
    async def script(client: Client) -> None:
        reply = b"HTTP/1.1 200 OK\r\nX-Wix-Request-Id: caf\xe9\r\nVia: a\r\nVia: b\r\nContent-Length: 2\r\n\r\n{}"
        async with peer(lambda *_: reply) as server:
            answer = await client.ask(server.origin)
            assert "caf\xe9" == answer.headers["x-wix-request-id"]
            assert "a, b" == answer.headers["via"]

    client(script)


def test_a_request_says_who_asks_and_nothing_else_by_itself() -> None:
    async def script(client: Client) -> None:
        async with peer() as server:
            await client.ask(server.origin + "/a%2Fb?x=%20&y=1")
            line, *lines = server.requests[0].split(b"\r\n\r\n")[0].decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (row.partition(": ") for row in lines)}
            assert line == "POST /a%2Fb?x=%20&y=1 HTTP/1.1"
            assert headers.pop("user-agent").startswith("booking-sync-exporter/")
            assert headers.pop("host") == server.origin.removeprefix("http://")
            assert headers == {"accept": "application/json", "accept-encoding": "gzip", "content-length": "3"}

    client(script)


def test_an_ipv6_address_is_reached() -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 loopback here")

    async def script(client: Client) -> None:
        async with peer(host="::1") as server:
            assert (await client.ask(server.origin)).status == 200
            assert server.origin.removeprefix("http://").encode() in server.requests[0]

    client(script)


def contexts(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the contexts of a server, and of a client that trusts it by a CA file of its own."""
    certificate, key = self_signed(folder)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate, key)
    return server, ssl.create_default_context(cafile=str(certificate))


def test_a_certificate_of_ones_own_ca_is_accepted_and_tls_connections_are_kept(tmp_path: Path) -> None:
    of_server, of_client = contexts(tmp_path)

    async def script(client: Client) -> None:
        async with peer(tls=of_server) as server:
            for _ in range(3):
                assert (await client.ask(server.origin)).status == 200
            assert len(server.connections) == 1

    client(script, tls=of_client)


def test_a_certificate_of_another_name_is_a_tls_error(tmp_path: Path) -> None:
    of_server, of_client = contexts(tmp_path)

    async def script(client: Client) -> None:
        server = await asyncio.start_server(Peer(lambda *_: OK).serve, "0.0.0.0", 0, ssl=of_server)  # noqa: S104  of a test
        async with server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(TlsError, match=r"TLS with 127\.0\.0\.2 failed: IP address mismatch"):
                await client.ask(f"https://127.0.0.2:{port}/")

    client(script, tls=of_client)


def test_a_server_that_does_not_speak_tls_is_a_tls_error() -> None:
    async def script(client: Client) -> None:
        async with peer(lambda *_: OK) as server:
            asking = asyncio.create_task(client.ask(server.origin.replace("http://", "https://")))
            while not server.connections:  # noqa: ASYNC110  the peer has no event to wait for
                await asyncio.sleep(0)
            server.connections[0].write(OK)
            with pytest.raises(TlsError):
                await asking

    client(script)


def test_a_peer_that_takes_a_connection_and_says_nothing_is_given_up_after_five_seconds() -> None:
    """Over TLS: the connection stands, its handshake does not end."""

    async def main() -> None:
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

    asyncio.run(main())


def test_a_poll_that_is_given_up_leaves_no_connection_open() -> None:
    async def script(client: Client) -> None:
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

    client(script)


def test_a_pool_that_was_closed_opens_nothing_any_more() -> None:
    async def main() -> None:
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
            assert len(server.connections) == 1

    asyncio.run(main())


def test_httpx_s_own_mock_transport_stands_in_for_the_pool() -> None:
    async def main() -> None:
        def answer(request: httpx.Request) -> httpx.Response:
            return httpx.Response(201, json={"asked": str(request.url)}, headers={"Retry-After": "7"})

        asked = Client(httpx.MockTransport(answer))
        result = await asked.ask("https://portal.example/x")
        assert (201, b'{"asked":"https://portal.example/x"}') == (result.status, result.body.replace(b" ", b""))
        assert "7" == result.headers["retry-after"]
        assert ["201"] == asked.events.codes("list")

    asyncio.run(main())


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectError("x"),
        httpx.ReadError("x"),
        httpx.StreamClosed(),
        httpx.ProxyError("x"),
    ],
)
def test_each_failure_of_a_transport_is_one_of_ours(failure: Exception) -> None:
    async def main() -> None:
        def fail(_: httpx.Request) -> httpx.Response:
            raise failure

        with pytest.raises(NetworkError):
            await Client(httpx.MockTransport(fail)).ask(f"https://portal.example/{SECRET}")

    asyncio.run(main())


@dataclass
class ConnectProxy:
    """A proxy that tunnels by CONNECT, or refuses with ``status``, or says nothing with status 0."""

    status: int = 200
    heads: list[bytes] = field(default_factory=list)
    ends: list[asyncio.StreamWriter] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if task := asyncio.current_task():
            self.tasks.append(task)
        self.ends.append(writer)
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        if not self.status:
            return
        if self.status != 200:
            writer.write(f"HTTP/1.1 {self.status} Refused\r\nContent-Length: 0\r\n\r\n".encode())
            writer.close()
            return
        if not head.startswith(b"CONNECT "):
            writer.write(OK)
            writer.close()
            return
        host, _, port = head.split(b" ")[1].decode().rpartition(":")
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", int(port))
        self.ends.append(there_writer)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        assert host == "portal.localhost"
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(_pump(reader, there_writer), _pump(there_reader, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(65536):
        writer.write(piece)
    writer.close()


@contextlib.asynccontextmanager
async def proxied(
    proxy: ConnectProxy, tls: ssl.SSLContext, *, user: str = "", clock: SystemClock | ManualClock | None = None
) -> AsyncIterator[Client]:
    clock = clock or SystemClock()
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    async with server:
        address = f"http://{user}127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with HttpPool(clock, tls=tls, proxies=Proxies({"http": address, "https": address})) as pool:
            yield Client(pool, clock)
        for end in proxy.ends:
            end.transport.abort()
        await asyncio.gather(*proxy.tasks)


def test_https_goes_through_a_proxy_in_a_tunnel_and_its_password_to_the_proxy_only(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path, "portal.localhost")
    of_server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    of_server.load_cert_chain(certificate, key)

    async def main() -> None:
        proxy = ConnectProxy()
        tls = ssl.create_default_context(cafile=str(certificate))
        async with peer(tls=of_server) as server, proxied(proxy, tls, user="anna:pa%20ss@") as client:
            for _ in range(2):
                assert (await client.ask(server.origin.replace("localhost", "portal.localhost"))).status == 200
            assert len(proxy.heads) == 1, "the tunnel is kept"
            assert b"Proxy-Authorization: Basic YW5uYTpwYSBzcw==" in proxy.heads[0]
            assert b"proxy-authorization" not in server.requests[0].lower()

    asyncio.run(main())


def test_http_goes_through_a_proxy_as_a_whole_address() -> None:
    async def main() -> None:
        proxy = ConnectProxy()
        async with proxied(proxy, ssl.create_default_context(), user="anna:secret@") as client:
            assert (await client.ask("http://portal.example/x", method="GET")).status == 200
        assert proxy.heads[0].startswith(b"GET http://portal.example/x HTTP/1.1")
        assert b"Proxy-Authorization: Basic " in proxy.heads[0]

    asyncio.run(main())


def test_a_proxy_that_refuses_is_named_as_the_one_that_did() -> None:
    async def main() -> None:
        async with proxied(ConnectProxy(407), ssl.create_default_context()) as client:
            expected = r"^cannot reach portal\.example: the proxy refuses to connect \(HTTP 407\)$"
            with pytest.raises(NetworkError, match=expected):
                await client.ask(f"https://portal.example/{SECRET}")

    asyncio.run(main())


def test_a_proxy_that_is_not_there_is_named_as_what_is_missing() -> None:
    async def script(client: Client) -> None:
        with pytest.raises(NetworkError, match=r"^cannot reach portal\.example: cannot connect to the proxy$"):
            await client.ask(f"https://portal.example/{SECRET}")

    client(script, proxy="http://127.0.0.1:1")


def test_a_proxy_that_hangs_is_named_as_what_hangs() -> None:
    async def main() -> None:
        clock, proxy = ManualClock(), ConnectProxy(0)
        async with proxied(proxy, ssl.create_default_context(), clock=clock) as client:
            asking = asyncio.create_task(client.ask(f"https://portal.example/{SECRET}", timeout=30))
            while not proxy.heads:  # noqa: ASYNC110  it is the proxy that is waited for
                await asyncio.sleep(0.001)
            await clock.advance(5.1)
            expected = r"^cannot reach portal\.example: the proxy made no connection within 5 s$"
            with pytest.raises(NetworkError, match=expected):
                await asking

    asyncio.run(main())


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_this_machine_is_asked_without_the_proxy(host: str) -> None:
    async def script(client: Client) -> None:
        async with peer() as server:
            assert (await client.ask(server.origin.replace("127.0.0.1", host))).status == 200

    client(script, proxy="http://127.0.0.1:1")


async def opened(admission: Admission, origin: str) -> None:
    async with admission.connection(origin.partition("://")[2]):
        pass


def test_connections_wait_for_admission_outside_of_every_deadline() -> None:
    async def main() -> None:
        clock = ManualClock()
        admission = Admission(clock)
        async with peer() as server, HttpPool(clock, tls=ssl.create_default_context(), admit=admission.connection) as pool:
            before_us = [asyncio.create_task(opened(admission, server.origin)) for _ in range(2_000)]
            await clock.settle()
            asking = asyncio.create_task(Client(pool, clock).ask(server.origin, timeout=3))
            await clock.advance(9.5)
            assert server.connections == []
            while not asking.done():
                await clock.advance(0.1)
                await asyncio.sleep(0.001)
            assert (await asking).status == 200, "ten seconds in our own queue are no silence of the peer"
            await asyncio.gather(*before_us)

    asyncio.run(main())


class NoNames(AbstractResolver):
    """Names that do not exist."""

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        raise socket.gaierror(socket.EAI_NONAME, f"{host}:{port} {family}")

    async def close(self) -> None:
        pass


def tracebacks() -> int:
    return sum(isinstance(thing, TracebackType) for thing in gc.get_objects())


@pytest.mark.parametrize("wrong", ["refused", "no such name", "not trusted", "cut off"])
def test_connections_that_fail_leave_nothing_for_the_garbage_collector(wrong: str, tmp_path: Path) -> None:
    of_server, _ = contexts(tmp_path)

    async def script(client: Client) -> None:
        async with peer(lambda *_: None) as server, peer(tls=of_server) as strange:
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

    client(script, names=NoNames())


def test_a_process_without_descriptors_says_so_and_blames_no_platform() -> None:
    async def main() -> None:
        clock = ManualClock()
        async with peer() as server, HttpPool(clock, tls=ssl.create_default_context(), max_connections=1) as pool:
            client = Client(pool, clock)
            async with peer(lambda *_: b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n") as slow:
                hanging = asyncio.create_task(client.ask(slow.origin, timeout=600))
                while not slow.requests:  # noqa: ASYNC110  it is the peer that is waited for
                    await asyncio.sleep(0.001)

                async def ask() -> None:
                    async with clock.timeout(300, slack=60):
                        await client.ask(server.origin)

                asking = asyncio.create_task(ask())
                await clock.advance(59)
                assert not asking.done(), "it waits for room as long as its interval"
                await clock.advance(2)
                with pytest.raises(InternalError, match="no more files: raise LimitNOFILE"):
                    await asking
                hanging.cancel()
                await asyncio.gather(hanging, return_exceptions=True)
            assert (await client.ask(server.origin)).status == 200, "and goes on when there is room again"

    asyncio.run(main())


def test_a_connection_that_finds_no_room_takes_that_of_one_that_idles() -> None:
    async def main() -> None:
        clock = SystemClock()
        pool = HttpPool(clock, tls=ssl.create_default_context(), max_connections=1)
        async with peer() as first, peer() as second, pool:
            client = Client(pool, clock)
            for _ in range(3):
                assert (await client.ask(first.origin)).status == 200
                assert (await client.ask(second.origin)).status == 200
            assert (3, 3) == (len(first.connections), len(second.connections))

    asyncio.run(main())


def test_connections_wait_for_the_room_of_another_and_none_is_lost() -> None:
    async def main() -> None:
        clock, tls = SystemClock(), ssl.create_default_context()
        async with peer() as server, HttpPool(clock, tls=tls, names=SlowNames(), max_connections=3) as pool:
            client = Client(pool, clock)
            origin = server.origin.replace("127.0.0.1", "portal.test")
            asking = [asyncio.create_task(client.ask(origin, once=True)) for _ in range(30)]
            await asyncio.sleep(0)
            for task in asking[5:10]:
                task.cancel()
            answers = await asyncio.gather(*asking[:5], *asking[10:])
            assert [200] * 25 == [answer.status for answer in answers]
            assert [200] * 3 == [(await client.ask(origin, once=True)).status for _ in range(3)], "no room was lost"

    asyncio.run(main())


class SlowNames(NoNames):
    """Every name is this machine's, after a moment."""

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        del family
        await asyncio.sleep(0.01)
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0)]


def test_a_pool_that_ends_closes_the_connections_that_idle() -> None:
    async def script(client: Client) -> None:
        async with peer() as server:
            await client.ask(server.origin)
            assert not server.tasks[0].done()
            await client.http.aclose()
            async with asyncio.timeout(5):
                await server.tasks[0]

    client(script)
