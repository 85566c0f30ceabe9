"""What goes wrong between a booking platform and an owner's calendar: each one sentence and one change of the world.

Each strikes the first sync partner of the world and its calendar, those of feeds the last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from exporter.simulator.calendar import Calendar
from exporter.simulator.diary import HOUR
from exporter.simulator.drills.incident import Incident, Undo
from exporter.simulator.drills.world import SimulatedWorld

_SOONEST: Final = 3 * HOUR  # as of the other incidents: whoever plays one for two hours still has it before them
_LATEST: Final = 20 * HOUR


@dataclass(frozen=True, slots=True)
class Mishap:
    """One thing that goes wrong: ``begin`` changes the world and returns the repair."""

    description: str
    changes: str
    begin: Callable[[SimulatedWorld], Undo]


def _sync_stopped(world: SimulatedWorld) -> Undo:
    partner = next(iter(world.partners), None)
    if partner is None:
        return _nothing
    partner.stop()
    # Somebody books soon, so that it can be seen.
    booked = partner.source.book(world.now() + _SOONEST)

    def undo() -> None:
        partner.source.cancel(booked)
        partner.resume()

    return undo


def _booking_lost(world: SimulatedWorld) -> Undo:
    partner = next(iter(world.partners), None)
    victim = None if partner is None else partner.next_copied(world.now() + _SOONEST, world.now() + _LATEST)
    if partner is None:
        return _nothing
    if victim is not None:
        partner.lose(victim.id)
        return lambda: partner.find(victim.id)
    # Before a day off nobody has one soon enough: somebody books, and that booking never arrives.
    booked = partner.source.book(world.now() + _SOONEST)
    partner.advance()
    partner.lose(booked)
    return lambda: partner.source.cancel(booked)


def _calendar_shifted(world: SimulatedWorld) -> Undo:
    partner = next(iter(world.partners), None)
    if partner is None:
        return _nothing
    partner.shift(2)
    return lambda: partner.shift(0)


def _cancelled_copy_stays(world: SimulatedWorld) -> Undo:
    partner = next(iter(world.partners), None)
    victim = None if partner is None else partner.next_copied(world.now() + _SOONEST, float("inf"))
    if partner is None or victim is None:
        return _nothing
    partner.leaves_cancelled = True
    partner.source.cancel(victim.id)

    def undo() -> None:
        partner.source.restore(victim.id)
        partner.leaves_cancelled = False

    return undo


def _copies_written_as_free(world: SimulatedWorld) -> Undo:
    partner = next(iter(world.partners), None)
    if partner is None:
        return _nothing
    partner.write_as_free()
    return lambda: partner.write_as_free(free=False)


def _calendar_password_changed(world: SimulatedWorld) -> Undo:
    partner = next(iter(world.partners), None)
    if partner is None:
        return _nothing
    owner = world.calendar.owners[partner.calendar.owner]
    before, owner.password = owner.password, f"not {owner.password}"

    def undo() -> None:
        owner.password = before

    return undo


def _calendar_deleted(world: SimulatedWorld) -> Undo:
    def delete(calendar: Calendar) -> Undo:
        calendar.deleted = True
        return lambda: setattr(calendar, "deleted", False)

    return delete(world.partners[0].calendar) if world.partners else _nothing


def _feed_frozen(world: SimulatedWorld) -> Undo:
    if not world.partners:
        return _nothing
    feed = world.partners[-1].calendar.feed
    feed.frozen_at = world.now()

    def undo() -> None:
        feed.frozen_at = None

    return undo


def _feed_is_html(world: SimulatedWorld) -> Undo:
    if not world.partners:
        return _nothing
    feed = world.partners[-1].calendar.feed
    feed.is_html = True

    def undo() -> None:
        feed.is_html = False

    return undo


def _nothing() -> None:
    """Undo nothing: the world has no partner."""


MISHAPS: Final[Mapping[str, Mishap]] = {
    "sync-stopped": Mishap(
        "Bookings no longer reach an owner's calendar, and no status says so.",
        "First sync partner: it does nothing any more, and one booking comes within a day.",
        _sync_stopped,
    ),
    "booking-lost": Mishap(
        "One booking is not in the owner's calendar, and all others are.",
        "First sync partner: the copy of one booking within a day is gone.",
        _booking_lost,
    ),
    "calendar-shifted": Mishap(
        "All bookings are in the owner's calendar, an hour too late.",
        "First sync partner: all copies are two half hours later than the bookings.",
        _calendar_shifted,
    ),
    "cancelled-copy-stays": Mishap(
        "A booking was cancelled, and the owner's calendar still keeps its time.",
        "First sync partner: the next booking is cancelled, and its copy stays.",
        _cancelled_copy_stays,
    ),
    "calendar-password-changed": Mishap(
        "The owner of a calendar changed the password that it is read with.",
        "Owner of the first partner's calendar: every request is 401.",
        _calendar_password_changed,
    ),
    "calendar-deleted": Mishap(
        "The owner deleted the calendar that bookings are copied into.",
        "First partner's calendar: every request is 404.",
        _calendar_deleted,
    ),
    "feed-frozen": Mishap(
        "The published feed of a calendar is no longer renewed.",
        "Last partner's calendar: its feed is the same bytes for ever.",
        _feed_frozen,
    ),
    "feed-is-html": Mishap(
        "The published feed of a calendar is a sign-in page.",
        "Last partner's calendar: its feed is 200 with HTML.",
        _feed_is_html,
    ),
    "copies-written-as-free": Mishap(
        "The copies of bookings are marked as free, so the calendar never says that their owner is busy.",
        "First sync partner: all copies are transparent.",
        _copies_written_as_free,
    ),
}
"""By name; a drill plays those of them that are told by an alert of their own: `CALENDAR_INCIDENTS`."""


def _incident(name: str, alert: str, *, minutes: float, after_grace: bool = True) -> Incident:
    mishap = MISHAPS[name]
    return Incident(
        name,
        mishap.description,
        mishap.changes,
        alert,
        mishap.begin,
        on_board_after=0,
        pages_after=minutes * 60,
        after_grace=after_grace,
    )


CALENDAR_INCIDENTS: Final = (
    _incident("booking-lost", "BookingSyncBookingNotInCalendar", minutes=95),
    _incident("cancelled-copy-stays", "BookingSyncCancelledBookingStillInCalendar", minutes=137),
    _incident("calendar-shifted", "BookingSyncCalendarShifted", minutes=97),
    _incident("calendar-password-changed", "BookingSyncAccessDenied", minutes=22, after_grace=False),
)
"""Those that a drill plays."""
