"""What goes wrong at Wix and how people repair it: pairs of changes for the scripted incidents.

Each function changes all sites. The repairs look at the world only, so they also mend what was broken by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.simulator.wix.connections import Connection
from exporter.simulator.wix.providers import MICROSOFT
from exporter.simulator.wix.world import Site

if TYPE_CHECKING:
    from exporter.simulator.wix.simulator import WixSimulator

_RESYNC_SECONDS = 90.0


def revoke_token(wix: WixSimulator) -> None:
    """Withdraw the access of the first connection that exports."""
    for site in wix.sites.values():
        if connection := _first_healthy(site):
            site.connections.revoke_token(connection.id)


def reconnect(wix: WixSimulator) -> None:
    """Let the account owners sign in again: new ids, and a sync that lasts a while."""
    for site in wix.sites.values():
        for connection in [item for item in site.connections if item.row.get("errorReason") == "TOKEN_REVOKED"]:
            site.connections.start_sync(site.connections.reconnect(connection.id), lasts=_RESYNC_SECONDS)


def stick_sync(wix: WixSimulator) -> None:
    """Begin a sync of the last connection that exports, and never end it."""
    for site in wix.sites.values():
        if connection := _first_healthy(site, last=True):
            site.connections.stick_sync(connection.id)


def unstick_sync(wix: WixSimulator) -> None:
    """End the stuck syncs."""
    for site in wix.sites.values():
        for connection in [item for item in site.connections if item.status == "SYNC_IN_PROGRESS"]:
            site.connections.finish_sync(connection.id)


def provider_down(wix: WixSimulator) -> None:
    """Silence Microsoft's own API."""
    for site in wix.sites.values():
        site.provider_down(MICROSOFT)


def provider_up(wix: WixSimulator) -> None:
    """Let Microsoft answer again."""
    for site in wix.sites.values():
        site.provider_up(MICROSOFT)


def double_book(wix: WixSimulator) -> None:
    """Give a second customer an hour that is taken, on each site that has staff."""
    for site in wix.sites.values():
        if site.bookings.staff:
            site.bookings.double_book()


def resolve_double_bookings(wix: WixSimulator) -> None:
    """Cancel the later of each two overlapping bookings."""
    for site in wix.sites.values():
        marked = [booking for booking in site.bookings if booking.double_booked]
        for booking in sorted(marked, key=lambda item: -item.start):
            if site.bookings[booking.id].double_booked:  # not yet lifted together with its partner
                site.bookings.resolve(booking.id)


def stop_intake(wix: WixSimulator) -> None:
    """Break the booking form: no customer can book."""
    for site in wix.sites.values():
        site.bookings.stop_intake()


def resume_intake(wix: WixSimulator) -> None:
    """Mend the booking form."""
    for site in wix.sites.values():
        site.bookings.resume_intake()


def _first_healthy(site: Site, *, last: bool = False) -> Connection | None:
    healthy = [item for item in site.connections if item.status == "SYNCED" and item.exports]
    return healthy[-1 if last else 0] if healthy else None
