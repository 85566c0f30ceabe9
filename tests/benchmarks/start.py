"""What it takes to start with two targets, to be idle, and to ask for the version or the health; beside a small exporter.

The peer serves its page with ``start_http_server`` of prometheus_client and has an ``httpx`` client, as an exporter that polls
a platform needs. Both are begun anew each round, one after the other, and asked for ``/metrics`` until they answer. Memory is
the resident set some seconds later.
"""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from tests.benchmarks import as_installed
from tests.benchmarks.as_installed import free_port
from tests.benchmarks.figures import Figure, in_turns, process_cpu
from tests.benchmarks.goals import HEALTHCHECK_CPU, IDLE_MEMORY, START, VERSION_CPU
from tests.benchmarks.report import main

PEER: Final = "start_http_server + httpx"
_PEER: Final = """
import sys, threading
import httpx
from prometheus_client import Gauge, start_http_server
client = httpx.Client()
Gauge("example", "An example.").set(1)
start_http_server(int(sys.argv[1]), addr="127.0.0.1")
threading.Event().wait()
"""
_CONFIG: Final = """
targets:
  - {name: a, platform: wix, site_id: 7f1c0c5e-2f0e-4f9c-9a55-000000000001, api_key: IST.made-up-0000, base_url: http://127.0.0.1:9}
  - {name: b, platform: bitrix24, webhook_url: http://127.0.0.1:9/rest/1/made-up-00000000/}
"""
_PATIENCE: Final = 60.0


class Cost(NamedTuple):
    """What a start took: until the first page, in seconds; memory in MiB; and what asking for the health took."""

    wall: float
    cpu: float
    memory: float
    healthcheck: float


def figures(rounds: int, idle: float = 5.0) -> Iterator[Figure]:
    """Measure all of it in turns."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "exporter.yml")
        config.write_text(_CONFIG)
        environ = as_installed.environ(Path(folder))
        for begin in (partial(ours, config), theirs):
            begin(environ, 0)  # the first of each compiles
        ways = {"ours": partial(ours, config, environ, idle), PEER: partial(theirs, environ, idle)}
        found = in_turns(rounds, ways)
        versions = tuple(cpu_of(("--version",), environ) for _ in range(rounds))
    mine, peers = found["ours"], found[PEER]
    wall = {PEER: tuple(cost.wall for cost in peers)}
    yield Figure("two targets, exec to the first page", "s", tuple(cost.wall for cost in mine), wall)
    cpu = {PEER: tuple(cost.cpu for cost in peers)}
    limit = "the libraries: imported and nothing else, they take twice what the peer takes"
    yield Figure(
        "two targets, exec to the first page: CPU", "s", tuple(cost.cpu for cost in mine), cpu, START, limited_by=limit
    )
    memory = {PEER: tuple(cost.memory for cost in peers)}
    yield Figure("two targets, idle: memory", "MiB", tuple(cost.memory for cost in mine), memory, IDLE_MEMORY)
    limit = "the interpreter, and the HTTP client of the standard library"
    yield Figure("--version: CPU", "s", versions, goal=VERSION_CPU, limited_by=limit)
    health = tuple(cost.healthcheck for cost in mine)
    yield Figure("healthcheck: CPU", "s", health, goal=HEALTHCHECK_CPU, limited_by=limit)


def ours(config: Path, environ: Mapping[str, str], idle: float) -> Cost:
    """Start the exporter."""
    port = free_port()
    flags = (f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}")
    return started(("-m", "exporter", *flags), port, environ, idle, asks=True)


def theirs(environ: Mapping[str, str], idle: float) -> Cost:
    """Start the small exporter."""
    port = free_port()
    return started(("-c", _PEER, str(port)), port, environ, idle)


def started(arguments: Sequence[str], port: int, environ: Mapping[str, str], idle: float, *, asks: bool = False) -> Cost:
    """Run Python until it has served a page, and some seconds more; it may be asked for its health by the command for that."""
    began, nothing = time.monotonic(), subprocess.DEVNULL
    process = subprocess.Popen([sys.executable, *arguments], stdout=nothing, stderr=nothing, env=environ)
    try:
        while not has_page(port):
            if process.poll() is not None or time.monotonic() - began > _PATIENCE:
                raise RuntimeError("there is no page")
            time.sleep(0.005)
        wall, cpu = time.monotonic() - began, process_cpu(process.pid)
        time.sleep(idle)
        memory = resident(process.pid)
        health = cpu_of(("healthcheck", f"--web.listen-address=127.0.0.1:{port}"), environ) if asks else 0.0
    finally:
        process.kill()
        process.wait()
    return Cost(wall, cpu, memory, health)


def has_page(port: int) -> bool:
    """Return whether ``/metrics`` is answered; the exporter lets it wait until its targets are open."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def cpu_of(arguments: Sequence[str], environ: Mapping[str, str]) -> float:
    """Return the processor time in seconds of a command of ours that ends well."""
    process = subprocess.Popen([sys.executable, "-m", "exporter", *arguments], stdout=subprocess.DEVNULL, env=environ)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(arguments)} ended with {process.returncode}")
    return used.ru_utime + used.ru_stime


def resident(pid: int) -> float:
    """Return the resident set of a process in MiB; Linux only."""
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main("start", __doc__, figures, beside=("prometheus-client", "httpx"))
