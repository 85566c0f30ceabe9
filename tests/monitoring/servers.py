"""prometheus, alertmanager, promtool and amtool, started for a test and ended by their id.

They are Debian's, or, where ``SERVERS`` names a folder (``make servers-current``), those of that folder and no others.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import httpx
import pytest

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
_GOGC = "400"
"""How much a Go program may allocate, in per cent of what it keeps, before it collects garbage: memory for processor time."""
_NAMES = {"alertmanager": ("prometheus-alertmanager", "alertmanager")}


def binary(name: str) -> str:
    """Return the path of a server or tool; skip when it is absent, fail when it is absent in CI or in ``SERVERS``."""
    if folder := os.environ.get("SERVERS"):
        return shutil.which(name, path=ROOT / folder) or pytest.fail(f"there is no {name} in SERVERS={folder}")
    for candidate in _NAMES.get(name, (name,)):
        if path := shutil.which(candidate):
            return path
    message = f"{name} is not installed (Debian: apt-get install prometheus prometheus-alertmanager)"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def run(
    name: str, *arguments: str | Path, cwd: Path | None = None, zone: str = "UTC", timeout: float = 170
) -> subprocess.CompletedProcess[str]:
    """Run a tool to its end and return what it said; moments are written in ``zone``, wherever this runs."""
    return subprocess.run(
        [binary(name), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        cwd=cwd,
        env={**os.environ, "TZ": zone, "GOGC": _GOGC},
    )


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_for(what: str, ready: Callable[[], T], seconds: float = 30) -> T:
    """Ask every 100 ms until ``ready`` is true and return it; a server that is not there yet counts as not ready."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if answer := ready():
                return answer
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    pytest.fail(f"{what} did not happen within {seconds:g} s")


def wait_until_ready(name: str, client: httpx.Client) -> None:
    """Wait for a started Prometheus or Alertmanager: before it is ready, it answers questions with 503 and no JSON."""
    wait_for(f"a ready {name}", lambda: client.get("/-/ready").status_code == httpx.codes.OK)


@contextmanager
def prometheus(directory: Path, config: str, *arguments: str) -> Iterator[httpx.Client]:
    """Run Prometheus on a configuration; its data stay in ``directory``."""
    file = directory / "prometheus.yml"
    file.write_text(config)
    port = free_port()
    with (
        running(
            "prometheus",
            directory,
            f"--config.file={file}",
            f"--storage.tsdb.path={directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
            *arguments,
        ),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client,
    ):
        wait_until_ready("Prometheus", client)
        yield client


@contextmanager
def alertmanager(directory: Path, config: Path) -> Iterator[httpx.Client]:
    """Run Alertmanager on a configuration file."""
    port = free_port()
    with (
        running(
            "alertmanager",
            directory,
            f"--config.file={config}",
            f"--storage.path={directory / 'alertmanager'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
            "--log.level=warn",
        ),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client,
    ):
        wait_until_ready("Alertmanager", client)
        yield client


@contextmanager
def running(name: str, directory: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends; what it says goes to a file in ``directory``."""
    log = directory / f"{name}.log"
    with log.open("w") as output:
        process = subprocess.Popen([binary(name), *arguments], stdout=output, stderr=output)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)
