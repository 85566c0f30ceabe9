"""The staff's calendar: a copy of each booking whose resource stands for users of the portal (bitrix24.md 16 and 17.2).

A portal has no copies until somebody links a resource. Moments are Unix seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from exporter.simulator import canary
from exporter.simulator.bitrix24.world import Booking, PortalWorld, calendar_event

_FIRST_ID: Final = 5001
_WEEKLY: Final[Mapping[str, object]] = {"FREQ": "WEEKLY", "INTERVAL": 1}


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    """One event. ``users`` are the people in whose calendars it stands, its host first; ``status`` is the host's answer."""

    id: int
    start: int
    end: int
    users: tuple[int, ...]
    name: str = ""
    event_type: str | None = "booking"
    status: str | None = "H"
    deleted: bool = False
    whole_day: bool = False
    repeats: bool = False

    def to_json(self) -> dict[str, object]:
        """Return the event as ``calendar.event.getbyid`` shows it: much of it is personal data."""
        host = str(self.users[0])
        return {
            "ID": str(self.id),
            "PARENT_ID": str(self.id),
            "DELETED": "Y" if self.deleted else "N",
            "CAL_TYPE": "user",
            "OWNER_ID": host,
            "NAME": self.name,
            "DATE_FROM_TS_UTC": str(self.start),
            "DATE_TO_TS_UTC": str(self.end),
            "DT_SKIP_TIME": "Y" if self.whole_day else "N",
            "EVENT_TYPE": self.event_type,
            "CREATED_BY": host,
            "DESCRIPTION": f"{canary.TITLE}; {canary.PHONE}, {canary.EMAIL}",
            "ACCESSIBILITY": "busy",
            "IS_MEETING": True,
            "MEETING_STATUS": self.status,
            "MEETING_HOST": host,
            "MEETING": {"HOST_NAME": f"{canary.FIRST_NAME} {canary.LAST_NAME}", "MAIL_FROM": canary.EMAIL},
            "LOCATION": canary.TITLE,
            "REMIND": [{"type": "min", "count": 15}, {"type": "min", "count": 60}],
            "RRULE": dict(_WEEKLY) if self.repeats else "",
            "SECTION_ID": "4",
            "SYNC_STATUS": None,
            "ATTENDEE_LIST": [{"id": user, "entryId": str(self.id), "status": "Y"} for user in self.users],
        }


@dataclass(slots=True)
class StaffCalendar:
    """The events of a portal, those that copy ``world``'s bookings.

    ``unseen_users`` are the people whose calendars the caller may not look into. ``remakes`` says that a booking that changes
    gets another event instead of the same one at another time: both were read in the source.
    """

    world: PortalWorld
    unseen_users: set[int] = field(default_factory=set)
    remakes: bool = False
    _users: dict[int, tuple[int, ...]] = field(default_factory=dict)
    _events: dict[int, CalendarEvent] = field(default_factory=dict)
    _copies: dict[int, tuple[int, Booking]] = field(default_factory=dict)

    def link(self, resource_id: int, *users: int) -> None:
        """Let the resource stand for ``users``: its bookings are copied from now on, and those that there are."""
        self._users[resource_id] = users
        self.world.follow = self._follow
        for booking in self.world.bookings():
            if resource_id in booking.resource_ids:
                self.world.edit_booking(booking.id)

    def copy_of(self, booking_id: int) -> CalendarEvent:
        """Return the copy of a booking. Raises :class:`KeyError` where it has none."""
        return self._events[self._copies[booking_id][0]]

    def _copy(self, booking_id: int) -> CalendarEvent | None:
        return self._events[self._copies[booking_id][0]] if booking_id in self._copies else None

    def edit(self, booking_id: int, **changes: Any) -> None:  # noqa: ANN401  the fields of CalendarEvent
        """Change the copy of a booking behind the booking's back. Raises :class:`KeyError` where it has none."""
        event = self.copy_of(booking_id)
        self._events[event.id] = replace(event, **changes)

    def shift(self, booking_id: int, seconds: int) -> None:
        """Move the copy of a booking and not the booking, as an hour of summer time that is counted twice does."""
        event = self.copy_of(booking_id)
        self.edit(booking_id, start=event.start + seconds, end=event.end + seconds)

    def shift_all(self, resource_id: int, seconds: int, *, after: float) -> Callable[[], None]:
        """Move the copies of the bookings of a resource that begin after a moment; the returned function moves them back."""
        ahead = [booking for booking in self.world.bookings() if resource_id in booking.resource_ids and booking.start > after]
        before = {event.id: event for booking in ahead if (event := self._copy(booking.id)) is not None}
        for event in before.values():
            self._events[event.id] = replace(event, start=event.start + seconds, end=event.end + seconds)

        def back() -> None:
            for event in before.values():
                now = self._events[event.id]
                if now.start == event.start + seconds:
                    self._events[event.id] = replace(now, start=event.start, end=event.end)

        return back

    def event(self, number: int) -> CalendarEvent | None:
        """Return an event, a deleted one as well, or ``None`` where there is none."""
        return self._events.get(number)

    def may_be_seen(self, event: CalendarEvent) -> bool:
        """Return whether the caller may look into the calendar of the event's host."""
        return event.users[0] not in self.unseen_users

    def _follow(self, booking: Booking) -> Booking:
        """Let the copy be as ``booking`` is by now; returns the booking with the copy's id."""
        users = tuple(dict.fromkeys(user for resource in booking.resource_ids for user in self._users.get(resource, ())))
        known = self._copies.get(booking.id)
        if known is None:
            return booking if booking.deleted or not users else self._copied(booking, users)
        event_id, before = known
        if booking.deleted:
            self._events[event_id] = replace(self._events[event_id], deleted=True)
        elif (booking.start, booking.end) != (before.start, before.end):
            if self.remakes:
                self._events[event_id] = replace(self._events[event_id], deleted=True)
                return self._copied(booking, users)
            self._events[event_id] = replace(self._events[event_id], start=booking.start, end=booking.end)
        self._copies[booking.id] = (event_id, booking)
        return booking

    def _copied(self, booking: Booking, users: tuple[int, ...]) -> Booking:
        number = _FIRST_ID + len(self._events)
        name = f"Specialist: {booking.name}"
        repeats = booking.until is not None
        self._events[number] = CalendarEvent(number, booking.start, booking.end, users, name=name, repeats=repeats)
        self._copies[booking.id] = (number, booking)
        others = tuple(link for link in booking.links if link.module != "calendar")
        return replace(booking, links=(*others, calendar_event(number)))
