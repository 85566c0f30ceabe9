"""Look-ups of host names against a real DNS server on loopback, and what a silent one does to everything else."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from random import Random

import httpx
import pytest
import yaml
from prometheus_client import CollectorRegistry

from exporter.admission import Admission
from exporter.app import Application
from exporter.clock import SystemClock
from exporter.config import load_config
from exporter.live import World
from exporter.loop_lag import LoopLag
from exporter.metrics import Instruments, Page
from exporter.platforms.http_pool import HttpPool
from exporter.platforms.names import Names
from exporter.web import create_app
from exporter.web.server import serve
from tests.support.business import API_KEY, SITE_ID
from tests.support.certificates import self_signed
from tests.support.name_server import NameServer, name_server

HANGING, GOOD = 1_000, 20
SECONDS = 6.0


def nowhere(host: str, port: int, family: socket.AddressFamily) -> Sequence[str]:
    raise socket.gaierror(socket.EAI_NONAME, f"{host}:{port} {family}")


def on_names(script: Callable[[Names, NameServer], Awaitable[None]], system: Callable[..., Sequence[str]] = nowhere) -> None:
    async def main() -> None:
        async with name_server() as server:
            names = Names([server.address], system=system)
            try:
                await script(names, server)
            finally:
                await names.close()

    asyncio.run(main())


def test_a_name_becomes_the_addresses_that_the_name_server_gives() -> None:
    async def script(names: Names, _: NameServer) -> None:
        found = await names.resolve("portal.good.test", 443)
        assert [("127.0.0.1", 443)] == [(address["host"], address["port"]) for address in found]

    on_names(script)


def test_a_name_that_does_not_exist_is_an_error() -> None:
    async def script(names: Names, _: NameServer) -> None:
        with pytest.raises(OSError, match="none"):
            await names.resolve("portal.none.test", 443)

    on_names(script)


def test_a_name_that_no_name_server_knows_is_asked_of_the_system() -> None:
    asked: list[tuple[str, bool]] = []

    def system(host: str, port: int, family: socket.AddressFamily) -> Sequence[str]:
        asked.append((f"{host}:{port} {family.value}", threading.current_thread() is threading.main_thread()))
        return ["10.0.0.7", "fe80::7"]

    async def script(names: Names, _: NameServer) -> None:
        found = await names.resolve("printer.none.test", 443)
        assert ["10.0.0.7", "fe80::7"] == [address["host"] for address in found]
        assert [("printer.none.test:443 0", False)] == asked

    on_names(script, system)


def test_the_hosts_file_is_read() -> None:
    async def script(names: Names, server: NameServer) -> None:
        found = await names.resolve("localhost", 80, socket.AF_INET)
        assert ["127.0.0.1"] == [address["host"] for address in found]
        assert server.asked == []

    on_names(script)


def test_a_thousand_names_that_hang_hold_no_other_name_up_and_no_thread() -> None:
    async def script(names: Names, server: NameServer) -> None:
        before = threading.active_count()
        hanging = [asyncio.create_task(names.resolve(f"portal-{number}.silent.test", 443)) for number in range(1_000)]
        while len(set(server.asked)) < 1_000:  # noqa: ASYNC110  the server has no event to wait for
            await asyncio.sleep(0.001)
        async with asyncio.timeout(2):
            await asyncio.gather(*(names.resolve(f"portal-{number}.good.test", 443) for number in range(100)))
        assert not any(task.done() for task in hanging)
        assert threading.active_count() <= before + 2, "c-ares has one, whatever is asked"
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)

    on_names(script)


def test_a_thousand_targets_whose_names_hang_delay_neither_the_page_nor_the_other_targets(tmp_path: Path) -> None:
    """Six seconds of real time: what is at stake is who waits for whom in threads and sockets."""
    certificate, key = self_signed(tmp_path, "wix.good.test")
    of_server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    of_server.load_cert_chain(certificate, key)
    path = tmp_path / "exporter.yml"
    collectors = {"connections": {"interval": "1s"}}

    async def main() -> None:
        wix = await asyncio.start_server(_answer_without_connections, "127.0.0.1", 0, ssl=of_server)
        port = wix.sockets[0].getsockname()[1]
        hosts = [f"portal-{number}.silent.test" for number in range(HANGING)] + ["wix.good.test"] * GOOD
        targets = [
            {
                "name": f"target-{number}",
                "platform": "wix",
                "site_id": SITE_ID,
                "api_key": API_KEY,
                "base_url": f"https://{host}:{port}",
                "collectors": collectors,
            }
            for number, host in enumerate(hosts)
        ]
        path.write_text(yaml.safe_dump({"targets": targets}))
        lag = LoopLag()
        lag.start()
        clock = SystemClock(lag)
        admission, instruments = Admission(clock, lag), Instruments(CollectorRegistry())
        tls = ssl.create_default_context(cafile=str(certificate))
        async with name_server() as server, wix:
            names = Names([server.address], system=nowhere)
            async with HttpPool(clock, tls=tls, names=names, admit=admission.connection) as pool:
                world = World(pool, clock, Random(1), instruments, admission)
                app = Application(lambda: load_config(path), world=world, page=Page(instruments))
                await app.start(load_config(path))
                web = await serve(create_app(app), "127.0.0.1:0")
                scrapes = await _scrapes(web.url, until=time.monotonic() + SECONDS)
                view = app.view()
                await web.stop()
                await app.aclose(grace=0.0)
        lag.stop()
        assert len(scrapes) >= 20
        assert max(scrapes) < 1.0
        good = {target.name: target.collectors[0].state for target in view.targets[-GOOD:]}
        assert all(state.up for state in good.values())
        assert min(state.finished_polls for state in good.values()) >= SECONDS - 3, good
        assert not any(target.collectors[0].state.up for target in view.targets[:HANGING])

    asyncio.run(main())


async def _answer_without_connections(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{"connections":[]}')
    except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
        writer.close()


async def _scrapes(url: str, *, until: float) -> list[float]:
    seconds = []
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        while time.monotonic() < until:
            began = time.monotonic()
            assert (await http.get(f"{url}/metrics?target=target-{HANGING}")).status_code == 200
            seconds.append(time.monotonic() - began)
            await asyncio.sleep(0.05)
    return seconds
