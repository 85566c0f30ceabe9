"""A real Prometheus that scrapes the whole page as it does in life: gzip, a kept connection, every sample stored."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from tests.monitoring.servers import free_port, running, wait_until_ready

TIMEOUT_SECONDS: Final = 30.0
DEFAULT_TIMEOUT_SECONDS: Final = 10.0
"""Prometheus' own, which a page should fit into."""


@dataclass(frozen=True, slots=True)
class Scrape:
    """One scrape: when it began (Unix seconds), whether it was answered, how long it took, how many samples it brought."""

    began: float
    up: bool
    seconds: float
    samples: int


@dataclass(frozen=True, slots=True)
class Scraper:
    """A running Prometheus with its data in ``folder``."""

    pid: int
    http: httpx.Client
    folder: Path

    def scrapes(self) -> list[Scrape]:
        """Return all scrapes until now, in their order."""
        up, seconds, samples = (
            self._values(name) for name in ("up", "scrape_duration_seconds", "scrape_samples_post_metric_relabeling")
        )
        return [Scrape(at, bool(value), seconds[at], int(samples[at])) for at, value in sorted(up.items())]

    def _values(self, name: str) -> dict[float, float]:
        found = self.http.get("/api/v1/query", params={"query": f'{name}{{job="fleet"}}[1d]'}).json()["data"]["result"]
        return {float(at): float(value) for at, value in found[0]["values"]} if found else {}

    def series(self) -> int:
        """Return how many series it keeps in memory, its own four of each scrape among them."""
        return int(self.http.get("/api/v1/status/tsdb").json()["data"]["headStats"]["numSeries"])

    def disk_mib(self) -> float:
        """Return what its data take on disk."""
        return sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file()) / 2**20


@contextlib.contextmanager
def scraper(folder: Path, address: str, every: float) -> Iterator[Scraper]:
    """Run a Prometheus that scrapes ``host:port`` every so many seconds, while the block runs."""
    home = folder / "prometheus"
    data, file, port = home / "data", home / "prometheus.yml", free_port()
    home.mkdir()
    times = f"scrape_interval: {every:g}s, scrape_timeout: {min(every, TIMEOUT_SECONDS):g}s"
    file.write_text(f"scrape_configs: [{{job_name: fleet, {times}, static_configs: [{{targets: {json.dumps([address])}}}]}}]\n")
    flags = (f"--config.file={file}", f"--storage.tsdb.path={data}", f"--web.listen-address=127.0.0.1:{port}")
    with (
        running("prometheus", home, *flags, "--log.level=warn") as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as http,
    ):
        wait_until_ready("Prometheus", http)
        yield Scraper(process.pid, http, data)
