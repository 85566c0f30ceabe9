"""One target as the status board shows it: what of its rows, and what is said where there is nothing to show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from exporter.limits import BOARD_CONNECTIONS, CONNECTION_SERIES
from exporter.model import CollectorName, Message
from exporter.state.findings import Finding
from exporter.web import wording
from exporter.web.cards import Card
from exporter.web.status_types import BookingsWindow, CalendarConnection, Collector, LinksWindow, Target

LISTED: Final = BOARD_CONNECTIONS.number
LISTED_ALONE: Final = CONNECTION_SERIES.number  # all that a target has by default, where no other is on the page

NAMES_FOR: Final = 3  # targets in one command
_OF_SCHEDULES: Final = frozenset({CollectorName.CONNECTIONS, CollectorName.EVENTS})


class WindowRow(msgspec.Struct, frozen=True):
    """One window of a target: what its bookings and what its links say about it."""

    name: str
    bookings: BookingsWindow | None
    links: LinksWindow | None


class ShownTarget(msgspec.Struct, frozen=True):
    """One target on the page; ``connections`` has the broken ones first, ``more_connections`` counts those left out."""

    status: Target
    unfolded: bool
    connections: Sequence[CalendarConnection]
    more_connections: int
    windows: Sequence[WindowRow]

    def collector(self, name: str) -> Collector | None:
        """Return the collector of that name, or ``None`` when the target does not have it."""
        return next((row for row in self.status.collectors if row.name == name), None)

    def absence(self, collector: str) -> str:
        """Say why ``collector`` has nothing to show here; an absent number is never a zero."""
        found = self.collector(collector)
        if found is None or found.data_at is not None:
            return Message("not measured")
        if found.data_expired:
            return Message("withdrawn, too old")
        return Message("not polled yet") if found.condition == "waiting" else Message("no data")

    def is_last_known(self, row: CalendarConnection) -> bool:
        """Return whether the newest poll brought nothing of ``row``: its provider failed, or the whole poll did."""
        collector = self.collector("connections")
        seen = self.status.connections
        return (collector is not None and collector.condition == "failing") or (seen is not None and row.observed_at < seen.at)


def shown_target(target: Target, rows: Sequence[CalendarConnection], *, unfolded: bool, alone: bool) -> ShownTarget:
    """Return ``target`` with its connections ``rows``; all of them when it is ``alone`` on the page."""
    listed = LISTED_ALONE if alone else LISTED
    rows = sorted(
        rows, key=lambda row: (not row.broken, wording.STATUS_ORDER.index(row.status), wording.natural(row.connection))
    )
    dropped = target.connections.dropped_connections if target.connections else 0
    return ShownTarget(
        status=target,
        unfolded=unfolded,
        connections=rows[:listed],
        more_connections=max(0, len(rows) - listed) + dropped,
        windows=_windows(target),
    )


def unnamed(card: Card) -> Sequence[str]:
    """Return the first targets of ``card`` of which it shows an id, since the configuration has no name for it."""
    found = [place.target for place in card.first if any(map(_is_unnamed, place.subjects))]
    return tuple(dict.fromkeys(found))[:NAMES_FOR]


def _is_unnamed(found: Finding) -> bool:
    if found.conflict:
        return found.subject == found.conflict.resource
    return found.collector in _OF_SCHEDULES and wording.is_id(found.subject)


def _windows(target: Target) -> list[WindowRow]:
    bookings = {row.window: row for row in target.bookings.windows} if target.bookings else {}
    links = {row.window: row for row in target.links.windows} if target.links else {}
    return [WindowRow(name, bookings.get(name), links.get(name)) for name in dict.fromkeys((*bookings, *links))]
