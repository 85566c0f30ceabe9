"""The whole exporter on a large site: how long is the event loop ever held?

5,000 connections on one Wix site, served by a simulator in another process; the exporter polls them every second, renders
the page at each poll, and measures its own loop as in production. Printed: the longest stall, and page and poll times.
"""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

import httpx
import yaml
from prometheus_client import CollectorRegistry

from exporter.clock import SystemClock
from exporter.config import load_config
from exporter.metrics import Format, Instruments, Page
from exporter.polling.admission import Admission
from exporter.runtime.application import Application
from exporter.runtime.targets import World
from tests.harness.business import API_KEY, SITE_ID
from tests.harness.pool import pool

CONNECTIONS = 5_000
ROUNDS = 10
SERVE = f"""
import asyncio
from exporter.simulator import Simulator, running
def build(simulator):
    site = simulator.wix.add_site({SITE_ID!r})
    simulator.wix.add_key(site, {API_KEY!r})
    site.connect_many({CONNECTIONS})
async def main():
    async with running(Simulator(build=build).app) as url:
        print(url, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


async def stalls(into: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(0.001)
        into.append(time.perf_counter() - began - 0.001)


async def measure(url: str, folder: Path) -> None:
    target = {"name": "large", "platform": "wix", "site_id": SITE_ID, "api_key": API_KEY, "base_url": url}
    path = folder / "exporter.yml"
    path.write_text(yaml.safe_dump({"targets": [{**target, "collectors": {"connections": {"interval": "1s"}}}]}))
    instruments = Instruments(CollectorRegistry())
    clock = SystemClock()
    async with pool(clock) as http:
        app = Application(
            lambda: load_config(path),
            world=World(http, clock, Random(1), instruments, Admission(clock)),
            page=Page(instruments),
        )
        await app.start(load_config(path))
        while not app.view().ready:  # noqa: ASYNC110  a benchmark may look now and then
            await asyncio.sleep(0.05)
        gc.collect()
        gc.freeze()  # as the daemon does
        held: list[float] = []
        watching = asyncio.create_task(stalls(held))
        pages, polls = [], []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            page = bytes(await app.metrics(Format.TEXT, None))
            pages.append(time.perf_counter() - began)
            await asyncio.sleep(1.0)
            polls.append(app.view().targets[0].collectors[0].last_duration or 0.0)
        watching.cancel()
        print(f"connections {CONNECTIONS}, page {len(page) / 1e6:.1f} MB, {page.count(10)} lines")
        print(f"poll   median {sorted(polls)[ROUNDS // 2] * 1e3:6.0f} ms")
        print(f"page   median {sorted(pages)[ROUNDS // 2] * 1e3:6.0f} ms")
        print(f"loop   longest stall {max(held) * 1e3:6.1f} ms   (allowed: 50 ms)")
        await app.aclose(grace=1.0)


def main() -> None:
    server = subprocess.Popen([sys.executable, "-c", SERVE], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        httpx.get(url + "/_sim/", timeout=60)
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(measure(url, Path(folder)))
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main()
