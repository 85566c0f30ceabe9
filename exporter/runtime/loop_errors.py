"""What the event loop reports itself, because nobody waits for it: logged, and nobody flooded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import structlog

from exporter.clock import Clock
from exporter.platforms.sockets import NO_DESCRIPTOR

log = structlog.get_logger(__name__)

AGAIN_SECONDS: Final = 60.0


def handler(clock: Clock) -> Callable[[asyncio.AbstractEventLoop, dict[str, Any]], None]:
    """Return an exception handler for the loop that says once a minute that no more files may be opened.

    asyncio reports each scrape that it cannot accept up to as many times as its backlog is long, every second. All else goes to
    the loop's own handler.
    """
    said: float | None = None

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        nonlocal said
        error = context.get("exception")
        if not (isinstance(error, OSError) and error.errno in NO_DESCRIPTOR):
            loop.default_exception_handler(context)
            return
        now = clock.monotonic()
        if said is None or now - said >= AGAIN_SECONDS:
            said = now
            log.error("too_many_open_files", fix="raise LimitNOFILE (systemd) or ulimit -n")

    return handle
