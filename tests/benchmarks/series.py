"""How many series a target has on a page: what Prometheus keeps, and what the page and its memory grow with.

Simulated sites and a portal, with the defaults of everything, after their first polls. A count is the same on every machine, so
it is taken once.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from exporter.simulator import Simulator
from exporter.simulator.wix.providers import APPLE, GOOGLE, MICROSOFT, PROVIDERS
from tests.benchmarks.figures import Figure
from tests.benchmarks.goals import WIX_SERIES
from tests.benchmarks.report import main
from tests.metrics.test_series_of_a_target import PORTAL, WIX, portal, series, site


def counted(build: Callable[[Simulator], None], target: dict[str, Any]) -> tuple[float]:
    """Return the number of lines of the page that name ``target``."""
    with tempfile.TemporaryDirectory() as folder:
        return (float(series(Path(folder), build, target).total()),)


def figures(_rounds: int) -> list[Figure]:
    """Count all of them."""
    two, three = (GOOGLE, GOOGLE, MICROSOFT, MICROSOFT), (GOOGLE, APPLE, MICROSOFT, MICROSOFT)
    what = "a Wix target with four connections"
    limited = "the aggregate: 7 for each calendar that the target has, so it holds for two calendars and not for more"
    return [
        Figure(f"{what} to one calendar", "series", counted(site(*(GOOGLE,) * 4), WIX)),
        Figure(f"{what} to two", "series", counted(site(*two), WIX)),
        Figure(f"{what} to three", "series", counted(site(*three), WIX)),
        Figure(f"{what} to four", "series", counted(site(*PROVIDERS), WIX), goal=WIX_SERIES, limited_by=limited),
        Figure("a Wix target with 24 connections to one calendar", "series", counted(site(*(GOOGLE,) * 24), WIX)),
        Figure("a Bitrix24 target", "series", counted(portal, PORTAL)),
    ]


if __name__ == "__main__":
    main("series", __doc__, figures)
