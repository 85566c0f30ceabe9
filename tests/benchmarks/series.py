"""How many series a target has on a page: what Prometheus keeps, and what the page and its memory grow with.

Simulated sites and a portal, with the defaults of everything, after each connection was probed. A count is the same on every
machine, so it is taken once.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from exporter.simulator import Simulator
from exporter.simulator.wix.connections import ACCOUNT_CALENDARS, import_from
from exporter.simulator.wix.providers import APPLE, GOOGLE, MICROSOFT, PROVIDERS
from tests.benchmarks.figures import Figure
from tests.benchmarks.goals import WIX_SERIES
from tests.benchmarks.report import main
from tests.metrics.test_series_of_a_target import APP, NAMED, PORTAL, WIX, connected, portal, series, site


def counted(build: Callable[[Simulator], None], target: dict[str, Any]) -> tuple[float]:
    """Return the number of lines of the page that name ``target``."""
    with tempfile.TemporaryDirectory() as folder:
        return (float(asyncio.run(series(Path(folder), build, target)).total()),)


def figures(_rounds: int) -> list[Figure]:
    """Count all of them."""
    what = "a Wix target with four connections"
    of_app = {**NAMED, **APP}
    limited = "19 of each connection, 26 failures at 0, 10 of the staff, 5 of each calendar type, 2 of the app's token"
    chosen = {"listEventFromCalendars": import_from(*ACCOUNT_CALENDARS[:1]), "syncToCalendar": {"enabled": True}}
    return [
        *(
            Figure(f"{what} to {word}", "series", counted(site(*connected(4, types)), WIX))
            for types, word in enumerate(("one calendar", "two", "three", "four"), 1)
        ),
        Figure(f"{what} to four, as an app", "series", counted(site(*PROVIDERS), of_app)),
        Figure(
            f"{what} that import chosen calendars, as an app",
            "series",
            counted(site(APPLE, MICROSOFT, APPLE, MICROSOFT, config=chosen), of_app),
            goal=WIX_SERIES,
            limited_by=limited,
        ),
        Figure("a Wix target with 24 connections to one calendar", "series", counted(site(*(GOOGLE,) * 24), WIX)),
        Figure("a Bitrix24 target", "series", counted(portal, PORTAL)),
    ]


if __name__ == "__main__":
    main("series", __doc__, figures)
