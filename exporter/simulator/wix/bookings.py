"""The bookings of a site: rows as the reader serves them, heavy with personal data, and how they come to be (wix.md 6).

Moments are Unix seconds of the simulator's clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from exporter.simulator import canary
from exporter.simulator.diary import HOUR, free_hour
from exporter.simulator.wix.connections import guid
from exporter.simulator.wix.filters import Field, FieldKind, utc_text
from exporter.simulator.wix.switches import Switches

ABSENT: Final = object()
"""A value in :attr:`Booking.patch` that takes the key away."""

_UTC: Final = ZoneInfo("UTC")
BOOKINGS_APP_ID: Final = "13d21c63-b5ec-5912-8397-c3a5ddb27a97"
"""The Wix Bookings app itself (wix.md 7)."""


class BookingKind(StrEnum):
    """What was booked; it is the tag of the booked entity."""

    INDIVIDUAL = "INDIVIDUAL"
    GROUP = "GROUP"
    COURSE = "COURSE"


@dataclass(frozen=True)
class Booking:
    """One booking. Moments are Unix seconds; ``patch`` goes over the row as served, to break what the API promises."""

    id: str
    start: float
    end: float
    schedule_id: str
    service_id: str
    status: str = "CONFIRMED"
    kind: BookingKind = BookingKind.INDIVIDUAL
    created: float = 0.0
    updated: float = 0.0
    resource_id: str | None = None
    location_id: str | None = None
    event_id: str | None = None
    participants: int = 1
    payment_status: str = "NOT_PAID"
    payment_option: str = "OFFLINE"
    double_booked: bool = False
    transparency: str | None = None
    zone: ZoneInfo = _UTC
    patch: Mapping[str, object] = field(default_factory=dict)

    @property
    def contact_id(self) -> str:
        """The invented id of the customer."""
        return guid(Random(f"contact:{self.id}"))  # noqa: S311  invented people, the same at each look

    @property
    def service_schedule_id(self) -> str:
        """The schedule of what was booked: of a course its own, else of the service, which is not that of the staff."""
        return self.schedule_id if self.is_course else guid(Random(f"schedule:{self.service_id}"))  # noqa: S311  ditto

    @property
    def is_course(self) -> bool:
        """Whether it is the booking of a course."""
        return self.kind is BookingKind.COURSE

    @cached_property
    def encoded(self) -> bytes:
        """The entry of ``extendedBookings`` as JSON."""
        return msgspec.json.encode({"booking": self.row(), "bookingPolicySettings": {"maxParticipantsPerBooking": 1}})

    def row(self) -> dict[str, object]:
        """Return the booking as the reader serves it."""
        milliseconds = int(self.id[-1], 16) % 2 == 0  # both spellings occur (wix.md 6.6)
        row: dict[str, object] = {
            "id": self.id,
            "bookedEntity": {
                **({"schedule": self._schedule()} if self.is_course else {"slot": self._slot(with_offset=milliseconds)}),
                "title": canary.TITLE,
                "tags": [self.kind.value],
            },
            "contactDetails": {
                "contactId": self.contact_id,
                "firstName": canary.FIRST_NAME,
                "lastName": canary.LAST_NAME,
                "email": canary.EMAIL,
                "phone": canary.PHONE,
                "fullAddress": {"addressLine": f"{canary.LAST_NAME}str. 1", "city": "Berlin", "country": "DE"},
                "timeZone": self.zone.key,
                "countryCode": "DE",
            },
            "additionalFields": [{"id": guid(Random(self.id)), "label": "Note", "value": canary.TITLE}],  # noqa: S311  ditto
            "status": self.status,
            "paymentStatus": self.payment_status,
            "selectedPaymentOption": self.payment_option,
            "createdDate": utc_text(self.created),
            "updatedDate": utc_text(self.updated),
            "startDate": utc_text(self.start, milliseconds=milliseconds),
            "endDate": utc_text(self.end, milliseconds=milliseconds),
            "revision": "1",
            "totalParticipants": self.participants,
            "createdBy": {"contactId": self.contact_id, "appId": BOOKINGS_APP_ID},
            "appId": BOOKINGS_APP_ID,
        }
        if self.double_booked:  # returned only when true (wix.md 6.2)
            row["doubleBooked"] = True
        return {key: value for key, value in (row | dict(self.patch)).items() if value is not ABSENT}

    def _slot(self, *, with_offset: bool) -> dict[str, object]:
        slot: dict[str, object] = {
            "serviceId": self.service_id,
            "scheduleId": self.service_schedule_id,
            "startDate": self._local(self.start, with_offset=with_offset),
            "endDate": self._local(self.end, with_offset=with_offset),
            "timezone": self.zone.key,
            "location": {"id": self.location_id, "name": "Main", "locationType": "OWNER_BUSINESS"},
            "eventId": self.event_id,
        }
        if self.resource_id is not None:
            name = f"{canary.FIRST_NAME} {canary.LAST_NAME}"
            slot["resource"] = {
                "id": self.resource_id,
                "name": name,
                "email": canary.EMAIL,
                "scheduleId": self.schedule_id,
                **({} if self.transparency is None else {"transparency": self.transparency}),
            }
        return slot

    def _schedule(self) -> dict[str, object]:
        return {
            "scheduleId": self.schedule_id,
            "serviceId": self.service_id,
            "location": {"id": self.location_id, "name": "Main", "locationType": "OWNER_BUSINESS"},
            "timezone": self.zone.key,
            "firstSessionStart": self._local(self.start, with_offset=True),
            "lastSessionEnd": self._local(self.end, with_offset=True),
        }

    def _local(self, seconds: float, *, with_offset: bool) -> str:
        moment = datetime.fromtimestamp(seconds, self.zone)
        return (moment if with_offset else moment.replace(tzinfo=None)).isoformat(timespec="milliseconds")


def _of_slot(read: Callable[[Booking], str | None]) -> Field[Booking]:
    return Field(FieldKind.WORD, lambda booking: None if booking.is_course else read(booking))


def _of_course(read: Callable[[Booking], str | None]) -> Field[Booking]:
    return Field(FieldKind.WORD, lambda booking: read(booking) if booking.is_course else None)


FIELDS: Final[Mapping[str, Field[Booking]]] = {
    "id": Field(FieldKind.WORD, lambda booking: booking.id),
    "startDate": Field(FieldKind.DATE, lambda booking: booking.start),
    "endDate": Field(FieldKind.DATE, lambda booking: booking.end),
    "createdDate": Field(FieldKind.DATE, lambda booking: booking.created),
    "updatedDate": Field(FieldKind.DATE, lambda booking: booking.updated),
    "status": Field(FieldKind.WORD, lambda booking: booking.status),
    "paymentStatus": Field(FieldKind.WORD, lambda booking: booking.payment_status),
    "selectedPaymentOption": Field(FieldKind.WORD, lambda booking: booking.payment_option),
    # The filter paths have an `item` that the rows have not (wix.md 6.2).
    "bookedEntity.item.slot.scheduleId": _of_slot(lambda booking: booking.service_schedule_id),
    "bookedEntity.item.slot.serviceId": _of_slot(lambda booking: booking.service_id),
    "bookedEntity.item.slot.resource.id": _of_slot(lambda booking: booking.resource_id),
    "bookedEntity.item.slot.location.id": _of_slot(lambda booking: booking.location_id),
    "bookedEntity.item.slot.eventId": _of_slot(lambda booking: booking.event_id),
    "bookedEntity.item.schedule.scheduleId": _of_course(lambda booking: booking.schedule_id),
    "bookedEntity.item.schedule.serviceId": _of_course(lambda booking: booking.service_id),
    "bookedEntity.tags": Field(FieldKind.TAGS, lambda booking: (booking.kind.value,)),
    "contactDetails.contactId": Field(FieldKind.WORD, lambda booking: booking.contact_id),
    "contactDetails.email": Field(FieldKind.WORD, lambda _: canary.EMAIL),
    "doubleBooked": Field(FieldKind.FLAG, lambda booking: booking.double_booked),
}
"""What the reader can filter and sort by."""


@dataclass(frozen=True, slots=True)
class Staff:
    """Somebody who can be booked one customer at a time: a resource and its schedule.

    ``service_provider`` and ``identity`` are what the API says of both, ``None`` where it says nothing (wix.md 7.1).
    """

    schedule_id: str
    resource_id: str
    service_provider: bool | None = True
    identity: str | None = "CONNECTED"


class Bookings:
    """All bookings of one site."""

    def __init__(self, random: Random, zone: ZoneInfo, now: Callable[[], float], switches: Switches) -> None:
        self._random = random
        self._zone = zone
        self._now = now
        self._switches = switches
        self._marks_due: list[float] = []
        self._rows: dict[str, Booking] = {}
        self._taken: set[tuple[str, float]] = set()
        self.staff: list[Staff] = []
        self.service_id = guid(random)
        self.location_id = guid(random)

    def __iter__(self) -> Iterator[Booking]:
        return iter(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, booking_id: str) -> Booking:
        return self._rows[booking_id]

    def add(
        self,
        start: float,
        end: float,
        *,
        status: str = "CONFIRMED",
        kind: BookingKind = BookingKind.INDIVIDUAL,
        staff: Staff | None = None,
        event_id: str | None = None,
        created: float | None = None,
        **fields: object,
    ) -> str:
        """Book ``[start, end)`` and return the id. Without ``staff`` the booking has no resource, as a course has none."""
        made = self._now() if created is None else created
        booking = Booking(
            id=guid(self._random),
            start=start,
            end=end,
            schedule_id=staff.schedule_id if staff else guid(self._random),
            service_id=self.service_id,
            status=status,
            kind=kind,
            created=made,
            updated=made,
            resource_id=staff.resource_id if staff else None,
            location_id=self.location_id,
            event_id=event_id or guid(self._random),
            zone=self._zone,
        )
        self._rows[booking.id] = replace(booking, **fields)  # type: ignore[arg-type]  # fields of Booking, by name
        self._note_change()
        if staff:
            self._taken.add((staff.resource_id, start))
        return booking.id

    def amend(self, booking_id: str, **fields: object) -> None:
        """Change fields of :class:`Booking`; the booking is then updated now."""
        changed = {"updated": self._now(), **fields}
        self._rows[booking_id] = replace(self._rows[booking_id], **changed)  # type: ignore[arg-type]  # as in add
        self._note_change()

    def cancel(self, booking_id: str) -> None:
        """Cancel the booking: the row stays, with another status."""
        self.amend(booking_id, status="CANCELED")

    def delete(self, booking_id: str) -> None:
        """Take the row away; the API cannot do that, but a page read in between may look so."""
        del self._rows[booking_id]
        self._note_change()

    def advance(self) -> None:
        """Mark the bookings that overlap, when a mark of theirs is due."""
        now = self._now()
        if not any(due <= now for due in self._marks_due):
            return
        self._marks_due = [due for due in self._marks_due if due > now]
        marked = double_booked(self) if self._switches.double_booked != "never" else frozenset()
        for booking in [one for one in self if one.double_booked != (one.id in marked)]:
            self._rows[booking.id] = replace(booking, double_booked=not booking.double_booked)

    def double_book(self, within: float = 24 * HOUR) -> str:
        """Put a second confirmed booking on a person who has one in the next ``within`` seconds; returns its id.

        It ends with the first, so that it overlaps no other. It lies three hours ahead or more: whoever plays this incident
        for two hours still has it before them.
        Raises :class:`LookupError` when nobody can be booked.
        """
        now = self._now()
        single = {staff.resource_id: staff for staff in self.staff}
        taken = [
            booking
            for booking in self
            if booking.status == "CONFIRMED" and booking.resource_id in single and now + 3 * HOUR < booking.start < now + within
        ]
        if taken:
            first = min(taken, key=lambda booking: (booking.start, booking.id))
            staff = single[str(first.resource_id)]
        elif self.staff:
            staff = self.staff[0]
            first = self._rows[self.add(now + within / 2, now + within / 2 + HOUR, staff=staff)]
        else:
            raise LookupError("the site has nobody who can be booked")
        return self.add((first.start + first.end) / 2, first.end, staff=staff)

    def dismiss(self, staff: Staff) -> None:
        """Let somebody leave: nobody can book them any more, and what was booked stays. One who is not there is fine."""
        self.staff = [one for one in self.staff if one != staff]

    def gap(self, every: float) -> float:
        """Return the seconds until the next customer: always the same."""
        return every

    def arrive(self, at: float) -> str | None:
        """One customer books the next free slot some time after ``at``; ``None`` when nobody can be booked."""
        if not self.staff:
            return None
        staff = self._random.choice(self.staff)
        start = self.free_slot(staff, at + self._random.uniform(1, 6 * 24) * HOUR)
        minutes = self._random.choice((30, 45, 60))
        status = self._random.choices(("CONFIRMED", "PENDING", "CREATED"), weights=(8, 1, 1))[0]
        return self.add(start, start + minutes * 60, status=status, staff=staff, created=at)

    def free_slot(self, staff: Staff, not_before: float) -> float:
        """Return the first full hour in opening hours (Monday to Saturday, local time) that ``staff`` has free."""
        return free_hour(not_before, self._zone, taken=lambda hour: (staff.resource_id, hour) in self._taken)

    def keep_free(self, staff: Staff, hour: float) -> None:
        """Let no customer who comes choose this full hour of ``staff``."""
        self._taken.add((staff.resource_id, hour))

    def seed(self, *, days_back: int, days_ahead: int, share: float = 0.6) -> None:
        """Fill about ``share`` of all slots around now, one confirmed booking at a time for each person.

        Cancelled, declined and abandoned bookings lie on top of confirmed ones, as they do in real life.
        """
        now = self._now()
        for staff in self.staff:
            start = self.free_slot(staff, now - days_back * 24 * HOUR)
            end = now + timedelta(days=days_ahead).total_seconds()
            while start < end:
                if self._random.random() < share:
                    made = min(start, now) - self._random.uniform(1, 14 * 24) * HOUR
                    length = self._random.choice((30, 45, 60)) * 60
                    status = self._random.choices(("CONFIRMED", "PENDING"), weights=(9, 1))[0]
                    self.add(start, start + length, status=status, staff=staff, created=made)
                    if self._random.random() < 0.1:  # noqa: PLR2004  one slot in ten had an earlier life
                        gone = self._random.choice(("CANCELED", "DECLINED", "CREATED"))
                        self.add(start, start + length, status=gone, staff=staff, created=made - HOUR)
                start = self.free_slot(staff, start + HOUR)

    def add_class(self, staff: Staff, start: float, *, seats: int, waiting: int = 0) -> str:
        """Book a group session: ``seats`` bookings of one event, plus a waiting list. Returns the event id."""
        event_id = guid(self._random)
        for seat in range(seats + waiting):
            status = "CONFIRMED" if seat < seats else "WAITING_LIST"
            self.add(start, start + HOUR, status=status, kind=BookingKind.GROUP, staff=staff, event_id=event_id)
        return event_id

    def add_course(self, first: float, *, weeks: int, participants: int = 1) -> str:
        """Book a course: it starts with its first session and ends, ``weeks`` later, with its last (wix.md 6.5)."""
        last = first + timedelta(weeks=weeks - 1).total_seconds()
        return self.add(first, last + HOUR, kind=BookingKind.COURSE, participants=participants)

    def _note_change(self) -> None:
        due = self._now() + self._switches.double_booked_lag_seconds
        if due not in self._marks_due[-1:]:
            self._marks_due.append(due)


def double_booked(bookings: Iterable[Booking]) -> frozenset[str]:
    """Return the ids of the bookings that overlap another, confirmed one on their resource (wix.md 6.2).

    The participants of one class share an event and overlap nobody, a course has no hours of its own, and what is neither
    confirmed nor pending takes nobody's time.
    """
    found: set[str] = set()
    under_way: dict[str, list[Booking]] = {}
    for booking in sorted(bookings, key=lambda one: one.start):
        if booking.resource_id is None or booking.is_course or booking.status not in {"CONFIRMED", "PENDING"}:
            continue
        others = [other for other in under_way.get(booking.resource_id, ()) if other.end > booking.start]
        for other in others:
            if other.event_id != booking.event_id and other.start < booking.end:
                found.update({one.id for one, rival in ((booking, other), (other, booking)) if rival.status == "CONFIRMED"})
        under_way[booking.resource_id] = [*others, booking]
    return frozenset(found)
