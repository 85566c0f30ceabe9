"""How bookings come in over time, on any platform: an intake that runs on the clock, and the hours in which people can come.

Moments are Unix seconds of the simulator's clock.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol
from zoneinfo import ZoneInfo

OPENS: Final = 9
CLOSES: Final = 18
SUNDAY: Final = 6
HOUR: Final = 3600.0
DAY: Final = 86_400.0

_ARRIVALS_AT_ONCE: Final = 2_000
"""A clock that jumps by months does not fill the world without end."""


def free_hour(not_before: float, zone: ZoneInfo, *, taken: Callable[[float], bool]) -> float:
    """Return the first full hour in opening hours (Monday to Saturday, local time) that is not ``taken``."""
    start = -(-not_before // HOUR) * HOUR
    # Hours are walked in UTC, so that a day with 23 or 25 hours needs no thought.
    while taken(start) or not _open(start, zone):
        start += HOUR
    return start


def _open(start: float, zone: ZoneInfo) -> bool:
    local = datetime.fromtimestamp(start, zone)
    return local.weekday() != SUNDAY and OPENS <= local.hour < CLOSES


class Customers(Protocol):
    """What a diary needs of a platform: people who book, each in the platform's own way."""

    def arrive(self, at: float) -> object:
        """Let one customer book at the moment ``at``, if there is anything to book."""
        ...

    def gap(self, every: float) -> float:
        """Return the seconds until the next customer, when one comes about every ``every`` seconds."""
        ...


class Diary:
    """The intake of one business: a customer now and then, until it is stopped.

    Arrivals depend on the clock alone, not on when somebody looks. ``on_advance`` runs before each look.
    """

    def __init__(self, customers: Customers, now: Callable[[], float]) -> None:
        self.on_advance: Callable[[], None] | None = None
        self._customers = customers
        self._now = now
        self._next_arrival: float | None = None
        self._every = 0.0
        self._stopped = False

    def start_intake(self, every: float) -> None:
        """From now on a new booking arrives about every ``every`` seconds."""
        self._every, self._stopped = every, False
        self._next_arrival = self._now() + self._customers.gap(every)

    def stop_intake(self) -> None:
        """No new booking arrives: the booking form is broken."""
        self._stopped = True

    def resume_intake(self) -> None:
        """Bookings arrive again; what was missed stays missed."""
        self._catch_up()
        self._stopped = False

    def advance(self) -> None:
        """Let the bookings arrive that were made until now."""
        if self.on_advance:
            self.on_advance()
        self._catch_up()

    def _catch_up(self) -> None:
        if self._next_arrival is None:
            return
        for _ in range(_ARRIVALS_AT_ONCE):
            if self._next_arrival > self._now():
                return
            if not self._stopped:
                self._customers.arrive(self._next_arrival)
            self._next_arrival += self._customers.gap(self._every)
        self._next_arrival = self._now() + self._customers.gap(self._every)
