"""Which private events have been there long enough that Wix should keep their time free (docs/platforms/wix.md 7.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from exporter.counting import Busy
from exporter.platforms.wix.busy_times import BusyTimes
from exporter.platforms.wix.event_memory import key_of
from exporter.private_calendar import EventMemory

SETTLED_SECONDS: Final = 900.0
"""An event counts so long after it was first seen: by then Wix keeps the time of a new one free."""


class Settled(msgspec.Struct, frozen=True):
    """The events that count. Those ``missed`` were not among what could be read now, and may be there all the same."""

    seen: frozenset[Busy]
    missed: frozenset[Busy] = frozenset()

    def confirmed(self, there: BusyTimes) -> Settled:
        """Return what is left when these are ``there`` by a second look."""
        return Settled(self.seen & there.events, frozenset() if there.whole else self.missed | (self.seen - there.events))


class SettledEvents:
    """The private events of a site, each with when it was first and last seen.

    One that is gone since does not count; what a provider that fails does not tell is missed for ``max_age``, in seconds.
    """

    def __init__(self, max_age: float) -> None:
        self._max_age = max_age
        self._known: Mapping[Busy, tuple[float, float]] = {}  # when it was first seen, and last (steady)
        self._has_looked = False

    def among(self, busy: BusyTimes, memory: EventMemory | None, *, now: float, at: float) -> Settled:
        """Return those of the ``busy`` times that are not over and were first seen long enough before ``at``.

        That is a moment of the steady clock, and ``now`` the same on the wall.
        ``memory`` is what the collector ``events`` remembers of them. Without it, all that are seen first after a start count.
        """
        missed = {
            event: (first, last)
            for event, (first, last) in self._known.items()
            if not busy.whole and event not in busy.events and event.end > now and at - last <= self._max_age
        }
        seen = {event: (self._first_seen(event, busy.at, memory), busy.at) for event in busy.events}
        self._known = {**missed, **seen}
        self._has_looked = self._has_looked or busy.whole or bool(seen)
        return Settled(*(frozenset(row for row in rows if at - rows[row][0] >= SETTLED_SECONDS) for rows in (seen, missed)))

    def _first_seen(self, event: Busy, at: float, memory: EventMemory | None) -> float:
        """Return since when ``event`` is there; -inf where that may be long, as of what the first poll that looks finds."""
        if event in self._known:
            return self._known[event][0]
        first, missing_before = (at, 0.0) if memory is None else memory.seen.get(key_of(event), (at, at))
        return first if self._has_looked or missing_before else float("-inf")
