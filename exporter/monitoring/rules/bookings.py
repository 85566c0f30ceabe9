"""What is recorded of the bookings: how many, how many conflict, how many are tied to the CRM, how many are new."""

from __future__ import annotations

from exporter.monitoring.promql import TENANT_LABELS, newest
from exporter.monitoring.rules.recording import Recording, RecordingGroup


def booking_recordings() -> RecordingGroup:
    """Return what is recorded of the bookings."""
    bookings, site = "target_window:booking_sync_bookings:max", "target:booking_sync_site:info"
    tied = f"on (job, {', '.join(TENANT_LABELS)}, target, platform)"
    unlinked, unverified = newest("booking_sync_unlinked_bookings"), newest("booking_sync_links_unverified_bookings")
    verified = "target_window:booking_sync_links_verified_bookings:sum"
    in_site = f"{bookings} * {tied} group_left (site) {site}"
    return RecordingGroup(
        "booking-sync-bookings",
        "1m",
        (
            Recording(bookings, newest("booking_sync_bookings")),
            Recording("target_window:booking_sync_conflicting_bookings:max", newest("booking_sync_conflicting_bookings")),
            Recording(
                "target_window:booking_sync_conflicting_bookings:max_unaccepted",
                newest(
                    "\n  booking_sync_conflicting_bookings\n"
                    "  - (booking_sync_accepted_conflicting_bookings or 0 * booking_sync_conflicting_bookings)\n"
                ),
                "What is left to be judged. An exporter that does not tell what is accepted accepts nothing.",
            ),
            Recording("target:booking_sync_target_closed:max", newest("booking_sync_target_closed")),
            Recording(
                verified,
                f"{newest('booking_sync_linked_bookings')}\n+ {unlinked}",
                "Bookings whose links were read within max_age; of the others nobody knows whether they are linked.",
            ),
            Recording("target_window:booking_sync_unlinked_bookings:ratio", f"{unlinked}\n/ ({verified} > 0)"),
            Recording(
                "target_window:booking_sync_links_unverified_bookings:ratio",
                f"{unverified}\n/ (\n    {unverified}\n  + {verified}\n  > 0\n)",
            ),
            Recording(
                "target:booking_sync_discovered_bookings:increase1d",
                newest("increase(booking_sync_bookings_discovered_total[1d])"),
                "max, not sum: every replica discovers every booking.",
            ),
            Recording(
                site,
                f'max by (job, {", ".join(TENANT_LABELS)}, target, platform, site) (booking_sync_target_info{{site!=""}})\n'
                f'and {tied} collector:booking_sync_collector_up:max{{collector="bookings"}}',
                "The one place with `by`: target_info carries labels of the user's choice, which nobody can name in `without`.",
            ),
            Recording(
                "site_platform_window:booking_sync_bookings:sum",
                f"sum without (target) (\n  {in_site}\n)\nand\n"
                f"count without (target) (\n  {in_site}\n)\n"
                f"== on (job, {', '.join(TENANT_LABELS)}, platform, site) group_left () count without (target) ({site})",
                "Only when every target of the site on that platform shows its number: a part would look like drift.",
            ),
        ),
    )
