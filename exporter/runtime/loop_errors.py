"""What the event loop reports itself, because nobody waits for it: logged, and nobody flooded."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Hashable
from typing import Any, Final

import structlog

from exporter.clock import Clock
from exporter.platforms.sockets import NO_DESCRIPTOR
from exporter.support.log_sampling import LogSampler

log = structlog.get_logger(__name__)

AGAIN_SECONDS: Final = 60.0


def handler(clock: Clock) -> Callable[[asyncio.AbstractEventLoop, dict[str, Any]], None]:
    """Return an exception handler for the loop that says once a minute that no more files may be opened.

    asyncio reports each scrape that it cannot accept up to as many times as its backlog is long, every second. All else goes to
    the loop's own handler, and what is raised in the same place as before at the 2nd, 4th, 8th … time: clients can cause it at
    will, such as by breaking a TLS connection within an answer, of which asyncio tells its protocol twice.
    """
    said: float | None = None
    sampler = LogSampler()

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        nonlocal said
        error = context.get("exception")
        if not (isinstance(error, OSError) and error.errno in NO_DESCRIPTOR):
            if (times := sampler.count_if_logged(_place(context["message"], error))) is not None:
                loop.default_exception_handler(context if times == 1 else {**context, "repeated": times})
            return
        now = clock.monotonic()
        if said is None or now - said >= AGAIN_SECONDS:
            said = now
            log.error("too_many_open_files", fix="raise LimitNOFILE (systemd) or ulimit -n")

    return handle


def _place(message: str, error: BaseException | None) -> Hashable:
    if error is None or error.__traceback__ is None:
        return message, type(error)
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    return type(error), frame.f_code.co_filename, line
