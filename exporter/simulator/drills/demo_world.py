"""The world of ``demo`` and ``simulate``: two Wix sites and two Bitrix24 portals, and one business that is on both.

``salon-berlin`` takes bookings on its Wix site; an integration copies each into its Bitrix24 portal, so the two counts agree
until somebody books past it. Nobody in it is real.
"""

from __future__ import annotations

from typing import Final

from exporter.simulator.bitrix24.portal import Portal
from exporter.simulator.bitrix24.simulator import CALENDAR_SCOPES
from exporter.simulator.diary import DAY, HOUR
from exporter.simulator.drills import demo_site as demo
from exporter.simulator.drills.demo_calendars import add_demo_calendars
from exporter.simulator.drills.world import SimulatedWorld
from exporter.simulator.wix.bookings import BookingKind
from exporter.simulator.wix.providers import GOOGLE, MICROSOFT
from exporter.simulator.wix.world import Site

SALON: Final = "salon-berlin"
PHYSIO: Final = "physio-hamburg"
STUDIO: Final = "studio-munich"

PHYSIO_SITE_ID: Final = "2c9e6b1f-8a47-4d30-b5c2-91f7e0d3a864"
PHYSIO_API_KEY: Final = "IST.simulated-wix-key-of-the-practice"
SALON_WEBHOOK_CODE: Final = "s1mulated0salon0"
STUDIO_WEBHOOK_CODE: Final = "s1mulated0studio"

PHYSIO_ROOMS: Final = ("3c8d1f60-5a27-4e0b-9b3e-6f0a7c2d9e11", "9e41b7a2-0c6d-4f83-8a15-2b7d5e3f4c90")
"""Resources of the practice, one for each of its staff."""
PHYSIO_SCHEDULES: Final = ("6b0d4e8a-2f15-4c97-a3d6-8e1c5f7b9024", "b7f2a913-64c8-4d0e-9b75-3a8d1e6c4f50")
"""Schedules of the same two people."""
MASSAGE: Final = "9a4c2e71-d03b-4f58-b6e9-5c1d7a8f3026"
"""A service (id) that both of them offer."""
STUDIO_ROOMS: Final = ("Room A", "Room B", "Reformer")

_PRIVATE_DAYS: Final = 120
_COPIED_STATUSES: Final = frozenset({"CONFIRMED", "PENDING"})


def build(world: SimulatedWorld, *, intake_every: float = 240.0) -> None:
    """Fill an empty simulator; a new booking arrives at each business about every ``intake_every`` seconds."""
    salon_site = demo.add_demo_site(world.wix, intake_every=intake_every)
    _add_physio(world, intake_every)

    salon = world.bitrix24.add_portal(SALON)
    world.bitrix24.add_webhook(salon, code=SALON_WEBHOOK_CODE, scopes=CALENDAR_SCOPES)
    for number in range(1, len(salon_site.bookings.staff) + 1):
        salon.calendar.link(salon.world.add_resource(f"Chair {number}").id, number)
    copy_bookings(salon_site, salon)

    studio = world.bitrix24.add_portal(STUDIO)
    world.bitrix24.add_webhook(studio, code=STUDIO_WEBHOOK_CODE, scopes=CALENDAR_SCOPES)
    for user, name in enumerate(STUDIO_ROOMS, 1):
        studio.calendar.link(studio.world.add_resource(name).id, user)
    studio.customers.seed(days_back=3, days_ahead=14)
    add_odd_bookings(studio, world.now())
    studio.diary.start_intake(intake_every)
    add_demo_calendars(world)


def copy_bookings(site: Site, portal: Portal) -> None:
    """Copy every live booking of ``site`` into ``portal``, now and whenever a new one arrives, each tied to a deal.

    Seats of a class and a course come without a resource: many people share it, which is no conflict.
    """
    chairs = {staff.resource_id: number for number, staff in enumerate(site.bookings.staff, 1)}
    seen: set[str] = set()

    def copy() -> None:
        if len(seen) == len(site.bookings):
            return
        for booking in site.bookings:
            if booking.id in seen:
                continue
            seen.add(booking.id)
            if booking.status not in _COPIED_STATUSES:
                continue
            seconds = HOUR if booking.is_course else booking.end - booking.start
            portal.customers.book(
                int(booking.start),
                chairs.get(booking.resource_id or "") if booking.kind is BookingKind.INDIVIDUAL else None,
                created=booking.created,
                seconds=int(seconds),
                until=int(booking.end) if booking.is_course else None,
            )

    portal.diary.on_advance = copy
    copy()


def add_odd_bookings(portal: Portal, now: float) -> None:
    """Add what real portals hold besides plain appointments, on a resource of its own; none overlaps another."""
    resource = portal.world.add_resource("Seminar room")
    midnight = int(now // DAY * DAY) + int(2 * DAY)
    hour = int(HOUR)
    add = portal.world.add_booking
    # Crosses midnight, and so the border of two daily windows.
    add(midnight - hour, midnight + hour, resource_ids=(resource.id,), name="Overnight retreat")
    # Weekly until next month: the list shows the first date only, and in every window until the rule ends.
    add(
        midnight - int(9 * DAY),
        midnight - int(9 * DAY) + hour,
        resource_ids=(resource.id,),
        name="Weekly class",
        until=midnight + int(30 * DAY),
    )
    # A reminder without length, and an all-day offer that occupies no resource.
    add(midnight + 9 * hour, midnight + 9 * hour, resource_ids=(resource.id,), name="Key handover")
    add(midnight, midnight + int(DAY), name="Open day", end_zone="Europe/London")


def _add_physio(world: SimulatedWorld, intake_every: float) -> None:
    site = world.wix.add_site(PHYSIO_SITE_ID)
    world.wix.add_key(site, PHYSIO_API_KEY)
    for provider, schedule, room in zip((MICROSOFT, GOOGLE), PHYSIO_SCHEDULES, PHYSIO_ROOMS, strict=True):
        staff = site.add_staff(schedule_id=schedule, resource_id=room)
        site.connections.finish_sync(site.connections.connect(provider, staff.schedule_id))
    # Each morning and each evening, when nobody is booked: within 20 hours there is always one to come.
    today = world.now() // DAY * DAY
    for hours in (5.0, 18.5):
        begins = today + hours * HOUR
        site.private.plan(PHYSIO_SCHEDULES[0], begins, begins + HOUR / 2, provider=MICROSOFT, days=_PRIVATE_DAYS)
    # And at noon, at the other one, who is not to be booked then: a time that Wix has to keep free.
    second = site.bookings.staff[1]
    for day in range(_PRIVATE_DAYS):
        site.bookings.keep_free(second, today + day * DAY + 11 * HOUR)
    begins = today + 11.25 * HOUR
    site.private.plan(second.schedule_id, begins, begins + HOUR / 2, provider=GOOGLE, days=_PRIVATE_DAYS)
    site.bookings.seed(days_back=2, days_ahead=10)
    site.add_service("Massage", service_id=MASSAGE)
    site.diary.start_intake(intake_every)
