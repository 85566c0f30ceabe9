"""Proof of life of the intake: bookings that were made, and bookings that are gone before their start."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from exporter.platforms.base import Events
from exporter.platforms.wix.booking_rows import BookingRow
from exporter.platforms.wix.reader import BookingsReader, bound, matching

LAG_SECONDS: Final = 900.0
"""The reader is eventually consistent: every poll looks back this far behind the last one, for bookings that came late."""


class Intake:
    """Counts new and vanished bookings of one site from poll to poll; the first poll only looks.

    New means made: asked by ``createdDate``, so a booking for next year counts on the day it is made, and one that merely
    enters a window as time goes by does not.
    """

    def __init__(self, reader: BookingsReader, statuses: Sequence[str], events: Events) -> None:
        self._reader = reader
        self._statuses = statuses
        self._events = events
        self._seen: dict[str, float] = {}
        self._asked_at: float | None = None
        self._ahead: dict[str, float] = {}

    async def note_new(self, now: float) -> None:
        """Count the bookings made since the last poll that were not counted before."""
        since = (now if self._asked_at is None else self._asked_at) - LAG_SECONDS
        rows = await self._reader.read(matching(self._statuses, bound("createdDate", "$gte", since)), sort="createdDate")
        fresh = {row.booking.id: now for row in rows.rows if row.booking.id not in self._seen}
        if self._asked_at is not None and fresh:
            self._events.bookings_discovered(len(fresh))
        # What is asked for next time starts at `now` minus the lag, so only ids that can come again are kept.
        listed = {row.booking.id for row in rows.rows}
        self._seen = {key: at for key, at in (self._seen | fresh).items() if key in listed or at > now - 2 * LAG_SECONDS}
        self._asked_at = now

    def note_gone(self, rows: Iterable[BookingRow], now: float, *, start: float, end: float) -> None:
        """Count the bookings that the last complete read had and this one, of ``[start, end)``, has not.

        Only starts that still lie ahead count: cancelled, deleted or moved out of sight.
        """
        starts = {row.booking.id: row.booking.start for row in rows}
        gone = sum(at > now and start <= at < end for key, at in self._ahead.items() if key not in starts)
        if gone:
            self._events.bookings_vanished(gone)
        self._ahead = {key: at for key, at in starts.items() if at > now}
