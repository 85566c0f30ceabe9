"""Whether bookings still arrive at a target: what was new in each hour of the last eight days, and nothing else.

A small business has days without a new booking, so silence is told only by the same day of the week before. Kept for the life
of the process: who was started less than eight days ago cannot know.
"""

from __future__ import annotations

from array import array
from typing import Final

from exporter.state.verdict import SILENT_SECONDS, USUAL_BEFORE_SECONDS

_HOUR: Final = 3600.0
_DAY: Final = int(SILENT_SECONDS / _HOUR)
_BEFORE: Final = int(USUAL_BEFORE_SECONDS / _HOUR)
_KEPT: Final = _BEFORE + _DAY
_SEEN_OF_DAY: Final = 0.9
"""In so many of the last hours a poll succeeded: else nobody could have seen them."""
_MAX_COUNT: Final = 65_535


class IntakeHistory:
    """New bookings of one target by the hour."""

    __slots__ = ("_began", "_hour", "_new", "_quiet", "_seen", "_total", "_usual")

    def __init__(self) -> None:
        self._quiet: float | None = None  # when a silence of a day began
        self._usual = 0
        self._new = array("H", bytes(2 * _KEPT))  # a ring, by the hour
        self._seen = 0  # one bit for each of the last hours, the newest the lowest
        self._hour = self._began = 0
        self._total: float | None = None

    def note(self, total: float, at: float) -> None:
        """Note after a successful poll that ``total`` new bookings were counted until ``at``, a moment of ``Clock.steady``."""
        hour = int(at // _HOUR)
        if self._total is None:
            self._hour, self._began, self._total = hour, hour, total
        for passed in range(max(self._hour + 1, hour - _KEPT + 1), hour + 1):
            self._new[passed % _KEPT] = 0
        self._seen = (self._seen << min(hour - self._hour, _DAY) | 1) & ((1 << _DAY) - 1)
        self._hour = hour
        place = hour % _KEPT
        self._new[place] = min(_MAX_COUNT, self._new[place] + int(max(0.0, total - self._total)))
        self._total = total
        self._quiet, self._usual = self._quiet_since(), self._between(_BEFORE, _KEPT)

    def silent_since(self, min_bookings: int) -> float | None:
        """Return when the silence began, ``None`` unless there is one, and ``min_bookings`` were usual a week before.

        The moment is in Unix seconds.
        """
        return self._quiet if self._usual >= min_bookings else None

    def _quiet_since(self) -> float | None:
        is_known = self._hour - self._began >= _KEPT - 1 and self._seen.bit_count() > _SEEN_OF_DAY * _DAY
        if not is_known or self._between(0, _DAY):
            return None
        quiet = next((back for back in range(_DAY, _KEPT) if self._between(back, back + 1)), _KEPT)
        return (self._hour - quiet + 1) * _HOUR

    def _between(self, newest: int, oldest: int) -> int:
        """Return how many were new from ``oldest`` (exclusive) to ``newest`` hours ago."""
        return sum(self._new[(self._hour - back) % _KEPT] for back in range(newest, oldest))
