"""What was seen in one stretch of a run: processor time, memory, requests, lateness. Moments are seconds since it listened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tests.fleet.page import Buckets, PageNumbers
from tests.fleet.processes import FakeReport
from tests.fleet.scraper import Scrape
from tests.fleet.vitals import Process, Vitals
from tests.fleet.watch import Sample

START: Final = "until ready, and a minute after"
STOPPED: Final = "stopped, and a minute after"
WHOLE: Final = "whole run"
INTERVAL_SECONDS: Final = 60.0
"""The shortest interval of the default collectors: so long after a start and a standstill polls may be late."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """From ``since`` to ``until``. Shares are of one core; ``failures`` are the polls that began to fail, as the log tells."""

    name: str
    since: float
    until: float
    samples: Sequence[Sample]
    vitals: Sequence[Vitals]
    fake: FakeReport
    lag_seconds: float | None
    lateness: dict[str, Buckets]
    scrapes: Sequence[Scrape]
    failures: Counter[str]

    def share(self, process: Callable[[Vitals], Process | None]) -> float:
        """Return the share of a core that a process took."""
        seen = [(look.at, found.cpu_seconds) for look in self.vitals if (found := process(look)) is not None]
        if len(seen) < 2:
            return float("nan")
        (first, before), (last, after) = seen[0], seen[-1]
        return (after - before) / (last - first)

    @property
    def peak_mib(self) -> float:
        return max((look.exporter.memory_mib for look in self.vitals), default=float("nan"))

    @property
    def requests_per_second(self) -> float:
        return self.fake["requests"] / (self.until - self.since)


def stretches(length: float, *, ready: float | None, stop: tuple[float, float] | None) -> list[tuple[str, float, float]]:
    """Return name, beginning and end of each stretch of a run; ``stop`` is when the exporter was stopped, and for how long.

    First polls are all due at once, and as many begin as the core has time for: until the exporter is ready they are late, and
    those second ones that came due meanwhile are for an interval after that.
    """
    found: list[tuple[str, float, float]] = []
    at, seconds = stop or (length, 0.0)
    if ready is not None:
        settled = min(ready + INTERVAL_SECONDS, at)
        found += [(START, 0.0, settled), ("before the stop" if stop else "steady", settled, at)]
    if stop is not None:
        later = min(at + seconds + INTERVAL_SECONDS, length)
        found += [(STOPPED, at, later), ("after it", later, length)]
    return [*(one for one in found if one[2] > one[1]), (WHOLE, 0.0, length)]


def lag_between(pages: Sequence[PageNumbers], since: float, until: float) -> float | None:
    """Return the worst lag of the loop; each page tells that of the minute before it."""
    inside = [page.lag_seconds for page in pages if page.at <= until + 1 and (since == 0 or page.at >= since + 59)]
    return max(inside, default=None)


def lateness_between(pages: Sequence[PageNumbers], since: float, until: float) -> dict[str, Buckets]:
    """Return how late the polls between two moments began: the difference of the pages that were read last before them."""

    def last(moment: float) -> dict[str, Buckets]:
        return dict(next((page.lateness for page in reversed(pages) if page.at <= moment + 1), {}))

    before = last(since) if since else {}
    return {
        platform: {bound: number - before.get(platform, {}).get(bound, 0.0) for bound, number in buckets.items()}
        for platform, buckets in last(until).items()
    }


def within(buckets: Buckets, share: float) -> float:
    """Return the smallest bound of a histogram below which at least ``share`` of its values lie."""
    total = buckets.get(float("inf"), 0.0)
    return min((bound for bound, number in buckets.items() if number >= share * total), default=float("inf"))
