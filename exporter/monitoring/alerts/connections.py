"""Alerts about the calendar connections of a target."""

from __future__ import annotations

from typing import NamedTuple

from exporter.model import ConnectionStatus, ErrorReason
from exporter.monitoring.alerts.alert import Alert, AlertGroup, Choice, FixedBy, Severity, Text
from exporter.monitoring.options import Options
from exporter.monitoring.promql import newest, with_connection, with_site
from exporter.platforms.registry import PLATFORMS

_STATUS = "connection_status:booking_sync_connection_status:max"
_REASON = "connection_reason:booking_sync_connection_error:max"
_OWNER_REASONS = (
    ErrorReason.TOKEN_REVOKED,
    ErrorReason.EXTERNAL_CALENDAR_CREATION_FAILED,
    ErrorReason.EXTERNAL_CALENDAR_DELETED,
)
_TARGET = "{{ $labels.target }}{{ with $labels.site }} (site {{ . }}){{ end }}"
_CALENDAR = "{{ with $labels.calendar_type }} ({{ . }} calendar){{ end }}"
_WHICH = f"Connection {{{{ $labels.connection }}}}{_CALENDAR} of {_TARGET}"
_ACCEPTED = "max_over_time(connection:booking_sync_connection_accepted:max[5m])"
_CONNECTION_LINK = ("job", "target", "connection")


class _Tier(NamedTuple):
    """One pair of windows of the multi-window burn rate."""

    long: str
    short: str
    factor: str
    hold: str
    severity: Severity
    words: str


_TIERS = (
    _Tier("1h", "5m", "14.4", "2m", Severity.CRITICAL, "hour"),
    _Tier("6h", "30m", "6", "15m", Severity.CRITICAL, "6 hours"),
    _Tier("1d", "2h", "3", "1h", Severity.WARNING, "day"),
    _Tier("3d", "6h", "1", "3h", Severity.WARNING, "3 days"),
)


def _fix(status: ConnectionStatus, reason: ErrorReason | None) -> Text:
    """Return what to do about a state of a connection: one text, or one for each platform that has connections."""
    fixes: dict[str, Text] = {
        platform.name: platform.advice.connection(status, reason).fix
        for platform in PLATFORMS.values()
        if platform.advice.connections
    }
    return fixes.popitem()[1] if len(fixes) == 1 else Choice("platform", fixes)


def connection_alerts(options: Options) -> AlertGroup:
    """Return the alerts about calendar connections, one by one and as a whole."""
    return AlertGroup("booking-sync-connection-alerts", (*_single(), *_whole(), *(_burn(options, tier) for tier in _TIERS)))


def _single() -> tuple[Alert, ...]:
    owner = "|".join(_OWNER_REASONS)
    exporting = newest('last_over_time(booking_sync_connection_sync_enabled{direction="export"}[5m])')
    return (
        Alert(
            name="BookingSyncConnectionNeedsOwner",
            expr=with_connection(
                f'min_over_time({_REASON}{{reason=~"{owner}"}}[5m]) == 1\nunless ignoring (reason) {_ACCEPTED}', "reason"
            ),
            hold="5m",
            keep="5m",
            severity=Severity.WARNING,
            fixed_by=FixedBy.CALENDAR_OWNER,
            summary="A calendar connection needs its owner.",
            description=f"{_WHICH} stopped: {{{{ $labels.reason }}}}.",
            fix=Choice("reason", {reason.value: _fix(ConnectionStatus.ERROR, reason) for reason in _OWNER_REASONS}),
            link=_CONNECTION_LINK,
            comment="Only the owner of the calendar can mend these; there is no retry.",
        ),
        Alert(
            name="BookingSyncConnectionError",
            expr=with_connection(
                f'min_over_time({_REASON}{{reason!~"{owner}"}}[5m]) == 1\nunless ignoring (reason) {_ACCEPTED}', "reason"
            ),
            hold="5m",
            keep="5m",
            severity=Severity.WARNING,
            fixed_by=FixedBy.CALENDAR_OWNER,
            summary="A calendar connection is in error.",
            description=f"{_WHICH} is in error: {{{{ $labels.reason }}}}.",
            fix=_fix(ConnectionStatus.ERROR, ErrorReason.UNKNOWN),
            link=_CONNECTION_LINK,
            comment="Every other reason, also those that the API invents later.",
        ),
        Alert(
            name="BookingSyncConnectionDisconnected",
            expr=with_connection(
                f'min_over_time({_STATUS}{{status="disconnected"}}[5m]) == 1\n'
                "and ignoring (status)\n"
                "max without (status) (\n"
                f'  max_over_time({_STATUS}{{status=~"synced|sync_in_progress|connected"}}[1d])\n'
                ") == 1\n"
                f"unless ignoring (status) {_ACCEPTED}",
                "status",
            ),
            hold="15m",
            keep="5m",
            severity=Severity.WARNING,
            fixed_by=FixedBy.CALENDAR_OWNER,
            summary="A calendar connection was cut.",
            description=f"{_WHICH} worked within the last day and is now cut.",
            fix=_fix(ConnectionStatus.DISCONNECTED, None),
            link=_CONNECTION_LINK,
            comment="The transition, not the state: an entry that was cut on purpose may be listed for ever.",
        ),
        Alert(
            name="BookingSyncConnectionStuck",
            expr=with_connection(
                "(\n"
                f'  min_over_time({_STATUS}{{status="sync_in_progress"}}[15m]) == 1\n'
                "  or\n"
                f'  min_over_time({_STATUS}{{status="connected"}}[15m]) == 1\n'
                f"  and ignoring (status, direction) {exporting} == 1\n"
                f")\nunless ignoring (status) {_ACCEPTED}",
                "status",
            ),
            hold="1h",
            keep="5m",
            severity=Severity.WARNING,
            fixed_by=FixedBy.CALENDAR_OWNER,
            summary="A calendar sync does not finish.",
            description=f"{_WHICH} has been {{{{ $labels.status }}}} for over an hour.",
            fix=Choice(
                "status",
                {
                    status.value: _fix(status, None)
                    for status in (ConnectionStatus.SYNC_IN_PROGRESS, ConnectionStatus.CONNECTED)
                },
            ),
            link=_CONNECTION_LINK,
            comment="A connection that only imports stays 'connected' for good; only an exporting one has to move on.",
        ),
    )


def _whole() -> tuple[Alert, ...]:
    ratio, live, listed = (f"target:booking_sync_connections{part}" for part in ("_bad:ratio", "_live:sum", ":sum"))
    return (
        Alert(
            name="BookingSyncProviderDown",
            expr="max_over_time(provider:booking_sync_provider_up:max[5m]) == 0",
            hold="15m",
            keep="15m",
            severity=Severity.WARNING,
            fixed_by=FixedBy.PLATFORM,
            summary="A calendar provider cannot be read.",
            description=(
                "Provider {{ $labels.provider }} fails for {{ $labels.target }}. Its connections are shown as last known until "
                "they are too old."
            ),
            fix=(
                "Nobody at first: wait for the provider. If other targets read it well, the calendars' owners reconnect; "
                "until then the front desk treats these calendars as unverified."
            ),
        ),
        Alert(
            name="BookingSyncAllConnectionsFailing",
            expr=with_site(f"min_over_time({ratio}[5m]) == 1\nand last_over_time({live}[5m]) >= 2"),
            hold="5m",
            keep="15m",
            severity=Severity.CRITICAL,
            fixed_by=FixedBy.CALENDAR_OWNER,
            summary="No calendar of a target syncs.",
            description=f"All live calendar connections of {_TARGET} are in error.",
            fix=_fix(ConnectionStatus.ERROR, None),
        ),
        Alert(
            name="BookingSyncConnectionsVanished",
            expr=f"last_over_time({listed}[5m]) < 0.5 * (last_over_time({listed}[5m] offset 1d) >= 4)",
            hold="30m",
            keep="5m",
            severity=Severity.WARNING,
            fixed_by=FixedBy.ADMINISTRATOR,
            summary="Calendar connections disappeared.",
            description="{{ $labels.target }} reports {{ $value }} connections, less than half of yesterday.",
            fix=(
                "An administrator of the account finds out who removed the connections or withdrew the right to see them; "
                "the calendars' owners connect again."
            ),
        ),
    )


def _burn(options: Options, tier: _Tier) -> Alert:
    limit = f"{tier.factor} * {options.error_budget}"
    average = "target:booking_sync_connections_bad:ratio_avg"
    expr = (
        f"{average}{tier.long} > {limit}\n"
        f"and {average}{tier.short} > {limit}\n"
        "and min_over_time(target:booking_sync_connections_bad:sum[5m]) >= 2"
    )
    if tier.severity is Severity.CRITICAL:
        # A new target has no history: its one-hour average is whatever the first sample says.
        expr += "\nand last_over_time(target:booking_sync_connections_live:sum[5m] offset 1h) > 0"
    return Alert(
        name="BookingSyncErrorBudgetBurn",
        expr=expr,
        hold=tier.hold,
        keep="5m",
        severity=tier.severity,
        fixed_by=FixedBy.CALENDAR_OWNER,
        labels={"slo": "connections-healthy", "long": tier.long, "short": tier.short},
        summary="Calendar connections use up their error budget.",
        description=(
            "{{ $value | humanizePercentage }} of the connections of {{ $labels.target }} were in error over the last "
            f"{tier.words}; the objective allows {100 * (1 - options.slo):.3g} %."
        ),
        fix=_fix(ConnectionStatus.ERROR, None),
        comment="A single connection in error has a ticket of its own.",
    )
