"""What a portal lets its callers spend: requests per second and operating time (bitrix24.md section 6).

Moments are Unix seconds of the simulator's clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

BUCKET_SECONDS: Final = 60.0
OPERATING_WINDOW_SECONDS: Final = 600.0
BAN_SECONDS: Final = 300.0
FLOOR_SECONDS: Final = 0.1
"""A call that took less is not added."""

PLANS: Final = {"standard": (2.0, 50.0), "enterprise": (5.0, 250.0)}
"""Leak Y per second and threshold X by plan."""


class LeakyBucket:
    """The counter of one portal and one source address.

    ``pressure`` is the rate (requests per second) at which other applications at the same address call the portal; at or
    above the leak the bucket fills and stays full. A refused call counts too, but never lifts the counter beyond one over the
    threshold, so hammering prolongs the wait and does not make it endless.
    """

    def __init__(self, now: float, leak: float, threshold: float) -> None:
        self.leak = leak
        self.threshold = threshold
        self._level = 0.0
        self._at = now

    def level(self, now: float, pressure: float) -> float:
        """Return the counter at ``now``."""
        self._level += (pressure - self.leak) * max(0.0, now - self._at)
        top = self.threshold if pressure > self.leak else self._level
        self._level = max(0.0, min(self._level, top))
        self._at = now
        return self._level

    def admit(self, now: float, pressure: float) -> bool:
        """Count one request and tell whether it may pass."""
        self._level = min(self.level(now, pressure) + 1.0, self.threshold + 1.0)
        return self._level <= self.threshold

    def fill(self, now: float) -> None:
        """Let another application use up the whole allowance at once."""
        self._level, self._at = self.threshold, now


@dataclass(slots=True)
class _Minute:
    began: float
    seconds: float


@dataclass(slots=True)
class _Counter:
    minutes: list[_Minute] = field(default_factory=list)
    banned_until: float = 0.0


class OperatingTime:
    """Seconds spent per credential and method in ten one-minute buckets.

    ``per_method`` is the documented accounting: the oldest bucket drops out ten minutes after its first call. ``batch_half``
    is that of the newest source: crossing the limit bans for five minutes and clears the buckets.
    """

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self._counters: dict[tuple[str, str], _Counter] = {}

    def blocked(self, credential: str, method: str, now: float) -> bool:
        """Tell whether the next call is refused; asked before each call."""
        counter = self._counter(credential, method, now)
        return counter.banned_until > now or sum(minute.seconds for minute in counter.minutes) >= self.limit

    def spend(
        self, credential: str, method: str, seconds: float, now: float, accounting: Literal["per_method", "batch_half"]
    ) -> None:
        """Add the cost of one call; the call that crosses the limit is not harmed."""
        if seconds < FLOOR_SECONDS:
            return
        counter = self._counter(credential, method, now)
        if counter.minutes and now < counter.minutes[-1].began + BUCKET_SECONDS:
            counter.minutes[-1].seconds += seconds
        else:
            counter.minutes.append(_Minute(now, seconds))
        if accounting == "batch_half" and sum(minute.seconds for minute in counter.minutes) >= self.limit:
            counter.minutes.clear()
            counter.banned_until = now + BAN_SECONDS

    def spent(self, credential: str, method: str, now: float) -> tuple[float, int | None]:
        """Return the seconds summed so far and the epoch second at which they begin to fall, if they do."""
        counter = self._counter(credential, method, now)
        if counter.banned_until > now:
            return 0.0, int(counter.banned_until)
        if not counter.minutes:
            return 0.0, None
        total = sum(minute.seconds for minute in counter.minutes)
        return round(total, 6), int(counter.minutes[0].began + OPERATING_WINDOW_SECONDS)

    def _counter(self, credential: str, method: str, now: float) -> _Counter:
        counter = self._counters.setdefault((credential, method), _Counter())
        while counter.minutes and counter.minutes[0].began + OPERATING_WINDOW_SECONDS <= now:
            del counter.minutes[0]
        return counter
