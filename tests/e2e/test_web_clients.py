"""Clients that are slow, silent, greedy or no clients at all, against the real server: each is bounded, nobody else suffers."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import resource
import socket
import ssl
from asyncio import sslproto
from collections.abc import AsyncIterator
from pathlib import Path

import bcrypt
import httpx
import pytest
import structlog.testing

from exporter.metrics import Format, MadePage
from exporter.support.segments import page_of
from exporter.web import Server, limits
from tests.harness import views
from tests.harness.business import Business
from tests.harness.certificates import self_signed
from tests.harness.crowd import crowd
from tests.harness.good_clients import watch
from tests.harness.process import exporter
from tests.harness.web import ShownBackend, SlowBackend
from tests.harness.web_server import TLS, get, running, trusting, web_file

HEALTHY = b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n"
METRICS = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
BIG = 8 * 1024 * 1024


class BigBackend(ShownBackend):
    """Answers ``/metrics`` with a page that no buffer of the system holds."""

    def __init__(self) -> None:
        super().__init__(views.healthy())

    async def metrics(self, format: Format, targets: frozenset[str] | None, site: str | None = None) -> MadePage:  # noqa: A002  the seam's word
        del format, targets, site
        return page_of(bytes(BIG))


class SlowBigBackend(BigBackend):
    """Makes the big page only when it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()

    async def metrics(self, format: Format, targets: frozenset[str] | None, site: str | None = None) -> MadePage:  # noqa: A002  the seam's word
        self.asked.set()
        await self.go_on.wait()
        self.go_on.clear()
        return await super().metrics(format, targets, site)


@contextlib.asynccontextmanager
async def raw(server: Server, said: bytes = b"", *, tls: ssl.SSLContext | None = None) -> AsyncIterator[asyncio.StreamReader]:
    """Connect, say something, and read no more than the test does."""
    name = "localhost" if tls else None
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=tls, server_hostname=name, limit=1024)
    writer.write(said)
    try:
        yield reader
    finally:
        writer.transport.abort()


async def is_hung_up(reader: asyncio.StreamReader) -> bool:
    """Wait until the server has hung up; what it said before is thrown away."""
    with contextlib.suppress(ConnectionError):
        while await asyncio.wait_for(reader.read(64 * 1024), 10):
            pass
    return True


async def answer(reader: asyncio.StreamReader) -> bytes:
    """Return the first line of an answer, in the second in which a scraper wants it."""
    return await asyncio.wait_for(reader.readline(), 1)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost: a\r\n", HEALTHY], ids=["silent", "headers", "idle"])
async def test_no_number_of_connections_keeps_out_a_scraper_or_a_probe(said: bytes, tls: bool, tmp_path: Path) -> None:
    certificate, _ = self_signed(tmp_path)
    context = trusting(certificate) if tls else None

    async with running(web_file(tmp_path, TLS) if tls else None) as server, contextlib.AsyncExitStack() as held:
        kept = await held.enter_async_context(
            httpx.AsyncClient(verify=context or True, trust_env=False, timeout=5, base_url=server.url)
        )
        assert 200 == (await kept.get("/metrics")).status_code
        for _ in range(2):
            # Each of its own task: a handshake of the flood may be cut by the next one of it.
            await asyncio.gather(
                *(held.enter_async_context(raw(server, said, tls=context)) for _ in range(300)), return_exceptions=True
            )
            assert 200 == (await kept.get("/metrics")).status_code
            assert 200 == (await get(server, verify=context or True)).status_code


async def test_handshakes_that_do_not_go_on_count_as_connections_and_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 10 == limits.HANDSHAKE_SECONDS
    monkeypatch.setattr(limits, "HANDSHAKE_SECONDS", 0.5)
    certificate, _ = self_signed(tmp_path)

    async with running(web_file(tmp_path, TLS)) as server, contextlib.AsyncExitStack() as held:
        begun = [await held.enter_async_context(raw(server, b"\x16\x03\x01")) for _ in range(300)]
        assert 200 == (await get(server, verify=trusting(certificate))).status_code
        assert all(await asyncio.gather(*map(is_hung_up, begun)))


async def test_a_handshake_that_is_complete_in_the_moment_of_its_deadline_harms_no_connection_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, _ = self_signed(tmp_path)

    loop, incoming, outgoing = asyncio.get_running_loop(), ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting(certificate).wrap_bio(incoming, outgoing, server_hostname="localhost")
    async with running(web_file(tmp_path, TLS)) as server:
        with contextlib.closing(socket.socket()) as sock:
            sock.setblocking(False)
            await loop.sock_connect(sock, ("127.0.0.1", server.port))
            while True:
                try:
                    client.do_handshake()
                except ssl.SSLWantReadError:
                    await loop.sock_sendall(sock, outgoing.read())
                    incoming.write(await loop.sock_recv(sock, 64 * 1024))
                else:
                    break
            sock.send(outgoing.read())
            with monkeypatch.context() as clock:
                now = loop.time() + 10
                clock.setattr(loop, "time", lambda: now)
                await asyncio.sleep(0)
            for _ in range(5):
                assert 200 == (await get(server, verify=trusting(certificate))).status_code


async def test_an_idle_connection_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "IDLE_SECONDS", 0.1)

    async with running() as server, raw(server, HEALTHY) as reader:
        assert await is_hung_up(reader)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
async def test_an_answer_that_is_not_read_ends_and_who_reads_slowly_gets_it_whole(
    tls: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WRITE_SECONDS", 1.0)
    certificate, _ = self_signed(tmp_path)
    context = trusting(certificate) if tls else None

    async with (
        running(web_file(tmp_path, TLS) if tls else None, backend=BigBackend()) as server,
        raw(server, METRICS, tls=context),
        raw(server, METRICS, tls=context) as reads,
    ):
        both = await connections(server, 2)
        taken = 0
        while taken < BIG:
            taken += len(await asyncio.wait_for(reads.read(256 * 1024), 10))
            await asyncio.sleep(0.01)
        [left] = await connections(server, 1)
        assert left in both


async def connections(server: Server, number: int) -> list[object]:
    """Wait until so many connections are open, and return them."""
    there = server._running._server.server_state.connections
    async with asyncio.timeout(10):
        while len(there) != number:  # noqa: ASYNC110  the server has no event for it
            await asyncio.sleep(0.01)
    return list(there)


async def test_clients_that_do_not_read_hold_a_piece_each_and_not_a_page() -> None:
    async with running(backend=BigBackend()) as server, contextlib.AsyncExitStack() as held:
        for _ in range(20):
            await held.enter_async_context(raw(server, METRICS))
        pending = [0]
        async with asyncio.timeout(10):
            while not all(pending):
                pending = [one.transport.get_write_buffer_size() for one in await connections(server, 20)]  # type: ignore[attr-defined]
                await asyncio.sleep(0.01)
        assert 20 * 2 * 64 * 1024 >= sum(pending), "a piece in the buffer, and one that made it full"


@pytest.mark.parametrize("begun", [False, True], ids=["before its answer", "within its answer"])
async def test_a_broken_body_ends_its_answer_and_is_no_error_of_ours(begun: bool, caplog: pytest.LogCaptureFixture) -> None:
    chunked = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"

    slow = SlowBackend(views.healthy())
    with structlog.testing.capture_logs() as logged:
        async with running(backend=BigBackend() if begun else slow) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1024)
            writer.write(chunked)
            if begun:
                await reader.readline()
            else:
                await slow.asked.wait()
            writer.write(b"ZZ\r\n")
            if not begun:
                assert b"HTTP/1.1 400 Bad Request\r\n" == await reader.readline()
            slow.go_on.set()
            assert await is_hung_up(reader)
            writer.close()
            assert 200 == (await get(server)).status_code
    assert [] == logged
    assert [] == caplog.records


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
async def test_clients_that_leave_within_an_answer_write_no_line(
    tls: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    certificate, _ = self_signed(tmp_path)
    context = trusting(certificate) if tls else None

    backend = SlowBigBackend()
    async with running(web_file(tmp_path, TLS) if tls else None, backend=backend) as server:
        for _ in range(10):
            backend.asked.clear()
            async with raw(server, METRICS, tls=context):
                await backend.asked.wait()
            backend.go_on.set()  # the answer is ready in the moment in which its client leaves
            await connections(server, 0)
    assert [] == caplog.records


async def test_handshakes_that_fail_leave_nothing_for_the_garbage_collector(tmp_path: Path) -> None:
    self_signed(tmp_path)
    async with running(web_file(tmp_path, TLS)) as server:
        gc.collect()
        gc.disable()
        try:
            for said in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01"):
                for _ in range(5):
                    async with raw(server, said) as reader:
                        if said.startswith(b"GET"):
                            assert await is_hung_up(reader)
                # No event tells that a handshake is over, and looking for garbage again and again would disturb threads.
                await asyncio.sleep(0.2)
            assert 0 == sum(isinstance(thing, sslproto.SSLProtocol) for thing in gc.get_objects())
        finally:
            gc.enable()


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
async def test_hundreds_of_bad_clients_of_all_kinds_keep_nobody_waiting_and_the_process_small(
    business: Business, tls: bool, tmp_path: Path
) -> None:
    certificate, _ = self_signed(tmp_path)
    verify = trusting(certificate) if tls else True

    web = web_file(tmp_path, TLS if tls else "")
    async with exporter(business.config(), f"--web.config.file={web}") as process:
        process.http = httpx.AsyncClient(verify=verify, trust_env=False)
        await process.ready()
        async with crowd(int(process.url.rpartition(":")[2]), 500, tls=tls):
            await process.logged("connections_full", hung_up=64)
            seen = await watch(process.url, process.process.pid, 3, verify=verify)
        assert sorted(seen.scraper.seconds)[len(seen.scraper.seconds) // 2] < 5, "of a machine that others use as well"
        assert sorted(seen.probe.seconds)[len(seen.probe.seconds) // 2] < 5
        tries = len(seen.probe.failures) + len(seen.probe.seconds)
        assert len(seen.probe.failures) <= tries // 5, "cut while thousands came; a probe comes again"
        assert "503" not in seen.scraper.failures + seen.probe.failures
        assert 200 > seen.peak


async def test_a_right_password_gets_in_while_forty_clients_try_wrong_ones(tmp_path: Path) -> None:
    """The first of a client that has never signed in, at a cost at which one check takes a second of a processor."""
    stored = bcrypt.hashpw(b"right", bcrypt.gensalt(14)).decode()

    async def attack(server: Server, number: int) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=600, base_url=server.url) as client:
            for attempt in itertools.count():
                await client.get("/metrics", auth=httpx.BasicAuth("prom", f"wrong {number} {attempt}"))

    async with running(web_file(tmp_path, f"basic_auth_users: {{prom: {stored}}}\n")) as server:
        attacks = [asyncio.create_task(attack(server, number)) for number in range(40)]
        async with asyncio.timeout(30):
            while len(server._check._waiting) < 30:  # noqa: ASYNC110  that a client has come is no event
                await asyncio.sleep(0.01)
        # Two checks and a bit; forty of them take minutes on processors that others use as well.
        assert 200 == (await get(server, "/metrics", user="prom:right", timeout=30)).status_code
        for task in attacks:
            task.cancel()
        await asyncio.gather(*attacks, return_exceptions=True)


async def test_only_clients_whose_certificate_has_an_allowed_name_are_let_in(tmp_path: Path) -> None:
    certificate, _ = self_signed(tmp_path)
    prometheus, other = self_signed(tmp_path, "prometheus"), self_signed(tmp_path, "other")
    (tmp_path / "clients.crt").write_bytes(prometheus[0].read_bytes() + other[0].read_bytes())
    policy = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: clients.crt\n"

    async def status(server: Server, client: tuple[Path, Path]) -> int:
        try:
            return (await get(server, "/metrics", verify=trusting(certificate, client))).status_code
        except httpx.TransportError:
            return 0

    with structlog.testing.capture_logs() as logged:
        async with running(web_file(tmp_path, TLS + policy + "  client_allowed_sans: [prometheus, 192.0.2.1]\n")) as server:
            for _ in range(5):
                assert [200, 0] == [await status(server, prometheus), await status(server, other)]
            web_file(tmp_path, TLS + policy + "  client_allowed_sans: [other]\n")
            assert [0, 200] == [await status(server, prometheus), await status(server, other)]
            web_file(tmp_path, TLS + policy)
            assert [0, 200] == [await status(server, prometheus), await status(server, other)], "it is not taken away"
    refused = [(line["names"], line["repeated"]) for line in logged if line["event"] == "client_certificate_refused"]
    assert [
        ("127.0.0.1, other", None),
        ("127.0.0.1, other", 2),
        ("127.0.0.1, other", 4),
        ("127.0.0.1, prometheus", None),
    ] == refused[:4]
    assert "web_config_reload_failed" in {line["event"] for line in logged}


async def test_a_process_without_descriptors_goes_on_answering_and_tells_of_it_once(business: Business) -> None:
    async with exporter(business.config()) as process:
        await process.ready()
        resource.prlimit(process.process.pid, resource.RLIMIT_NOFILE, (40, 40))
        host, _, port = process.url.removeprefix("http://").rpartition(":")
        with contextlib.ExitStack() as held:
            for _ in range(200):
                client = held.enter_context(socket.create_connection((host, int(port))))
                client.sendall(HEALTHY)
            for _ in range(5):
                async with httpx.AsyncClient(trust_env=False, timeout=2) as new:
                    assert 200 == (await new.get(f"{process.url}/-/healthy")).status_code
        assert 1 == sum(line["event"] == "too_many_open_files" for line in process.log)
        assert 20_000 > len(process.raw)
