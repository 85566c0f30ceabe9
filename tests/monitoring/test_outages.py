"""The arithmetic of one page for one cause: what many targets share fires first, and ends last.

Each fleet is an exporter of its own in one run of promtool. The real Alertmanager's part is held elsewhere.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.errors import AuthError, NetworkError
from tests.monitoring.bundle import ALERTS
from tests.monitoring.outages import Outage, Site, firing, fleet, series_of

KEY = Outage(30.2, 70.2, AuthError("refused"))
CUT = Outage(30.2, 70.2, NetworkError("no route to host"))
SHARED = {
    "BookingSyncNothingAnswers",
    "BookingSyncCredentialRefused",
    "BookingSyncPlatformDown",
    "BookingSyncManyTargetsFailing",
}
PAGES = {alert["alert"] for alert in ALERTS if alert["labels"]["severity"] == "critical"}
END = 106


def _at(minute: float) -> dict[str, list[Site]]:
    """Return fleets whose slow polls lie so many minutes after the beginning of the outage."""

    def together(_: int) -> float:
        return (0.2 + minute) % 5

    return {
        f"key-5-{minute}": fleet(5, "wix", together, KEY, credential="/run/keys/wix"),
        f"platform-5-{minute}": [*fleet(5, "wix", together, CUT), *fleet(5, "bitrix24", together)],
        f"portals-5-{minute}": fleet(5, "bitrix24", lambda at: together(at) + 5 * (at % 3), CUT),
        f"network-5-{minute}": [
            *fleet(3, "wix", together, CUT),
            *fleet(2, "bitrix24", lambda at: together(at) + 5 * at, CUT),
        ],
    }


def _spread(at: int) -> float:
    return 0.1 + at * 0.37 % 15


FLEETS: dict[str, list[Site]] = {
    **_at(0.5),
    **_at(2.5),
    **_at(4.5),
    "key-40": fleet(40, "wix", _spread, KEY, credential="/run/keys/wix"),
    "network-40": [*fleet(20, "wix", _spread, CUT), *fleet(20, "bitrix24", _spread, CUT)],
    "part-40": fleet(40, "wix", _spread, CUT, hit=range(12)),
}
ALONE = {"one-wix": fleet(1, "wix", _spread, KEY), "one-portal": fleet(1, "bitrix24", _spread, CUT)}


@pytest.mark.servers
def test_a_cause_that_many_share_fires_before_their_own_pages_and_outlives_them_at_every_phase(tmp_path: Path) -> None:
    series = {name: row for job, sites in (FLEETS | ALONE).items() for name, row in series_of(job, sites, END).items()}
    minutes = [*range(30, 50), 60, *range(69, END)]
    pages = {
        minute: [row for row in rows if row["severity"] == "critical"]
        for minute, rows in firing(series, minutes, tmp_path, PAGES).items()
    }
    # The dead exporter of the default job is none of these.
    told = {
        job: {m: {row["alertname"] for row in rows if row["job"] == job} for m, rows in pages.items()}
        for job in (FLEETS | ALONE)
    }
    for job in FLEETS:
        shared = [minute for minute, names in told[job].items() if names & SHARED]
        single = [minute for minute, names in told[job].items() if names - SHARED]
        assert shared, job
        assert single, job
        assert shared[0] + 1 < single[0], f"{job}: {shared[0]} and {single[0]}"
        assert single[-1] + 5 < shared[-1], f"{job}: {single[-1]} and {shared[-1]}"
        assert 1 == len({frozenset(names & SHARED) for names in told[job].values() if names & SHARED}), job
        assert set() == told[job][minutes[-1]], job
    for job in ALONE:
        assert 1 == len(set().union(*told[job].values())), job
        assert set() == set().union(*told[job].values()) & SHARED
