"""What a command that asks the platforms once needs to open targets: the daemon's pool, pace and admission."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from random import Random

from exporter.clock import LoopLag, SystemClock
from exporter.metrics import Instruments
from exporter.platforms.http_pool import open_pool
from exporter.polling import Admission
from exporter.runtime import World


@contextlib.asynccontextmanager
async def opened_world(instruments: Instruments) -> AsyncIterator[World]:
    """Open the world of the targets while the block runs; ``instruments`` count what is asked."""
    lag = LoopLag()
    lag.start()
    clock = SystemClock(lag)
    admission = Admission(clock, lag)
    async with open_pool(clock, admit=admission.connection) as http:
        yield World(http, clock, Random(), instruments, admission)  # noqa: S311  jitter, not cryptography
