"""The exporter on a bad day: the command line with system calls that hang and parts that die, named in ``HANGS``.

Run as ``python -m tests.e2e.hanging_exporter``. Each call that hangs says so first, as a line of the log.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn

from exporter import cli, config
from exporter.metrics import MetricsPage
from exporter.platforms.bitrix24.tokenfile import TokenFile
from exporter.runtime.targets import LiveTarget, TargetFactory

LONG = 60.0


def say(what: str) -> None:
    sys.stderr.write(json.dumps({"event": "hangs", "level": "info", "what": what}) + "\n")
    sys.stderr.flush()


def hang(what: str) -> None:
    """Hold the thread, as a disk or a name server that does not answer."""
    say(what)
    time.sleep(LONG)


def hang_in_the_kernel(what: str) -> None:
    """Hold the thread where no signal handler of Python runs: it locks a lock that it holds."""
    say(what)
    libc, lock = ctypes.CDLL(None), ctypes.create_string_buffer(64)
    libc.pthread_mutex_lock(lock)
    libc.pthread_mutex_lock(lock)


def look_up(hang: Callable[[str], None], real: Callable[..., Any] = socket.getaddrinfo) -> Callable[..., Any]:
    def getaddrinfo(host: object, *rest: Any, **more: Any) -> Any:  # noqa: ANN401  as the real one
        if ".invalid" in str(host):  # text or bytes
            hang("look-up")
        return real(host, *rest, **more)

    return getaddrinfo


async def open_targets(*inputs: Any, real: Callable[..., Any] = TargetFactory.open_targets) -> dict[str, LiveTarget]:  # noqa: ANN401
    """Open no target before the file ``GATE`` is there."""
    say("opening")
    while not Path(os.environ["GATE"]).exists():  # noqa: ASYNC110  nobody else can tell us
        await asyncio.sleep(0.05)
    opened: dict[str, LiveTarget] = await real(*inputs)
    return opened


def read(*inputs: Any, real: Callable[..., Any] = config.load_config, **more: Any) -> Any:  # noqa: ANN401
    """Read no configuration before the file ``GATE`` is there."""
    say("reading")
    while not Path(os.environ["GATE"]).exists():
        time.sleep(0.05)
    return real(*inputs, **more)


async def tick(*inputs: Any, real: Callable[..., Any] = uvicorn.Server.on_tick) -> bool:  # noqa: ANN401
    """Let the web server live until the file ``GATE`` is there."""
    if Path(os.environ["GATE"]).exists():
        raise ZeroDivisionError
    ended: bool = await real(*inputs)
    return ended


PATCHES: dict[str, Callable[[], None]] = {
    "look-up": lambda: setattr(socket, "getaddrinfo", look_up(hang)),
    "fsync": lambda: setattr(os, "fsync", lambda _: hang("fsync")),
    "page": lambda: setattr(MetricsPage, "make", lambda *_: hang("page")),
    "web-server": lambda: setattr(uvicorn.Server, "on_tick", tick),
    "token_files": lambda: setattr(TokenFile, "load", lambda _: hang("token file")),
    "reading": lambda: setattr(config, "load_config", read),
    "opening": lambda: setattr(TargetFactory, "open_targets", open_targets),
    "loop": lambda: setattr(TokenFile, "stamp", lambda _: hang_in_the_kernel("loop")),
}

if __name__ == "__main__":
    for name in os.environ["HANGS"].split():
        PATCHES[name]()
    cli.main()
