"""A scraper that keeps its connection and a probe that opens one each time, and how long they wait."""

from __future__ import annotations

import asyncio
import ssl
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx


@dataclass
class Waits:
    """Seconds until each whole answer, and what was no answer."""

    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    async def ask(self, client: httpx.AsyncClient, url: str) -> None:
        began = time.monotonic()
        try:
            answer = await client.get(url)
        except httpx.HTTPError as error:
            self.failures.append(type(error).__name__)
            return
        if answer.status_code != 200:
            self.failures.append(str(answer.status_code))
        self.seconds.append(time.monotonic() - began)


@dataclass(frozen=True)
class Seen:
    """What the two saw, and how large the exporter was, in MiB at its peak."""

    scraper: Waits
    probe: Waits
    peak: int


async def watch(
    url: str, pid: int, seconds: float, *, verify: ssl.SSLContext | bool = True, auth: httpx.BasicAuth | None = None
) -> Seen:
    """Scrape and probe four times a second."""
    scraper, probe = Waits(), Waits()
    async with httpx.AsyncClient(verify=verify, auth=auth, trust_env=False, timeout=10) as kept:
        first = Waits()
        while not first.seconds and len(first.failures) < 10:  # cut while thousands came, it comes again, as Prometheus does
            await first.ask(kept, f"{url}/metrics")
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            async with httpx.AsyncClient(verify=verify, trust_env=False, timeout=10) as new:
                await asyncio.gather(scraper.ask(kept, f"{url}/metrics"), probe.ask(new, f"{url}/-/healthy"))
            await asyncio.sleep(0.25)
    status = Path(f"/proc/{pid}/status").read_text()
    peak = next(int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM"))
    return Seen(scraper, probe, peak)
