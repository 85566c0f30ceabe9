"""Proof of life of the intake: bookings that were made, and bookings that are gone before their start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Final

from msgspec.structs import replace

from exporter.counting import Booking, CompleteRead, Table, apart, gone_bookings, joined, new_ids
from exporter.limits import GONE_BOOKINGS
from exporter.platforms.base import Events
from exporter.platforms.wix.paging import BookingsReader, bound, matching

LAG_SECONDS: Final = 900.0
"""The reader is eventually consistent: every poll looks back this far behind the newest booking, for those that came late."""


class IntakeCounter:
    """Counts new and vanished bookings of one site from poll to poll; the first poll only looks.

    New means made: asked by ``createdDate``, so a booking for next year counts on the day it is made, and one that merely
    enters a window as time goes by does not. Where to go on is told by Wix's own moments and not by our clock: one that is
    fast would look for bookings of the future, one that jumped back would count a whole day anew.
    """

    def __init__(self, reader: BookingsReader, statuses: Sequence[str], events: Events) -> None:
        self._reader = reader
        self._statuses = statuses
        self._events = events
        self._seen: Mapping[str, float] = {}  # id: when it was made; what was noted last comes last
        self._newest: float | None = None
        self._last: CompleteRead | None = None
        self._gone = Table()  # what earlier reads showed and the last one did not; what went last comes last

    async def note_new(self, now: float) -> None:
        """Count the bookings made since the last poll that were not counted before."""
        newest = now if self._newest is None else self._newest
        since = bound("createdDate", "$gte", newest - LAG_SECONDS)
        rows = await self._reader.read(matching(self._statuses, since), sort="createdDate")
        made = {row.booking.id: now if row.created is None else row.created for row in rows.rows}
        fresh = made.keys() - self._seen.keys()
        if self._newest is not None and fresh:
            self._events.bookings_discovered(len(fresh))
        # A moment that lies ahead is somebody's slip, and waiting for it would miss all that is made until then.
        self._newest = newest = max(newest, min(now, max(made.values(), default=newest)))
        # Asking goes on at `newest` minus the lag, so only ids that can come again are kept.
        self._seen = {key: at for key, at in self._seen.items() if at > newest - 2 * LAG_SECONDS}
        self._note(made)

    def note_read(self, bookings: Iterable[Booking], now: float, *, start: float, end: float) -> None:
        """Count what a complete read of ``[start, end)`` is the first to show, and what it no longer shows.

        Those that it is the first to show, where the last one looked, too, were made with another status, elsewhere in the
        diary, or long before the reader showed them. Call it after :meth:`note_new`; nothing counts twice. Those that are
        gone count when their start still lies ahead: cancelled, deleted or moved out of sight.
        """
        read = CompleteRead(start, end, "start", Table.of(bookings).times())
        if self._last is not None:
            known = joined([self._gone, self._last.bookings])
            fresh = new_ids(replace(self._last, bookings=known), read) - self._seen.keys()
            if fresh:
                self._events.bookings_discovered(len(fresh))
                self._note(dict.fromkeys(fresh, now))
            if gone := len(gone_bookings(self._last, read, now)):
                self._events.bookings_vanished(gone)
            # What is gone may come back, and is not new then.
            away, _ = apart(known, read.bookings)
            ahead = [position for position, begins in enumerate(away.starts) if begins >= start]
            self._gone = away.rows(ahead[-GONE_BOOKINGS.number :])
        self._last = read

    def _note(self, made: Mapping[str, float]) -> None:
        self._seen = {**_newest({key: at for key, at in self._seen.items() if key not in made}), **made}


def _newest(noted: Mapping[str, float]) -> Mapping[str, float]:
    """Return the end of ``noted``: a site that shows other bookings with every read must not fill the memory with them."""
    return dict(islice(noted.items(), max(0, len(noted) - GONE_BOOKINGS.number), None))
