"""A salon on Wix, for ``demo``, ``simulate`` and rehearsals: calendars of every kind, staff, a class, a course, an intake."""

from __future__ import annotations

from typing import Final

from exporter.simulator.wix.bookings import Staff
from exporter.simulator.wix.connections import IMPORT_PRIMARY, sync_config
from exporter.simulator.wix.providers import APP_PROVIDER, APPLE, GOOGLE, MICROSOFT
from exporter.simulator.wix.simulator import WixSimulator
from exporter.simulator.wix.world import Site

SITE_ID: Final = "7f1c2a90-5d4e-4b8f-9a61-3c0e8d7b2f14"
API_KEY: Final = "IST.simulated-wix-key-for-rehearsals-only"
CHAIR_SCHEDULES: Final = (
    "a1f0c6d2-3b58-4e97-8c14-5d2e7f9b0a31",
    "b2e1d7c3-4c69-4fa8-9d25-6e3f8a0c1b42",
    "c3d2e8b4-5d7a-40b9-8e36-7f409b1d2c53",
)
CLASS_RESOURCE: Final = "d4c3f9a5-6e8b-41ca-9f47-80519c2e3d64"
"""Teaches a class: several people book the same session, which is no conflict."""

HAIRCUT: Final = "e5b7d1f0-4a92-4c36-8d17-2f6a9b0c4e85"
"""A service (id) that can be booked with each of the chairs."""

_DAY: Final = 86_400.0


def add_demo_site(wix: WixSimulator, *, intake_every: float = 240.0) -> Site:
    """Add the salon with its API key and a healthy life; a new booking arrives every ``intake_every`` seconds."""
    site = wix.add_site(SITE_ID)
    wix.add_key(site, API_KEY)
    for name, schedule_id in zip(("Anna", "Ben", "Cem"), CHAIR_SCHEDULES, strict=True):
        site.add_staff(name, schedule_id=schedule_id)
    for provider, staff in zip((GOOGLE, APPLE, MICROSOFT), site.bookings.staff, strict=True):
        made = site.connections.connect(provider, staff.schedule_id)
        site.connections.finish_sync(made)
    # Import only: it stays CONNECTED for ever, and that is healthy.
    site.connections.connect(APP_PROVIDER, site.add_schedule().id, config=sync_config(IMPORT_PRIMARY, None))

    bookings = site.bookings
    bookings.seed(days_back=2, days_ahead=10)
    teacher = Staff(site.add_schedule("Yoga").id, CLASS_RESOURCE)
    now = wix.now()
    for day in (-1, 1, 3):
        bookings.add_class(teacher, bookings.free_slot(teacher, now + day * _DAY), seats=5, waiting=1)
    bookings.add_course(bookings.free_slot(teacher, now + 2 * _DAY), weeks=8, participants=2)
    site.add_service("Haircut", service_id=HAIRCUT)
    site.diary.start_intake(intake_every)
    return site
