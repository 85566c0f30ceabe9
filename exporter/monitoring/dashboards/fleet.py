"""Board A: is anything broken, where, since when, and who fixes it."""

from __future__ import annotations

from exporter.monitoring.alerts import Board
from exporter.monitoring.dashboards.dashboard import Row, board, variable
from exporter.monitoring.dashboards.panels import (
    CLEAR,
    GREEN,
    ORANGE,
    RED,
    STATUS_LOOKS,
    Json,
    bargauge,
    column,
    query,
    stat,
    state_timeline,
    status_overrides,
    table,
    timeseries,
    top,
    words,
)
from exporter.monitoring.dashboards.shares import bookings_per_hour, healthy_share, or_none
from exporter.monitoring.options import Options
from exporter.monitoring.promql import RECENT, newest, one_per, recent

_SCOPE = 'job=~"$job",target=~"$target"'
_ALERTS = 'alertname=~"BookingSync.+",job=~"$job",target=~"$target|"'
_CODE = f"connection:booking_sync_connection_status:code{{{_SCOPE}}}"
_EVERY_5M, _EVERY_HOUR = "11m", "3h"
"""How old a sample may be of the long averages, which are recorded every five minutes, and of that of a month."""

_BAD_NOW = ((None, GREEN), (1, RED))

OPEN_TARGET: Json = {
    "title": "Open the target",
    "url": (
        f"/d/{Board.TARGET}?var-datasource=${{datasource}}&var-job=${{__data.fields.job}}&var-target=${{__data.fields.target}}"
        "&${__url_time_range}"
    ),
}
_OPEN_SERIES: Json = {
    "title": "Open the target",
    "url": (
        f"/d/{Board.TARGET}?var-datasource=${{datasource}}&${{job:queryparam}}&var-target=${{__field.labels.target}}"
        "&${__url_time_range}"
    ),
}
_SEVERITY_WORDS = words({"critical": ("critical", RED), "warning": ("warning", ORANGE), "info": ("info", "blue")})


def fleet(options: Options) -> str:
    """Return the JSON of the fleet board."""
    return board(
        options,
        uid=Board.FLEET,
        title="Booking sync / Fleet",
        description="Is anything broken, where, since when, and who fixes it.",
        variables=[
            variable("target", "Target", 'label_values(booking_sync_collector_up{job=~"$job"}, target)'),
        ],
        rows=[
            Row("Right now", [*_stats(), _alerts(), _trouble()]),
            Row("Error budget", _budget(options)),
            Row("Connections", _connections()),
            Row("Bookings", _bookings()),
        ],
    )


def _stats() -> list[Json]:
    up = f"collector:booking_sync_collector_up:max{{{_SCOPE}}}"
    answering = recent(f"collector:booking_sync_answering:max{{{_SCOPE}}}")
    available = recent(f"collector:booking_sync_data_available:max{{{_SCOPE}}}")
    conflicts = recent(f'target_window:booking_sync_conflicting_bookings:max{{{_SCOPE},window="next_24h"}}')

    def with_status(status: str) -> str:
        number = recent(f'target_status:booking_sync_connections:sum{{{_SCOPE},status="{status}"}}')
        return or_none(f"sum({number})", _SCOPE, "connections")

    return [
        stat(
            "Connections healthy",
            "Share of the live calendar connections that are not in error. Below the objective customers get double-booked.",
            (4, 4),
            or_none(healthy_share(_SCOPE), _SCOPE, "connections"),
            unit="percentunit",
            none="no connections",
            thresholds=((None, RED), (0.9, ORANGE), (0.97, GREEN)),
        ),
        stat(
            "In error",
            "Connections whose sync is broken. Each one can lead to a double booking; its owner has to act.",
            (3, 4),
            with_status("error"),
            none="no connections",
            thresholds=_BAD_NOW,
        ),
        stat(
            "Disconnected",
            "Connections that were cut, on purpose or not.",
            (3, 4),
            with_status("disconnected"),
            none="no connections",
            thresholds=((None, GREEN), (1, ORANGE)),
        ),
        stat(
            "Double bookings, 24 h",
            "Bookings of the next 24 hours that overlap another one on a resource. Anything above 0 needs the front desk.",
            (4, 4),
            or_none(f"sum({conflicts})", _SCOPE, "bookings"),
            none="not measured",
            thresholds=_BAD_NOW,
        ),
        stat(
            "Collectors without data",
            "Collectors whose data expired or never came, and those polled within the last hour that nobody polls now: a shard "
            "that is gone, or, for an hour, a target removed on purpose. What they should show is missing on this board.",
            (4, 4),
            f"count(\n  {available} == 0 or {recent(up, '1h')} unless {recent(up)}\n) and count({answering})\n"
            f"or 0 * count({answering})",
            thresholds=_BAD_NOW,
        ),
        stat(
            "Polls failing",
            "Collectors whose last poll brought nothing. Their data is still shown until it is too old.",
            (3, 4),
            f"count({answering} == 0) or 0 * count({answering})",
            thresholds=((None, GREEN), (1, ORANGE)),
        ),
        stat(
            "Alerts firing",
            "Alerts of this exporter that fire now; the table below lists them.",
            (3, 4),
            f'count(ALERTS{{{_ALERTS},alertstate="firing"}}) or 0 * count({answering})',
            thresholds=_BAD_NOW,
        ),
    ]


def _alerts() -> Json:
    columns = {
        "alertname": "Alert",
        "severity": "Severity",
        "target": "Target",
        "platform": "Platform",
        "connection": "Connection",
        "collector": "Collector",
        "reason": "Reason",
        "provider": "Provider",
        "window": "Window",
        "site": "Site",
        "Value": "Since",
        "fixed_by": "Fixed by",
        "job": "Job",
    }
    return table(
        "What is broken and who fixes it",
        "Every firing alert: where, since when, and who has to act. The runbook (link at the top) says how. Empty is good.",
        (24, 7),
        [f'ALERTS_FOR_STATE{{{_ALERTS}}} * 1000\nand ignoring (alertstate) ALERTS{{{_ALERTS},alertstate="firing"}}'],
        columns,
        overrides=[
            column("Value", unit="dateTimeFromNow"),
            column("severity", mappings=_SEVERITY_WORDS, custom_cellOptions={"type": "color-background"}),
            column("target", links=[OPEN_TARGET]),
        ],
        sort_by="Severity",
    )


def _trouble() -> Json:
    """One query, so that one connection is one row and no column comes or goes."""
    status = one_per(
        recent(f'connection_status:booking_sync_connection_status:max{{{_SCOPE},status=~"error|disconnected"}}') + " == 1",
        "status",
    )
    given = one_per(recent(f"connection_reason:booking_sync_connection_error:max{{{_SCOPE}}}") + " == 1", "reason")
    reason = f'{given}\n  or ignoring (status, reason) label_replace({status}, "reason", "-", "", "")'
    about = ("calendar_type", "provider", "schedule")
    info = one_per(newest(recent(f"booking_sync_connection_info{{{_SCOPE}}}")), *about)
    since = newest(recent(f"booking_sync_connection_status_since_timestamp_seconds{{{_SCOPE}}}"))
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
                custom_cellOptions={"type": "color-background"},
            ),
            column("Value", unit="dateTimeFromNow"),
            column("target", links=[OPEN_TARGET]),
            column(
                "connection",
                links=[{**OPEN_TARGET, "url": OPEN_TARGET["url"] + "&var-connection=${__data.fields.connection}"}],
            ),
        ],
        sort_by="Status",
        descending=True,
    )


def _budget(options: Options) -> list[Json]:
    bad = "target:booking_sync_connections_bad:ratio_avg"
    windows = (("1h", RECENT), ("6h", RECENT), ("1d", _EVERY_5M), ("3d", _EVERY_5M))
    live = recent(f"target:booking_sync_connections_live:sum{{{_SCOPE}}}")
    # An average outlives its target by its window.
    configured = recent(f'collector:booking_sync_collector_up:max{{{_SCOPE},collector="connections"}}')

    def burn(window: str, within: str) -> str:
        return recent(f"{bad}{window}{{{_SCOPE}}}", within)

    return [
        stat(
            "Healthy, 30 days",
            f"Share of time in which live connections were free of errors. The objective is {100 * options.slo:g} %.",
            (6, 8),
            # The first average comes up to an hour after the first connection.
            or_none(f"1 - avg({burn('30d', _EVERY_HOUR)})", _SCOPE, "connections") + f" unless max({live}) > 0",
            unit="percentunit",
            none="no connections",
            thresholds=((None, RED), (round(1 - 1.5 * (1 - options.slo), 6), ORANGE), (options.slo, GREEN)),
            decimals=2,
        ),
        timeseries(
            "Burn rate by window",
            "How fast the worst target uses up its error budget; 1 uses it up exactly in 30 days. Pages come above 14.4 (1 h) "
            "and 6 (6 h), tickets above 3 (1 d) and 1 (3 d).",
            [
                query(f"max({burn(*one)} and ignoring (collector) {configured}) / {options.error_budget}", one[0])
                for one in windows
            ],
            size=(18, 8),
            thresholds=((None, CLEAR), (6, ORANGE), (14.4, RED)),
        ),
    ]


def _connections() -> list[Json]:
    provider = recent(f"provider:booking_sync_provider_up:max{{{_SCOPE}}}")
    reasons = newest(recent(f"booking_sync_connection_error{{{_SCOPE}}}"))
    by_status = recent(f"target_status:booking_sync_connections:sum{{{_SCOPE}}}")
    return [
        state_timeline(
            "Status of the worst connections",
            "The connections that were worst within the time range. A gap means that nobody knew the state.",
            (24, 10),
            f"{recent(_CODE)} and {top(f'max_over_time({_CODE}[$__range] @ end())')}",
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
            "Connections in error by the reason that the platform gives. One reason that jumps everywhere is a provider's.",
            [query(f"sum by (reason) ({reasons})", "{{reason}}")],
        ),
        timeseries(
            "Providers unavailable",
            "1 while a calendar provider cannot be read for a target: its connections are shown as last known.",
            [query(top(f"1 - min by (target, provider) ({provider})"), "{{target}} / {{provider}}")],
        ),
        bargauge(
            "By calendar type",
            "Connections by the kind of calendar at their other end.",
            (12, 8),
            f"sum by (calendar_type) ({newest(recent(f'booking_sync_connections{{{_SCOPE}}}'))})",
            "{{calendar_type}}",
        ),
    ]


def _bookings() -> list[Json]:
    site = recent('site_platform_window:booking_sync_bookings:sum{job=~"$job",window="next_7d"}')
    bookings = recent(f'target_window:booking_sync_bookings:max{{{_SCOPE},window="next_7d"}}')
    unlinked = recent(f'target_window:booking_sync_unlinked_bookings:ratio{{{_SCOPE},window="next_7d"}}')
    panels = [
        timeseries(
            "Bookings in the next 7 days",
            "Bookings that start within 7 days, the targets with the most. A sudden drop to 0 is bad.",
            [query(top(f"sum by (target) ({bookings})"), "{{target}}")],
        ),
        timeseries(
            "New bookings per hour",
            "Bookings seen for the first time. A line that stays at 0 on a working day means that the intake is broken. "
            "Empty where bookings are only counted, not read.",
            [query(top(f"sum by (target) ({bookings_per_hour('discovered', _SCOPE)})"), "{{target}}")],
        ),
        timeseries(
            "Bookings without CRM link",
            "Share of the bookings of the next 7 days that are tied to no CRM entity; sales does not see them. Bookings whose "
            "links were read too long ago are left out. "
            "Empty without a links collector (Bitrix24 only).",
            [
                query(top(f"max by (target) ({unlinked})"), "{{target}}"),
            ],
            unit="percentunit",
        ),
        timeseries(
            "Drift between platforms of one site",
            "Difference of the bookings in the next 7 days between the platforms of a site. It should stay near 0. "
            "Empty when no site has both.",
            [query(top(f"max by (site) ({site}) - min by (site) ({site})"), "{{site}}")],
        ),
    ]
    for panel in panels[:3]:
        panel["fieldConfig"]["defaults"]["links"] = [_OPEN_SERIES]
    return panels
