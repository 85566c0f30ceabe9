"""Which private events have been there long enough that Wix should keep their time free (docs/platforms/wix.md 7.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from exporter.counting import Busy
from exporter.platforms.wix.busy_times import BusyTimes
from exporter.platforms.wix.event_memory import key_of
from exporter.private_calendar import EventMemory

SETTLED_SECONDS: Final = 900.0
"""An event counts so long after it was first seen: by then Wix keeps the time of a new one free."""


class SettledEvents:
    """The private events of a site, each with when it was first seen.

    One that is gone since does not count; what a provider that fails no longer tells stays for ``max_age``, in seconds.
    """

    def __init__(self, max_age: float) -> None:
        self._max_age = max_age
        self._seen: Mapping[Busy, float] | None = None  # since when (steady)
        self._whole_at = float("-inf")  # steady

    def among(self, busy: BusyTimes, memory: EventMemory | None, *, now: float, at: float) -> frozenset[Busy]:
        """Return those of the ``busy`` times that are not over and were first seen long enough before ``at``.

        That is a moment of the steady clock, and ``now`` the same on the wall.
        ``memory`` is what the collector ``events`` remembers of them. Without it, all that are seen first after a start count.
        """
        if busy.whole:
            self._whole_at = busy.at
        stay = not busy.whole and busy.at - self._whole_at <= self._max_age
        known = self._seen or {}
        seen = {event: since for event, since in known.items() if stay and event.end > now}
        for event in busy.events:
            seen[event] = known[event] if event in known else self._first_seen(event, busy.at, memory)
        self._seen = seen
        return frozenset(event for event, first in seen.items() if at - first >= SETTLED_SECONDS)

    def _first_seen(self, event: Busy, at: float, memory: EventMemory | None) -> float:
        """Return since when ``event`` is there; -inf where that may be long, as of what the first poll that looks finds."""
        is_first = self._seen is None
        first, missing_before = (at, 0.0) if memory is None else memory.seen.get(key_of(event), (at, at))
        return float("-inf") if is_first and not missing_before else first
