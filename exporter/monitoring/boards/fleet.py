"""Board A: is anything broken, where, since when, and who fixes it."""

from __future__ import annotations

from exporter.monitoring.alerts import Board
from exporter.monitoring.boards.board import Row, board, variable
from exporter.monitoring.boards.panels import (
    CLEAR,
    GREEN,
    ORANGE,
    RED,
    STATUS_WORDS,
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
)
from exporter.monitoring.options import Options
from exporter.monitoring.promql import newest

_SCOPE = 'job=~"$job",target=~"$target"'
_ALERTS = 'alertname=~"BookingSync.+",job=~"$job",target=~"$target|"'
_STATUS = f"target_status:booking_sync_connections:sum{{{_SCOPE}"
_CODE = f"connection:booking_sync_connection_status:code{{{_SCOPE}}}"
_BROKEN = f"({_CODE} >= 5)"
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
_SEVERITY_WORDS = [
    {
        "type": "value",
        "options": {
            "critical": {"text": "critical", "color": RED, "index": 0},
            "warning": {"text": "warning", "color": ORANGE, "index": 1},
            "info": {"text": "info", "color": "blue", "index": 2},
        },
    }
]


def fleet(options: Options) -> str:
    """Return the JSON of the fleet board."""
    return board(
        options,
        uid=Board.FLEET,
        title="Booking sync / Fleet",
        description="Is anything broken, where, since when, and who fixes it.",
        variables=[
            variable("job", "Job", "label_values(booking_sync_build_info, job)"),
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
    live = f"target:booking_sync_connections_live:sum{{{_SCOPE}}}"
    answering = f"collector:booking_sync_answering:max{{{_SCOPE}}}"
    return [
        stat(
            "Connections healthy",
            "Share of the live calendar connections that are not in error. Below the objective customers get double-booked.",
            (4, 4),
            f"1 - sum(target:booking_sync_connections_bad:sum{{{_SCOPE}}}) / (sum({live}) > 0)",
            unit="percentunit",
            no_value="No connections",
            thresholds=((None, RED), (0.9, ORANGE), (0.97, GREEN)),
        ),
        stat(
            "In error",
            "Connections whose sync is broken. Each one can lead to a double booking; its owner has to act.",
            (3, 4),
            f'sum({_STATUS},status="error"}})',
            no_value="No connections",
            thresholds=_BAD_NOW,
        ),
        stat(
            "Disconnected",
            "Connections that were cut, on purpose or not.",
            (3, 4),
            f'sum({_STATUS},status="disconnected"}})',
            no_value="No connections",
            thresholds=((None, GREEN), (1, ORANGE)),
        ),
        stat(
            "Double bookings, 24 h",
            "Bookings of the next 24 hours that overlap another one on a resource. Anything above 0 needs the front desk.",
            (4, 4),
            f'sum(target_window:booking_sync_conflicting_bookings:max{{{_SCOPE},window="next_24h"}})',
            no_value="Not measured",
            thresholds=_BAD_NOW,
        ),
        stat(
            "Collectors without data",
            "Collectors whose data expired or never came. What they should show is missing on this board.",
            (4, 4),
            f"count(collector:booking_sync_data_available:max{{{_SCOPE}}} == 0) or 0 * count({answering})",
            no_value="Never polled",
            thresholds=_BAD_NOW,
        ),
        stat(
            "Polls failing",
            "Collectors whose last poll brought nothing. Their data is still shown until it is too old.",
            (3, 4),
            f"count({answering} == 0) or 0 * count({answering})",
            no_value="Never polled",
            thresholds=((None, GREEN), (1, ORANGE)),
        ),
        stat(
            "Alerts firing",
            "Alerts of this exporter that fire now; the table below lists them.",
            (3, 4),
            f'count(ALERTS{{{_ALERTS},alertstate="firing"}}) or vector(0)',
            no_value="0",
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
        (24, 8),
        [f'ALERTS_FOR_STATE{{{_ALERTS}}} * 1000\nand ignoring (alertstate) ALERTS{{{_ALERTS},alertstate="firing"}}'],
        columns,
        no_value="Nothing is broken",
        overrides=[
            column("Value", unit="dateTimeFromNow"),
            column("severity", mappings=_SEVERITY_WORDS, custom_cellOptions={"type": "color-background"}),
            column("target", links=[OPEN_TARGET]),
        ],
        sort_by="Severity",
    )


def _trouble() -> Json:
    since = newest(f"booking_sync_connection_status_since_timestamp_seconds{{{_SCOPE}}}")
    return table(
        "Connections needing attention",
        "Connections in error or disconnected, with the reason, what they are, and since when. Empty is good.",
        (24, 8),
        [
            _BROKEN,
            f"{since} * 1000 and {_BROKEN}",
            f"connection_reason:booking_sync_connection_error:max{{{_SCOPE}}} == 1",
            newest(f"booking_sync_connection_info{{{_SCOPE}}}")
            + f"\nand ignoring (calendar_type, provider, schedule) {_BROKEN}",
        ],
        {
            "target": "Target",
            "connection": "Connection",
            "Value #A": "Status",
            "reason": "Reason",
            "Value #B": "Since",
            "calendar_type": "Calendar",
            "provider": "Provider",
            "schedule": "Schedule",
            "job": "Job",
        },
        no_value="All connections are healthy",
        overrides=[
            column("Value #A", mappings=STATUS_WORDS, custom_cellOptions={"type": "color-background"}),
            column("Value #B", unit="dateTimeFromNow"),
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
    return [
        stat(
            "Healthy, 30 days",
            f"Share of time in which live connections were free of errors. The objective is {100 * options.slo:g} %.",
            (6, 8),
            f"1 - avg({bad}30d{{{_SCOPE}}})",
            unit="percentunit",
            no_value="No history",
            thresholds=((None, RED), (round(1 - 1.5 * (1 - options.slo), 6), ORANGE), (options.slo, GREEN)),
            decimals=2,
        ),
        timeseries(
            "Burn rate by window",
            "How fast the worst target uses up its error budget; 1 uses it up exactly in 30 days. Pages come above 14.4 (1 h) "
            "and 6 (6 h), tickets above 3 (1 d) and 1 (3 d).",
            [query(f"max({bad}{window}{{{_SCOPE}}}) / {options.error_budget}", window) for window in ("1h", "6h", "1d", "3d")],
            size=(18, 8),
            no_value="No connections",
            thresholds=((None, CLEAR), (6, ORANGE), (14.4, RED)),
        ),
    ]


def _connections() -> list[Json]:
    provider = f"provider:booking_sync_provider_up:max{{{_SCOPE}}}"
    reasons = f"connection_reason:booking_sync_connection_error:max{{{_SCOPE}}}"
    return [
        state_timeline(
            "Status of the worst connections",
            "The connections that were worst within the time range. A gap means that nobody knew the state.",
            (24, 10),
            f"{_CODE} and {top(f'max_over_time({_CODE}[$__range] @ end())')}",
            "{{target}} / {{connection}}",
            no_value="No connections",
        ),
        timeseries(
            "Connections by status",
            "All connections. A growing share of error or disconnected is bad.",
            [query(f"sum by (status) (target_status:booking_sync_connections:sum{{{_SCOPE}}})", "{{status}}")],
            no_value="No connections",
            overrides=status_overrides(),
            stacked=True,
        ),
        timeseries(
            "Error reasons",
            "Connections in error by the reason that the platform gives. One reason that jumps everywhere is a provider's.",
            [query(f"sum by (reason) ({reasons})", "{{reason}}")],
            no_value="No connections",
        ),
        timeseries(
            "Providers unavailable",
            "1 while a calendar provider cannot be read for a target: its connections are shown as last known.",
            [query(top(f"1 - min by (target, provider) ({provider})"), "{{target}} / {{provider}}")],
            no_value="No providers",
        ),
        bargauge(
            "By calendar type",
            "Connections by the kind of calendar at their other end.",
            (12, 8),
            f"sum by (calendar_type) ({newest(f'booking_sync_connections{{{_SCOPE}}}')})",
            "{{calendar_type}}",
            no_value="No connections",
        ),
    ]


def _bookings() -> list[Json]:
    site = 'site_platform_window:booking_sync_bookings:sum{job=~"$job",window="next_7d"}'
    bookings = f'target_window:booking_sync_bookings:max{{{_SCOPE},window="next_7d"}}'
    discovered = newest(f"increase(booking_sync_bookings_discovered_total{{{_SCOPE}}}[1h])")
    panels = [
        timeseries(
            "Bookings in the next 7 days",
            "Bookings that start within 7 days, the targets with the most. A sudden drop to 0 is bad.",
            [query(top(f"sum by (target) ({bookings})"), "{{target}}")],
            no_value="No bookings collector",
        ),
        timeseries(
            "New bookings per hour",
            "Bookings seen for the first time. A line that stays at 0 on a working day means that the intake is broken.",
            [query(top(f"sum by (target) ({discovered})"), "{{target}}")],
            no_value="Bookings are only counted, not read",
        ),
        timeseries(
            "Bookings without CRM link",
            "Share of the bookings of the next 7 days that are tied to no CRM entity; sales does not see them.",
            [
                query(
                    top(f'max by (target) (target_window:booking_sync_unlinked_bookings:ratio{{{_SCOPE},window="next_7d"}})'),
                    "{{target}}",
                )
            ],
            no_value="No links collector",
            unit="percentunit",
        ),
        timeseries(
            "Drift between platforms of one site",
            "Difference of the bookings in the next 7 days between the platforms of a site. It should stay near 0.",
            [query(top(f"max by (site) ({site}) - min by (site) ({site})"), "{{site}}")],
            no_value="No site on two platforms",
        ),
    ]
    for panel in panels[:3]:
        panel["fieldConfig"]["defaults"]["links"] = [_OPEN_SERIES]
    return panels
