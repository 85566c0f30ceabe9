"""The calendars of two people of the demo world: copies of their bookings, written by a sync partner, and a private life.

The first belongs to somebody of the practice and is meant to be read by CalDAV, the second to a room of the studio and is meant
to be read by its feed. What the salon's site takes is copied into a portal and stays there, so nothing may be cancelled there.
"""

from __future__ import annotations

from datetime import datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from exporter.simulator.calendar import Calendar, Entry, Rule
from exporter.simulator.diary import DAY, HOUR
from exporter.simulator.drills.sync_partner import Bitrix24Source, Source, SyncPartner, WixSource
from exporter.simulator.drills.world import SimulatedWorld

PRACTICE_OWNER: Final = "anna"
PRACTICE_PASSWORD: Final = "simulated-password-of-anna"  # noqa: S105  of nobody
STUDIO_OWNER: Final = "mila"
STUDIO_PASSWORD: Final = "simulated-password-of-mila"  # noqa: S105  of nobody
STUDIO_FEED: Final = "5e1a0c7b2f9d4836a1c0e7b5d2f48693"
"""The secret part of the address of the studio's feed."""
LAG_SECONDS: Final = 20.0
"""Shorter than the shortest `grace` that a pair may have."""

_ZONE: Final = ZoneInfo("Europe/Berlin")
_EVENING: Final = time(19)  # nobody can be booked then


def add_demo_calendars(world: SimulatedWorld, *, lag_seconds: float = LAG_SECONDS) -> None:
    """Copy bookings of the last site and of the last portal into calendars, from now on ``lag_seconds`` after each change.

    Does nothing for a world without them.
    """
    site = next(iter(reversed(world.wix.sites.values())), None)
    if site is not None and site.bookings.staff:
        calendar = world.calendar.add_owner(PRACTICE_OWNER, PRACTICE_PASSWORD).add_calendar("work")
        _follow(world, WixSource(site, site.bookings.staff[0]), calendar, lag_seconds)
    portal = next(iter(reversed(world.bitrix24.portals.values())), None)
    if portal is not None and portal.world.resources:
        calendar = world.calendar.add_owner(STUDIO_OWNER, STUDIO_PASSWORD).add_calendar("studio")
        calendar.feed.secret = STUDIO_FEED
        _follow(world, Bitrix24Source(portal, min(portal.world.resources), world.now), calendar, lag_seconds)


def _follow(world: SimulatedWorld, source: Source, calendar: Calendar, lag_seconds: float) -> None:
    today = datetime.fromtimestamp(world.now(), _ZONE).date()
    evening = datetime.combine(today, _EVENING, _ZONE).timestamp()
    holiday = (world.now() // DAY + 20) * DAY
    calendar.put(
        Entry("choir", evening, evening + 1.5 * HOUR, rule=Rule(7, 60), form="zone", zone=_ZONE.key),
        Entry("holiday", holiday, holiday + DAY, whole_days=True),
        Entry("birthday", evening, evening + HOUR, transparent=True),
    )
    world.partners.append(SyncPartner(source, calendar, world.stage, lag_seconds=lag_seconds))
