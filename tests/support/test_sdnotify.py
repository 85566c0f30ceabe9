"""What systemd is told, over a real socket."""

from __future__ import annotations

import socket
import time
from pathlib import Path

from exporter.support import sdnotify


def test_a_reload_is_told_with_its_moment_on_the_clock_that_systemd_compares_with(tmp_path: Path) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        assert sdnotify.reloading({"NOTIFY_SOCKET": str(address)})
        after = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        told = dict(line.split("=") for line in manager.recv(4096).decode().splitlines())
    assert {"RELOADING", "MONOTONIC_USEC"} == told.keys()
    assert "1" == told["RELOADING"]
    assert before <= int(told["MONOTONIC_USEC"]) <= after


def test_without_systemd_nothing_is_told(tmp_path: Path) -> None:
    assert not sdnotify.reloading({})
    assert not sdnotify.reloading({"NOTIFY_SOCKET": str(tmp_path / "nobody")})
