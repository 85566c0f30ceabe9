"""Bookings that were cancelled or moved so lately that their copies may still stand in private calendars (wix.md 5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from exporter.counting import Taken
from exporter.platforms.wix.bookings import taken_off_the_calendar
from exporter.platforms.wix.paging import BookingsReader, taken_time

COPIES_STAY_SECONDS: Final = 3600.0
"""The copy of a booking that was cancelled or moved may come back for so long: Wix takes minutes for each direction."""

_UNWATCHED_SECONDS: Final = 1200.0
"""Who did not look for so long has to ask which bookings were cancelled meanwhile."""


class FormerBookings:
    """Remembers when bookings took time, and asks for those that were cancelled while nobody looked: after a start, say.

    A booking that was moved while nobody looked has left no trace of when it was.
    """

    def __init__(self, reader: BookingsReader) -> None:
        self._reader = reader
        self._seen: Mapping[Taken, float] = {}  # and when each was last there (steady)
        self._looked_at = float("-inf")  # steady

    async def beside(self, present: Iterable[Taken], now: float, until: float, at: float) -> frozenset[Taken]:
        """Return those that took time in ``[now, until)`` lately and are not among the ``present`` ones.

        ``now`` and ``until`` are Unix seconds of the wall clock, and ``at`` is ``now`` on the steady one. Raises
        :class:`~exporter.errors.PollError` for what cannot be read.
        """
        known = {booking: seen for booking, seen in self._seen.items() if at - seen <= COPIES_STAY_SECONDS}
        if at - self._looked_at > _UNWATCHED_SECONDS:
            read = await self._reader.read(taken_off_the_calendar(now, until, now - COPIES_STAY_SECONDS), sort="startDate")
            for row in read.rows:
                if row.schedule:
                    known.setdefault(taken_time(row), at - max(0.0, now - (row.updated or now)))
        there = frozenset(present)
        self._seen = {**known, **dict.fromkeys(there, at)}
        self._looked_at = at
        return frozenset(known.keys() - there)
