"""A real Prometheus that scrapes a page of many targets: how long it takes, how much memory, processor time and disk.

The page is one of the exporter, read twice a minute apart and multiplied: every line goes on as it went in that minute.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from time import sleep
from typing import Final

import httpx
import yaml

from tests.fleet.processes import cpu_seconds, memory_mib
from tests.monitoring.inboxes import serving
from tests.monitoring.servers import free_port, running, wait_for, wait_until_ready

MAX_SECONDS: Final = 600.0
"""The longest wait for a scrape: what is measured on a busy machine is processor time, and that has to come to its end."""

_OF_JOB: Final = '{job="booking-sync-exporter"}'
_TARGET: Final = re.compile(r'target="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Line:
    """A series, and its values in two pages a minute apart."""

    series: str
    first: str
    second: str

    def at(self, scrape: int) -> str:
        if self.first == self.second:
            return f"{self.series} {self.first}\n"
        one, two = float(self.first), float(self.second)
        return f"{self.series} {one + scrape * (two - one):.15g}\n"


@dataclass(frozen=True, slots=True)
class Scraped:
    """What Prometheus took for a page of so many ``series``: seconds on the clock, and of a processor, for the first scrape, in
    which all series are new, and for a further one.
    """

    series: int
    megabytes: float
    megabytes_gzip: float
    first_scrape_seconds: float
    first_cpu_seconds: float
    scrape_seconds: float
    cpu_seconds: float
    memory_mib: float


@dataclass(frozen=True, slots=True)
class Kept:
    """What a block takes on disk: bytes of a sample in it, and of a series in its index."""

    bytes_a_sample: float
    index_bytes_a_series: float
    changing: float


def lines_of(first: str, second: str) -> list[Line]:
    """Return the lines of targets that both pages have."""
    later = dict(line.rsplit(" ", 1) for line in second.splitlines() if "target=" in line)
    pairs = (line.rsplit(" ", 1) for line in first.splitlines() if "target=" in line)
    return [Line(series, value, later[series]) for series, value in pairs if series in later]


def body(lines: Sequence[Line], series: int, scrape: int) -> Iterator[bytes]:
    """Yield the page in pieces: the targets of ``lines`` again and again under other names, until there are enough."""
    for copy in range(-(-series // len(lines))):
        left = min(len(lines), series - copy * len(lines))
        name = rf'target="{copy:04x}-\1"'
        yield "".join(_TARGET.sub(name, line.at(scrape), count=1) for line in lines[:left]).encode()


@dataclass
class Served:
    """The page that is served now, compressed: made before it is asked for, so that only Prometheus is measured."""

    lines: Sequence[Line]
    series: int
    scrape: int = 0
    size: int = 0
    asked: int = 0
    content: bytes = field(default=b"", repr=False)

    def turn(self) -> None:
        packer, pieces, self.size = zlib.compressobj(1, wbits=31), [], 0
        for piece in body(self.lines, self.series, self.scrape):
            self.size += len(piece)
            pieces.append(packer.compress(piece))
        self.content = b"".join([*pieces, packer.flush()])
        self.scrape += 1


@contextmanager
def _serving(page: Served) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(page.content)))
            self.end_headers()
            self.wfile.write(page.content)
            page.asked += 1

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        yield f"127.0.0.1:{port}"


def scraped(lines: Sequence[Line], series: int, folder: Path, *, scrapes: int = 8, every: int = 15) -> Scraped:
    """Let a new Prometheus scrape a page of so many ``series``, once and then for so many ``scrapes``, in ``folder``."""
    page = Served(lines, series)
    with _prometheus(page, folder, every) as (client, pid):
        durations, cpu = [], []
        for turn in range(scrapes + 1):
            before = cpu_seconds(pid)
            wait_for("a scrape", partial(_was_scraped, client, turn + 1), MAX_SECONDS)
            durations.append(_value(client, f"scrape_duration_seconds{_OF_JOB}"))
            page.turn()  # for the next one: made while Prometheus waits
            sleep(1.0)
            cpu.append(cpu_seconds(pid) - before)
        assert 1.0 == _value(client, f"min_over_time(up{_OF_JOB}[1h])")
        assert _value(client, f"scrape_samples_scraped{_OF_JOB}") == series
        memory, _ = memory_mib(pid)
    megabytes, packed = page.size / 1e6, len(page.content) / 1e6
    return Scraped(series, megabytes, packed, durations[0], cpu[0], median(durations[1:]), median(cpu[1:]), memory)


def kept(lines: Sequence[Line], folder: Path, *, series: int = 10_000, scrapes: int = 240) -> Kept:
    """Return what samples take on disk: a scrape a second brings what a minute would, and a snapshot is a block."""
    page = Served(lines, series)
    with _prometheus(page, folder, 1) as (client, _):
        for turn in range(scrapes):
            wait_for("a scrape", partial(_was_scraped, client, turn + 1))
            page.turn()
        name = client.post("/api/v1/admin/tsdb/snapshot", timeout=300).json()["data"]["name"]
        block = next(path for path in (folder / "data" / "snapshots" / name).iterdir() if (path / "meta.json").exists())
        stats = json.loads((block / "meta.json").read_text())["stats"]
        chunks = sum(path.stat().st_size for path in (block / "chunks").iterdir())
        index = (block / "index").stat().st_size
    changing = sum(line.first != line.second for line in lines) / len(lines)
    return Kept(chunks / stats["numSamples"], index / stats["numSeries"], changing)


@contextmanager
def _prometheus(page: Served, folder: Path, every: int) -> Iterator[tuple[httpx.Client, int]]:
    """Let a Prometheus scrape ``page``; yields a client of it and its process."""
    page.turn()
    with _serving(page) as address:
        job = {"job_name": "booking-sync-exporter", "static_configs": [{"targets": [address]}]}
        often = {"scrape_interval": f"{every}s", "scrape_timeout": f"{every}s"}
        config = folder / "prometheus.yml"
        config.write_text(yaml.safe_dump({"global": often, "scrape_configs": [job]}))
        port = free_port()
        flags = [f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address=127.0.0.1:{port}"]
        with (
            running("prometheus", folder, *flags, "--web.enable-admin-api", "--log.level=warn") as process,
            httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as client,
        ):
            wait_until_ready("Prometheus", client)
            yield client, process.pid


def _was_scraped(client: httpx.Client, times: int) -> bool:
    return _value(client, f"count_over_time(up{_OF_JOB}[1h])") >= times


def _value(client: httpx.Client, query: str) -> float:
    rows = client.get("/api/v1/query", params={"query": query}).json()["data"]["result"]
    return float(rows[0]["value"][1]) if rows else 0.0
