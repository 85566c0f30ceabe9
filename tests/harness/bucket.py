"""The leaky bucket of a portal, and the refusal that empties it."""

from __future__ import annotations

from typing import Final

from exporter.errors import RateLimitedError
from exporter.platforms.limiter import LeakyBucket
from tests.harness.clock import ManualClock
from tests.harness.events import RecordedEvents

REFUSAL: Final = RateLimitedError("slow down", status=429, code="SLOW")


def bucket(clock: ManualClock, *, rate: float = 1.0, burst: float = 10.0) -> tuple[LeakyBucket, RecordedEvents]:
    """Return a full bucket, and what it tells of."""
    events = RecordedEvents()
    return LeakyBucket("salon", rate, burst, clock=clock, events=events), events
