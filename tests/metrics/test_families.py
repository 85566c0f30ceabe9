"""The declared families against names, types and labels that others rely on."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from exporter.calendar_copies import MismatchKind
from exporter.metrics import FAMILIES, Family, Format
from exporter.metrics.families.catalog import COUNTERS, GROUPS
from exporter.metrics.families.family import TARGET_LABELS, Histogram
from exporter.metrics.families.process import STANDARD
from exporter.state.discoveries import DiscoveryState
from exporter.state.snapshot import View
from tests.harness import exposition, views
from tools import metrics_reference as reference

# name without prefix -> type and the labels besides target and platform
CONTRACT: dict[str, tuple[str, tuple[str, ...]]] = {
    "collector_up": ("gauge", ("collector",)),
    "collector_failing": ("gauge", ("collector", "reason")),
    "collector_polls_total": ("counter", ("collector",)),
    "collector_failures_total": ("counter", ("collector", "reason")),
    "collector_poll_duration_seconds": ("histogram", ("collector",)),
    "collector_interval_seconds": ("gauge", ("collector",)),
    "collector_max_age_seconds": ("gauge", ("collector",)),
    "collector_last_success_timestamp_seconds": ("gauge", ("collector",)),
    "collector_next_poll_timestamp_seconds": ("gauge", ("collector",)),
    "collector_data_expired": ("gauge", ("collector",)),
    "collector_series_dropped": ("gauge", ("collector",)),
    "target_info": ("gauge", ()),
    "target_paused": ("gauge", ()),
    "target_closed": ("gauge", ()),
    "connection_status": ("gauge", ("connection", "status")),
    "connection_error": ("gauge", ("connection", "reason")),
    "connection_info": ("gauge", ("connection", "calendar_type", "provider", "schedule")),
    "connection_sync_enabled": ("gauge", ("connection", "direction")),
    "connection_status_since_timestamp_seconds": ("gauge", ("connection",)),
    "connection_accepted": ("gauge", ("connection",)),
    "connections": ("gauge", ("calendar_type", "status")),
    "connection_probe_success": ("gauge", ("connection",)),
    "connection_import_calendars": ("gauge", ("connection", "state")),
    "connections_sharing_account": ("gauge", ()),
    "staff": ("gauge", ("protection",)),
    "staff_unprotected": ("gauge", ("reason",)),
    "provider_up": ("gauge", ("provider",)),
    "bookings": ("gauge", ("window",)),
    "bookings_by_status": ("gauge", ("window", "status")),
    "resource_bookings": ("gauge", ("window", "resource")),
    "resource_info": ("gauge", ("resource", "name")),
    "conflicting_bookings": ("gauge", ("window",)),
    "accepted_conflicting_bookings": ("gauge", ("window",)),
    "platform_conflicting_bookings": ("gauge", ("window",)),
    "next_conflict_timestamp_seconds": ("gauge", ()),
    "linked_bookings": ("gauge", ("window",)),
    "unlinked_bookings": ("gauge", ("window",)),
    "calendar_linked_bookings": ("gauge", ("window",)),
    "links": ("gauge", ("window", "module", "entity_type")),
    "links_unverified_bookings": ("gauge", ("window",)),
    "external_conflicts": ("gauge", ("window", "cause")),
    "next_external_conflict_timestamp_seconds": ("gauge", ()),
    "export_echoes": ("gauge", ("window",)),
    "external_events": ("gauge", ("connection", "window")),
    "external_events_up": ("gauge", ("provider",)),
    "external_events_last_change_timestamp_seconds": ("gauge", ("connection",)),
    "external_events_horizon_timestamp_seconds": ("gauge", ("connection",)),
    "next_open_slot_timestamp_seconds": ("gauge", ("service",)),
    "open_slots": ("gauge", ("service",)),
    "slots_over_busy": ("gauge", ("schedule",)),
    "calendar_busy_seconds": ("gauge", ("window",)),
    "connection_import_failing": ("gauge", ("connection", "reason")),
    "external_events_heartbeat_up": ("gauge", ("connection",)),
    "external_events_heartbeat_lag_seconds": ("gauge", ("connection",)),
    "pair_info": ("gauge", ("pair", "calendar", "resource")),
    "calendar_mismatches": ("gauge", ("window", "kind")),
    "calendar_unverified_bookings": ("gauge", ("window",)),
    "next_calendar_mismatch_timestamp_seconds": ("gauge", ()),
    "window_start_timestamp_seconds": ("gauge", ("collector", "window")),
    "window_end_timestamp_seconds": ("gauge", ("collector", "window")),
    "window_complete": ("gauge", ("collector", "window")),
    "next_booking_timestamp_seconds": ("gauge", ()),
    "bookings_discovered_total": ("counter", ()),
    "bookings_vanished_total": ("counter", ()),
    "api_requests_total": ("counter", ("operation", "code")),
    "api_throttle_wait_seconds_total": ("counter", ()),
    "api_budget_limit": ("gauge", ("budget",)),
    "api_budget_remaining": ("gauge", ("budget",)),
    "api_operating_seconds": ("gauge", ("operation",)),
    "api_operating_reset_timestamp_seconds": ("gauge", ("operation",)),
    "credential_info": ("gauge", ("credential",)),
    "credential_expiry_timestamp_seconds": ("gauge", ()),
    "malformed_rows_total": ("counter", ("collector",)),
    "unrecognized_values_total": ("counter", ("collector", "field")),
}
# those of a pair are no target's
CONTRACT_OF_PAIRS: dict[str, tuple[str, tuple[str, ...]]] = {
    "proof_state": ("gauge", ("pair", "state")),
    "proof_state_since_timestamp_seconds": ("gauge", ("pair",)),
    "proof_learning": ("gauge", ("pair", "reason")),
    "proof_bookings": ("gauge", ("pair", "window", "state")),
    "proof_left_behind": ("gauge", ("pair",)),
    "proof_shift_seconds": ("gauge", ("pair",)),
    "proof_imports": ("gauge", ("pair", "state")),
    "proof_lag_seconds": ("histogram", ("pair",)),
}
CONTRACT_OF_THE_PROCESS: dict[str, tuple[str, tuple[str, ...]]] = {
    "build_info": ("gauge", ("version", "revision", "python")),
    "time_seconds": ("gauge", ()),
    "ready": ("gauge", ()),
    "standby": ("gauge", ()),
    "shard_info": ("gauge", ("shard",)),
    "shards": ("gauge", ()),
    "config_warnings": ("gauge", ("kind",)),
    "discovered_targets": ("gauge", ("discovery",)),
    "discovery_up": ("gauge", ("discovery",)),
    "discovery_last_success_timestamp_seconds": ("gauge", ("discovery",)),
    "config_last_reload_successful": ("gauge", ()),
    "config_last_reload_success_timestamp_seconds": ("gauge", ()),
    "config_hash": ("gauge", ()),
    "event_loop_lag_seconds": ("gauge", ()),
    "poll_lateness_seconds": ("histogram", ("platform",)),
    "api_request_duration_seconds": ("histogram", ("platform", "operation")),
    "api_retries_total": ("counter", ("platform", "operation", "reason")),
    "log_messages_total": ("counter", ("level",)),
    "internal_errors_total": ("counter", ("task",)),
}
OURS = [family for family in FAMILIES if family.name.startswith("booking_sync_")]


def test_the_families_are_those_of_the_contract() -> None:
    expected = {f"booking_sync_{name}": (kind, TARGET_LABELS + labels) for name, (kind, labels) in CONTRACT.items()}
    apart = CONTRACT_OF_PAIRS | CONTRACT_OF_THE_PROCESS
    expected |= {f"booking_sync_{name}": declared for name, declared in apart.items()}
    declared = {family.name: (family.type, family.labels) for family in OURS}
    assert expected == declared, (
        'written by hand on purpose: dashboards of other people stand on it (docs/contract.md, "Metrics")'
    )


def test_every_family_is_declared_once() -> None:
    names = [family.name for family in FAMILIES]
    assert len(names) == len(set(names))


def test_every_gauge_of_a_target_is_read_and_every_counter_kept() -> None:
    read = {gauge for group in GROUPS for gauge in group.gauges} | set(COUNTERS)
    per_target = {family for family in FAMILIES if {"target", "pair"} & set(family.labels)}
    assert {"booking_sync_target_info"} == {family.name for family in per_target - read}
    assert set() == read - per_target


@pytest.mark.parametrize("family", OURS, ids=lambda family: family.name)
def test_a_help_text_speaks_to_people(family: Family) -> None:
    assert re.fullmatch(r"[0-9A-Z][^\n\t]{15,240}\.", family.help)
    assert "  " not in family.help
    if "seconds" in family.name:
        assert re.search("[Ss]econds", family.help), "the unit is missing"
    if "timestamp" in family.name:
        assert family.help.startswith("Unix time in seconds")


@pytest.mark.parametrize("family", OURS, ids=lambda family: family.name)
def test_a_name_follows_the_naming_guide(family: Family) -> None:
    assert (family.type == "counter") == family.name.endswith("_total")
    assert not family.name.endswith(("_bucket", "_count", "_sum", "_created"))
    if isinstance(family, Histogram):
        assert family.buckets == tuple(sorted(set(family.buckets)))


def test_since_without_a_state_file_is_explained() -> None:
    family = next(family for family in OURS if family.name.endswith("connection_status_since_timestamp_seconds"))
    assert "Without a state_file it counts from the start of the exporter" in family.help


def test_the_standard_families_are_what_the_library_publishes() -> None:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    published = {
        (metric.name + ("_total" if metric.type == "counter" else ""), metric.type, metric.documentation)
        for metric in registry.collect()
    }
    assert published == {(family.name, family.type, family.help) for family in STANDARD}


def full() -> View:
    """Return a view that fills every family: what fails in part has all data, and a reason."""
    rule = DiscoveryState('an "agency"', asked=True, up=True, sites=3, last_success=views.NOW)
    view = views.partial_failure(views.mismatched((3_600, MismatchKind.MOVED)))
    first = view.targets[0]
    closed = msgspec.structs.replace(first, policy=msgspec.structs.replace(first.policy, closed=((0.0, 1.0),)))
    pairs = (views.proof(missing=(3_600.0,), shift=3_600.0), views.unlearnt())
    paired = msgspec.structs.replace(closed, pairs=pairs)
    return msgspec.structs.replace(view, targets=(paired, *view.targets[1:]), discoveries=(rule, DiscoveryState("not asked")))


def test_a_rule_that_was_never_read_is_down_and_has_no_moment_of_success() -> None:
    lines = [line for line in exposition.page_of(full()).decode().splitlines() if line.startswith("booking_sync_discover")]
    assert [
        'booking_sync_discovered_targets{discovery="an \\"agency\\""} 3.0',
        'booking_sync_discovered_targets{discovery="not asked"} 0.0',
        'booking_sync_discovery_up{discovery="an \\"agency\\""} 1.0',
        'booking_sync_discovery_up{discovery="not asked"} 0.0',
    ] == lines[:-1]
    assert lines[-1].startswith('booking_sync_discovery_last_success_timestamp_seconds{discovery="an \\"agency\\""} ')


@pytest.mark.parametrize("format_", Format)
def test_every_declared_family_and_no_other_stands_on_a_full_page(format_: Format) -> None:
    page = exposition.page_of(full(), format_)
    names = re.findall(r"^# TYPE (\S+) (\S+)$", page.decode(), re.MULTILINE)
    declared = [
        (
            family.name.removesuffix("_total") if (format_, family.type) == (Format.OPENMETRICS, "counter") else family.name,
            family.type,
        )
        for family in FAMILIES
    ]
    missing = sorted(set(declared) - set(names))
    assert sorted(declared) == sorted(names), f"{missing}: set it in tests/harness/exposition.py or tests/harness/views.py"


def test_every_sample_has_exactly_the_declared_labels() -> None:
    declared = {family.name: set(family.labels) for family in OURS}
    for family in exposition.families(exposition.page_of(full())):
        name = family.name + ("_total" if family.type == "counter" else "")
        if name in declared and name != "booking_sync_target_info":
            for sample in family.samples:
                assert declared[name] == sample.labels.keys() - {"le"}


def test_the_reference_in_the_docs_is_up_to_date() -> None:
    committed = Path(__file__).parents[2] / "docs" / "metrics.md"
    assert reference.render() == committed.read_text(), "run: python -m tools.metrics_reference docs/metrics.md"


def test_the_reference_names_every_family() -> None:
    text = reference.render()
    assert [] == [family.name for family in FAMILIES if f"| `{family.name}` | {family.type} |" not in text]


def test_families_are_compared_by_identity_so_that_two_alike_are_two() -> None:
    family = FAMILIES[0]
    assert family != replace(family)
