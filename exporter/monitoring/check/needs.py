"""What a render wants of a Prometheus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from exporter.monitoring.check.rules import WantedGroup
from exporter.monitoring.check.sent_alerts import SentAlert
from exporter.monitoring.promql import TENANT_LABELS

SLOWEST_SCRAPE: Final = 60.0
"""Seconds between two scrapes with which one failed scrape changes nothing (see ``promql.RECENT``)."""

LOOK_BACKS: Final = ((8, "comparisons with last week"), (22, "BookingSyncIntakeSilent"), (31, "the average of 30 days"))
"""Days of data that are looked back over, and by what; a day more than the ranges, for what a range is made of."""

_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class PrometheusNeeds:
    """Its names, its rules, and what those need."""

    jobs: Sequence[str]
    groups: Sequence[WantedGroup]
    cluster_label: str = "cluster"
    hurry: int = 1
    alerts: Sequence[SentAlert] = ()

    @property
    def places(self) -> tuple[str, ...]:
        """The labels that tell installations apart."""
        return (self.cluster_label, *TENANT_LABELS[1:])

    @property
    def slowest_scrape(self) -> float:
        """The most seconds between two scrapes, in divided time as the ranges of the rules are."""
        return SLOWEST_SCRAPE / self.hurry

    @property
    def look_backs(self) -> Sequence[tuple[float, str]]:
        """Seconds of data that are looked back over, and by what; of an alert only where there is one."""
        names = {rule.name for group in self.groups for rule in group.rules}
        return [
            (days * _DAY / self.hurry, what) for days, what in LOOK_BACKS if what in names or not what.startswith("BookingSync")
        ]
