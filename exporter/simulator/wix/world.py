"""One simulated Wix site: what it has, and what has been switched off (wix.md 3-7)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

from exporter.simulator import canary
from exporter.simulator.diary import DAY, HOUR, Diary
from exporter.simulator.wix.availability import Availability
from exporter.simulator.wix.bookings import BOOKINGS_APP_ID, Bookings, Staff
from exporter.simulator.wix.connections import Connections, guid
from exporter.simulator.wix.filters import Field, FieldKind
from exporter.simulator.wix.private_events import PrivateCalendars
from exporter.simulator.wix.providers import PROVIDERS, Provider
from exporter.simulator.wix.switches import Switches

BUSINESS_SCHEDULE: Final = "4e0579a5-491e-4e70-a872-d097eed6e520"
"""The ``externalId`` of the schedule of the business itself (wix.md 7)."""

_VARIATIONS: Final[tuple[tuple[tuple[str, ...], Mapping[str, object]], ...]] = (
    ((), {}),
    (("errorReason",), {"appId": BOOKINGS_APP_ID}),
    (("userId",), {"syncToErrorReason": "UNDEFINED"}),
    (("externalAccountEmail",), {"errorReason": None}),
    (("syncConfig", "errorReason"), {}),
)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A Wix schedule: of a staff member, or of the business. A staff schedule carries the name of a person."""

    id: str
    name: str
    owner_id: str
    external_id: str
    app_id: str = BOOKINGS_APP_ID
    status: str = "ACTIVE"

    def row(self) -> dict[str, object]:
        """Return the row as the API serves it."""
        return {
            "id": self.id,
            "name": self.name,
            "appId": self.app_id,
            "externalId": self.external_id,
            "status": self.status,
            "timeZone": "UTC",
            "revision": "1",
        }


@dataclass(frozen=True, slots=True)
class OfferedService:
    """A service that can be booked; ``kind`` is ``APPOINTMENT``, ``CLASS`` or ``COURSE``.

    An appointment lasts ``minutes``. It can be booked until ``notice`` seconds before its start, and not more than
    ``ahead`` seconds before, ``None`` for any time.
    """

    id: str
    name: str
    schedule_id: str
    kind: str = "APPOINTMENT"
    hidden: bool = False
    minutes: int = 60
    notice: float = 0.0
    ahead: float | None = None

    def row(self) -> dict[str, object]:
        """Return the row as Query Services gives it (https://www.npmjs.com/package/@wix/auto_sdk_bookings_services)."""
        return {
            "id": self.id,
            "appId": BOOKINGS_APP_ID,
            "name": self.name,
            "description": f"{canary.FIRST_NAME}: {canary.TITLE}",
            "type": self.kind,
            "hidden": self.hidden,
            "onlineBooking": {"enabled": not self.hidden},
            "schedule": {"id": self.schedule_id},
            "revision": "1",
        }


SCHEDULE_FIELDS: Final[Mapping[str, Field[Schedule]]] = {
    "id": Field(FieldKind.WORD, lambda schedule: schedule.id),
    "externalId": Field(FieldKind.WORD, lambda schedule: schedule.external_id),
    "appId": Field(FieldKind.WORD, lambda schedule: schedule.app_id),
    "status": Field(FieldKind.WORD, lambda schedule: schedule.status),
}


class TokenBucket:
    """``per_minute`` requests a minute, in any rhythm; refilled evenly on the given clock."""

    def __init__(self, switches: Switches, now: Callable[[], float]) -> None:
        self._switches = switches
        self._now = now
        self._spent = 0.0
        self._at = now()

    def take(self) -> float:
        """Take one request and return 0, or return the seconds until the next one is free."""
        per_second = self._switches.requests_per_minute / 60
        now = self._now()
        self._spent = max(0.0, self._spent - (now - self._at) * per_second)
        self._at = now
        # A hair of tolerance, or rounding would refuse the request that has just become free.
        over = self._spent + 1 - self._switches.requests_per_minute
        if over > 1e-6:  # noqa: PLR2004  the hair
            return over / per_second
        self._spent += 1
        return 0.0


class Site:
    """One Wix site."""

    def __init__(
        self, site_id: str, account_id: str, zone: ZoneInfo, *, random: Random, switches: Switches, now: Callable[[], float]
    ) -> None:
        self.id = site_id
        self.account_id = account_id
        self.display_name = f"Site {site_id[:8]}"
        self.namespace = "WIX"
        self.published = True
        self.trashed_at: float | None = None
        self.created = now()
        self._now = now
        self.zone = zone
        self.premium = True
        self.bookings_installed = True
        self.providers: dict[str, Provider] = {provider.id: provider for provider in PROVIDERS}
        self.down: set[str] = set()
        self.schedules: dict[str, Schedule] = {}
        self.services: list[OfferedService] = []
        self.connections = Connections(random, switches, self.providers, now)
        self.bookings = Bookings(random, zone, now, switches)
        self.private = PrivateCalendars(zone)
        self.availability = Availability(self.bookings, self.connections, self.private, zone=zone, switches=switches, now=now)
        self.diary = Diary(self.bookings, now)
        self.bucket = TokenBucket(switches, now)
        self._random = random
        self.add_schedule("Business", external_id=BUSINESS_SCHEDULE)

    def provider_down(self, *providers: Provider) -> None:
        """Let the providers' own APIs fail to answer Wix; without an argument, all of them."""
        self.down.update(provider.id for provider in providers or self.providers.values())

    def provider_up(self, *providers: Provider) -> None:
        """Let the providers answer again; without an argument, all of them."""
        self.down.difference_update(provider.id for provider in providers or list(self.providers.values()))

    def add_schedule(
        self,
        name: str = f"{canary.FIRST_NAME} {canary.LAST_NAME}",
        *,
        schedule_id: str | None = None,
        external_id: str | None = None,
        status: str = "ACTIVE",
        random: Random | None = None,
    ) -> Schedule:
        """Add a schedule; by default one of a staff member, named after the person. Ids are drawn from ``random``, if given."""
        random = random or self._random
        made = Schedule(
            id=schedule_id or guid(random),
            name=name,
            owner_id=guid(random),
            external_id=external_id or guid(random),
            status=status,
        )
        self.schedules[made.id] = made
        return made

    def add_service(
        self,
        name: str,
        *,
        kind: str = "APPOINTMENT",
        hidden: bool = False,
        minutes: int = 60,
        notice: float = 0.0,
        ahead: float | None = None,
        service_id: str | None = None,
    ) -> OfferedService:
        """Offer a service, which has a schedule of its own.

        The arguments are fields of :class:`OfferedService`: ``notice`` and ``ahead`` are seconds before the start. With a
        ``service_id`` nothing is drawn, and all that happens on the site stays the same.
        """
        random = Random(service_id) if service_id else self._random  # noqa: S311  ids of what is invented
        id_ = service_id or guid(random)
        made = OfferedService(id_, name, self.add_schedule(name, random=random).id, kind, hidden, minutes, notice, ahead)
        self.services.append(made)
        return made

    def close_service(self, service_id: str) -> None:
        """Close the service for online booking: nobody can book it."""
        self._set_hidden(service_id, hidden=True)

    def open_service(self, service_id: str) -> None:
        """Let the service be booked again."""
        self._set_hidden(service_id, hidden=False)

    def _set_hidden(self, service_id: str, *, hidden: bool) -> None:
        self.services = [replace(one, hidden=hidden) if one.id == service_id else one for one in self.services]

    def add_staff(
        self,
        name: str | None = None,
        *,
        schedule_id: str | None = None,
        resource_id: str | None = None,
        service_provider: bool | None = True,
        identity: str | None = "CONNECTED",
    ) -> Staff:
        """Hire somebody who can be booked one customer at a time; returns the resource with its schedule.

        ``identity`` is the state of the Wix account behind the staff member; ``None`` where there is none.
        """
        called: dict[str, Any] = {} if name is None else {"name": name}
        schedule, drawn = self.add_schedule(schedule_id=schedule_id, **called), guid(self._random)
        staff = Staff(schedule.id, resource_id or drawn, service_provider, identity)
        self.bookings.staff.append(staff)
        return staff

    def sell_private_time(self, *, within: float = DAY) -> str | None:
        """Let a customer book the time of the next private event of somebody, in three hours or later; returns the booking.

        ``None`` where nobody has one of hours within so many seconds.
        """
        earliest, latest = self._now() + 3 * HOUR, self._now() + within
        for connection in self.connections:
            staff = next((one for one in self.bookings.staff if one.schedule_id == connection.schedule_id), None)
            events = self.private.of(connection, earliest, latest, self._now()) if staff and connection.imports else ()
            ahead = [event for event in events if earliest <= event.start < latest and not event.all_day]
            if ahead:
                first = min(ahead, key=lambda event: event.start)
                # Not the very times of the event: such a booking looks like the source of a copy.
                return self.bookings.add(first.start + 300, first.end + 300, staff=staff)
        return None

    def connect_many(self, number: int, providers: Iterable[Provider] = PROVIDERS[:3]) -> list[str]:
        """Make ``number`` synced connections, each on a schedule of its own, the providers in turn.

        Their rows differ in what they leave out and in what they add, as rows from the field do (wix.md 3.2).
        """
        choices = tuple(providers)
        ids = []
        for index in range(number):
            schedule = self.add_schedule()
            made = self.connections.connect(choices[index % len(choices)], schedule.id, user_id=schedule.owner_id)
            self.connections.finish_sync(made)
            without, extra = _VARIATIONS[index % len(_VARIATIONS)]
            self.connections.amend(made, without=without, **extra)
            ids.append(made)
        return ids

    def advance(self) -> None:
        """Catch up with the clock."""
        self.connections.advance()
        self.diary.advance()
        self.bookings.advance()
