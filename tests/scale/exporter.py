"""The exporter on fleets of some sizes, beside the fake platforms: what one more target costs it."""

from __future__ import annotations

import asyncio
import os
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from tests.fleet.processes import cpu_seconds, fake, memory_mib
from tests.harness.process import exporter

SCRAPES: Final = 5
_PAGE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Fleet:
    """So many targets, and of how many shards these are the first."""

    sites: int
    portals: int
    shards: int = 1

    @property
    def watched(self) -> float:
        return (self.sites + self.portals) / self.shards


@dataclass(frozen=True, slots=True)
class Measured:
    """What the exporter took: the share of a core while it is not scraped, processor seconds of its start and of a scrape."""

    sites: int
    portals: int
    shards: int
    watched: int
    start_cpu_seconds: float
    core: float
    memory_mib: float
    memory_scraped_mib: float
    scrape_cpu_seconds: float
    series: int
    page_bytes: int
    page_gzip_bytes: int


async def measured(fleet: Fleet, folder: Path, seconds: float, apart: float = 60.0) -> tuple[Measured, str, str]:
    """Run the exporter on ``fleet``, with files in ``folder``; returns what it took and two of its pages, ``apart`` in time.

    It is left to itself for so many ``seconds``, then measured for as many: in whole intervals all polls have their turn.
    """
    cores = sorted(os.sched_getaffinity(0))
    async with fake(folder, sites=fleet.sites, portals=fleet.portals, tls=True) as platforms:
        config = platforms.config(folder, fleet.sites)
        flags = ["--shard", f"0/{fleet.shards}"] if fleet.shards > 1 else []
        async with exporter(config, *flags, environ=platforms.environ, wait=False) as running:
            pid = running.process.pid
            if len(cores) > 1:
                os.sched_setaffinity(platforms.pid, {cores[0]})
                os.sched_setaffinity(pid, {cores[1]})
            await running.listening(300)
            start = cpu_seconds(pid)
            await asyncio.sleep(seconds)
            began, used = time.monotonic(), cpu_seconds(pid)
            await asyncio.sleep(seconds)
            core = (cpu_seconds(pid) - used) / (time.monotonic() - began)
            memory, _ = memory_mib(pid)
            first, size = await _page(running.url)
            before = time.monotonic()
            scrape = await _scrapes(pid, running.url, core, apart)
            await asyncio.sleep(max(0.0, apart - (time.monotonic() - before)))
            second, size = await _page(running.url)
            _, peak = memory_mib(pid)
    lines = [line for line in second.splitlines() if not line.startswith("#")]
    watched = len({line.partition('target="')[2].partition('"')[0] for line in lines if "_target_info{" in line})
    found = Measured(
        fleet.sites, fleet.portals, fleet.shards, watched, start, core, memory, peak, scrape, len(lines), len(second), size
    )
    return found, first, second


async def _page(url: str) -> tuple[str, int]:
    """Return a page, and how many bytes came for it."""
    async with (
        httpx.AsyncClient(trust_env=False, timeout=_PAGE_SECONDS) as http,
        http.stream("GET", f"{url}/metrics", headers={"Accept-Encoding": "gzip"}) as response,
    ):
        response.raise_for_status()
        content = b"".join([piece async for piece in response.aiter_raw()])
    return zlib.decompress(content, wbits=31).decode(), len(content)


async def _scrapes(pid: int, url: str, core: float, apart: float) -> float:
    """Return the processor seconds of a scrape while polls go on, which take their share of ``core`` as always."""
    began, used = time.monotonic(), cpu_seconds(pid)
    for _ in range(SCRAPES):
        await _page(url)
        await asyncio.sleep(apart / SCRAPES / 2)
    return (cpu_seconds(pid) - used - core * (time.monotonic() - began)) / SCRAPES
