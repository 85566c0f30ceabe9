"""Bookings and events of the resources that a pair names, to be compared with their owners' own calendars.

Only confirmed bookings have to be there: of one that waits for the merchant nobody knows whether Wix writes it into a calendar
(docs/platforms/wix.md 6.3), so it accounts for busy time and is never missing. The platform knows of both that the time is
taken.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from exporter.errors import PollError
from exporter.model import CollectorName, Period
from exporter.paired_bookings import PairedBooking, PairedBookings, paired_range
from exporter.platforms.base import Services
from exporter.platforms.decoding import off_the_loop
from exporter.platforms.wix.api import WixApi
from exporter.platforms.wix.booking_rows import BookingRow
from exporter.platforms.wix.event_rows import EventRow
from exporter.platforms.wix.paging import BookingsReader, Rows, bound, matching, readable
from exporter.platforms.wix.settings import WixBookings
from exporter.private_calendar import PairedEvents

_CONFIRMED: Final = "confirmed"
_STATUSES: Final = ("CONFIRMED", "PENDING")
_TAKING: Final = frozenset(map(str.lower, _STATUSES))


class ReadRange(Rows, frozen=True):
    """All bookings of the ``statuses`` (as the API writes them) that overlap ``[start, end)``, Unix seconds."""

    start: float
    end: float
    statuses: Collection[str]


class PairedReader:
    """Reads the bookings of one site that pairs ask for; what a poll has read anyway is not asked for again."""

    def __init__(self, api: WixApi, services: Services, settings: WixBookings) -> None:
        self._services = services
        self._reader = BookingsReader(
            api, services.events, services.admission, settings, CollectorName.BOOKINGS, has_chosen_windows=False
        )

    async def read(self, now: float, known: ReadRange | None = None) -> tuple[tuple[PairedBookings, ...], PollError | None]:
        """Return the bookings of each resource that a pair names, at ``now`` (Unix seconds), and why there are none.

        ``known`` are rows that this poll has read. A failure costs these bookings alone, and is one of the poll.
        """
        resources = self._services.paired()
        if not resources:
            return (), None
        start, end = paired_range(now)
        try:
            read = await self._rows(start, end, known)
        except PollError as error:
            return (), error
        admission = self._services.admission
        return await off_the_loop(admission, len(read.rows), _paired_bookings, resources, read, start, end), None

    async def _rows(self, start: float, end: float, known: ReadRange | None) -> Rows:
        if known is None or not set(known.statuses).issuperset(_STATUSES) or known.end <= start or known.start >= end:
            return readable(await self._overlapping(start, end))
        parts: list[Rows] = [known]
        if start < known.start:
            parts.append(await self._overlapping(start, known.start))
        if known.end < end:
            later = bound("startDate", "$gte", known.end), bound("startDate", "$lt", end)
            parts.append(await self._reader.read(matching(_STATUSES, *later), sort="startDate"))
        rows = {row.booking.id: row for part in parts for row in part.rows}
        return Rows(tuple(rows.values()), all(part.complete for part in parts))

    async def _overlapping(self, start: float, end: float) -> Rows:
        bounds = bound("endDate", "$gt", start), bound("startDate", "$lt", end)
        return await self._reader.read(matching(_STATUSES, *bounds), sort="startDate")

    async def check(self, now: float) -> None:
        """Try to read a booking after ``now`` (Unix seconds). Raises :class:`~exporter.errors.PollError` as a poll would."""
        await self._reader.first(matching(_STATUSES, bound("startDate", "$gte", now)), sort="startDate")


def _paired_bookings(
    resources: Mapping[str, frozenset[str]], read: Rows, start: float, end: float
) -> tuple[PairedBookings, ...]:
    found: dict[str, list[PairedBooking]] = {resource: [] for resource in resources}
    waiting: dict[str, list[Period]] = {resource: [] for resource in resources}
    endless = set[str]()
    by_id: dict[str, list[str]] = {}
    for resource, wanted in resources.items():
        for one in wanted:
            by_id.setdefault(one, []).append(resource)
    for row in _on_the_calendar(read.rows, start, end):
        booking = row.booking
        for resource in {resource for one in _ids_of(row) for resource in by_id.get(one, ())}:
            if booking.end > booking.start and booking.status != _CONFIRMED:
                waiting[resource].append((booking.start, booking.end))
            elif booking.end > booking.start:
                paired = PairedBooking(booking.id, booking.start, booking.end, row.created, row.updated)
                found[resource].append(paired)
            else:  # nobody knows how much time it takes
                endless.add(resource)
    return tuple(
        PairedBookings(
            resource,
            start,
            end,
            tuple(sorted(bookings, key=lambda booking: (booking.start, booking.end, booking.id))),
            read.complete and resource not in endless,
            tuple(sorted(waiting[resource])),
            resources[resource],
        )
        for resource, bookings in found.items()
    )


def _on_the_calendar(rows: Iterable[BookingRow], start: float, end: float) -> Iterator[BookingRow]:
    """Yield the bookings, confirmed or waiting, that take time of somebody between ``start`` and ``end``."""
    for row in rows:
        booking = row.booking
        if booking.status in _TAKING and row.schedule and booking.start < end and booking.end > start:
            yield row


def _ids_of(row: BookingRow) -> frozenset[str]:
    return frozenset({row.schedule.lower(), *map(str.lower, row.booking.resources)})


def paired_events(
    resources: Mapping[str, frozenset[str]],
    events: Iterable[EventRow],
    bookings: Sequence[BookingRow],
    start: float,
    end: float,
) -> tuple[PairedEvents, ...]:
    """Return what Wix knows to be busy for each of ``resources`` from ``start`` to ``end``, Unix seconds.

    ``events`` are all that it imported, ``bookings`` all that take somebody's time, waiting ones included.
    """
    by_id: dict[str, set[str]] = {}
    for row in bookings:
        if row.schedule:
            for one in _ids_of(row):
                by_id.setdefault(one, set()).add(row.schedule.lower())
    schedules = {resource: ids.union(*(by_id.get(one, ()) for one in ids)) for resource, ids in resources.items()}
    imported: dict[str, list[Period]] = {}
    for event in events:
        imported.setdefault(event.schedule_id.lower(), []).append((event.start, event.end))
    booked: dict[str, list[Period]] = {}
    for row in bookings:
        booked.setdefault(row.schedule.lower(), []).append((row.booking.start, row.booking.end))
    return tuple(
        PairedEvents(resource, start, end, _of_schedules(ids, imported), _of_schedules(ids, booked), resources[resource])
        for resource, ids in schedules.items()
    )


def _of_schedules(ids: Iterable[str], periods: Mapping[str, Sequence[Period]]) -> tuple[Period, ...]:
    return tuple(period for schedule in sorted(ids) for period in periods.get(schedule, ()))
