"""No threshold that a user may choose is shorter than its alert needs: the rendered rules are held against the bounds."""

from __future__ import annotations

from typing import Any, Final

import pytest

from exporter.fields.durations import format_duration, parse_duration
from exporter.model import CollectorName
from exporter.monitoring.options import Options
from exporter.monitoring.prometheus import alerting_rules, recording_rules
from exporter.monitoring.promql import RECENT
from exporter.monitoring.settings import MAX_SCRAPE_SECONDS
from exporter.platforms.registry import PLATFORMS
from exporter.platforms.settings import models_in
from exporter.state import bounds
from exporter.state.thresholds import Thresholds
from tests.monitoring.libyaml import safe_load

LEADS: Final = {
    "conflict_soon": (bounds.CONFLICT_SOON, "BookingSyncDoubleBooking"),
    "external_conflict_soon": (bounds.EXTERNAL_CONFLICT_SOON, "BookingSyncExternalConflict"),
    "connections_down_within": (bounds.CONNECTIONS_DOWN, "BookingSyncAllConnectionsFailing"),
    "connection_disconnected_within": (bounds.DISCONNECTED, "BookingSyncConnectionDisconnected"),
    "credential_expiry_within": (bounds.CREDENTIAL_EXPIRY, "BookingSyncCredentialExpiring"),
}
"""Times of which a part is over when the alert comes."""

WAITS: Final = {
    "connection_stuck_after": (bounds.STUCK, "BookingSyncConnectionStuck"),
    "connection_unclear_after": (bounds.UNCLEAR, "BookingSyncConnectionUnclear"),
}
"""Times that the alert itself waits."""


def rendered(threshold: str, span: bounds.ThresholdBounds, alert: str) -> tuple[dict[str, Any], float]:
    """Return the gravest rule of ``alert`` for the least value, and after how many seconds it sees what a poll brought."""
    chosen: dict[str, Any] = {threshold: span.min_seconds()}
    options = Options(thresholds=Thresholds(**chosen))
    groups = safe_load(alerting_rules(options))["groups"]
    [group, *_] = [group for group in groups if alert in {rule["alert"] for rule in group["rules"]}]
    rule = next(rule for rule in group["rules"] if rule["alert"] == alert)
    records = {
        rule["record"]: parse_duration(group["interval"])
        for group in safe_load(recording_rules(options))["groups"]
        for rule in group["rules"]
    }
    recorded = max((interval for record, interval in records.items() if record in rule["expr"]), default=0.0)
    return rule, MAX_SCRAPE_SECONDS + recorded + parse_duration(group["interval"])


def slowest(name: CollectorName) -> float:
    """Return the longest default interval of a collector."""
    found = [
        collector.model_fields["interval"].default
        for platform in PLATFORMS.values()
        for collectors in models_in(platform.settings.model_fields["collectors"].annotation)
        if name in collectors.model_fields
        for collector in models_in(collectors.model_fields[name].annotation)
    ]
    return max(map(parse_duration, found))


@pytest.mark.parametrize("threshold", LEADS)
def test_at_the_least_value_half_of_the_time_is_left_when_the_alert_comes(threshold: str) -> None:
    span, alert = LEADS[threshold]
    rule, seen = rendered(threshold, span, alert)
    told = slowest(span.collector) + seen + parse_duration(rule["for"])
    assert span.alert_delay_seconds() - 60.0 <= told <= span.alert_delay_seconds()  # not all that is asked was recorded before
    assert 2 * told <= span.min_seconds() < 2 * told + 420.0


@pytest.mark.parametrize("threshold", WAITS)
def test_at_the_least_value_a_state_was_seen_by_more_than_one_poll(threshold: str) -> None:
    span, alert = WAITS[threshold]
    rule, _ = rendered(threshold, span, alert)
    assert format_duration(span.min_seconds()) == rule["for"]
    assert f"[{RECENT}]" in rule["expr"]
    assert span.min_seconds() >= parse_duration(RECENT) + slowest(span.collector) + 60.0


@pytest.mark.parametrize("span", [*(span for span, _ in LEADS.values()), *(span for span, _ in WAITS.values())])
def test_a_collector_that_is_polled_seldom_needs_more_time(span: bounds.ThresholdBounds) -> None:
    assert span.min_seconds() == span.min_seconds(slowest(span.collector))
    assert span.min_seconds(3_600.0) >= 3_600.0 + span.min_seconds() - slowest(span.collector) - 300.0


def test_a_poll_is_overdue_before_its_data_is_old() -> None:
    options = Options(thresholds=Thresholds(poll_overdue_intervals=4))
    rules = {rule["alert"]: rule["expr"] for group in safe_load(alerting_rules(options))["groups"] for rule in group["rules"]}
    assert "collector:booking_sync_poll_overdue:ratio[5m]) > 4" in rules["BookingSyncPollOverdue"]
    assert "collector:booking_sync_data_age:ratio[5m]) > 5" in rules["BookingSyncDataStale"]
