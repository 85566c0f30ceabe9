"""The exporter on a clock that runs faster than life: every interval, back-off and age of it is its own, only sooner over.

Run as ``python -m tests.e2e.fast_exporter``. What the machine needs for a connection does not pass faster.
"""

from __future__ import annotations

import os
from functools import partial

from exporter import cli
from exporter.commands import daemon
from exporter.platforms import http_pool
from tests.e2e.fast_clock import FASTER_ENV, STARTED_ENV, FastClock

if __name__ == "__main__":
    faster, started = float(os.environ[FASTER_ENV]), float(os.environ[STARTED_ENV])
    for module, name, value in (
        (daemon, "SystemClock", partial(FastClock, faster=faster, started=started)),
        (http_pool, "CONNECT_SECONDS", http_pool.CONNECT_SECONDS * faster),
    ):
        setattr(module, name, value)
    cli.main()
