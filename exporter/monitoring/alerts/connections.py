"""Alerts about the calendar connections of a target."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, NamedTuple

from exporter.fields.durations import format_duration
from exporter.model import ConnectionStatus, ErrorReason, Message
from exporter.monitoring.alerts.alert import FORGETS, Alert, AlertGroup, AlertSeverity, Choice, FixedBy, Text
from exporter.monitoring.alerts.chosen import for_over, with_chosen_severity, within_last
from exporter.monitoring.alerts.wording import TARGET, once_it_lasts, state_began
from exporter.monitoring.language import decimal
from exporter.monitoring.options import Options
from exporter.monitoring.promql import recent, with_connection, with_label, with_site
from exporter.monitoring.rules.connections import (
    ACCEPTED,
    BAD,
    CHANGED,
    DOWN,
    EXPORT,
    EXPORT_OFF,
    LISTED,
    LIVE,
    LOST,
    REASON,
    STATUS,
)
from exporter.monitoring.rules.health import OWNER_REASONS
from exporter.monitoring.rules.many import BROKE_BESIDES, Broken
from exporter.monitoring.rules.objective import AVERAGE, FASTEST_BURN, SLOWER_BURN
from exporter.platforms.registry import PLATFORMS
from exporter.state import bounds
from exporter.state.verdict_row import Kind

WHICH = Message(
    "Connection {{ $labels.connection }}{{ with $labels.calendar_type }} ({{ . }} calendar){{ end }} of %(target)s",
    target=TARGET,
)
_ACCEPTED = f"max_over_time({ACCEPTED}[5m])"
_BESIDES = Message(
    "{{ if $labels.besides }} The calendars of other {{ $labels.platform }} targets had been broken for over an hour before.{{ "
    "end }}"
)
CONNECTION_LINK = ("job", "target", "connection")


class _Tier(NamedTuple):
    """One pair of windows of the multi-window burn rate."""

    long: str
    short: str
    factor: str
    hold: str
    severity: AlertSeverity
    over: Message


_TIERS = (
    _Tier("1h", "5m", FASTEST_BURN, "2m", AlertSeverity.CRITICAL, Message("Over the last hour")),
    _Tier("6h", "30m", SLOWER_BURN, "15m", AlertSeverity.CRITICAL, Message("Over the last 6 hours")),
    _Tier("1d", "2h", "3", "1h", AlertSeverity.WARNING, Message("Over the last day")),
    _Tier("3d", "6h", "1", "3h", AlertSeverity.WARNING, Message("Over the last 3 days")),
)


BURN: Final = "BookingSyncErrorBudgetBurn"


def silent_burns(options: Options) -> list[str]:
    """Return the windows of those burn rates that are not reached where all connections are in error all the time."""
    if BURN in options.off:
        return []
    budget = 1 - Decimal(repr(options.slo))
    return [tier.long for tier in _TIERS if Decimal(tier.factor) * budget >= 1]


def connection_fix(status: ConnectionStatus, reason: ErrorReason | None) -> Text:
    """Return what to do about a state of a connection that lasts: one text, or one for each platform that has connections."""
    fixes: dict[str, Text] = {
        platform.name: once_it_lasts(platform.advice.connection(status, reason).fix)
        for platform in PLATFORMS.values()
        if platform.advice.connections
    }
    return fixes.popitem()[1] if len(fixes) == 1 else Choice("platform", fixes)


def connection_alerts(options: Options) -> AlertGroup:
    """Return the alerts about calendar connections, one by one and as a whole."""
    return AlertGroup(
        "booking-sync-connection-alerts", (*_single(options), *_whole(options), *(_burn(options, tier) for tier in _TIERS))
    )


def _single(options: Options) -> tuple[Alert, ...]:
    return (
        *with_chosen_severity(options, Kind.CONNECTION_ERROR, *_broken()),
        *with_chosen_severity(options, Kind.CONNECTION_DISCONNECTED, _disconnected(options)),
        _export_switched_off(),
        *with_chosen_severity(options, Kind.CONNECTION_STUCK, _stuck(options)),
        *with_chosen_severity(options, Kind.CONNECTION_UNCLEAR, _unclear(options)),
        _flapping(),
    )


def _broken() -> tuple[Alert, ...]:
    owner = "|".join(OWNER_REASONS)

    def failing(reasons: str) -> str:
        return f"{recent(f'{REASON}{{reason{reasons}}}')}\nunless ignoring (reason) {_ACCEPTED}"

    return (
        Alert(
            name="BookingSyncConnectionNeedsOwner",
            expr=with_connection(failing(f'=~"{owner}"'), "reason"),
            hold="15m",
            severity=AlertSeverity.WARNING,
            fixed_by=FixedBy.CALENDAR_OWNER,
            summary="A calendar connection needs its owner.",
            since=state_began(),
            until_morning="Slots that are taken in this calendar can be booked a second time.",
            description=Message("%(which)s stopped: {{ $labels.reason }}.", which=WHICH),
            fix=Choice("reason", {reason.value: connection_fix(ConnectionStatus.ERROR, reason) for reason in OWNER_REASONS}),
            link=CONNECTION_LINK,
            comment="Only the owner of the calendar can fix these; there is no retry.",
        ),
        Alert(
            name="BookingSyncConnectionError",
            expr=with_connection(failing(f'!~"{owner}"'), "reason"),
            hold="15m",
            severity=AlertSeverity.WARNING,
            fixed_by=FixedBy.CALENDAR_OWNER,
            summary="A calendar connection is in error.",
            since=state_began(),
            until_morning="Slots that are taken in this calendar can be booked a second time.",
            description=Message("%(which)s is in error: {{ $labels.reason }}.", which=WHICH),
            fix=connection_fix(ConnectionStatus.ERROR, ErrorReason.UNKNOWN),
            link=CONNECTION_LINK,
            comment="Every other reason, also those that the API invents later.",
        ),
    )


def _disconnected(options: Options) -> Alert:
    within = options.thresholds.connection_disconnected_within
    return Alert(
        name="BookingSyncConnectionDisconnected",
        expr=with_connection(
            f"{_is_in(ConnectionStatus.DISCONNECTED)}\n"
            f"and ignoring (status) max_over_time({LOST}[{format_duration(within)}])\n"
            f"unless ignoring (status) {_ACCEPTED}",
            "status",
        ),
        hold=format_duration(bounds.DISCONNECTED.hold),
        severity=AlertSeverity.WARNING,
        fixed_by=FixedBy.CALENDAR_OWNER,
        labels=FORGETS,
        summary="A calendar connection was disconnected.",
        since=state_began(),
        until_morning="Slots that are taken in this calendar can be booked a second time, unless it was disconnected on "
        "purpose.",
        description=Message("%(which)s worked %(within)s and is now disconnected.", which=WHICH, within=within_last(within)),
        fix=connection_fix(ConnectionStatus.DISCONNECTED, None),
        link=CONNECTION_LINK,
        comment="The transition, not the state: an entry that was disconnected on purpose may stay in the list for ever.",
    )


def _export_switched_off() -> Alert:
    return Alert(
        name="BookingSyncExportSwitchedOff",
        expr=with_connection(
            f"{recent(EXPORT)}\nand max_over_time({EXPORT_OFF}[1d])\nunless {_ACCEPTED}",
        ),
        hold="15m",
        severity=AlertSeverity.WARNING,
        fixed_by=FixedBy.CALENDAR_OWNER,
        labels=FORGETS,
        summary="A connection stopped writing bookings to its calendar.",
        until_morning="New bookings do not appear in this calendar, so its owner does not see them.",
        description=Message("%(which)s exported bookings within the last day; its export is now switched off.", which=WHICH),
        fix=(
            "If it was not on purpose, the calendar's owner opens the Wix dashboard -> Bookings calendar -> Sync personal "
            "calendar and switches the export on again."
        ),
        link=CONNECTION_LINK,
        comment="No error is shown, but bookings no longer reach the owner's calendar.",
    )


def _stuck(options: Options) -> Alert:
    after = options.thresholds.connection_stuck_after
    return Alert(
        name="BookingSyncConnectionStuck",
        expr=with_connection(
            "(\n"
            f"  {_is_in(ConnectionStatus.SYNC_IN_PROGRESS)}\n"
            "  or\n"
            f"  {_is_in(ConnectionStatus.CONNECTED)}\n"
            f"  unless ignoring (status) {recent(EXPORT)}\n"
            f")\nunless ignoring (status) {_ACCEPTED}",
            "status",
        ),
        hold=format_duration(after),
        severity=AlertSeverity.WARNING,
        fixed_by=FixedBy.CALENDAR_OWNER,
        summary="A calendar sync does not finish.",
        since=state_began(),
        until_morning="Slots that are taken in this calendar may be booked a second time.",
        description=_has_had_for(after),
        fix=Choice(
            "status",
            {
                status.value: connection_fix(status, None)
                for status in (ConnectionStatus.SYNC_IN_PROGRESS, ConnectionStatus.CONNECTED)
            },
        ),
        link=CONNECTION_LINK,
        comment="A connection that only imports stays 'connected' permanently; only an exporting one has to move on.",
    )


def _unclear(options: Options) -> Alert:
    after = options.thresholds.connection_unclear_after
    return Alert(
        name="BookingSyncConnectionUnclear",
        expr=with_connection(
            f"{_is_in(ConnectionStatus.UNDEFINED, ConnectionStatus.UNKNOWN)}\nunless ignoring (status) {_ACCEPTED}",
            "status",
        ),
        hold=format_duration(after),
        severity=AlertSeverity.WARNING,
        fixed_by=FixedBy.ADMINISTRATOR,
        summary="Nobody knows whether a calendar connection works.",
        since=state_began(),
        until_morning="Nobody knows whether slots that are taken in this calendar are blocked.",
        description=_has_had_for(after),
        fix=connection_fix(ConnectionStatus.UNDEFINED, None),
        link=CONNECTION_LINK,
    )


def _flapping() -> Alert:
    return Alert(
        name="BookingSyncConnectionsFlapping",
        expr=with_connection(f"count_over_time({CHANGED}[1d]) >= 6\nunless {_ACCEPTED}"),
        hold="5m",
        severity=AlertSeverity.WARNING,
        fixed_by=FixedBy.CALENDAR_OWNER,
        summary="A calendar connection is flapping.",
        until_morning="Slots are blocked late or not at all while the connection is broken.",
        description=Message("%(which)s breaks and recovers again and again: more than five times within a day.", which=WHICH),
        fix=connection_fix(ConnectionStatus.ERROR, None),
        link=CONNECTION_LINK,
        comment="A connection that breaks and recovers three times is not repaired. No other alert sees it, because each "
        "error ends too soon.",
    )


def _has_had_for(seconds: float) -> Message:
    return Message("%(which)s has had the status {{ $labels.status }} %(lasting)s.", which=WHICH, lasting=for_over(seconds))


def _is_in(*statuses: ConnectionStatus) -> str:
    words = "|".join(statuses)
    return recent(f'{STATUS}{{status=~"{words}"}}')


def _whole(options: Options) -> tuple[Alert, ...]:
    within = options.thresholds.connections_down_within
    return (
        *with_chosen_severity(options, Kind.PROVIDER_FAILING, _provider_down()),
        Alert(
            name="BookingSyncAllConnectionsFailing",
            expr=with_site(_with_besides(recent(DOWN), Broken.ALL)),
            hold=format_duration(bounds.CONNECTIONS_DOWN.hold),
            keep="5m",
            severity=AlertSeverity.CRITICAL,
            fixed_by=FixedBy.CALENDAR_OWNER,
            summary="No calendar of a target works any more.",
            until_morning="No calendar blocks a slot any more: every slot can be booked a second time from now on.",
            description=Message(
                "Calendar connections of %(target)s worked %(within)s, and none works now.%(besides)s",
                target=TARGET,
                within=within_last(within),
                besides=_BESIDES,
            ),
            fix=connection_fix(ConnectionStatus.ERROR, None),
            comment="In error, disconnected or gone. A target without a working connection for longer has tickets.",
        ),
        Alert(
            name="BookingSyncConnectionsVanished",
            expr=f"last_over_time({LISTED}[5m]) < 0.5 * (last_over_time({LISTED}[5m] offset 1d) >= 4)",
            hold="30m",
            severity=AlertSeverity.WARNING,
            fixed_by=FixedBy.ADMINISTRATOR,
            labels=FORGETS,
            summary="Calendar connections disappeared.",
            until_morning="The missing calendars block no slots: slots that are taken there can be booked a second time.",
            description="{{ $labels.target }} reports fewer than half of yesterday's connections: {{ $value }}.",
            fix=(
                "An administrator of the account finds out who removed the connections or withdrew the right to see them; "
                "the calendars' owners connect again."
            ),
        ),
    )


def _provider_down() -> Alert:
    return Alert(
        name="BookingSyncProviderDown",
        expr="max_over_time(provider:booking_sync_provider_up:max[5m]) == 0",
        hold="15m",
        severity=AlertSeverity.WARNING,
        fixed_by=FixedBy.PLATFORM,
        summary="A calendar provider cannot be read.",
        until_morning="Calendars of this provider are not synchronised: a slot that is taken there can be booked a second "
        "time.",
        description=(
            "Provider {{ $labels.provider }} fails for {{ $labels.target }}. Its connections are shown as last known until "
            "they are too old."
        ),
        fix=(
            "Wait for the provider; nobody else can fix it. If other targets read it well, the calendars' owners "
            "reconnect; until then the front desk treats these calendars as unverified."
        ),
    )


def _average(window: str) -> str:
    """Return an average; a long one is recorded too seldom to be there at every moment."""
    return f"last_over_time({AVERAGE}{window}[11m])" if window in {"2h", "1d", "3d"} else f"{AVERAGE}{window}"


def _with_besides(expression: str, what: Broken) -> str:
    """Return ``expression`` with the label ``besides`` where the calendars of many others had been broken for long before."""
    return with_label("besides", f'{BROKE_BESIDES}{{what="{what}"}}', expression)


def _burn(options: Options, tier: _Tier) -> Alert:
    limit = f"{tier.factor} * {options.error_budget}"
    burns, now = f"{_average(tier.long)} > {limit}\nand {_average(tier.short)} > {limit}", f"min_over_time({BAD}[5m]) >= 2"
    expr = f"{burns}\nand {now}"
    if tier.severity is AlertSeverity.CRITICAL:
        # A new target has no history: its one-hour average is whatever the first sample says.
        old = f"last_over_time({LIVE}[5m] offset 1h) > 0"
        labelled = _with_besides(now, Broken.SOME)
        expr = f"(\n{burns}\nand {old}\n)\n* ignoring (besides) group_left (besides) (\n{labelled}\n) ^ 0"
    return Alert(
        name=BURN,
        expr=expr,
        hold=tier.hold,
        keep="5m" if tier.severity is AlertSeverity.CRITICAL else "",
        severity=tier.severity,
        fixed_by=FixedBy.CALENDAR_OWNER,
        labels={"slo": "connections-healthy", "long": tier.long, "short": tier.short},
        summary="Calendar connections use up their error budget.",
        until_morning="Slots that are taken in the calendars that are in error can be booked a second time.",
        description=Message(
            "%(over)s more than %(factor)s times as many of the connections of {{ $labels.target }} were in error as the "
            "objective allows, which is %(allowed)s %%.%(besides)s",
            over=tier.over,
            factor=decimal(tier.factor),
            allowed=decimal(options.allowed),
            besides=_BESIDES if tier.severity is AlertSeverity.CRITICAL else "",
        ),
        fix=connection_fix(ConnectionStatus.ERROR, None),
        comment="A single connection in error has a ticket of its own.",
    )
