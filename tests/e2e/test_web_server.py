"""The listening server over real sockets: addresses, the wire, an orderly stop, requests that do not arrive."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from pathlib import Path

import httpx
import pytest

from exporter.errors import ConfigError, ListenError
from exporter.web import Server, create_app, limits, serve
from exporter.web.protocol import ClientProtocol
from tests.harness import views
from tests.harness.certificates import self_signed
from tests.harness.web import ShownBackend, SlowBackend
from tests.harness.web_server import TLS, get, running, trusting, web_file


def _has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


needs_ipv6 = pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6")


async def talk(server: Server, said: bytes) -> bytes:
    """Send bytes and return everything that comes back until the server hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(said)
        return await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@pytest.mark.parametrize(
    ("address", "url", "bound"),
    [
        ("127.0.0.1:0", "http://127.0.0.1:{}", "127.0.0.1:{}"),
        ("localhost:0", "http://127.0.0.1:{}", "127.0.0.1:{}"),
        pytest.param("[::1]:0", "http://[::1]:{}", "[::1]:{}", marks=needs_ipv6),
        ("0.0.0.0:0", "http://localhost:{}", "0.0.0.0:{}"),
    ],
)
async def test_the_server_tells_where_it_is(address: str, url: str, bound: str) -> None:
    async with running(address=address) as server:
        assert (url.format(server.port), bound.format(server.port)) == (server.url, server.bound)
        assert 200 == (await get(server)).status_code


@needs_ipv6
async def test_no_host_means_every_interface_of_both_families() -> None:
    async with running(address=":0") as server, httpx.AsyncClient(trust_env=False) as client:
        for host in ("127.0.0.1", "[::1]", "localhost"):
            assert 200 == (await client.get(f"http://{host}:{server.port}/-/healthy")).status_code


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("127.0.0.1:0", "127.0.0.1"),
        pytest.param("[::1]:0", "::1", marks=needs_ipv6),
        pytest.param(":0", "127.0.0.1", marks=needs_ipv6),
        pytest.param(":0", "::1", marks=needs_ipv6),
    ],
)
async def test_no_part_of_an_answer_waits_for_the_clients_acknowledgement(
    address: str, host: str, tls: bool, tmp_path: Path
) -> None:
    certificate, _ = self_signed(tmp_path)
    context = trusting(certificate) if tls else None

    async with running(web_file(tmp_path, TLS) if tls else None, address) as server:
        name = "localhost" if tls else None
        reader, writer = await asyncio.open_connection(host, server.port, ssl=context, server_hostname=name)
        with contextlib.closing(writer):
            writer.write(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await asyncio.wait_for(reader.readuntil(b"healthy.\n"), 10)
            [connection] = server._running._server.server_state.connections
            accepted = connection.transport.get_extra_info("socket")
            assert 1 == accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_a_taken_port_is_a_clear_error() -> None:
    async with running() as server:
        with pytest.raises(ListenError, match=rf"^cannot listen on 127\.0\.0\.1:{server.port}: Address already in use$"):
            await serve(create_app(ShownBackend(views.healthy())), server.bound)


@pytest.mark.parametrize("address", ["nobody.invalid:0", "192.0.2.1:0"])
async def test_an_address_that_is_not_ours_is_a_clear_error(address: str) -> None:
    with pytest.raises(ListenError, match=f"^cannot listen on {address}: "):
        await serve(create_app(ShownBackend(views.healthy())), address)


async def test_a_bad_address_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match=r"--web\.listen-address"):
        await serve(create_app(ShownBackend(views.healthy())), "10888")


async def test_the_server_does_not_name_itself_and_keeps_signals_alone() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    async with running() as server:
        assert "server" not in (await get(server)).headers
        assert before == (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT))


async def test_a_stop_lets_the_running_answer_end() -> None:
    backend = SlowBackend(views.healthy())
    server = await serve(create_app(backend), "127.0.0.1:0")
    answer = asyncio.create_task(get(server, "/metrics"))
    await backend.asked.wait()
    stopping = asyncio.create_task(server.stop(grace=30))
    backend.go_on.set()
    assert 200 == (await answer).status_code
    await stopping
    with pytest.raises(httpx.ConnectError):
        await get(server)


async def test_a_stop_cuts_what_does_not_end_in_time() -> None:
    backend = SlowBackend(views.healthy())
    server = await serve(create_app(backend), "127.0.0.1:0")
    answer = asyncio.create_task(get(server, "/metrics"))
    await backend.asked.wait()
    await server.stop(grace=0)
    [outcome] = await asyncio.gather(answer, return_exceptions=True)
    assert isinstance(outcome, httpx.TransportError) or (isinstance(outcome, httpx.Response) and outcome.is_server_error)


async def test_an_idle_connection_does_not_hold_up_the_stop() -> None:
    server = await serve(create_app(ShownBackend(views.healthy())), "127.0.0.1:0")
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n")
    await reader.readuntil(b"healthy.\n")
    await asyncio.wait_for(server.stop(grace=30), 10)
    assert b"" == await reader.read()
    writer.close()
    await writer.wait_closed()


async def test_head_sends_no_body_over_the_wire() -> None:
    async with running() as server:
        answer = await talk(server, b"HEAD /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert b"" == body


async def test_two_accept_headers_on_the_wire_are_one_list() -> None:
    async with running() as server:
        wishes = b"Accept: text/plain;q=0.2\r\nAccept: application/openmetrics-text;q=0.8\r\n"
        answer = await talk(server, b"GET /metrics HTTP/1.1\r\nHost: a\r\n" + wishes + b"Connection: close\r\n\r\n")
        head = answer.partition(b"\r\n\r\n")[0]
        assert b"content-type: application/openmetrics-text; version=1.0.0" in head


@pytest.mark.parametrize("address", ["127.0.0.1:0", "0.0.0.0:0", pytest.param(":0", marks=needs_ipv6)])
async def test_a_name_that_was_rebound_to_one_of_our_addresses_gets_nothing(address: str) -> None:
    async with running(address=address) as server:
        asked = f"GET /config HTTP/1.1\r\nHost: evil.example:{server.port}\r\nConnection: close\r\n\r\n"
        answer = await talk(server, asked.encode())
        assert answer.startswith(b"HTTP/1.1 421 ")
        assert b"targets" not in answer
        assert (await talk(server, asked.replace("evil.example", "localhost").encode())).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("address", ["127.0.0.1:0", "0.0.0.0:0"])
async def test_names_that_are_allowed_are_served_and_others_are_not_on_the_loopback_and_beyond(address: str) -> None:
    async with running(address=address, allowed_hosts=frozenset({"host.docker.internal"})) as server:
        for name, status in (
            ("host.docker.internal", b"200"),
            ("localhost.localdomain", b"200"),
            ("exporter", b"200"),
            ("127.0.0.1", b"200"),
            ("evil.example", b"421"),
        ):
            asked = f"GET /metrics HTTP/1.1\r\nHost: {name}:{server.port}\r\nConnection: close\r\n\r\n"
            assert (await talk(server, asked.encode())).startswith(b"HTTP/1.1 " + status), name


async def test_an_endless_header_is_refused() -> None:
    async with running() as server:
        head = b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 40_000
        assert (await talk(server, head)).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("begun", "deadline"), [(b"", "FIRST_BYTE_SECONDS"), (b"GET / HTTP/1.1\r\nHost: a\r\n", "HEADER_SECONDS")]
)
async def test_a_request_that_does_not_arrive_is_not_waited_for(
    begun: bytes, deadline: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, deadline, 0.1)

    async with running() as server:
        assert b"" == await talk(server, begun)


@pytest.mark.parametrize("framing", ["Content-Length: 9", "Transfer-Encoding: chunked"])
async def test_nor_is_a_body_that_does_not_arrive(framing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BODY_SECONDS", 0.1)

    async with running() as server:
        await talk(server, f"POST /-/reload HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n1".encode())


async def test_nor_is_a_further_request_on_the_same_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HEADER_SECONDS", 0.1)

    async with running() as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n")
        await reader.readuntil(b"is healthy.\n")
        writer.write(b"GET /")
        assert b"" == await asyncio.wait_for(reader.read(), 10)
        writer.close()
        await writer.wait_closed()


async def test_a_slow_answer_is_waited_for() -> None:
    backend = SlowBackend(views.healthy())
    async with running(backend=backend) as server:
        answer = asyncio.create_task(get(server, "/metrics"))
        await backend.asked.wait()
        [connection] = server._running._server.server_state.connections
        assert isinstance(connection, ClientProtocol)
        assert connection._reading is None
        backend.go_on.set()
        assert 200 == (await answer).status_code


async def test_the_port_is_free_again_after_a_stop() -> None:
    async with running() as server:
        port = server.port
    with socket.create_server(("127.0.0.1", port)):
        pass
