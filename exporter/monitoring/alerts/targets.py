"""Alerts about one target: its access, the age of its data, its budgets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from exporter.errors import Reason
from exporter.fields.durations import format_duration
from exporter.model import Message
from exporter.monitoring.alerts.alert import Alert, AlertGroup, AlertSeverity, Choice, FixedBy
from exporter.monitoring.alerts.chosen import with_chosen_severity
from exporter.monitoring.alerts.wording import last_answer, once_it_lasts
from exporter.monitoring.language import counted, decimal
from exporter.monitoring.options import Options
from exporter.monitoring.promql import OF_TARGET, in_promql, newest, one_per, with_label
from exporter.monitoring.rules.shared import BESIDES
from exporter.monitoring.rules.targets import (
    ACCESS,
    AVAILABLE,
    CREDENTIAL,
    DARK,
    LATEST,
    LIMITED,
    WHY,
    WHY_FAILING,
    of_reasons,
)
from exporter.platforms.registry import PLATFORMS
from exporter.state import bounds
from exporter.state.verdict_row import Kind

HOLD: Final = "15m"
"""How long a target fails before it is told alone: what many of them share is told by then, and keeps them back."""

_PROBE: Final = (
    "The exporter's operator runs `booking-sync-exporter probe {{ $labels.target }}`: it names the reason and the fix."
)
_WHY: Final = "{{ with $labels.reason }} ({{ . }}){{ end }}"
_BESIDES: Final = Message("{{ if $labels.besides }} Other {{ $labels.platform }} targets have failed for longer.{{ end }}")
_OUTAGE: Final = "last_over_time(collector:booking_sync_provider_outage:max[5m]) == 1"
_IS_DARK: Final = f"last_over_time({DARK}[5m]) == 1"


def _fixes(reasons: Sequence[Reason], other: str = "") -> Choice:
    """Return the fix of what lasts by platform and reason; ``other`` where none is known."""
    return Choice(
        "platform",
        {
            platform.name: Choice(
                "reason",
                {reason.value: once_it_lasts(platform.advice.failures[reason].fix) for reason in reasons}
                | ({"none": other} if other else {}),
            )
            for platform in PLATFORMS.values()
        },
    )


def _until_morning(of_bookings: str, of_calendar: str) -> Choice:
    """Return what happens until morning: an owner's calendar has no bookings of its own."""
    return Choice("platform", {"calendar": of_calendar, "other": of_bookings})


def with_credential(expression: str) -> str:
    """Return ``expression`` with the label ``credential``, where one is known."""
    return with_label("credential", CREDENTIAL, expression)


def _dark() -> str:
    """Return the dark targets, with the label ``besides`` where others of the platform had failed for long before."""
    return with_label("besides", BESIDES, _IS_DARK)


def target_alerts(options: Options) -> AlertGroup:
    """Return the alerts that concern every target alike."""
    return AlertGroup("booking-sync-target-alerts", (*_access(options), *_data(), *_reading(options), *_limits(options)))


def _access(options: Options) -> tuple[Alert, ...]:
    refused = f"{WHY_FAILING}{{{of_reasons(*ACCESS)}}}"
    reason = one_per(f"last_over_time({refused}[5m])", "reason")
    summary = "A platform or a calendar refuses access."
    return (
        Alert(
            name="BookingSyncAccessDenied",
            expr=with_credential(f"({_dark()})\n* {OF_TARGET} group_left (reason) {reason}"),
            hold=HOLD,
            severity=AlertSeverity.CRITICAL,
            fixed_by=FixedBy.ADMINISTRATOR,
            since=last_answer(),
            until_morning=_until_morning(
                "Nobody sees what happens to the bookings of this target until access is back.",
                "Nobody sees whether bookings arrive in this calendar until access is back.",
            ),
            summary=summary,
            description=Message(
                "{{ $labels.platform }} refuses all access to {{ $labels.target }} ({{ $labels.reason }}); nothing is known "
                "about this target.%(besides)s",
                besides=_BESIDES,
            ),
            fix=_fixes(ACCESS),
        ),
        Alert(
            name="BookingSyncAccessDenied",
            expr=with_credential(f"last_over_time({WHY}{{{of_reasons(*ACCESS)}}}[5m])\nunless {OF_TARGET} {_IS_DARK}"),
            hold=HOLD,
            severity=AlertSeverity.WARNING,
            fixed_by=FixedBy.ADMINISTRATOR,
            since=last_answer("collector"),
            until_morning="The data of this collector is missing; this target's other data arrives.",
            summary=summary,
            description=(
                "{{ $labels.platform }} refuses {{ $labels.collector }} of {{ $labels.target }} ({{ $labels.reason }}); "
                "its other data arrives."
            ),
            fix=_fixes(ACCESS),
        ),
        *with_chosen_severity(
            options,
            Kind.CREDENTIAL_EXPIRY,
            Alert(
                name="BookingSyncCredentialExpiring",
                expr=newest(
                    "\n  last_over_time(booking_sync_credential_expiry_timestamp_seconds[5m])\n"
                    "  - ignoring (target, platform) group_left () last_over_time(booking_sync_time_seconds[5m])\n"
                )
                + f"\n< {in_promql(options.thresholds.credential_expiry_within)}",
                hold=format_duration(bounds.CREDENTIAL_EXPIRY.hold),
                severity=AlertSeverity.WARNING,
                fixed_by=FixedBy.ADMINISTRATOR,
                until_morning="Nothing happens before the credential ends; then the target is no longer watched.",
                summary="A credential has to be renewed by a person.",
                description=(
                    "The credential of {{ $labels.target }} {{ if gt $value 0.0 }}expires in {{ $value | humanizeDuration }}"
                    "{{ else }}has expired{{ end }}."
                ),
                fix=(
                    "An administrator of the account renews the credential; the exporter's operator replaces the old one and "
                    "reloads."
                ),
            ),
        ),
    )


def _data() -> tuple[Alert, ...]:
    withdrawn = f"last_over_time({AVAILABLE}[5m]) == 0"
    refused = f"last_over_time({WHY_FAILING}{{{of_reasons(*ACCESS)}}}[5m])"
    summary = "Booking data is missing."
    fix = _fixes([reason for reason in Reason if reason not in ACCESS], _PROBE)
    return (
        Alert(
            name="BookingSyncDataExpired",
            expr=with_credential(
                with_label("reason", WHY_FAILING, f"({_dark()})\nunless {OF_TARGET} {refused}"),
            ),
            hold=HOLD,
            severity=AlertSeverity.CRITICAL,
            fixed_by=FixedBy.OPERATOR,
            since=last_answer(),
            until_morning=_until_morning(
                "Nobody sees what happens to the bookings of this target, double bookings included.",
                "Nobody sees whether bookings arrive in this calendar.",
            ),
            summary=summary,
            description=Message(
                "No collector of {{ $labels.target }} gets data%(why)s; the last data gets old or is no longer "
                "shown.%(besides)s",
                why=_WHY,
                besides=_BESIDES,
            ),
            fix=fix,
            comment="A calendar provider that is down does not count: the data of the others are there.",
        ),
        Alert(
            name="BookingSyncDataExpired",
            expr=with_credential(
                with_label(
                    "reason",
                    WHY,
                    f"{withdrawn}\nunless {OF_TARGET} {_IS_DARK}",
                    tied=OF_TARGET.replace("platform", "platform, collector"),
                )
            ),
            hold=HOLD,
            severity=AlertSeverity.WARNING,
            fixed_by=FixedBy.OPERATOR,
            since=last_answer("collector"),
            until_morning="Problems that this collector would find stay unnoticed; the target's other data arrives.",
            summary=summary,
            description=Message(
                "{{ $labels.collector }} of {{ $labels.target }} got no data within its maximum age%(why)s; its old data is "
                "no longer shown. The target's other data arrives.",
                why=_WHY,
            ),
            fix=fix,
        ),
        Alert(
            name="BookingSyncDataStale",
            expr=with_credential(
                f"last_over_time(collector:booking_sync_data_age:ratio[5m]) > {bounds.STALE_INTERVALS}\n"
                f"unless {_OUTAGE}\nunless {withdrawn}"
            ),
            hold=HOLD,
            severity=AlertSeverity.WARNING,
            fixed_by=FixedBy.OPERATOR,
            since=last_answer("collector"),
            until_morning="The data that is shown gets older, and is withdrawn when it reaches its maximum age.",
            summary="Booking data is old.",
            description=counted(
                "{{ $labels.collector }} of {{ $labels.target }} last succeeded %(count)s poll interval ago; its old data is "
                "still shown.",
                "{{ $labels.collector }} of {{ $labels.target }} last succeeded %(count)s poll intervals ago; its old data is "
                "still shown.",
            ),
            fix=_PROBE,
            comment="Only where max_age is longer than five intervals; the default withdraws the data earlier.",
        ),
    )


def _reading(options: Options) -> tuple[Alert, ...]:
    intervals = options.thresholds.poll_overdue_intervals
    return (
        *with_chosen_severity(
            options,
            Kind.POLL_OVERDUE,
            Alert(
                name="BookingSyncPollOverdue",
                expr=f"min_over_time(collector:booking_sync_poll_overdue:ratio[5m]) > {intervals:.15g}",
                hold=HOLD,
                severity=AlertSeverity.WARNING,
                fixed_by=FixedBy.OPERATOR,
                since=last_answer("collector"),
                until_morning="The data that is shown gets older, and is withdrawn when it reaches its maximum age.",
                summary="A poll is overdue.",
                description=_overdue(intervals),
                fix=(
                    "The exporter's operator gives the exporter more CPU, raises intervals, or divides the targets "
                    "(`--shard`); if it is not overloaded, restarts it and reports a bug with the log."
                ),
            ),
        ),
        *with_chosen_severity(
            options,
            Kind.WINDOW_INCOMPLETE,
            Alert(
                name="BookingSyncWindowIncomplete",
                expr=(
                    "max_over_time(collector_window:booking_sync_window_complete:max[5m]) == 0\n"
                    f"unless ignoring (window) {_OUTAGE}"
                ),
                hold="30m",
                severity=AlertSeverity.WARNING,
                fixed_by=FixedBy.OPERATOR,
                until_morning="The numbers of this window are too low, and alerts do not see the rest of it.",
                summary="A window cannot be read completely.",
                description="{{ $labels.collector }} of {{ $labels.target }} could not read all of {{ $labels.window }}.",
                fix="The exporter's operator narrows the window, raises the interval or the target's budget.",
            ),
        ),
        Alert(
            name="BookingSyncAnswersNotUnderstood",
            expr=(
                f"{newest('increase(booking_sync_malformed_rows_total[1h])')} > 0\n"
                f"or sum without (field) ({newest('increase(booking_sync_unrecognized_values_total[1h])')}) > 0"
            ),
            hold="15m",
            severity=AlertSeverity.WARNING,
            fixed_by=FixedBy.OPERATOR,
            until_morning="Skipped rows are missing from all numbers.",
            summary="A platform sends values that the exporter does not know.",
            description=counted(
                "%(count)s row or value of {{ $labels.collector }} of {{ $labels.target }} could not be used within the last "
                "hour.",
                "%(count)s rows or values of {{ $labels.collector }} of {{ $labels.target }} could not be used within the "
                "last hour.",
            ),
            fix="The exporter's operator installs the newest version; if it is the newest, reports the log lines.",
        ),
        Alert(
            name="BookingSyncSeriesDropped",
            expr=f"{newest('min_over_time(booking_sync_collector_series_dropped[15m])')} > 0",
            hold="15m",
            severity=AlertSeverity.INFO,
            fixed_by=FixedBy.OPERATOR,
            summary="Some series are not shown because there are too many.",
            description=counted(
                "%(count)s series is left out of {{ $labels.collector }} of {{ $labels.target }}.",
                "%(count)s series are left out of {{ $labels.collector }} of {{ $labels.target }}.",
            ),
            fix="The exporter's operator narrows what the target reads, or raises the cap.",
        ),
    )


def _overdue(intervals: float) -> Message:
    if intervals == 1:
        return Message(
            "The next poll of {{ $labels.collector }} of {{ $labels.target }} should have begun more than an interval ago."
        )
    return Message(
        "The next poll of {{ $labels.collector }} of {{ $labels.target }} should have begun more than %(number)s intervals "
        "ago.",
        number=decimal(f"{intervals:.15g}"),
    )


def _limits(options: Options) -> tuple[Alert, ...]:
    return (
        Alert(
            name="BookingSyncApiLimited",
            expr=with_credential(f"max_over_time({LATEST}{{{of_reasons(*LIMITED)}}}[10m])"),
            hold=HOLD,
            severity=AlertSeverity.WARNING,
            fixed_by=FixedBy.OPERATOR,
            until_morning="The exporter keeps waiting; the data that is shown gets older meanwhile.",
            summary="A platform or a calendar limits the exporter.",
            description=(
                "{{ $labels.platform }} rejects polls of {{ $labels.collector }} of {{ $labels.target }}: {{ $labels.reason }}."
            ),
            fix=_fixes(LIMITED),
            comment="The range bridges polls that succeed in between.",
        ),
        *with_chosen_severity(
            options,
            Kind.BUDGET_SPENT,
            Alert(
                name="BookingSyncApiBudgetLow",
                expr="max_over_time(target_budget:booking_sync_api_budget_remaining:ratio[10m]) < 0.2",
                hold="20m",
                severity=AlertSeverity.WARNING,
                fixed_by=FixedBy.OPERATOR,
                until_morning="When nothing is left, polls are rejected, and other programs of the account may be rejected, "
                "too.",
                summary="An API budget is nearly used up.",
                description=(
                    "{{ $value | humanizePercentage }} of the {{ $labels.budget }} budget of {{ $labels.target }} is left."
                ),
                fix=(
                    "The exporter's operator raises the intervals, narrows the windows or switches a collector off; a portal "
                    "administrator looks for other applications that use the same budget."
                ),
            ),
        ),
    )
