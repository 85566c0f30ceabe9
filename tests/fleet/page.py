"""The few numbers of a metrics page that a run is judged by, picked out of its lines: a fleet's page has millions."""

from __future__ import annotations

import asyncio
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Final

import httpx

PAGE_SECONDS: Final = 60.0
"""The longest wait for one page."""

_PREFIX: Final = "booking_sync_"
_LAG: Final = f"{_PREFIX}event_loop_lag_seconds "
_LATENESS: Final = f"{_PREFIX}poll_lateness_seconds_bucket{{"
_POLLS: Final = f"{_PREFIX}collector_polls_total{{"
_FAILURES: Final = f"{_PREFIX}collector_failures_total{{"
_WANTED: Final = (_LAG, _LATENESS, _POLLS, _FAILURES)
_LABEL: Final = re.compile(r'(\w+)="([^"]*)"')

Buckets = dict[float, float]
"""A histogram: how many values lie at or below each bound."""


@dataclass
class PageNumbers:
    """``lateness`` is by platform; ``polls`` and ``failures`` (by reason) are of the targets on the page, summed."""

    at: float
    lag_seconds: float = 0.0
    lateness: defaultdict[str, Buckets] = field(default_factory=lambda: defaultdict(dict))
    polls: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    size: int = 0

    def read(self, line: str) -> None:
        """Take what ``line`` tells, if it is one of those that count."""
        if not line.startswith(_WANTED):
            return
        number = float(line.rpartition(" ")[2])
        labels = dict(_LABEL.findall(line))
        if line.startswith(_LAG):
            self.lag_seconds = number
        elif line.startswith(_LATENESS):
            self.lateness[labels["platform"]][float(labels["le"])] = number
        elif line.startswith(_POLLS):
            self.polls += int(number)
        elif number:
            self.failures[labels["reason"]] += int(number)


async def read_page(url: str, *, at: float, target: str | None = None) -> PageNumbers | None:
    """Scrape as Prometheus does, compressed; ``target`` narrows the page to one. ``None`` without a whole answer in time."""
    numbers = PageNumbers(at)
    try:
        async with (
            asyncio.timeout(PAGE_SECONDS),
            httpx.AsyncClient(trust_env=False, timeout=PAGE_SECONDS) as http,
            http.stream("GET", f"{url}/metrics", params={"target": target} if target else {}) as response,
        ):
            response.raise_for_status()
            async for line in response.aiter_lines():
                numbers.size += len(line) + 1
                numbers.read(line)
    except (httpx.HTTPError, TimeoutError):
        return None
    return numbers
