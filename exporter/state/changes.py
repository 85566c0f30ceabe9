"""Which states a connection or a collector had: the oldest first, the present one last. Pure functions over such lists.

A list begins with the state that held seven days ago, or with the first that was seen, so its first entry is no change of
these days; each other one is (docs/decisions/0155).
Moments are Unix seconds (``float``).
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from exporter.errors import Reason
from exporter.limits import KEPT_CHANGES
from exporter.model import Change

Changes = tuple[Change, ...]

DAY_SECONDS: Final = 24 * 3600.0
WEEK_SECONDS: Final = 7 * DAY_SECONDS

FLAPPING_TIMES: Final = 6
"""Changes within a day from which on something flaps: three times broken and back. A calendar that is connected anew after a
failure makes five at most: error, disconnected, connected, sync_in_progress, synced."""

# States of a collector; those of a connection are its status. Data that was withdrawn stays so until a poll brings new.
OK: Final = "ok"
WITHDRAWN: Final = "expired"
_FAILING: Final = "failing"


def failing(reason: Reason) -> str:
    """Return the state of a collector whose newest poll failed for ``reason``."""
    return f"{_FAILING} {reason.value}"


def recent(changes: Changes, now: float) -> Changes:
    """Return the states of ``changes`` that held within the last week, the newest where there are too many."""
    first = max(0, len(changes) - KEPT_CHANGES.number)
    while first + 1 < len(changes) and changes[first + 1].at <= now - WEEK_SECONDS:
        first += 1
    return changes[first:] if first else changes


def in_order(changes: Changes, until: float) -> Changes:
    """Return ``changes`` without moments that no right clock had: before 1970, after ``until``, or after a newer one."""
    kept: list[Change] = []
    for change in reversed(changes):
        if 0 <= change.at <= until:
            kept.append(change)
            until = change.at
    return changes if len(kept) == len(changes) else tuple(reversed(kept))


def changed_times(changes: Changes, now: float, seconds: float) -> int:
    """Return how often the state changed within the last ``seconds``, as far as it is remembered."""
    return sum(change.at > now - seconds for change in changes[1:])


def is_flapping(changes: Changes, now: float) -> bool:
    """Return whether the state changed so often within a day that the present one says little."""
    return changed_times(changes, now, DAY_SECONDS) >= FLAPPING_TIMES


def failing_since(changes: Changes) -> Change | None:
    """Return the first of the states of a collector since it was last ``ok``; ``None`` when it is, or was never polled.

    It is not ``known`` to be the first where nothing is remembered of the time before.
    """
    for position in range(len(changes) - 1, -1, -1):
        if changes[position].state == OK:
            return changes[position + 1] if position + 1 < len(changes) else None
    return replace(changes[0], known=False) if changes else None
