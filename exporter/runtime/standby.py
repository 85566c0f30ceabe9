"""Active/passive failover by a file lock: the second process waits until the first one has ended, and polls only then.

The lock of the state file says who is active. The system lets it go when its process ends, however that ends, so nobody has to
judge by silence or age whether the other one is dead.
"""

from __future__ import annotations

import contextlib
from typing import Final

from exporter.clock import Clock
from exporter.errors import ConfigError
from exporter.runtime.application import Application

TRY_SECONDS: Final = 2.0


async def take_over_when_free(app: Application, clock: Clock) -> None:
    """Wait until ``app`` is active, trying every two seconds."""
    while True:
        with contextlib.suppress(ConfigError):  # the exporter is stopping
            if await app.take_over():
                return
        await clock.sleep(TRY_SECONDS)
