"""How many series a target has on a page: what Prometheus keeps, and the page and its memory grow with.

The simulated salon with its four connections, and the studio with its portal, with the defaults of everything, watched for
twenty minutes of simulated time. A count is the same on every machine, so it is taken once.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from exporter.simulator.drills import demo_world
from tests.benchmarks.figures import Figure
from tests.benchmarks.goals import WIX_SERIES
from tests.benchmarks.report import main
from tests.docs.simulated import SITE, World, lived
from tests.harness.exposition import lines_of

PORTAL: Final = f"{demo_world.STUDIO}-b24"


def series(*targets: str) -> list[float]:
    """Return how many lines of the page name each target."""
    found: list[float] = []

    async def counted(there: World) -> None:
        await there.minutes(20)
        lines = [*lines_of(await there.app.page())]
        found.extend(sum(labels.get("target") == target for _, labels, _ in lines) for target in targets)

    with tempfile.TemporaryDirectory() as folder:
        lived(Path(folder), counted)
    return found


def figures(_rounds: int) -> list[Figure]:
    """Count both."""
    wix, bitrix24 = series(SITE, PORTAL)
    return [
        Figure("a Wix target with four connections", "series", (wix,), goal=WIX_SERIES, limited_by="what rules and panels ask"),
        Figure("a Bitrix24 target", "series", (bitrix24,)),
    ]


if __name__ == "__main__":
    main("series", __doc__, figures)
