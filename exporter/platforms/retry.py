"""How patient a poll is."""

from __future__ import annotations

from typing import Final

MIN_POLL_BUDGET_SECONDS: Final = 240.0


def poll_budget_seconds(interval: float) -> float:
    """Return the seconds after which a poll gives up waiting: late is fine, but it ends before the scheduler ends it."""
    return max(2 * interval, MIN_POLL_BUDGET_SECONDS)
