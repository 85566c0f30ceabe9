"""Hundreds of targets that hang, wherever that is, beside a few that answer: nobody waits for them, pages least of all.

Some seconds of real time for each: what is at stake is who waits for whom in threads, sockets and queues.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from random import Random

import httpx
import pytest
import yaml
from prometheus_client import CollectorRegistry

from exporter.clock import SystemClock
from exporter.clock.loop_lag import LoopLag
from exporter.config import load_config
from exporter.metrics import Instruments, MetricsPage
from exporter.model import CollectorName
from exporter.platforms.http_pool import HttpPool
from exporter.platforms.name_resolution import HostResolver
from exporter.polling.admission import Admission
from exporter.runtime.application import Application
from exporter.runtime.targets import TargetFactory
from exporter.state.snapshot import CollectorState
from exporter.web import create_app
from exporter.web.server import serve
from tests.harness.business import API_KEY, SITE_ID, WEBHOOK_CODE
from tests.harness.certificates import self_signed
from tests.harness.name_server import name_server

GOOD = 20
POLLS = 5  # of each target that answers, asked every second
MAX_SECONDS = 25.0  # what hangs gets 30 seconds for its answer


def nowhere(host: str, port: int, family: socket.AddressFamily) -> Sequence[str]:
    raise socket.gaierror(socket.EAI_NONAME, f"{host}:{port} {family}")


def wix(name: str, url: str) -> dict[str, object]:
    collectors = {"connections": {"interval": "1s"}}
    account = {"platform": "wix", "site_id": SITE_ID, "api_key": API_KEY}
    return {"name": name, **account, "base_url": url, "timeout": "30s", "collectors": collectors}


def portal(name: str, url: str) -> dict[str, object]:
    collectors = {"bookings": {"interval": "1s"}, "links": {"interval": "1s"}}
    account = {"platform": "bitrix24", "webhook_url": f"https://{name}.example/rest/1/{WEBHOOK_CODE}/"}
    return {"name": name, **account, "base_url": url, "timeout": "30s", "collectors": collectors}


class Crowd:
    """What was seen: seconds of each scrape, and the state of each target's first collector at the end, by name."""

    def __init__(self) -> None:
        self.scrapes: list[float] = []
        self.states: dict[str, CollectorState] = {}

    def assert_nobody_waited(self, hanging: int) -> None:
        # Generous, since machines that run tests are busy: pages that waited in one pool of threads took 9 to 16 seconds.
        assert len(self.scrapes) >= 3
        assert max(self.scrapes) < 9.0
        good = [state for name, state in self.states.items() if name.startswith("good")]
        assert len(good) == GOOD
        assert all(state.up for state in good)
        assert min(state.finished_polls for state in good) >= POLLS
        bad = [state for name, state in self.states.items() if name.startswith("hangs")]
        assert len(bad) == hanging
        assert not any(state.up for state in bad)


async def observe(targets: Sequence[dict[str, object]], folder: Path, tls: ssl.SSLContext, name_server_at: str) -> Crowd:
    """Run the exporter on ``targets`` until those that answer were polled some times, and scrape it all the time."""
    path = folder / "exporter.yml"
    path.write_text(yaml.safe_dump({"targets": list(targets)}))
    lag = LoopLag()
    lag.start()
    clock = SystemClock(lag)
    admission, instruments, seen = Admission(clock, lag), Instruments(CollectorRegistry()), Crowd()
    names = HostResolver(clock, lambda: [name_server_at], system=nowhere)
    async with HttpPool(clock, tls=tls, names=names, admit=admission.connection) as pool:
        world = TargetFactory(pool, clock, Random(1), instruments, admission)
        app = Application(lambda: load_config(path), factory=world, page=MetricsPage(instruments))
        await app.start(load_config(path))
        web = await serve(create_app(app), "127.0.0.1:0")
        until = time.monotonic() + MAX_SECONDS
        async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
            while (began := time.monotonic()) < until and _fewest_polls(app) < POLLS:
                assert 200 == (await http.get(f"{web.url}/metrics?target=good-0")).status_code
                seen.scrapes.append(time.monotonic() - began)
                await asyncio.sleep(0.05)
        seen.states = {target.name: target.collectors[0] for target in app.view().targets}
        await web.stop()
        await app.aclose(grace=0.0)
    lag.stop()
    return seen


def _fewest_polls(app: Application) -> int:
    return min(target.collectors[0].finished_polls for target in app.view().targets if target.name.startswith("good"))


class Site:
    """A Wix without connections, or one that falls silent after ``answers`` requests of a connection."""

    def __init__(self, *, answers: bool = True) -> None:
        self._answers = answers
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        if task := asyncio.current_task():
            self._tasks.append(task)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                if self._answers:
                    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{"connections":[]}')

    async def close(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._tasks)


@contextlib.asynccontextmanager
async def serving(site: Site, tls: ssl.SSLContext | None) -> AsyncIterator[int]:
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0, ssl=tls, backlog=2048)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await site.close()


@contextlib.contextmanager
def full_backlog() -> Iterator[int]:
    """Listen and never accept, behind a queue that is full: a new connection gets no answer at all."""
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        address = listening.getsockname()
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        yield address[1]


@pytest.fixture
def contexts(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    certificate, key = self_signed(tmp_path, "*.good.test")
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate, key)
    return server, ssl.create_default_context(cafile=str(certificate))


@pytest.mark.slow
async def test_a_thousand_targets_whose_names_hang_delay_neither_the_page_nor_the_other_targets(
    tmp_path: Path, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    of_server, of_client = contexts
    async with name_server() as names, serving(Site(), of_server) as port:
        good = [wix(f"good-{number}", f"https://wix.good.test:{port}") for number in range(GOOD)]
        hanging = [wix(f"hangs-{number}", f"https://portal-{number}.silent.test:{port}") for number in range(1_000)]
        (await observe([*hanging, *good], tmp_path, of_client, names.address)).assert_nobody_waited(1_000)


@pytest.mark.slow
@pytest.mark.parametrize("where", ["connection", "handshake", "answer"])
async def test_with_all_of_one_platform_hanging_every_target_of_the_other_is_on_time(
    where: str, tmp_path: Path, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    of_server, of_client = contexts
    silent = Site(answers=False)
    async with contextlib.AsyncExitStack() as stack:
        names = await stack.enter_async_context(name_server())
        port = await stack.enter_async_context(serving(Site(), of_server))
        # A server without TLS takes the handshake for a request that does not end.
        dead: int = (
            stack.enter_context(full_backlog())
            if where == "connection"
            else await stack.enter_async_context(serving(silent, of_server if where == "answer" else None))
        )
        good = [wix(f"good-{number}", f"https://wix.good.test:{port}") for number in range(GOOD)]
        hanging = [portal(f"hangs-{number}", f"https://portal-{number}.good.test:{dead}") for number in range(500)]
        seen = await observe([*hanging, *good], tmp_path, of_client, names.address)
    seen.assert_nobody_waited(500)
    assert {CollectorName.CONNECTIONS} == {state.collector for name, state in seen.states.items() if name.startswith("good")}
