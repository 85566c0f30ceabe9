"""The collector ``bookings``: how many bookings start in each window (docs/platforms/wix.md 6).

Normally it only counts: one call per window and status, no personal data moves. With ``conflicts: true``, and when Wix
refuses to count, it reads the rows instead and counts them itself. Those of resources that a pair names it reads besides.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from typing import Final

import structlog
from msgspec.structs import replace

from exporter.counting import Booking, conflict_reach, count_windows, find_conflicts, hull, next_start, resolve_all
from exporter.errors import PollError, TargetConfigError
from exporter.model import BookingsObservation, Window, WindowBookings
from exporter.platforms.base import PollResult, Services
from exporter.platforms.decoding import off_the_loop
from exporter.platforms.wix.api import WixApi
from exporter.platforms.wix.booking_rows import BookingRow
from exporter.platforms.wix.intake import IntakeCounter
from exporter.platforms.wix.marks import COUNT_AGAIN_SECONDS, REFUSED, PlatformMarks
from exporter.platforms.wix.paging import BookingsReader, Filter, Rows, bound, matching, readable
from exporter.platforms.wix.paired import PairedReader, ReadRange
from exporter.platforms.wix.settings import WixBookings, WixTarget

log = structlog.get_logger(__name__)

ON_THE_CALENDAR: Final = frozenset({"confirmed", "pending"})
"""Only these can double-book somebody; the others are over, or were never on the calendar (wix.md 6.3)."""

_CALENDAR_STATUSES: Final = tuple(sorted(status.upper() for status in ON_THE_CALENDAR))
_OFF_THE_CALENDAR: Final = ("CANCELED", "DECLINED")


class BookingsCollector:
    """Booking counts of one site, all for one frozen now; ``bookings`` is the sum over the configured statuses."""

    def __init__(self, api: WixApi, target: WixTarget, settings: WixBookings, services: Services) -> None:
        self._target = target
        self._settings = settings
        self._services = services
        self._statuses = tuple(dict.fromkeys(settings.statuses))
        self._lower_statuses = tuple(status.lower() for status in self._statuses)
        self._calendar_statuses = tuple(status for status in self._statuses if status.lower() in ON_THE_CALENDAR)
        self._reader = BookingsReader(api, services.events, services.admission, settings)
        self._intake = IntakeCounter(self._reader, self._statuses, services.events)
        self._marks = PlatformMarks(self._reader, self._calendar_statuses, services.clock, target.name)
        self._paired = PairedReader(api, services, settings)
        self._read_rows_until = float("-inf")

    async def poll(self) -> PollResult:
        at = self._services.clock.steady()
        # Whole milliseconds: what the API understands is then exactly the window that we show.
        now = math.floor(self._services.clock.time() * 1000) / 1000
        windows = resolve_all(self._settings.windows, now, self._target.timezone)
        if self._settings.conflicts:
            polled = await self._with_conflicts(at, now, windows)
        else:
            counts = await self._counts(windows)
            paired, failure = await self._paired.read(now)
            polled = PollResult(BookingsObservation(at, counts, paired=paired), failure)
        return await self._marks.added_to(polled, now) if self._settings.platform_conflicts else polled

    async def _counts(self, windows: Sequence[Window]) -> tuple[WindowBookings, ...]:
        clock = self._services.clock
        if clock.monotonic() < self._read_rows_until:
            return await self._counts_from_rows(windows)
        try:
            return tuple([await self._count(window) for window in windows])
        except REFUSED as refusal:
            try:
                counts = await self._counts_from_rows(windows)
            except (*REFUSED, TargetConfigError):  # refused as well, or too many to read
                raise refusal from None  # nothing is open to us, so the first answer is the one to show
            self._read_rows_until = clock.monotonic() + COUNT_AGAIN_SECONDS
            self._marks.refused(refusal)
            self._log_refusal(refusal)
            return counts

    async def _count(self, window: Window) -> WindowBookings:
        bounds = bound("startDate", "$gte", window.start), bound("startDate", "$lt", window.end)
        by_status = {status.lower(): await self._reader.count(matching([status], *bounds)) for status in self._statuses}
        return WindowBookings(window, sum(by_status.values()), by_status=by_status)

    async def _counts_from_rows(self, windows: Sequence[Window]) -> tuple[WindowBookings, ...]:
        start, end = hull(windows)
        read = readable(await self._read(bound("startDate", "$gte", start), bound("startDate", "$lt", end)))
        return await off_the_loop(self._services.admission, len(read.rows), self._count_rows, read, windows, None)

    async def _with_conflicts(self, at: float, now: float, windows: Sequence[Window]) -> PollResult:
        start, end = hull(windows)
        # A booking that began before the windows can conflict with one in them, hence endDate.
        read = readable(await self._read(bound("endDate", "$gte", start), bound("startDate", "$lt", end)))
        admission = self._services.admission
        reach = await off_the_loop(admission, len(read.rows), self._reach, read, windows)
        if reach and reach[1] > end:
            beyond = await self._read(bound("startDate", "$gte", end), bound("startDate", "$lt", reach[1]))
            rows = {row.booking.id: row for row in (*read.rows, *beyond.rows)}
            if len(rows) > self._settings.max_bookings:
                raise self._reader.too_many_bookings()
            read = Rows(tuple(rows.values()), read.complete and beyond.complete)
        next_booking = await self._next_booking(read, now, start, end)
        failure = await self._note_new(now)
        if read.complete:
            self._intake.note_read(_bookings(read.rows), now, start=start, end=end)
        observation = await off_the_loop(admission, len(read.rows), self._observation, read, at, now, windows, next_booking)
        known = ReadRange(read.rows, read.complete, start, end, self._statuses)
        paired, trouble = await self._paired.read(now, known)
        return PollResult(replace(observation, paired=paired), failure or trouble)

    async def _note_new(self, now: float) -> PollError | None:
        """Count new bookings. What was read whole is published whatever becomes of this question; its failure shows."""
        try:
            await self._intake.note_new(now)
        except PollError as error:
            return error
        return None

    def _reach(self, read: Rows, windows: Sequence[Window]) -> tuple[float, float] | None:
        return conflict_reach(_bookings(_on_the_calendar(read)), windows, "start", self._settings.overlapping_resources)

    def _observation(
        self, read: Rows, at: float, now: float, windows: Sequence[Window], next_booking: float | None
    ) -> BookingsObservation:
        accepted = self._services.policy().at(now).bookings.keys()
        sessions = _Sessions(_on_the_calendar(read), accepted)
        found = find_conflicts(
            sessions.representatives,
            windows,
            "start",
            now=now,
            overlapping_resources=self._settings.overlapping_resources,
            accepted=accepted,
        )
        return BookingsObservation(
            at,
            self._count_rows(read, windows, sessions.members(found.ids), sessions.members(found.accepted)),
            next_booking=next_booking,
            measures_next=bool(self._calendar_statuses),
            conflicts=found.first,
            next_conflict=found.next,
            unknown_accepted=tuple(sorted(accepted - {row.booking.id for row in read.rows})) if read.complete else (),
        )

    async def _read(self, *bounds: Filter) -> Rows:
        read = await self._reader.read(matching(self._statuses, *bounds), sort="startDate")
        return Rows(tuple(row for row in read.rows if row.booking.status in self._lower_statuses), read.complete)

    def _count_rows(
        self, read: Rows, windows: Sequence[Window], conflicting: frozenset[str] | None, accepted: frozenset[str] = frozenset()
    ) -> tuple[WindowBookings, ...]:
        return count_windows(
            _bookings(read.rows),
            windows,
            "start",
            conflicting=conflicting,
            accepted=accepted,
            statuses=self._lower_statuses,
            complete=read.complete,
        )

    async def _next_booking(self, read: Rows, now: float, start: float, end: float) -> float | None:
        """Return when the next booking after ``now`` starts; rows cover ``[start, end)``, what lies outside is asked for."""
        if not self._calendar_statuses:
            return None
        covered = start <= now < end
        if covered and (found := next_start(_bookings(_on_the_calendar(read)), now, end)) is not None:
            return found
        after = bound("startDate", "$gte", end) if covered else bound("startDate", "$gt", now)
        first = await self._reader.first(matching(self._calendar_statuses, after), sort="startDate")
        return first.booking.start if first else None

    def _log_refusal(self, refusal: PollError) -> None:
        log.warning(
            "wix_count_refused",
            target=self._target.name,
            **refusal.facts() | {"message": f"{refusal.message}; reading the rows instead"},
        )


class _Sessions:
    """Bookings of one class share its event: they overlap on the teacher by design, and speak with one voice outwards.

    One that is ``accepted`` (ids) speaks for its class, since all of them overlap with the same.
    """

    def __init__(self, rows: Sequence[BookingRow], accepted: Collection[str]) -> None:
        groups: dict[object, list[Booking]] = {}
        for row in sorted(rows, key=lambda row: (row.booking.id not in accepted, row.booking.id)):
            booking = row.booking
            groups.setdefault((row.session, booking.start) if row.session else booking.id, []).append(booking)
        self.representatives = [group[0] for group in groups.values()]
        self._groups = {group[0].id: group for group in groups.values()}

    def members(self, representatives: Iterable[str]) -> frozenset[str]:
        """Return the ids of all bookings for which ``representatives`` speak."""
        return frozenset(booking.id for speaker in representatives for booking in self._groups[speaker])


def _bookings(rows: Iterable[BookingRow]) -> list[Booking]:
    return [row.booking for row in rows]


def _on_the_calendar(read: Rows) -> list[BookingRow]:
    return [row for row in read.rows if row.booking.status in ON_THE_CALENDAR]


def taken_off_the_calendar(start: float, end: float, since: float) -> Filter:
    """Return the filter for bookings of ``[start, end)`` that were cancelled or declined after ``since``, Unix seconds."""
    return matching(
        _OFF_THE_CALENDAR, bound("endDate", "$gt", start), bound("startDate", "$lt", end), bound("updatedDate", "$gt", since)
    )


def on_the_calendar(start: float, end: float | None = None) -> Filter:
    """Return the filter for bookings that take time in ``[start, end)``, Unix seconds; without ``end`` that begin after it."""
    if end is None:
        return matching(_CALENDAR_STATUSES, bound("startDate", "$gte", start))
    return matching(_CALENDAR_STATUSES, bound("endDate", "$gt", start), bound("startDate", "$lt", end))
