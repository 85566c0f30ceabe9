"""What is recorded of the bookings: how many, how many conflict, how many are tied to the CRM, how many are new."""

from __future__ import annotations

from exporter.monitoring.promql import JOB_LABELS, OF_ANY_TYPE, OF_TARGET, RECENT, SITE, newest, one_per
from exporter.monitoring.rules.copies import copy_recording
from exporter.monitoring.rules.events import event_recordings
from exporter.monitoring.rules.recording import Recording, RecordingGroup
from exporter.monitoring.rules.slots import slot_recordings

BOOKINGS = "target_window:booking_sync_bookings:max"
CONFLICTS = "target_window:booking_sync_conflicting_bookings:max_unaccepted"
MARKED = "target_window:booking_sync_platform_conflicting_bookings:max_uncompared"
UNLINKED = "target_window:booking_sync_unlinked_bookings:ratio"
UNVERIFIED = "target_window:booking_sync_links_unverified_bookings:ratio"
VERIFIED = "target_window:booking_sync_links_verified_bookings:sum"
CLOSED = "target:booking_sync_target_closed:max"
VANISHED_5M = "target:booking_sync_vanished_bookings:increase5m"
NEW_1D = "target:booking_sync_discovered_bookings:increase1d"
NEW_4H = "target:booking_sync_discovered_bookings:increase4h"
OF_SITE = "site_platform_window:booking_sync_bookings:sum"

_NEW_5M = "target:booking_sync_discovered_bookings:increase5m"
_UP = 'collector:booking_sync_collector_up:max{collector="bookings"}'


def booking_recordings() -> RecordingGroup:
    """Return what is recorded of the bookings."""
    site = "target:booking_sync_site:info"
    unlinked, unverified = newest("booking_sync_unlinked_bookings"), newest("booking_sync_links_unverified_bookings")
    in_site = f"{BOOKINGS} * {OF_TARGET} group_left (site) {site}"
    return RecordingGroup(
        "booking-sync-bookings",
        "1m",
        (
            Recording(BOOKINGS, newest("booking_sync_bookings")),
            Recording("target_window:booking_sync_conflicting_bookings:max", newest("booking_sync_conflicting_bookings")),
            Recording(
                CONFLICTS,
                newest(
                    f"\n  booking_sync_conflicting_bookings\n  - {OF_ANY_TYPE} (\n"
                    f"    booking_sync_accepted_conflicting_bookings or {OF_ANY_TYPE} 0 * booking_sync_conflicting_bookings\n"
                    "  )\n"
                ),
                "What is left to be judged. An exporter that does not tell what is accepted accepts nothing.",
            ),
            Recording(
                MARKED,
                newest(
                    "\n  booking_sync_platform_conflicting_bookings\n"
                    "  unless ignoring (window) booking_sync_conflicting_bookings\n"
                ),
                "Where the exporter compares the bookings itself, it knows which are meant to overlap.",
            ),
            *event_recordings(),
            *slot_recordings(),
            Recording(CLOSED, newest("booking_sync_target_closed == 1"), "Exists on the days on which the target is closed."),
            Recording(
                VERIFIED,
                f"{newest('booking_sync_linked_bookings')}\n+ {unlinked}",
                "Bookings whose links were read within max_age; of the others nobody knows whether they are linked.",
            ),
            Recording(UNLINKED, f"{unlinked}\n/ ({VERIFIED} > 0)"),
            Recording(
                UNVERIFIED,
                f"{unverified}\n/ (\n    {unverified}\n  + {VERIFIED}\n  > 0\n)",
            ),
            Recording(
                _NEW_5M,
                _more_than_five_minutes_ago("booking_sync_bookings_discovered_total"),
                "Exists only while there are new ones. A difference, not an increase(), which guesses at the edges. max, not\n"
                "sum: every replica discovers every booking. Added up over a day it does not mind which Pod counted.",
            ),
            Recording(VANISHED_5M, _more_than_five_minutes_ago("booking_sync_bookings_vanished_total")),
            Recording(
                site,
                f"{one_per(SITE, 'site')}\nand {OF_TARGET} {_UP}",
                "One site for each target: while two replicas have read two configurations there are two.",
            ),
            Recording(
                OF_SITE,
                f"sum without (target) (\n  {in_site}\n)\nand\n"
                f"count without (target) (\n  {in_site}\n)\n"
                f"== on ({', '.join(JOB_LABELS)}, platform, site) group_left () count without (target) ({site})",
                "Only when every target of the site on that platform shows its number: a part would look like drift.",
            ),
            copy_recording(),
        ),
    )


def _more_than_five_minutes_ago(counter: str) -> str:
    now, then = f"last_over_time({counter}[{RECENT}])", f"last_over_time({counter}[{RECENT}] offset 5m)"
    return f"{newest(f'{now} - {then}')} > 0"


def intake_recordings() -> RecordingGroup:
    """Return how many bookings were new, where the exporter could see them."""
    # Every two minutes, not every five: a series that is as old as the look-back has holes.
    return RecordingGroup("booking-sync-intake", "2m", (_intake(NEW_1D, "1d", 22), _intake(NEW_4H, "4h", 4)))


def _intake(record: str, window: str, looks: int) -> Recording:
    seen = f"max without (collector) (sum_over_time({_UP}[{window}:1h]) >= {looks})"
    new = f"sum_over_time({_NEW_5M}[{window}:5m])"
    return Recording(
        record,
        f"{new} and {seen}\nor 0 * {seen}",
        f"Only if the exporter could have seen them: at {looks} hourly looks at least the newest poll had succeeded.",
    )
