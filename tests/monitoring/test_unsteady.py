"""What comes and goes for hours is one ticket, and nothing else is: no outage that lasts, begins or ends by and by.

Each fleet is an exporter of its own in one run of promtool.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pytest

from exporter.errors import PollError, ServerError
from tests.monitoring.outages import COLLECTORS, Outage, Site, firing, fleet, series_of

TARGET: Final = "BookingSyncTargetUnsteady"
PLATFORM: Final = "BookingSyncPlatformUnsteady"
BEGIN, END, SEEN = 30.2, 150.2, 224
PHASES: Final = (0.5, 2.5, 4.5)
PERIODS: Final = ((6, 12), (3, 10), (10, 40))
FAULT: Final = ServerError("a dead backend")
PLATFORMS: Final = ("wix", "bitrix24")

Told = Mapping[str, Mapping[int, set[str]]]
"""What fires in each fleet at each minute, by name."""


@dataclass(frozen=True, slots=True)
class ByAndBy(Outage):
    """An outage of 36 minutes before and after which, for a quarter of an hour, polls fail by turns."""

    def hits(self, minute: float) -> bool:
        edge = min(minute - self.begin, self.end - minute)
        return edge > 0 and (edge > 15 or edge % 5 < 3)


def _of(number: int, platform: str, phase: float, outage: Outage) -> list[Site]:
    return fleet(number, platform, lambda at: 0.1 + phase + at * 0.37 % 15, outage)


def _comes_and_goes(down: float, period: float, end: float = END, error: PollError = FAULT) -> Outage:
    return Outage(BEGIN, end, error, down, period)


ALONE = {
    f"{platform} {down} of {period} at {phase}": _of(1, platform, phase, _comes_and_goes(down, period))
    for platform in PLATFORMS
    for down, period in PERIODS
    for phase in PHASES
    # Polls five minutes apart fall into step with outages ten minutes apart: after the first one none is seen.
    if (platform, period) != ("bitrix24", 10)
}
MANY = {
    f"5 {platform} {down} of {period}": _of(5, platform, 2.5, _comes_and_goes(down, period))
    for platform in PLATFORMS
    for down, period in PERIODS
    if (platform, period) != ("bitrix24", 10)
} | {"40 wix 6 of 12": _of(40, "wix", 0.5, _comes_and_goes(6, 12))}
STEADY = {
    f"{platform} {name}": _of(5, platform, 4.5, outage)
    for platform in COLLECTORS
    for name, outage in {
        "once": Outage(BEGIN, BEGIN + 36, FAULT),
        "by and by": ByAndBy(BEGIN, BEGIN + 66, FAULT),
        "for forty minutes": _comes_and_goes(3, 8, BEGIN + 40),
        "retried": _comes_and_goes(0.4, 10),
    }.items()
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Return what of these alerts and of pages fires in each fleet."""
    fleets = ALONE | MANY | STEADY
    series = {name: row for job, sites in fleets.items() for name, row in series_of(job, sites, SEEN).items()}
    alerts = {TARGET, PLATFORM, "BookingSyncDataExpired"}
    found: dict[str, dict[int, set[str]]] = {job: {} for job in fleets}
    for minute, rows in firing(series, range(30, SEEN), tmp_path_factory.mktemp("unsteady"), alerts).items():
        for row in rows:
            found[row["job"]].setdefault(minute, set()).add(row["alertname"])
    return found


def _minutes(told: Mapping[int, set[str]], name: str) -> list[int]:
    return [minute for minute, names in told.items() if name in names]


@pytest.mark.servers
def test_a_target_that_comes_and_goes_is_a_ticket_until_it_has_been_steady_for_an_hour(told: Told) -> None:
    for job in ALONE:
        minutes = _minutes(told[job], TARGET)
        assert minutes == list(range(minutes[0], minutes[-1] + 1)), job
        assert minutes[0] <= BEGIN + 120, job
        assert minutes[-1] <= END + 66, job
        assert {TARGET} == set().union(*told[job].values()), job


@pytest.mark.servers
def test_many_that_come_and_go_are_one_ticket_which_begins_first_and_ends_last(told: Told) -> None:
    for job in MANY:
        shared, single = _minutes(told[job], PLATFORM), _minutes(told[job], TARGET)
        assert shared == list(range(shared[0], shared[-1] + 1)), job
        assert shared[0] + 10 < single[0], job
        assert single[-1] + 2 < shared[-1] <= END + 72, job
        assert {TARGET, PLATFORM} == set().union(*told[job].values()), job


@pytest.mark.servers
def test_an_outage_that_lasts_or_is_soon_over_is_not_said_to_come_and_go(told: Told) -> None:
    for job in STEADY:
        assert set() == {TARGET, PLATFORM} & set().union(*told[job].values()), job
    assert "BookingSyncDataExpired" in set().union(*told["wix by and by"].values())
