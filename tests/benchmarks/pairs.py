"""What it costs to judge a pair after a poll of each of its ends: 500 bookings against 10,000 busy times of its calendar.

The other busy times are private dates that the platform knows. The worst case has none of the bookings in the calendar; then
500 pairs of the usual size, each polled once at both ends. All of it is in the event loop, which stands still meanwhile. To
parse what a calendar's server says is not in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from exporter.calendar_busy import BusyObservation, Period
from exporter.model import BookingsObservation
from exporter.paired_bookings import PairedBooking, PairedBookings
from exporter.private_calendar import EventsObservation, PairedEvents
from exporter.proof import PairSpec
from exporter.state.pairs import Pairs
from tests.benchmarks.figures import Figure, in_turns
from tests.benchmarks.goals import PAIR_JUDGED, PAIR_WORST, PAIRS_JUDGED
from tests.benchmarks.report import main

NOW: Final = 1_790_000_000.0
DAY: Final = 86_400.0
MINUTE: Final = 60.0
PERIODS: Final = 10_000
BOOKINGS: Final = 500
PAIRS: Final = 500
MAX_AGE: Final = 900.0


def booked_among(busy: Sequence[Period], now: float, number: int) -> Sequence[Period]:
    """Return ``number`` of the busy times of the week after ``now``, evenly spread: those that are of bookings."""
    ahead = [one for one in busy if now + DAY / 24 < one[0] < now + 7 * DAY]
    return ahead[:: max(1, len(ahead) // number)][:number]


class Polled:
    """Pairs whose ends are polled, each pair with targets of its own."""

    def __init__(self, number: int, bookings: int, periods: int, *, arrive: bool) -> None:
        self.pairs = Pairs()
        self.pairs.arrange([PairSpec(f"p{pair}", f"site-{pair}", "chair", f"cal-{pair}", 1800.0) for pair in range(number)])
        self.number, self.now = number, NOW
        step = 9 * DAY / periods
        busy: list[Period] = [(NOW - DAY + at * step, NOW - DAY + (at + 0.6) * step) for at in range(periods)]
        booked = booked_among(busy, NOW, bookings)
        taken = set(booked)
        self.rows = tuple(PairedBooking(f"b{at}", *one) for at, one in enumerate(booked))
        self.busy = tuple(one for one in busy if arrive or one not in taken)
        self.known = tuple(one for one in busy if one not in taken)

    def poll(self) -> float:
        """Let every pair have its polls; returns the processor time in milliseconds."""
        self.now += 5 * MINUTE
        span = self.now - DAY, self.now + 8 * DAY
        paired = (PairedBookings("chair", *span, self.rows),)
        events = (PairedEvents("chair", self.now, self.now + 7 * DAY, self.known),)
        began = time.process_time()
        for pair in range(self.number):
            site, calendar = f"site-{pair}", f"cal-{pair}"
            for target, observation in (
                (site, EventsObservation(self.now, (), paired=events)),
                (calendar, BusyObservation(self.now + 1, *span, self.busy)),
                (site, BookingsObservation(self.now + 3, (), paired=paired)),
            ):
                self.pairs.observed(target, observation, observation.at + 1, max_age=MAX_AGE)
            self.pairs.proofs(site, self.now + 5)
        return (time.process_time() - began) * 1000


def figures(rounds: int) -> list[Figure]:
    """Measure a large pair, the worst one, and many of the usual size; each has seen some polls before."""
    measured = {
        "large": Polled(1, BOOKINGS, PERIODS, arrive=True),
        "worst": Polled(1, BOOKINGS, PERIODS, arrive=False),
        "many": Polled(PAIRS, 40, 60, arrive=True),
    }
    for polled in measured.values():
        for _ in range(10):
            polled.poll()
    ways: dict[str, Callable[[], float]] = {name: polled.poll for name, polled in measured.items()}
    taken = in_turns(rounds, ways)
    polls = "polls of both ends and of the private events"
    return [
        Figure(f"{BOOKINGS} bookings, {PERIODS:,} busy times: {polls}, judged", "ms", taken["large"], goal=PAIR_JUDGED),
        Figure("the same, none of the bookings is in the calendar", "ms", taken["worst"], goal=PAIR_WORST),
        Figure(f"{PAIRS} pairs of 40 bookings and 60 busy times: {polls}, judged", "ms", taken["many"], goal=PAIRS_JUDGED),
    ]


if __name__ == "__main__":
    main("pairs", __doc__, figures)
