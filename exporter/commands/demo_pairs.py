"""The calendars of the demo world as an exporter watches them, their pairs, and what it remembers of these from the start.

A feed needs the extra ``ics``; without it that calendar is read by CalDAV, as the other one is.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from exporter.commands.known_week import KnownPairs
from exporter.config import load_config
from exporter.paired_bookings import PairedBooking, paired_range
from exporter.proof import PairSpec, ProofState
from exporter.runtime import account_hash
from exporter.simulator import Simulator
from exporter.simulator.drills import SourceBooking, SyncPartner, demo_calendars, demo_world
from exporter.state.pair_ends import booking_key, ends_hash
from exporter.state.pair_memory import KnownBooking, PairMemory
from exporter.state.pair_text import pair_text
from exporter.support.extras import reads_feeds

PRACTICE_CALENDAR: Final = "anna-calendar"
STUDIO_CALENDAR: Final = "mila-calendar"

_DAY: Final = 86_400.0
_BEFORE_SECONDS: Final = 60.0
_PROVED_DAYS: Final = 8
_LAG_HOURS: Final = range(4, 100, 8)


def calendar_targets(base_url: str, *, feeds: bool | None = None) -> list[dict[str, Any]]:
    """Return the calendars of the demo world served at ``base_url``, as ``targets``; one is a feed if ``feeds`` can be read."""
    by_feed = reads_feeds() if feeds is None else feeds
    practice = _caldav(base_url, demo_calendars.PRACTICE_OWNER, "work", demo_calendars.PRACTICE_PASSWORD)
    studio = _caldav(base_url, demo_calendars.STUDIO_OWNER, "studio", demo_calendars.STUDIO_PASSWORD)
    if by_feed:
        studio = {"ics_url": f"{base_url}/ics/{demo_calendars.STUDIO_FEED}/basic.ics"}
    return [
        {"name": PRACTICE_CALENDAR, "platform": "calendar", **practice, "labels": {"site": demo_world.PHYSIO}},
        {"name": STUDIO_CALENDAR, "platform": "calendar", **studio, "labels": {"site": demo_world.STUDIO}},
    ]


def pairs(grace: str) -> list[dict[str, Any]]:
    """Return the ``pairs`` of these calendars, each with the name of its owner; no platform imports them."""
    ends = (
        (demo_calendars.PRACTICE_OWNER, f"{demo_world.PHYSIO}-wix", "Room 1", PRACTICE_CALENDAR),
        (demo_calendars.STUDIO_OWNER, f"{demo_world.STUDIO}-b24", demo_world.STUDIO_ROOMS[0], STUDIO_CALENDAR),
    )
    return [
        {
            "name": name,
            "bookings": {"target": target, "resource": resource},
            "calendar": calendar,
            "grace": grace,
            "directions": ["export"],
        }
        for name, target, resource, calendar in ends
    ]


def known_pairs(path: Path, simulator: Simulator) -> KnownPairs:
    """Return what a state file says of the pairs of the configuration ``path``.

    Each has proved itself for a week, and its bookings were seen in the calendar a minute before. So much is true of this
    world, whose bookings are copied from its start; one that an incident takes away from then on was there and is gone.
    Raises :class:`~exporter.errors.ConfigError` for a configuration that cannot be read.
    """
    config, now = load_config(path), simulator.now()
    accounts = {target.name: account_hash(target) for target in config.targets}
    partners = {partner.calendar.owner: partner for partner in simulator.partners}
    specs = [spec for spec in config.pair_specs if spec.name in partners]
    texts = {spec.name: pair_text(_memory(spec, accounts, partners[spec.name], now), 0.0) for spec in specs}
    return KnownPairs(texts, {spec.calendar: accounts[spec.calendar] for spec in specs})


def _memory(spec: PairSpec, accounts: Mapping[str, str], partner: SyncPartner, now: float) -> PairMemory:
    last, lag = now - _BEFORE_SECONDS, partner.lag_seconds
    start, end = paired_range(now)
    copied = [one for one in partner.source.bookings() if one.live and start < one.end and one.start < end and one.made < last]
    return PairMemory(
        ends_hash(spec, accounts),
        last,
        ProofState.PROVED,
        now - _PROVED_DAYS * _DAY,
        proved=True,
        bookings=dict(_known(one, last) for one in copied),
        whole_at=last,
        whole_start=start,
        whole_end=end,
        calendar_at=last,
        arrived_in_all=len(copied),
        lags=tuple((now - hours * 3600.0, lag) for hours in reversed(_LAG_HOURS)),
    )


def _known(booking: SourceBooking, last: float) -> tuple[str, KnownBooking]:
    known = PairedBooking(booking.id, booking.start, booking.end)
    return booking_key(known), KnownBooking(booking.start, booking.end, booking.made, booking.made, last, looked=True)


def _caldav(base_url: str, owner: str, calendar: str, password: str) -> dict[str, Any]:
    return {"caldav": {"url": f"{base_url}/dav/{owner}/{calendar}/", "username": owner, "password": password}}
