"""What 5,500 targets cost the configuration: read at the start, and read again with one changed target while the exporter runs.

5,000 Wix sites and 500 Bitrix24 portals stand in one file, and each round has processes of its own. The exporter is the real
process, asked for its health from its first moment on; what is read again is swapped into the real application, whose polls
are refused. The loop is held for as long as the processor time between two turns of a task that sleeps a millisecond at a time.
"""

from __future__ import annotations

import asyncio
import io
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

import httpx
from prometheus_client import CollectorRegistry

from exporter.clock import LoopLag, SystemClock
from exporter.config import LoadCache, load_config
from exporter.metrics import Instruments, MetricsPage
from exporter.polling.admission import Admission
from exporter.runtime import garbage
from exporter.runtime.application import Application
from exporter.runtime.targets import TargetFactory
from exporter.support import logs
from exporter.web import Reloaded
from tests.benchmarks.as_installed import environ, free_port
from tests.benchmarks.figures import Figure, process_cpu
from tests.benchmarks.goals import CONFIGURATION, HEALTHY_FIRST, RELOAD, RELOAD_STALL
from tests.benchmarks.held_loop import longest_hold
from tests.benchmarks.report import main

SITES: Final = 5_000
PORTALS: Final = 500
BUILT: Final = "until the configuration is built"
WHOLE: Final = "all of it is read"
_PATIENCE: Final = 120.0


class Cost(NamedTuple):
    """What reading took, in seconds of the processor, and for how many milliseconds a reload held the loop at most."""

    whole: float
    reload: float
    held: float


class Start(NamedTuple):
    """When the real process answered that it lives, and when its configuration was built: seconds since it was begun."""

    healthy: float
    built: float
    cpu: float


def written(folder: Path, sites: int = SITES, portals: int = PORTALS) -> Path:
    """Write the configuration: targets as people write them, with a key for all sites of an agency."""
    rows = [
        f"  - name: site-{number:05}\n    platform: wix\n    site_id: 7f1c0c5e-2f0e-4f9c-9a55-{number:012x}\n"
        "    api_key: IST.key-of-the-agency-000000\n    base_url: http://127.0.0.1:9\n    labels:\n"
        f"      site: site-{number:05}\n"
        for number in range(sites)
    ]
    rows += (
        f"  - name: portal-{number:05}\n    platform: bitrix24\n"
        f"    webhook_url: http://127.0.0.1:9/rest/1/code-of-portal-{number:05}/\n"
        f"    labels:\n      site: portal-{number:05}\n"
        for number in range(portals)
    )
    file = folder / "exporter.yml"
    file.write_text("".join(("timezone: Europe/Berlin\ntargets:\n", *rows)))
    return file


def with_one_changed(file: Path) -> None:
    """Change where one site is asked."""
    file.write_text(file.read_text().replace("http://127.0.0.1:9\n", "http://127.0.0.1:8\n", 1))


def figures(rounds: int, sites: int = SITES, portals: int = PORTALS) -> Iterator[Figure]:
    """Measure all of it, in each round by two processes one after the other."""
    costs: list[Cost] = []
    starts: list[Start] = []
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(started(written(Path(folder), 1, 1)))  # the first one compiles
        for _ in range(rounds):
            file = written(Path(folder), sites, portals)
            starts.append(asyncio.run(started(file)))
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as another:
                costs.append(another.submit(read, file).result())
    wholes = tuple(cost.whole for cost in costs)
    targets = f"{sites + portals:,} targets"
    peers = {BUILT: tuple(start.built for start in starts)}
    yield Figure(
        f"{targets}: exec to the first /-/healthy", "s", tuple(start.healthy for start in starts), peers, HEALTHY_FIRST
    )
    yield Figure(f"{targets}: exec until the configuration is built: CPU", "s", tuple(start.cpu for start in starts))
    yield Figure(f"{targets}: configuration built: CPU", "s", wholes, goal=CONFIGURATION, limited_by="YAML and pydantic")
    yield Figure(
        f"{targets}: reload with one changed target: CPU",
        "s",
        tuple(cost.reload for cost in costs),
        {WHOLE: wholes},
        RELOAD,
        limited_by="what is asked of all targets together: names, accounts, warnings",
    )
    held = tuple(cost.held for cost in costs)
    yield Figure(f"{targets}: the loop held at most beside it", "ms", held, goal=RELOAD_STALL, limited_by="the swap in one go")


async def started(file: Path) -> Start:
    """Run the exporter until its configuration is built."""
    port = free_port()
    flags = (f"--config.file={file}", f"--web.listen-address=127.0.0.1:{port}")
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "exporter",
        *flags,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=environ(file.parent),
    )

    async def healthy() -> float:
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                answer = await reader.readline()
                writer.close()
            except OSError:
                answer = b""
            if b" 200 " in answer:
                return time.monotonic() - began
            await asyncio.sleep(0.005)

    async def listening() -> tuple[float, float]:
        assert process.stderr is not None
        async for line in process.stderr:
            if b"listening" in line:
                return time.monotonic() - began, process_cpu(process.pid)
        raise RuntimeError("the exporter ended")

    try:
        async with asyncio.timeout(_PATIENCE):
            first, (built, cpu) = await asyncio.gather(healthy(), listening())
    finally:
        process.kill()
        await process.wait()
    return Start(first, built, cpu)


def read(file: Path) -> Cost:
    """Read the configuration, then change it in a running application."""
    return asyncio.run(_read(file))


async def _read(file: Path) -> Cost:
    logs.configure("error", "logfmt", io.StringIO())
    garbage.postpone_full_collections()
    began = time.process_time()
    load_config(file)
    whole = time.process_time() - began
    lag = LoopLag()
    lag.start()
    clock = SystemClock(lag)
    instruments = Instruments(CollectorRegistry())
    world = TargetFactory(_Refusing(), clock, Random(1), instruments, Admission(clock))
    load = partial(load_config, file, remembered=LoadCache())
    app = Application(load, factory=world, page=MetricsPage(instruments))
    await app.start(await asyncio.to_thread(load))
    garbage.collect_and_freeze()

    async def changed() -> None:
        if await app.reload() is not Reloaded.CHANGED:
            raise RuntimeError("the reload found nothing new")

    with_one_changed(file)
    began = time.process_time()
    await changed()
    reload = time.process_time() - began
    with_one_changed(file)
    _, held = await longest_hold(changed)
    await app.aclose(grace=2)
    return Cost(whole, reload, held * 1000)


class _Refusing(httpx.AsyncBaseTransport):
    """Polls that end at once cost next to nothing beside what is measured."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(403, request=request)


if __name__ == "__main__":
    main("configuration", __doc__, figures)
