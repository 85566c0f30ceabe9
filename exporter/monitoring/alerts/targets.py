"""Alerts about one target: its access, the age of its data, its budgets."""

from __future__ import annotations

from collections.abc import Sequence

from exporter.errors import Reason
from exporter.monitoring.alerts.alert import Alert, AlertGroup, Choice, FixedBy, Severity
from exporter.monitoring.promql import newest, total
from exporter.platforms.registry import PLATFORMS

_PROBE = "The exporter's operator runs `booking-sync-exporter probe {{ $labels.target }}`: it names the reason and the fix."


def _fixes(reasons: Sequence[Reason]) -> Choice:
    return Choice(
        "platform",
        {
            platform.name: Choice("reason", {reason.value: platform.advice.failures[reason].fix for reason in reasons})
            for platform in PLATFORMS.values()
        },
    )


def _turned_away(reasons: Sequence[Reason]) -> str:
    return f'increase(booking_sync_collector_failures_total{{reason=~"{"|".join(reasons)}"}}[30m])'


def target_alerts() -> AlertGroup:
    """Return the alerts that concern every target alike."""
    return AlertGroup("booking-sync-target-alerts", (*_access(), *_data(), *_limits()))


def _access() -> tuple[Alert, ...]:
    denied = (Reason.AUTH, Reason.PERMISSION, Reason.NOT_ENTITLED)
    return (
        Alert(
            name="BookingSyncAccessDenied",
            expr=(
                f"{total(_turned_away(denied))} > 0\n"
                "and ignoring (reason) max_over_time(collector:booking_sync_collector_up:max[5m]) == 0"
            ),
            hold="5m",
            keep="15m",
            severity=Severity.CRITICAL,
            fixed_by=FixedBy.ADMINISTRATOR,
            summary="A booking platform refuses access.",
            description=(
                "{{ $labels.platform }} refuses {{ $labels.collector }} of {{ $labels.target }}: {{ $labels.reason }}."
            ),
            fix=_fixes(denied),
            comment="The window is twice the longest back-off after a refusal.",
        ),
        Alert(
            name="BookingSyncCredentialExpiring",
            expr=f"{newest('last_over_time(booking_sync_credential_expiry_timestamp_seconds[5m])')} - time() < 7 * 24 * 3600",
            hold="10m",
            keep="5m",
            severity=Severity.WARNING,
            fixed_by=FixedBy.ADMINISTRATOR,
            summary="A credential has to be renewed by a person.",
            description=(
                "The credential of {{ $labels.target }} {{ if gt $value 0.0 }}expires in {{ $value | humanizeDuration }}"
                "{{ else }}has expired{{ end }}."
            ),
            fix="An administrator of the account renews the credential; the exporter's operator puts it in place and reloads.",
        ),
    )


def _data() -> tuple[Alert, ...]:
    outage = "last_over_time(collector:booking_sync_provider_outage:max[5m]) == 1"
    return (
        Alert(
            name="BookingSyncDataExpired",
            expr="max_over_time(collector:booking_sync_data_available:max[5m]) == 0",
            hold="5m",
            keep="15m",
            severity=Severity.CRITICAL,
            fixed_by=FixedBy.OPERATOR,
            summary="Booking data is missing.",
            description=(
                "{{ $labels.collector }} of {{ $labels.target }} brought no data within their maximum age; "
                "what was known is no longer shown."
            ),
            fix=_PROBE,
            comment="A calendar provider that is down does not count: the data of the others are there.",
        ),
        Alert(
            name="BookingSyncDataStale",
            expr=(
                "last_over_time(collector:booking_sync_data_age:ratio[5m]) > 5\n"
                f"unless {outage}\n"
                "unless max_over_time(collector:booking_sync_data_available:max[5m]) == 0"
            ),
            hold="10m",
            keep="5m",
            severity=Severity.WARNING,
            fixed_by=FixedBy.OPERATOR,
            summary="Booking data is old.",
            description=(
                '{{ $labels.collector }} of {{ $labels.target }} last succeeded {{ $value | printf "%.0f" }} poll intervals '
                "ago; its old data is still shown."
            ),
            fix=_PROBE,
            comment="Only where max_age is longer than five intervals; the default withdraws the data earlier.",
        ),
        Alert(
            name="BookingSyncWindowIncomplete",
            expr="max_over_time(collector_window:booking_sync_window_complete:max[5m]) == 0",
            hold="30m",
            keep="5m",
            severity=Severity.WARNING,
            fixed_by=FixedBy.OPERATOR,
            summary="A window is not read to its end.",
            description="{{ $labels.collector }} of {{ $labels.target }} could not read all of {{ $labels.window }}.",
            fix="The exporter's operator narrows the window, raises the interval or the target's budget.",
        ),
        Alert(
            name="BookingSyncAnswersNotUnderstood",
            expr=(
                f"{newest('increase(booking_sync_malformed_rows_total[1h])')} > 0\n"
                f"or sum without (field) ({newest('increase(booking_sync_unrecognized_values_total[1h])')}) > 0"
            ),
            hold="15m",
            keep="5m",
            severity=Severity.WARNING,
            fixed_by=FixedBy.OPERATOR,
            summary="A platform answers in words that the exporter does not know.",
            description=(
                '{{ $value | printf "%.0f" }} rows or values of {{ $labels.collector }} of {{ $labels.target }} could not be '
                "used within the last hour."
            ),
            fix="The exporter's operator installs the newest version; if it is the newest, reports the log lines.",
        ),
    )


def _limits() -> tuple[Alert, ...]:
    limited = (Reason.RATE_LIMITED, Reason.OPERATING_LIMIT, Reason.OVERLOAD)
    return (
        Alert(
            name="BookingSyncApiLimited",
            expr=(
                f"{newest(_turned_away(limited))} > 2.5\n"
                f"or\n{newest(_turned_away(limited))} > 0\n"
                "and ignoring (reason) max_over_time(collector:booking_sync_collector_up:max[5m]) == 0"
            ),
            hold="5m",
            keep="15m",
            severity=Severity.WARNING,
            fixed_by=FixedBy.OPERATOR,
            summary="A booking platform limits the exporter.",
            description=(
                '{{ $value | printf "%.0f" }} polls of {{ $labels.collector }} of {{ $labels.target }} were turned away by '
                "{{ $labels.platform }} in 30 minutes: {{ $labels.reason }}."
            ),
            fix=_fixes(limited),
            comment="A poll waits for the limit, up to twice its interval, before it fails: one failure that lasts is enough.\n"
            "increase() extrapolates, so three failures are more than 2.5.",
        ),
        Alert(
            name="BookingSyncApiBudgetLow",
            expr="max_over_time(target_budget:booking_sync_api_budget_remaining:ratio[10m]) < 0.2",
            hold="20m",
            keep="5m",
            severity=Severity.WARNING,
            fixed_by=FixedBy.OPERATOR,
            summary="An API budget is nearly used up.",
            description="{{ $value | humanizePercentage }} of the {{ $labels.budget }} budget of {{ $labels.target }} is left.",
            fix=(
                "The exporter's operator raises the intervals, narrows the windows or switches a collector off; a portal "
                "administrator looks for other applications that use the same budget."
            ),
        ),
        Alert(
            name="BookingSyncSeriesDropped",
            expr=f"{newest('min_over_time(booking_sync_collector_series_dropped[15m])')} > 0",
            hold="15m",
            severity=Severity.INFO,
            fixed_by=FixedBy.OPERATOR,
            summary="Some series are not shown because there are too many.",
            description="{{ $value }} series of {{ $labels.collector }} of {{ $labels.target }} are left out.",
            fix="The exporter's operator narrows what the target reads, or raises the cap.",
        ),
    )
