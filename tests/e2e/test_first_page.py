"""What is known when the exporter starts is on its first page, and what a poll brings on the first page after it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from exporter.metrics import FAMILIES
from exporter.simulator import Fault, FaultKind
from tests.harness.business import Business
from tests.harness.process import Exporter, exporter

# What only an answer can tell.
OF_A_POLL = {
    *("connection_status", "connection_error", "connection_info", "connection_sync_enabled", "connections", "provider_up"),
    "connections_sharing_account",
    "connection_status_since_timestamp_seconds",
    *(
        "bookings",
        "bookings_by_status",
        "resource_bookings",
        "resource_info",
        "conflicting_bookings",
        "accepted_conflicting_bookings",
        "platform_conflicting_bookings",
    ),
    "next_booking_timestamp_seconds",
    *("linked_bookings", "unlinked_bookings", "calendar_linked_bookings", "links", "links_unverified_bookings"),
    *("calendar_mismatches", "calendar_unverified_bookings"),
    *("window_start_timestamp_seconds", "window_end_timestamp_seconds", "window_complete"),
    *("api_operating_seconds", "api_operating_reset_timestamp_seconds"),
}
# Not asked for in the first polls: a connection is probed, and the staff read, within ten minutes.
LATER = {"connection_probe_success", "connection_import_calendars", "staff", "staff_unprotected"}
# What only the collectors events and slots have, which nobody switched on.
PRIVATE = {
    *("external_conflicts", "next_external_conflict_timestamp_seconds", "export_echoes", "external_events"),
    *("external_events_up", "external_events_last_change_timestamp_seconds", "external_events_horizon_timestamp_seconds"),
    *("connection_import_failing", "external_events_heartbeat_up", "external_events_heartbeat_lag_seconds"),
    *("open_slots", "next_open_slot_timestamp_seconds", "slots_over_busy"),
}
# What only a calendar and the pairs have, of which the business has none.
PAIRED = {
    *("calendar_busy_seconds", "pair_info", "proof_state", "proof_state_since_timestamp_seconds", "proof_learning"),
    *("proof_bookings", "proof_left_behind", "proof_shift_seconds", "proof_lag_seconds", "proof_imports"),
}
# What only a failed poll has.
OF_A_FAILURE = {"collector_failing"}
# No credential of the business ends by itself.
NEVER = {
    *("credential_expiry_timestamp_seconds", "connection_accepted", "next_conflict_timestamp_seconds"),
    "next_calendar_mismatch_timestamp_seconds",
    *("discovered_targets", "discovery_up", "discovery_last_success_timestamp_seconds"),  # no rule looks for sites
}
SUFFIXES = {"histogram": "_count", "counter": "", "gauge": ""}


def config(business: Business) -> Path:
    """Write a configuration in which every family of both platforms can be filled."""
    rows = {"interval": "1h", "conflicts": True}
    return business.config(
        business.wix_target(collectors={"connections": {"interval": "1h"}, "bookings": rows}, closed=["2031-12-24"]),
        business.bitrix24_target(collectors={"bookings": {**rows, "per_resource": True}, "links": {"interval": "1h"}}),
    )


def absent(page: Mapping[str, float]) -> set[str]:
    """Return the families without a series."""
    shown = {series.partition("{")[0] for series in page}
    names = {family.name.removeprefix("booking_sync_"): SUFFIXES[family.type] for family in FAMILIES}
    return {name for name, suffix in names.items() if name + suffix not in shown}


async def first_page(running: Exporter) -> dict[str, float]:
    await running.listening()
    return await running.samples()


async def test_on_the_first_page_only_what_an_answer_has_to_tell_is_missing(business: Business) -> None:
    business.simulator.faults.add(Fault(FaultKind.NEVER))
    for _ in range(2):
        async with exporter(config(business), wait=False) as running:
            assert OF_A_POLL | OF_A_FAILURE | NEVER | LATER | PRIVATE | PAIRED == absent(await first_page(running))
            running.process.kill()  # a stop would wait for the polls
            await running.ended()


async def test_while_everything_is_refused_nothing_leaves_the_page_and_nothing_is_made_up(business: Business) -> None:
    business.simulator.faults.add(Fault(FaultKind.STATUS, status=403))
    async with exporter(config(business)) as running:
        await running.ready()
        page = await running.samples()
        assert OF_A_POLL | NEVER | LATER | PRIVATE | PAIRED == absent(page)
        assert {0.0} == {value for name, value in page.items() if name.startswith("collector_up{")}


async def test_on_the_first_page_after_the_first_polls_every_family_has_its_series(business: Business) -> None:
    async with exporter(config(business)) as running:
        await running.ready()
        page = await running.samples()
        assert OF_A_FAILURE | NEVER | LATER | PRIVATE | PAIRED == absent(page)
        unverified = {name: value for name, value in page.items() if name.startswith("links_unverified_bookings{")}
        assert {'links_unverified_bookings{platform="bitrix24",target="salon-b24",window="next_7d"}': 0.0} == unverified
