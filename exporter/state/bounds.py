"""Between which bounds a threshold of ``verdicts:`` is of use: by how long its alert waits, and how far back its data goes.

The alerts take their holds from here, so that no hold can outgrow the least threshold that a user may choose.
"""

from __future__ import annotations

from math import ceil
from typing import Final

import msgspec

from exporter.model import CollectorName
from exporter.state.changes import DAY_SECONDS, WEEK_SECONDS

_MINUTE: Final = 60.0
_SEEN: Final = 3 * _MINUTE
"""What a poll brought is scraped, recorded and looked at by an alert: each once a minute at the slowest."""

_LOOK_BACK: Final = 3 * _MINUTE
"""For how long alerts go on seeing a state that is over, so that one failed scrape changes nothing."""

_STEP: Final = 5 * _MINUTE
_INTERVALS: Final = {
    CollectorName.CONNECTIONS: _MINUTE,
    CollectorName.BOOKINGS: 5 * _MINUTE,
    CollectorName.EVENTS: 10 * _MINUTE,
    CollectorName.SLOTS: 30 * _MINUTE,
    CollectorName.BUSY: 5 * _MINUTE,
}
"""The default intervals of the collectors, on every platform that has them."""


class ThresholdBounds(msgspec.Struct, frozen=True):
    """A threshold that is a time. ``collector`` brings what is judged, ``max_seconds`` is its greatest value.

    ``hold`` is how long the alert waits, in seconds; 0 where the threshold itself is its hold.
    """

    collector: CollectorName
    max_seconds: float
    hold: float = 0.0

    def alert_delay_seconds(self, interval: float = 0.0) -> float:
        """Return the seconds until an alert tells of what is polled every ``interval`` seconds, by default as shipped."""
        return (interval or _INTERVALS[self.collector]) + _SEEN + self.hold

    def min_seconds(self, interval: float = 0.0) -> float:
        """Return the least value that is of use, in steps of five minutes.

        When the alert comes at least half of the time is left to act. A state that lasts has been seen by a second poll,
        after what the look-back of the alerts adds to it.
        """
        polled = interval or _INTERVALS[self.collector]
        seconds = 2 * self.alert_delay_seconds(polled) if self.hold else polled + _LOOK_BACK + _MINUTE
        return ceil(seconds / _STEP) * _STEP


CONFLICT_SOON: Final = ThresholdBounds(CollectorName.BOOKINGS, WEEK_SECONDS, hold=10 * _MINUTE)
EXTERNAL_CONFLICT_SOON: Final = ThresholdBounds(CollectorName.EVENTS, WEEK_SECONDS, hold=10 * _MINUTE)
CONNECTIONS_DOWN: Final = ThresholdBounds(CollectorName.CONNECTIONS, WEEK_SECONDS, hold=10 * _MINUTE)
DISCONNECTED: Final = ThresholdBounds(CollectorName.CONNECTIONS, WEEK_SECONDS, hold=15 * _MINUTE)
CREDENTIAL_EXPIRY: Final = ThresholdBounds(CollectorName.BOOKINGS, 365 * DAY_SECONDS, hold=10 * _MINUTE)
STUCK: Final = ThresholdBounds(CollectorName.CONNECTIONS, DAY_SECONDS)
UNCLEAR: Final = STUCK
"""Overlaps are looked for in a week, and states are remembered for one."""

STALE_INTERVALS: Final = 5
"""After so many intervals without data that is old, whether a poll is overdue or fails."""

MAX_OVERDUE_INTERVALS: Final = STALE_INTERVALS - 1
"""The last poll that succeeded lies one more interval back than the next one is overdue."""
