"""What a booking platform and a calendar company do together: bookings become entries, and entries private events.

A partner does it well until it is told how to fail. What it does depends on the clock alone, not on when somebody looks.
Moments are Unix seconds of the simulator's clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

from exporter.simulator.bitrix24.portal import Portal
from exporter.simulator.calendar import Calendar, Entry
from exporter.simulator.diary import HOUR
from exporter.simulator.stage import Stage
from exporter.simulator.wix.bookings import Staff
from exporter.simulator.wix.private_events import PrivateEvent
from exporter.simulator.wix.providers import GOOGLE, Provider
from exporter.simulator.wix.world import Site

HALF_HOUR: Final = 1800.0


@dataclass(frozen=True, slots=True)
class SourceBooking:
    """One booking as the partner learns of it: ``changed`` is when it became what it is, if the platform says so."""

    id: str
    start: float
    end: float
    made: float
    changed: float | None = None
    live: bool = True


class Source(Protocol):
    """The bookings of one resource of a platform."""

    def bookings(self) -> Iterator[SourceBooking]:
        """Give all bookings; one that is gone is not live, or is not given any more."""
        ...

    def book(self, not_before: float) -> str:
        """Book the next free hour of the resource and return the id."""
        ...

    def cancel(self, booking_id: str) -> None:
        """Cancel a booking. Raises :class:`KeyError` for one that is not there."""
        ...

    def restore(self, booking_id: str) -> None:
        """Undo :meth:`cancel`. Raises :class:`KeyError` for a booking that was never there."""
        ...


@dataclass(frozen=True, slots=True)
class WixSource:
    """The confirmed bookings of a staff member of a Wix site."""

    site: Site
    staff: Staff

    def bookings(self) -> Iterator[SourceBooking]:
        for row in self.site.bookings:
            if row.resource_id == self.staff.resource_id and not row.is_course:
                live = row.status == "CONFIRMED"
                yield SourceBooking(row.id, row.start, row.end, row.created, row.updated, live)

    def book(self, not_before: float) -> str:
        start = self.site.bookings.free_slot(self.staff, not_before)
        return self.site.bookings.add(start, start + HOUR, staff=self.staff)

    def cancel(self, booking_id: str) -> None:
        self.site.bookings.cancel(booking_id)

    def restore(self, booking_id: str) -> None:
        self.site.bookings.amend(booking_id, status="CONFIRMED")


@dataclass(frozen=True, slots=True)
class Bitrix24Source:
    """The bookings of a resource of a Bitrix24 portal; those that recur have no end that could be copied."""

    portal: Portal
    resource_id: int
    now: Callable[[], float]

    def bookings(self) -> Iterator[SourceBooking]:
        for row in self.portal.world.bookings():
            if self.resource_id in row.resource_ids and row.until is None:
                yield SourceBooking(str(row.id), float(row.start), float(row.end), float(row.created))

    def book(self, not_before: float) -> str:
        start = -(-not_before // HOUR) * HOUR
        while any(row.start < start + HOUR and start < row.end for row in self.bookings()):
            start += HOUR
        return str(self.portal.customers.book(int(start), self.resource_id, created=self.now()).id)

    def cancel(self, booking_id: str) -> None:
        self.portal.world.delete_booking(int(booking_id))

    def restore(self, booking_id: str) -> None:
        self.portal.world.edit_booking(int(booking_id), deleted=False)


@dataclass(slots=True)
class _Task:
    """What is to be done about one booking, or has been done."""

    start: float
    end: float
    due: float
    live: bool = True
    lost: bool = False
    done: bool = False
    written: tuple[str, ...] = field(default_factory=tuple)


class SyncPartner:
    """Copies the bookings of ``source`` into ``calendar``, each ``lag_seconds`` after it was made, changed or cancelled.

    ``spread_seconds`` more are drawn for each booking. What may go wrong is an attribute or a method: of the bookings that
    come each ``lose_every``-th is lost, copies of cancelled ones stay while ``leaves_cancelled``, and what is written while
    ``duplicates`` is written twice. Bookings that are there at the start are copied at once.
    """

    def __init__(
        self, source: Source, calendar: Calendar, stage: Stage, *, lag_seconds: float = 120.0, spread_seconds: float = 0.0
    ) -> None:
        self.source = source
        self.calendar = calendar
        self.lag_seconds = lag_seconds
        self.spread_seconds = spread_seconds
        self.lose_every = 0
        self.leaves_cancelled = False
        self.duplicates = False
        self._stage = stage
        self._half_hours = 0
        self._free = False
        self._stopped = False
        self._since = float("-inf")
        self._noticed = 0
        self._tasks: dict[str, _Task] = {}
        self._uids: set[str] = set()
        for booking in source.bookings():
            if booking.live:
                self._tasks[booking.id] = _Task(booking.start, booking.end, stage.now())
        self._carry_out(stage.now())

    # What may go wrong

    def stop(self) -> None:
        """Do nothing from now on, and notice nothing."""
        self.advance()
        self._stopped = True

    def resume(self) -> None:
        """Go on; what was missed is made up for, after the usual lag."""
        self._stopped, self._since = False, self._stage.now()

    def disconnect(self) -> None:
        """Stop and take all copies away, as a calendar that is disconnected loses them."""
        self.stop()
        self.calendar.remove(*self._uids)
        self._uids.clear()
        self._tasks.clear()

    def lose(self, booking_id: str) -> None:
        """Lose the copy of a booking, or do not make it. Raises :class:`KeyError` for a booking that was not noticed."""
        task = self._tasks[booking_id]
        task.lost = True
        self._erase(task, self._stage.now())

    def find(self, booking_id: str) -> None:
        """Undo :meth:`lose`: the copy is written again. Raises :class:`KeyError` for a booking that was not noticed."""
        task = self._tasks[booking_id]
        task.lost, task.done, task.due = False, False, self._stage.now()

    def shift(self, half_hours: int) -> None:
        """Write all copies, those that there are as well, so many half hours too late (negative: too early)."""
        self._half_hours = half_hours
        self._rewrite()

    def write_as_free(self, *, free: bool = True) -> None:
        """Mark all copies, those that there are as well, as free: free-busy queries then never show them."""
        self._free = free
        self._rewrite()

    def sweep(self) -> None:
        """Take the copies of cancelled bookings away that were left behind."""
        for task in self._tasks.values():
            if not task.live:
                self._erase(task, self._stage.now())

    # What there is

    def copies(self, booking_id: str) -> list[Entry]:
        """Return the entries that are copies of a booking."""
        task = self._tasks.get(booking_id)
        return [self.calendar[uid] for uid in task.written if uid in self.calendar] if task else []

    def is_copy(self, uid: str) -> bool:
        """Return whether an entry is one of the copies."""
        return uid in self._uids

    def next_copied(self, after: float, before: float) -> SourceBooking | None:
        """Return the first booking with a copy that begins between two moments, or ``None``."""
        there = (booking for booking in self.source.bookings() if booking.live and after <= booking.start < before)
        return min((one for one in there if self.copies(one.id)), key=lambda one: (one.start, one.id), default=None)

    def advance(self) -> None:
        """Catch up with the clock."""
        if self._stopped:
            return
        now = self._stage.now()
        seen = set()
        for booking in self.source.bookings():
            seen.add(booking.id)
            self._notice(booking, now)
        for booking_id, task in self._tasks.items():
            if booking_id not in seen and task.live:
                task.live, task.done, task.due = False, False, now + self._lag(booking_id)
        self._carry_out(now)

    def _notice(self, booking: SourceBooking, now: float) -> None:
        task = self._tasks.get(booking.id)
        if task is None:
            if not booking.live:
                return
            self._noticed += 1
            lost = self.lose_every > 0 and self._noticed % self.lose_every == 0
            due = max(booking.made, self._since) + self._lag(booking.id)
            self._tasks[booking.id] = _Task(booking.start, booking.end, due, lost=lost)
        elif (booking.start, booking.end, booking.live) != (task.start, task.end, task.live):
            changed = now if booking.changed is None else booking.changed
            task.start, task.end, task.live, task.done = booking.start, booking.end, booking.live, False
            task.due = max(changed, self._since) + self._lag(booking.id)

    def _carry_out(self, now: float) -> None:
        ready = [(task.due, booking_id) for booking_id, task in self._tasks.items() if not task.done and task.due <= now]
        for due, booking_id in sorted(ready):
            task = self._tasks[booking_id]
            task.done = True
            if task.live and not task.lost:
                self._write(booking_id, task, due)
            elif not (task.live or self.leaves_cancelled):
                self._erase(task, due)

    def _write(self, booking_id: str, task: _Task, at: float) -> None:
        shift = self._half_hours * HALF_HOUR
        uids = task.written or tuple(self._uid(booking_id, number) for number in range(1 + self.duplicates))
        task.written = uids
        self._uids.update(uids)
        start, end = task.start + shift, task.end + shift
        self.calendar.put(*(Entry(uid, start, end, transparent=self._free) for uid in uids), at=at)

    def _erase(self, task: _Task, at: float) -> None:
        if task.written:
            self.calendar.remove(*task.written, at=at)
            self._uids.difference_update(task.written)
        task.written = ()

    def _rewrite(self) -> None:
        for booking_id, task in self._tasks.items():
            if task.written:
                self._write(booking_id, task, self._stage.now())

    def _lag(self, booking_id: str) -> float:
        drawn = self._stage.random_for("sync", self.calendar.path, booking_id).random()
        return self.lag_seconds + self.spread_seconds * drawn

    def _uid(self, booking_id: str, number: int) -> str:
        return f"{self._stage.random_for('sync', self.calendar.path, booking_id, number).getrandbits(64):016x}@partner.example"


@dataclass(slots=True)
class ImportPartner:
    """Brings the entries of a calendar to a Wix site, as private events of one schedule, ``lag_seconds`` late.

    Copies of ``exporter`` stay where they are, unless they come home as ``echoes``.
    """

    calendar: Calendar
    site: Site
    schedule_id: str
    now: Callable[[], float]
    provider: Provider = GOOGLE
    lag_seconds: float = 60.0
    exporter: SyncPartner | None = None
    echoes: bool = False

    def start(self) -> None:
        """Begin: from now on the site shows what is in the calendar."""
        self.site.private.read_from(self.schedule_id, self.provider, self.events)

    def events(self, start: float, end: float) -> Iterator[PrivateEvent]:
        """Give each time of an entry that touches ``[start, end)``, as the calendar was some time ago."""
        for entry in self.calendar.at(self.now() - self.lag_seconds):
            copied = self.exporter is not None and self.exporter.is_copy(entry.uid)
            if entry.status == "CANCELLED" or (copied and not self.echoes):
                continue
            for one in entry.instances(start, end):
                yield PrivateEvent(one.start, one.end, all_day=entry.whole_days, transparent=entry.transparent)
