"""Who books at a portal, and what goes wrong when they do.

Moments are Unix seconds of the simulator's clock.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from exporter.simulator import canary
from exporter.simulator.bitrix24.world import Booking, Link, PortalWorld, calendar_event, sku
from exporter.simulator.diary import CLOSES, DAY, HOUR, OPENS, SUNDAY, free_hour

LENGTH_SECONDS = 45 * 60


class Customers:
    """Book hourly slots on a world's resources, one customer at a time; everything is drawn from ``random``."""

    def __init__(self, world: PortalWorld, random: Random, now: Callable[[], float], zone: str = "Europe/Berlin") -> None:
        self.links_new_bookings = True
        self._world = world
        self._random = random
        self._now = now
        self._zone = ZoneInfo(zone)
        self._taken: set[tuple[int, float]] = set()
        self._deal = 1000

    def seed(self, *, days_back: int, days_ahead: int, share: float = 0.4) -> None:
        """Fill about ``share`` of all slots from some days ago to some days ahead."""
        today = datetime.fromtimestamp(self._now(), self._zone).replace(minute=0, second=0, microsecond=0)
        for day in range(-days_back, days_ahead + 1):
            for hour in range(OPENS, CLOSES):
                start = (today + timedelta(days=day)).replace(hour=hour)
                if start.weekday() == SUNDAY:
                    continue
                for resource_id in self._world.resources:
                    if self._random.random() < share:
                        self.book(int(start.timestamp()), resource_id, created=self._now() - days_back * DAY)

    def book(
        self,
        start: int,
        resource_id: int | None,
        *,
        created: float,
        seconds: int = LENGTH_SECONDS,
        until: int | None = None,
    ) -> Booking:
        """Add one customer's booking: tied to a new deal unless links are being lost, and copied into the staff's calendar."""
        if resource_id is not None:
            self._taken.add((resource_id, start))
        self._deal += 1
        return self._world.add_booking(
            start,
            start + seconds,
            resource_ids=() if resource_id is None else (resource_id,),
            name=f"{canary.FIRST_NAME} {canary.LAST_NAME}",
            description=f"{canary.TITLE}; {canary.PHONE}, {canary.EMAIL}",
            zone=self._zone.key,
            until=until,
            created=int(created),
            links=(
                *((Link(str(self._deal)),) if self.links_new_bookings else ()),
                *(() if resource_id is None else (calendar_event(self._deal), sku(resource_id))),
            ),
        )

    def double_book(self) -> tuple[Booking, ...]:
        """Put a second booking into the second half of one of the coming hours; returns the bookings that were added for it.

        It ends with the first, so that it overlaps no other. It lies three hours ahead or more: whoever plays this incident
        for two hours still has it before them.
        """
        now = self._now()
        ahead = [
            booking
            for booking in self._world.bookings()
            if booking.resource_ids and now + 3 * HOUR < booking.start < now + 20 * HOUR
        ]
        added: list[Booking] = []
        if not ahead:
            if not self._world.resources:
                self._world.add_resource("Chair 1")
            added.append(self.book(int(now + 10 * HOUR), min(self._world.resources), created=now))
            ahead = added
        victim = self._random.choice(ahead)
        middle = victim.start + (victim.end - victim.start) // 2
        return (*added, self.book(middle, victim.resource_ids[0], created=now, seconds=victim.end - middle))

    def lose_links(self, *, ahead: float = 7 * DAY) -> Callable[[], None]:
        """Untie all bookings of the next days from the CRM, and new ones; the returned function repairs it."""
        now = self._now()
        lost = {
            booking.id: [link.value for link in booking.crm_links]
            for booking in self._world.bookings()
            if booking.crm_links and now <= booking.start < now + ahead
        }
        for number in lost:
            self._world.link(number)
        self.links_new_bookings = False
        newest = self._world.last_id

        def repair() -> None:
            self.links_new_bookings = True
            for booking in self._world.bookings():
                if not booking.crm_links and (booking.id in lost or booking.id > newest):
                    self._world.link(booking.id, *lost.get(booking.id, [str(booking.id)]))

        return repair

    def gap(self, every: float) -> float:
        """Return the seconds until the next customer: now fewer, now more."""
        return every * self._random.uniform(0.6, 1.4)

    def arrive(self, at: float) -> None:
        """Book the first free hour after some wish of the customer within the coming days."""
        if not self._world.resources:
            return
        resource_id = self._random.choice(list(self._world.resources))
        wish = int(at + self._random.uniform(1, 6 * 24) * HOUR)  # Bitrix24 counts in whole seconds
        start = free_hour(wish, self._zone, taken=lambda hour: (resource_id, hour) in self._taken)
        self.book(int(start), resource_id, created=at)
