"""The exporter in a hurry: the command line with the few waits that no configuration can shorten divided by ``HURRY``.

Run as ``python -m tests.e2e.hurried_exporter``. A throttled portal may hold a poll for half a minute; a test has seconds.
"""

from __future__ import annotations

import os

from exporter import cli
from exporter.platforms import retry
from exporter.platforms.bitrix24 import portal
from exporter.polling import poll as polling
from exporter.polling import scheduler

WAITS = (
    (polling, "MIN_DEADLINE_SECONDS"),
    (scheduler, "INITIAL_RETRY_SECONDS"),
    (retry, "MAX_WAIT_SECONDS"),
    (portal, "INITIAL_PAUSE_SECONDS"),
    (portal, "MAX_PAUSE_SECONDS"),
)

if __name__ == "__main__":
    for module, name in WAITS:
        setattr(module, name, getattr(module, name) / float(os.environ["HURRY"]))
    cli.main()
