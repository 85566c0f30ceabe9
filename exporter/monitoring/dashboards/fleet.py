"""Board A: is anything broken, where, since when, and who fixes it."""

from __future__ import annotations

from exporter.model import ConnectionStatus
from exporter.monitoring.alerts import Dashboard
from exporter.monitoring.alerts.chosen import within_last
from exporter.monitoring.dashboards.causes_table import OPEN_CONNECTION, OPEN_TARGET
from exporter.monitoring.dashboards.dashboard import DashboardRow, board, variable
from exporter.monitoring.dashboards.fleet_now import SCOPE, first_screen, wall
from exporter.monitoring.dashboards.judged import found, judged
from exporter.monitoring.dashboards.panels import (
    CLEAR,
    GREEN,
    MAX_SERIES,
    NEUTRAL,
    ORANGE,
    PAINTED,
    RED,
    STATUS_LOOKS,
    Json,
    bargauge,
    column,
    override,
    query,
    stat,
    state_timeline,
    status_overrides,
    table,
    timeseries,
    top,
    words,
)
from exporter.monitoring.dashboards.shares import DAYS, connections, days_known, healthy_share, or_none
from exporter.monitoring.language import said
from exporter.monitoring.options import Options
from exporter.monitoring.promql import RECENT, TENANT_LABELS, newest, one_per, recent
from exporter.monitoring.rules import STATUS_CODES
from exporter.monitoring.rules.bookings import CONFLICTS, MARKED, NEW_4H
from exporter.monitoring.rules.health import OF_BOOKINGS, OF_COLLECTORS, OF_CONNECTIONS
from exporter.monitoring.rules.objective import FASTEST_BURN, SLOWER_BURN
from exporter.texts import DEFAULT

_CODE = f"connection:booking_sync_connection_status:code{{{SCOPE}}}"
_EVERY_5M, _EVERY_HOUR = "11m", "3h"
"""How old a sample may be of the long averages, which are recorded every five minutes, and of that of a month."""

_SHARE, _KNOWN = "healthy", f"days known of {DAYS}"
_NOT_WORKING = STATUS_CODES[ConnectionStatus.SYNC_IN_PROGRESS]
_ENOUGH = 10
"""So many bookings are enough to be compared with those of another week."""

_OPEN_SERIES: Json = {
    "title": "Open the target",
    "url": (
        f"/d/{Dashboard.TARGET}?${{datasource:queryparam}}&${{job:queryparam}}&var-target=${{__field.labels.target:percentencode}}"
        "&${__url_time_range}"
    ),
}


def fleet(options: Options) -> str:
    """Return the JSON of the fleet board."""
    return board(
        options,
        uid=Dashboard.FLEET,
        title="Booking sync / Fleet",
        description="Is anything broken, where, since when, and who fixes it.",
        variables=[
            variable("target", "Target", 'label_values(booking_sync_collector_up{job=~"$job"}, target)'),
        ],
        rows=[
            DashboardRow("Right now", first_screen(options)),
            DashboardRow("All targets", [*wall(), *_stats(options)]),
            DashboardRow("Connections", [_trouble(), *_connections()]),
            DashboardRow("Bookings", _bookings()),
            DashboardRow("Error budget", _budget(options)),
        ],
        exporter_width=4,
    )


def _stats(options: Options) -> list[Json]:
    up = f"collector:booking_sync_collector_up:max{{{SCOPE}}}"
    answering = recent(f"collector:booking_sync_answering:max{{{SCOPE}}}")
    available = recent(f"collector:booking_sync_data_available:max{{{SCOPE}}}")
    conflicts = recent(f'{CONFLICTS}{{{SCOPE},window=~"next_24h|next_7d"}}')
    marked = recent(f"{MARKED}{{{SCOPE}}}")

    def found_of(collectors: str) -> str:
        # A target that is wholly without data is found as such, not collector by collector.
        return (
            f"{recent(f'{OF_COLLECTORS}{{{SCOPE}}}')} and on (job, {', '.join(TENANT_LABELS)}, target, platform) {collectors}"
        )

    def with_status(status: ConnectionStatus) -> str:
        return or_none(connections(SCOPE, status), SCOPE, "connections")

    return [
        stat(
            "Connections healthy",
            f"Share of the live calendar connections that are not in error. The objective is {options.objective} %; a "
            "red value pages within an hour.",
            (4, 4),
            or_none(healthy_share(SCOPE), SCOPE, "connections"),
            unit="percentunit",
            none="no connections",
            thresholds=((None, RED), (_pages_below(options), ORANGE), (options.slo, GREEN)),
        ),
        judged(
            "In error",
            "Connections whose sync is broken, without those that are accepted as they are. Each one can lead to a double "
            "booking; its owner has to act. The colour is that of the worst of them; grey if your configuration does not "
            "count it as a problem.",
            (3, 4),
            with_status(ConnectionStatus.ERROR),
            found(OF_CONNECTIONS, SCOPE, "ConnectionError", "ConnectionNeedsOwner"),
            none="no connections",
        ),
        judged(
            "Disconnected",
            "Connections that are disconnected, on purpose or not; without those that are accepted as they are. Grey "
            "while none was disconnected "
            f"{said(within_last(options.thresholds.connection_disconnected_within), DEFAULT)}.",
            (3, 4),
            with_status(ConnectionStatus.DISCONNECTED),
            found(OF_CONNECTIONS, SCOPE, "ConnectionDisconnected"),
            none="no connections",
        ),
        judged(
            "Overlapping bookings, 7 d",
            "Bookings of the next 7 days that overlap another one on a resource, without those that are accepted; where the "
            "exporter does not compare them, those that Wix marks as double-booked. The colour is that of the worst one: the "
            "front desk moves it.",
            (4, 4),
            or_none(f"sum(max without (window) ({conflicts} or {marked}))", SCOPE, "bookings"),
            found(OF_BOOKINGS, SCOPE, "DoubleBooking", "DoubleBookingMarked"),
            none="not measured",
        ),
        judged(
            "Collectors without data",
            "Collectors whose data expired or never came, and collectors that were polled within the last hour and are not any "
            "more: because a shard is gone or, for an hour, because a target was removed. Their data is missing on this board.",
            (4, 4),
            f"count(\n  {available} == 0 or {recent(up, '1h')} unless {recent(up)}\n) and count({answering})\n"
            f"or 0 * count({answering})",
            found_of(f"{available} == 0"),
        ),
        judged(
            "Polls failing",
            "Collectors whose last poll failed. Their last data is still shown until it is too old.",
            (3, 4),
            f"count({answering} == 0) or 0 * count({answering})",
            found_of(f"{answering} == 0"),
        ),
    ]


def _pages_below(options: Options) -> float:
    """Return the share that uses up the error budget as fast as the first alert about it allows."""
    return max(0.0, round(1 - float(FASTEST_BURN) * (1 - options.slo), 9))


def _trouble() -> Json:
    """One query, so that one connection is one row and no column comes or goes."""
    status = one_per(
        recent(f'connection_status:booking_sync_connection_status:max{{{SCOPE},status=~"error|disconnected"}}') + " == 1",
        "status",
    )
    given = one_per(recent(f"connection_reason:booking_sync_connection_error:max{{{SCOPE}}}") + " == 1", "reason")
    reason = f'{given}\n  or ignoring (status, reason) label_replace({status}, "reason", "-", "", "")'
    about = ("calendar_type", "provider", "schedule")
    info = one_per(newest(recent(f"booking_sync_connection_info{{{SCOPE}}}")), *about)
    since = newest(recent(f"booking_sync_connection_status_since_timestamp_seconds{{{SCOPE}}}"))
    trouble = (
        f"1000 * {since}\n"
        f"* ignoring (status) group_left (status) {status}\n"
        f"* ignoring (status, reason) group_left (reason) (\n  {reason}\n)\n"
        f"* ignoring (status, reason, {', '.join(about)}) group_left ({', '.join(about)}) {info}"
    )
    return table(
        "Connections needing attention",
        "Connections in error or disconnected, with the reason, what they are, and since when. Empty is good.",
        (24, 7),
        [trouble],
        {
            "target": "Target",
            "connection": "Connection",
            "status": "Status",
            "reason": "Reason",
            "Value": "Since",
            "calendar_type": "Calendar",
            "provider": "Provider",
            "schedule": "Schedule",
            "job": "Job",
        },
        overrides=[
            column(
                "status",
                mappings=words({status.value: looks for status, looks in STATUS_LOOKS.items()}),
                custom_cellOptions=PAINTED,
            ),
            column("Value", unit="dateTimeFromNow"),
            column("target", links=[OPEN_TARGET]),
            column(
                "connection",
                links=[OPEN_CONNECTION],
            ),
        ],
        sort_by="Status",
        descending=True,
    )


def _budget(options: Options) -> list[Json]:
    bad = "target:booking_sync_connections_bad:ratio_avg"
    windows = (("1h", RECENT), ("6h", RECENT), ("1d", _EVERY_5M), ("3d", _EVERY_5M))
    live = recent(f"target:booking_sync_connections_live:sum{{{SCOPE}}}")
    # An average outlives its target by its window.
    configured = recent(f'collector:booking_sync_collector_up:max{{{SCOPE},collector="connections"}}')

    def burn(window: str, within: str) -> str:
        return recent(f"{bad}{window}{{{SCOPE}}}", within)

    return [
        _healthy_for_long(
            # The first average comes up to an hour after the first connection.
            or_none(f"1 - avg({burn('30d', _EVERY_HOUR)})", SCOPE, "connections") + f" unless max({live}) > 0",
            options,
        ),
        timeseries(
            "Burn rate by window",
            "How fast the worst target uses up its error budget; 1 uses it up exactly in 30 days. Pages come above "
            f"{FASTEST_BURN} (1 h) and {SLOWER_BURN} (6 h), tickets above 3 (1 d) and 1 (3 d).",
            [
                query(f"max({burn(*one)} and ignoring (collector) {configured}) / {options.error_budget}", one[0])
                for one in windows
            ],
            size=(18, 8),
            thresholds=((None, CLEAR), (float(SLOWER_BURN), ORANGE), (float(FASTEST_BURN), RED)),
        ),
    ]


def _healthy_for_long(share: str, options: Options) -> Json:
    """Return the share of good time, beside what it is made of: a number of thirty days is none after one."""
    named = ((share, _SHARE), (days_known('job=~"$job"'), _KNOWN))
    panel = stat(
        "Healthy, 30 days",
        f"Share of time in which live connections were free of errors, of the days that are known. The objective is "
        f"{options.objective} %. With fewer than thirty days the value is not final; Prometheus keeps 15 days by default.",
        (6, 8),
        "\nor\n".join(f'label_replace({one}, "what", "{name}", "", "")' for one, name in named),
        unit="percentunit",
        legend="{{what}}",
        none="no connections",
        thresholds=((None, RED), (round(1 - 1.5 * (1 - options.slo), 9), ORANGE), (options.slo, GREEN)),
        decimals=2,
    )
    grey = {"mode": "absolute", "steps": [{"value": None, "color": NEUTRAL}]}
    panel["fieldConfig"]["overrides"] = [
        override({"id": "byName", "options": _KNOWN}, {"unit": "none", "decimals": 0, "max": DAYS, "thresholds": grey})
    ]
    return panel


def _connections() -> list[Json]:
    provider = recent(f"provider:booking_sync_provider_up:max{{{SCOPE}}}")
    reasons = newest(recent(f"booking_sync_connection_error{{{SCOPE}}}"))
    by_status = recent(f"target_status:booking_sync_connections:sum{{{SCOPE}}}")
    return [
        state_timeline(
            "Status of the worst connections",
            "The connections that did not work, or not yet, within the time range, worst first; no others. A gap means that "
            "the state was not known.",
            (24, 10),
            f"{recent(_CODE)} and {top(f'max_over_time({_CODE}[$__range] @ end()) >= {_NOT_WORKING}')}",
            "{{target}} / {{connection}}",
        ),
        timeseries(
            "Connections by status",
            "All connections. A growing share of error or disconnected is bad.",
            [query(f"sum by (status) ({by_status})", "{{status}}")],
            overrides=status_overrides(),
            stacked=True,
        ),
        timeseries(
            "Error reasons",
            "Connections in error by the reason that the platform gives. If one reason rises everywhere at once, the cause is "
            "at a provider.",
            [query(f"sum by (reason) ({reasons})", "{{reason}}")],
        ),
        timeseries(
            "Providers unavailable",
            "At how many targets a calendar provider cannot be read: its connections are shown as last known. Empty is good.",
            [query(f"count by (provider) ({provider} == 0)", "{{provider}}")],
        ),
        bargauge(
            "By calendar type",
            "Connections by the type of the external calendar.",
            (12, 8),
            f"sum by (calendar_type) ({newest(recent(f'booking_sync_connections{{{SCOPE}}}'))})",
            "{{calendar_type}}",
        ),
    ]


def _least(now: str, before: str) -> str:
    """Return the targets that have least of what they had, of those that had enough to be compared."""
    return f"bottomk({MAX_SERIES}, {now} / ({before} >= {_ENOUGH}))"


def _bookings() -> list[Json]:
    site = recent('site_platform_window:booking_sync_bookings:sum{job=~"$job",window="next_7d"}')
    bookings = recent(f'target_window:booking_sync_bookings:max{{{SCOPE},window="next_7d"}}')
    bookings_a_week_ago = recent(f'target_window:booking_sync_bookings:max{{{SCOPE},window="next_7d"}}', offset="1w")
    new, new_a_week_ago = (recent(f"{NEW_4H}{{{SCOPE}}}", offset=ago) for ago in ("", "1w"))
    unlinked = recent(f'target_window:booking_sync_unlinked_bookings:ratio{{{SCOPE},window="next_7d"}}')
    panels = [
        timeseries(
            "Bookings against last week",
            "Bookings of the next 7 days as a multiple of what they were a week ago, the targets with the least: 1 is as "
            "many, 0 an empty calendar. Targets that had fewer than ten are left out. Empty in the first week.",
            [query(_least(f"sum by (target) ({bookings})", f"sum by (target) ({bookings_a_week_ago})"), "{{target}}")],
        ),
        timeseries(
            "New bookings against last week",
            "Bookings first seen within 4 hours as a multiple of those of the same hours a week ago, the targets with the "
            "least. 0 on a working day means that the intake is broken. Empty in the first week, and where bookings are only "
            "counted.",
            [query(_least(f"sum by (target) ({new})", f"sum by (target) ({new_a_week_ago})"), "{{target}}")],
        ),
        timeseries(
            "Bookings without CRM link",
            "Share of the bookings of the next 7 days that have no link to a CRM entity; the sales team does not see them. "
            "Bookings whose links were read too long ago are left out. Empty without a links collector (Bitrix24 only).",
            [
                query(top(f"max by (target) ({unlinked}) > 0"), "{{target}}"),
            ],
            unit="percentunit",
        ),
        timeseries(
            "Drift between platforms of one site",
            "Difference of the bookings in the next 7 days between the platforms of a site, where there is one. Empty when "
            "all agree, or when no site has both platforms.",
            [query(top(f"max by (site) ({site}) - min by (site) ({site}) > 0"), "{{site}}")],
        ),
    ]
    for panel in panels[:3]:
        panel["fieldConfig"]["defaults"]["links"] = [_OPEN_SERIES]
    return panels
