"""The exporter as a soak runs it: on SIGUSR1 it says in its log how many tasks it has and how many objects it holds.

Run as ``python -m tests.soak.exporter``. Nothing else differs from the command line.
"""

from __future__ import annotations

import asyncio
import gc
import json
import signal
import sys
from typing import Any

from exporter import cli
from exporter.commands import daemon


async def run(*inputs: Any, real: Any = daemon.run, **more: Any) -> None:  # noqa: ANN401  as the real one
    loop = asyncio.get_running_loop()

    def tell(*_: object) -> None:
        gc.collect()
        counted = {
            "event": "vitals",
            "tasks": len(asyncio.all_tasks(loop)),
            "objects": len(gc.get_objects()) + gc.get_freeze_count(),
        }
        sys.stderr.write(json.dumps(counted) + "\n")
        sys.stderr.flush()

    signal.signal(signal.SIGUSR1, tell)  # not the loop's own way, whose wake-up the daemon has taken over
    await real(*inputs, **more)


if __name__ == "__main__":
    daemon.run = run
    cli.main()
