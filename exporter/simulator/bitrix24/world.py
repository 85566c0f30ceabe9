"""What a portal holds: bookings, resources, and what bookings are tied to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from exporter.simulator import canary

BERLIN: Final = "Europe/Berlin"


@dataclass(frozen=True, slots=True)
class Link:
    """One item of a booking's external data."""

    value: str
    entity_type: str = "DEAL"
    module: str = "crm"

    def to_json(self) -> dict[str, object]:
        """Return the item as ``externalData.list`` shows it."""
        return {"entityTypeId": self.entity_type, "moduleId": self.module, "value": self.value}


def calendar_event(number: int) -> Link:
    """Return the item of a booking that was copied into the staff's calendar (bitrix24.md 3)."""
    return Link(str(number), "EVENT", "calendar")


def sku(number: int) -> Link:
    """Return the item of a booked service (bitrix24.md 3)."""
    return Link(str(number), "SKU", "catalog")


@dataclass(frozen=True, slots=True)
class Client:
    """The person or company of a booking, as the client filter sees it."""

    id: int
    code: str = "CONTACT"
    module: str = "crm"


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that can be booked."""

    id: int
    name: str
    type_id: int = 1
    is_main: bool = True
    description: str = ""

    def to_json(self) -> dict[str, object]:
        """Return the resource as ``booking.v1.resource.list`` shows it."""
        return {
            "description": self.description or None,
            "id": self.id,
            "isMain": self.is_main,
            "name": self.name,
            "typeId": self.type_id,
        }


@dataclass(frozen=True, slots=True)
class ResourceType:
    """A kind of resources."""

    id: int
    name: str
    code: str = ""

    def to_json(self) -> dict[str, object]:
        """Return the type as ``booking.v1.resourceType.list`` shows it."""
        return {"code": self.code, "id": self.id, "isConfirmationNotificationOn": "Y", "name": self.name}


@dataclass(frozen=True, slots=True)
class Booking:
    """One booking. ``start`` and ``end`` are Unix seconds; ``until`` is the end of a recurring booking's rule."""

    id: int
    start: int
    end: int
    resource_ids: tuple[int, ...] = ()
    name: str = ""
    description: str = ""
    zone: str = BERLIN
    end_zone: str | None = None
    until: int | None = None
    created: int = 0
    clients: tuple[Client, ...] = ()
    links: tuple[Link, ...] = ()
    deleted: bool = False

    @property
    def crm_links(self) -> tuple[Link, ...]:
        """Return the items that tie the booking to the CRM; those of the calendar and the catalog do not."""
        return tuple(link for link in self.links if link.module == "crm")

    @property
    def last(self) -> int:
        """Return the moment up to which the ``within`` filter sees the booking."""
        return self.end if self.until is None else self.until

    def to_json(self) -> dict[str, object]:
        """Return the five whitelisted keys, sorted, empty values as ``null`` (bitrix24.md 2.4)."""
        return {
            "datePeriod": {
                "from": {"timestamp": self.start, "timezone": self.zone},
                "to": {"timestamp": self.end, "timezone": self.end_zone or self.zone},
            },
            "description": self.description or None,
            "id": self.id,
            "name": self.name or None,
            "resourceIds": list(self.resource_ids) or None,
        }


@dataclass(slots=True)
class PortalWorld:
    """Everything a portal holds; ``version`` changes with every change, so that selections can be remembered.

    ``follow`` is told of a booking that was added, changed or deleted, and returns it as it is to be kept.
    """

    resources: dict[int, Resource] = field(default_factory=dict)
    resource_types: dict[int, ResourceType] = field(default_factory=lambda: {1: ResourceType(1, "Specialists", "expert")})
    version: int = 0
    on_change: Callable[[str, int], None] | None = None
    follow: Callable[[Booking], Booking] | None = None
    _bookings: dict[int, Booking] = field(default_factory=dict)
    _last_id: int = 0

    def add_resource(self, name: str, **more: Any) -> Resource:  # noqa: ANN401  the fields of Resource
        """Add a resource and return it."""
        resource = Resource(id=len(self.resources) + 1, name=name, **more)
        self.resources[resource.id] = resource
        return resource

    def add_booking(self, start: float, end: float, *, id: int | None = None, **more: Any) -> Booking:  # noqa: A002, ANN401  the fields of Booking
        """Add a booking from ``start`` to ``end`` (Unix seconds) and return it; ids count up unless one is given."""
        number = self._last_id + 1 if id is None else id
        self._last_id = max(self._last_id, number)
        return self._keep(Booking(id=number, start=int(start), end=int(end), **more), "onBookingAdd")

    def edit_booking(self, id: int, **changes: Any) -> Booking:  # noqa: A002, ANN401  the fields of Booking
        """Change fields of a booking; raises :class:`KeyError` when it does not exist."""
        return self._keep(replace(self._bookings[id], **changes), "onBookingUpdate")

    def delete_booking(self, id: int) -> None:  # noqa: A002  the API's word
        """Delete softly, as the platform does; raises :class:`KeyError` when it does not exist."""
        self._keep(replace(self._bookings[id], deleted=True), "onBookingDelete")

    def link(self, id: int, *deals: str | int) -> Booking:  # noqa: A002  the API's word
        """Tie the booking to these CRM deals instead of those that it has; its other links stay."""
        others = tuple(link for link in self._bookings[id].links if link.module != "crm")
        return self.edit_booking(id, links=(*(Link(str(deal)) for deal in deals), *others))

    def booking(self, id: int) -> Booking | None:  # noqa: A002  the API's word
        """Return the booking, or ``None`` when it is missing or deleted."""
        booking = self._bookings.get(id)
        return None if booking is None or booking.deleted else booking

    @property
    def last_id(self) -> int:
        """Return the highest id that was ever given."""
        return self._last_id

    def bookings(self) -> Sequence[Booking]:
        """Return all bookings that are not deleted, in the order in which they were added."""
        return [booking for booking in self._bookings.values() if not booking.deleted]

    def fill(self, number: int, now: float, *, days: tuple[float, float] = (-7.0, 30.0), resources: int = 4) -> None:
        """Add exactly ``number`` bookings, spread evenly over the days around ``now``, none overlapping another.

        Every one carries the canaries of :mod:`exporter.simulator.canary`; two of three are tied to a deal, every tenth to
        two; every second one stands in a calendar, and every fifth names its service.
        """
        while len(self.resources) < resources:
            self.add_resource(f"Chair {len(self.resources) + 1}")
        step = (days[1] - days[0]) * 86_400 / max(1, -(-number // resources))
        for index in range(number):
            start = int(now + days[0] * 86_400 + (index // resources) * step)
            deals: Iterable[int] = () if index % 3 == 0 else (index, index + 1) if index % 10 == 0 else (index,)
            self.add_booking(
                start,
                start + max(1, int(min(3600.0, step * 0.75))),
                resource_ids=(index % resources + 1,),
                name=f"{canary.FIRST_NAME} {canary.LAST_NAME}",
                description=f"{canary.TITLE}; {canary.PHONE}, {canary.EMAIL}",
                links=(
                    *(Link(str(deal)) for deal in deals),
                    *((calendar_event(index),) if index % 2 == 0 else ()),
                    *((sku(index),) if index % 5 == 0 else ()),
                ),
            )

    def _keep(self, booking: Booking, event: str) -> Booking:
        self._bookings[booking.id] = booking if self.follow is None else self.follow(booking)
        self.version += 1
        if self.on_change:
            self.on_change(event, booking.id)
        return self._bookings[booking.id]
