"""The listening server over real sockets: addresses, TLS, client certificates, changes while it runs, an orderly stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import bcrypt
import httpx
import pytest
from cryptography import x509

from exporter.errors import ConfigError, ListenError
from exporter.metrics import Format
from exporter.web import Server, WebConfig, create_app, serve
from exporter.web import server as server_module
from tests.harness import views
from tests.harness.certificates import self_signed
from tests.harness.web import ShownBackend

T = TypeVar("T")
HASH = bcrypt.hashpw(b"right", bcrypt.gensalt(4)).decode()
OTHER = bcrypt.hashpw(b"changed", bcrypt.gensalt(4)).decode()


def _has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


needs_ipv6 = pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6")


class SlowBackend(ShownBackend):
    """Answers ``/metrics`` only when it is let go."""

    def __init__(self) -> None:
        super().__init__(views.healthy())
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()

    async def metrics(self, format: Format, targets: frozenset[str] | None) -> bytes:  # noqa: A002  the seam's word
        self.asked.set()
        await self.go_on.wait()
        return await super().metrics(format, targets)


@asynccontextmanager
async def running(
    web: Path | None = None, address: str = "127.0.0.1:0", backend: ShownBackend | None = None
) -> AsyncIterator[Server]:
    server = await serve(create_app(backend or ShownBackend(views.healthy())), address, WebConfig.load(web))
    try:
        yield server
    finally:
        await server.stop(grace=1)


def run(scenario: Callable[[], Awaitable[T]]) -> T:
    async def whole() -> T:
        return await scenario()

    return asyncio.run(whole())


async def get(
    server: Server, path: str = "/-/healthy", *, verify: ssl.SSLContext | bool = True, user: str = ""
) -> httpx.Response:
    auth = httpx.BasicAuth(*user.split(":")) if user else None
    async with httpx.AsyncClient(verify=verify, trust_env=False) as client:
        return await client.get(f"{server.url}{path}", auth=auth)


def trusting(certificate: Path, client: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=certificate)
    if client is not None:
        context.load_cert_chain(*client)
    return context


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


async def shown_serial(server: Server) -> int:
    """Return the serial number of the certificate that a new connection is shown."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=context)
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    return x509.load_der_x509_certificate(shown).serial_number


def serial(certificate: Path) -> int:
    return x509.load_pem_x509_certificate(certificate.read_bytes()).serial_number


def web_file(folder: Path, text: str) -> Path:
    file = folder / "web.yml"
    file.write_text(text)
    return file


TLS = "tls_server_config:\n  cert_file: localhost.crt\n  key_file: localhost.key\n"


@pytest.mark.parametrize(
    ("address", "url", "bound"),
    [
        ("127.0.0.1:0", "http://127.0.0.1:{}", "127.0.0.1:{}"),
        ("localhost:0", "http://127.0.0.1:{}", "127.0.0.1:{}"),
        pytest.param("[::1]:0", "http://[::1]:{}", "[::1]:{}", marks=needs_ipv6),
        ("0.0.0.0:0", "http://localhost:{}", "0.0.0.0:{}"),
    ],
)
def test_the_server_tells_where_it_is(address: str, url: str, bound: str) -> None:
    async def scenario() -> None:
        async with running(address=address) as server:
            assert (url.format(server.port), (bound.format(server.port),)) == (server.url, server.addresses)
            assert (await get(server)).status_code == 200

    run(scenario)


@needs_ipv6
def test_no_host_means_every_interface_of_both_families() -> None:
    async def scenario() -> None:
        async with running(address=":0") as server, httpx.AsyncClient(trust_env=False) as client:
            for host in ("127.0.0.1", "[::1]", "localhost"):
                assert (await client.get(f"http://{host}:{server.port}/-/healthy")).status_code == 200

    run(scenario)


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
def test_no_part_of_an_answer_waits_for_the_clients_acknowledgement(address: str, host: str, tls: bool, tmp_path: Path) -> None:
    certificate, _ = self_signed(tmp_path)
    context = trusting(certificate) if tls else None

    async def scenario() -> None:
        async with running(web_file(tmp_path, TLS) if tls else None, address) as server:
            name = "localhost" if tls else None
            reader, writer = await asyncio.open_connection(host, server.port, ssl=context, server_hostname=name)
            with contextlib.closing(writer):
                writer.write(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n")
                await asyncio.wait_for(reader.readuntil(b"healthy.\n"), 10)
                [connection] = server._running._server.server_state.connections
                accepted = connection.transport.get_extra_info("socket")
                assert 1 == accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    run(scenario)


def test_a_taken_port_is_a_clear_error() -> None:
    async def scenario() -> None:
        async with running() as server:
            with pytest.raises(ListenError, match=rf"^cannot listen on 127\.0\.0\.1:{server.port}: Address already in use$"):
                await serve(create_app(ShownBackend(views.healthy())), server.addresses[0])

    run(scenario)


@pytest.mark.parametrize("address", ["nobody.invalid:0", "192.0.2.1:0"])
def test_an_address_that_is_not_ours_is_a_clear_error(address: str) -> None:
    with pytest.raises(ListenError, match=f"^cannot listen on {address}: "):
        run(lambda: serve(create_app(ShownBackend(views.healthy())), address))


def test_a_bad_address_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match=r"--web\.listen-address"):
        run(lambda: serve(create_app(ShownBackend(views.healthy())), "10888"))


def test_the_server_does_not_name_itself_and_keeps_signals_alone() -> None:
    async def scenario() -> None:
        before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
        async with running() as server:
            assert "server" not in (await get(server)).headers
            assert before == (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT))

    run(scenario)


def test_a_stop_lets_the_running_answer_end() -> None:
    async def scenario() -> None:
        backend = SlowBackend()
        server = await serve(create_app(backend), "127.0.0.1:0")
        answer = asyncio.create_task(get(server, "/metrics"))
        await backend.asked.wait()
        stopping = asyncio.create_task(server.stop(grace=30))
        backend.go_on.set()
        assert (await answer).status_code == 200
        await stopping
        with pytest.raises(httpx.ConnectError):
            await get(server)

    run(scenario)


def test_a_stop_cuts_what_does_not_end_in_time() -> None:
    async def scenario() -> None:
        backend = SlowBackend()
        server = await serve(create_app(backend), "127.0.0.1:0")
        answer = asyncio.create_task(get(server, "/metrics"))
        await backend.asked.wait()
        await server.stop(grace=0)
        [outcome] = await asyncio.gather(answer, return_exceptions=True)
        assert isinstance(outcome, httpx.TransportError) or (isinstance(outcome, httpx.Response) and outcome.is_server_error)

    run(scenario)


def test_an_idle_connection_does_not_hold_up_the_stop() -> None:
    async def scenario() -> None:
        server = await serve(create_app(ShownBackend(views.healthy())), "127.0.0.1:0")
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n")
        await reader.readuntil(b"healthy.\n")
        await asyncio.wait_for(server.stop(grace=30), 10)
        assert b"" == await reader.read()
        writer.close()
        await writer.wait_closed()

    run(scenario)


def test_head_sends_no_body_over_the_wire() -> None:
    async def scenario() -> None:
        async with running() as server:
            answer = await talk(server, b"HEAD /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            head, _, body = answer.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 ")
            assert b"" == body

    run(scenario)


def test_two_accept_headers_on_the_wire_are_one_list() -> None:
    async def scenario() -> None:
        async with running() as server:
            wishes = b"Accept: text/plain;q=0.2\r\nAccept: application/openmetrics-text;q=0.8\r\n"
            answer = await talk(server, b"GET /metrics HTTP/1.1\r\nHost: a\r\n" + wishes + b"Connection: close\r\n\r\n")
            head = answer.partition(b"\r\n\r\n")[0]
            assert b"content-type: application/openmetrics-text; version=1.0.0" in head

    run(scenario)


def test_tls_serves_with_the_certificate_and_plain_http_gets_nothing(tmp_path: Path) -> None:
    certificate, _ = self_signed(tmp_path)

    async def scenario() -> None:
        async with running(web_file(tmp_path, TLS)) as server:
            assert server.url == f"https://127.0.0.1:{server.port}"
            assert (await get(server, "/metrics", verify=trusting(certificate))).status_code == 200
            async with httpx.AsyncClient(trust_env=False) as client:
                with pytest.raises(httpx.TransportError):
                    await client.get(f"http://127.0.0.1:{server.port}/metrics")

    run(scenario)


def test_an_old_tls_version_is_refused(tmp_path: Path) -> None:
    certificate, _ = self_signed(tmp_path)

    async def scenario() -> None:
        async with running(web_file(tmp_path, TLS + "  min_version: TLS13\n")) as server:
            old = trusting(certificate)
            old.maximum_version = ssl.TLSVersion.TLSv1_2
            with pytest.raises(httpx.ConnectError):
                await get(server, verify=old)
            assert (await get(server, verify=trusting(certificate))).status_code == 200

    run(scenario)


def test_client_certificates_are_asked_for_and_verified(tmp_path: Path) -> None:
    certificate, _ = self_signed(tmp_path)
    client, stranger = self_signed(tmp_path, "prometheus"), self_signed(tmp_path, "stranger")
    text = TLS + "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: prometheus.crt\n"

    async def scenario() -> None:
        async with running(web_file(tmp_path, text)) as server:
            assert (await get(server, verify=trusting(certificate, client))).status_code == 200
            for context in (trusting(certificate), trusting(certificate, stranger)):
                with pytest.raises(httpx.TransportError):
                    await get(server, verify=context)

    run(scenario)


def test_a_renewed_certificate_is_shown_without_a_restart(tmp_path: Path) -> None:
    certificate, _ = self_signed(tmp_path)

    async def scenario() -> None:
        async with running(web_file(tmp_path, TLS)) as server:
            first = serial(certificate)
            assert first == await shown_serial(server)
            self_signed(tmp_path)
            assert first != serial(certificate)
            assert serial(certificate) == await shown_serial(server)

    run(scenario)


def test_a_certificate_whose_key_is_not_there_yet_waits_for_it(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    new = tmp_path / "new"
    new.mkdir()
    new_certificate, new_key = self_signed(new)

    async def scenario() -> None:
        async with running(web_file(tmp_path, TLS)) as server:
            first = serial(certificate)
            shutil.copy(new_certificate, certificate)
            assert first == await shown_serial(server)
            shutil.copy(new_key, key)
            assert serial(new_certificate) == await shown_serial(server)

    run(scenario)


def test_a_swapped_symlink_is_a_renewed_certificate(tmp_path: Path) -> None:
    """Kubernetes changes a secret by swapping one symlink of a folder."""
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
        self_signed(folder)
    data = tmp_path / "data"
    data.symlink_to(folders[0])
    text = "tls_server_config: {cert_file: data/localhost.crt, key_file: data/localhost.key}\n"

    async def scenario() -> None:
        async with running(web_file(tmp_path, text)) as server:
            assert serial(folders[0] / "localhost.crt") == await shown_serial(server)
            fresh = tmp_path / "fresh"
            fresh.symlink_to(folders[1])
            fresh.replace(data)
            assert serial(folders[1] / "localhost.crt") == await shown_serial(server)

    run(scenario)


def test_an_open_connection_survives_a_renewed_certificate(tmp_path: Path) -> None:
    certificate, _ = self_signed(tmp_path)

    async def scenario() -> None:
        async with (
            running(web_file(tmp_path, TLS)) as server,
            httpx.AsyncClient(verify=trusting(certificate), trust_env=False) as client,
        ):
            assert (await client.get(f"{server.url}/-/healthy")).status_code == 200
            self_signed(tmp_path)
            assert (await client.get(f"{server.url}/-/healthy")).status_code == 200

    run(scenario)


def test_passwords_guard_the_pages_and_change_while_running(tmp_path: Path) -> None:
    file = web_file(tmp_path, f"basic_auth_users: {{anna: {HASH}}}\n")

    async def scenario() -> None:
        async with running(file) as server:
            assert (await get(server, "/-/healthy")).status_code == 200
            assert (await get(server, "/metrics")).status_code == 401
            assert (await get(server, "/metrics", user="anna:wrong")).status_code == 401
            assert (await get(server, "/metrics", user="anna:right")).status_code == 200
            web_file(tmp_path, f"basic_auth_users: {{anna: {OTHER}}}\nprobes_require_auth: true\n")
            assert (await get(server, "/metrics", user="anna:right")).status_code == 401
            assert (await get(server, "/metrics", user="anna:changed")).status_code == 200
            assert (await get(server, "/-/healthy")).status_code == 401

    run(scenario)


def test_a_file_that_breaks_or_goes_away_keeps_the_old_protection(tmp_path: Path) -> None:
    file = web_file(tmp_path, f"basic_auth_users: {{anna: {HASH}}}\n")

    async def scenario() -> None:
        async with running(file) as server:
            for _ in range(2):
                web_file(tmp_path, "basic_auth_users: {}\nunknown: key\n")
                assert (await get(server, "/metrics")).status_code == 401
                file.unlink()
                assert (await get(server, "/metrics")).status_code == 401
            assert (await get(server, "/metrics", user="anna:right")).status_code == 200

    run(scenario)


@pytest.mark.parametrize("name", ["web.yml", "localhost.crt"])
def test_a_disk_that_hangs_keeps_what_is_in_force_and_holds_nobody(name: str, tmp_path: Path) -> None:
    certificate, _ = self_signed(tmp_path)
    file = web_file(tmp_path, f"{TLS}basic_auth_users: {{anna: {HASH}}}\n")
    trusted, hanging = trusting(certificate), tmp_path / name

    async def scenario() -> None:
        async with running(file) as server:
            hanging.unlink()
            os.mkfifo(hanging)  # who reads it waits until somebody writes
            async with asyncio.timeout(20):
                for _ in range(3):
                    assert (await get(server, "/metrics", verify=trusted)).status_code == 401
                assert (await get(server, "/metrics", verify=trusted, user="anna:right")).status_code == 200

    try:
        run(scenario)
    finally:
        os.close(os.open(hanging, os.O_RDWR | os.O_NONBLOCK))  # the reader's end


def test_tls_cannot_be_dropped_while_running(tmp_path: Path) -> None:
    certificate, _ = self_signed(tmp_path)
    file = web_file(tmp_path, TLS)

    async def scenario() -> None:
        async with running(file) as server:
            web_file(tmp_path, "")
            assert (await get(server, verify=trusting(certificate))).status_code == 200

    run(scenario)


@pytest.mark.parametrize("rest", ["", "http_server_config: {}\n", "basic_auth_users: {}\n"])
def test_passwords_cannot_be_dropped_while_running(rest: str, tmp_path: Path) -> None:
    # An editor that empties the file before it writes it looks just like that.
    async def scenario() -> None:
        web = web_file(tmp_path, f"basic_auth_users: {{ann: '{HASH}'}}\n")
        async with running(web) as server:
            assert 401 == (await get(server, "/config")).status_code
            web.write_text(rest)
            assert 401 == (await get(server, "/config")).status_code
            web.write_text(f"basic_auth_users: {{ann: '{OTHER}'}}\n# saved\n")
            assert 200 == (await get(server, "/config", user="ann:changed")).status_code

    run(scenario)


def test_client_certificates_cannot_be_dropped_while_running(tmp_path: Path) -> None:
    async def scenario() -> None:
        certificate, _ = self_signed(tmp_path)
        asking = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: localhost.crt\n"
        web = web_file(tmp_path, TLS + asking)
        async with running(web) as server:
            web.write_text(TLS)
            with pytest.raises(httpx.TransportError):
                await get(server, verify=trusting(certificate))

    run(scenario)


def test_a_name_that_was_rebound_to_the_loopback_gets_nothing() -> None:
    async def scenario() -> None:
        async with running() as server:
            asked = f"GET /config HTTP/1.1\r\nHost: evil.example:{server.port}\r\nConnection: close\r\n\r\n"
            answer = await talk(server, asked.encode())
            assert answer.startswith(b"HTTP/1.1 421 ")
            assert b"targets" not in answer
            assert (await talk(server, asked.replace("evil.example", "localhost").encode())).startswith(b"HTTP/1.1 200 ")

    run(scenario)


def test_configured_headers_take_the_place_of_ours(tmp_path: Path) -> None:
    text = """
http_server_config:
  headers:
    Strict-Transport-Security: max-age=60
    X-Frame-Options: sameorigin
    X-Content-Type-Options: ""
"""

    async def scenario() -> None:
        async with running(web_file(tmp_path, text)) as server:
            headers = (await get(server, "/")).headers
            assert ("max-age=60", "sameorigin") == (headers["strict-transport-security"], headers["x-frame-options"])
            assert "x-content-type-options" not in headers
            assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")

    run(scenario)


def test_a_401_carries_the_security_headers_too(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(web_file(tmp_path, f"basic_auth_users: {{anna: {HASH}}}\n")) as server:
            answer = await get(server, "/")
            assert (401, "nosniff", "no-store") == (
                answer.status_code,
                answer.headers["x-content-type-options"],
                answer.headers["cache-control"],
            )

    run(scenario)


def test_an_endless_header_is_refused() -> None:
    async def scenario() -> None:
        async with running() as server:
            head = b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 40_000
            assert (await talk(server, head)).startswith(b"HTTP/1.1 400 ")

    run(scenario)


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost: a\r\n"])
def test_a_request_that_does_not_arrive_is_not_waited_for(begun: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "_HEADER_SECONDS", 0.1)

    async def scenario() -> None:
        async with running() as server:
            assert b"" == await talk(server, begun)

    run(scenario)


@pytest.mark.parametrize("framing", ["Content-Length: 9", "Transfer-Encoding: chunked"])
def test_nor_is_a_body_that_does_not_arrive(framing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "_HEADER_SECONDS", 0.1)

    async def scenario() -> None:
        async with running() as server:
            await talk(server, f"POST /-/reload HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n1".encode())

    run(scenario)


def test_nor_is_a_further_request_on_the_same_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "_HEADER_SECONDS", 0.1)

    async def scenario() -> None:
        async with running() as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n")
            await reader.readuntil(b"is healthy.\n")
            writer.write(b"GET /")
            assert b"" == await asyncio.wait_for(reader.read(), 10)
            writer.close()
            await writer.wait_closed()

    run(scenario)


def test_a_slow_answer_is_waited_for() -> None:
    async def scenario() -> None:
        backend = SlowBackend()
        async with running(backend=backend) as server:
            answer = asyncio.create_task(get(server, "/metrics"))
            await backend.asked.wait()
            [connection] = server._running._server.server_state.connections
            assert isinstance(connection, server_module._RequestTimeoutProtocol)
            assert connection._timeout is None
            backend.go_on.set()
            assert (await answer).status_code == 200

    run(scenario)


def test_the_port_is_free_again_after_a_stop() -> None:
    async def scenario() -> int:
        async with running() as server:
            return server.port

    port = run(scenario)
    with socket.create_server(("127.0.0.1", port)):
        pass
