"""Board B: everything about one target."""

from __future__ import annotations

from exporter.monitoring.alerts import Board
from exporter.monitoring.boards.board import Row, board, variable
from exporter.monitoring.boards.panels import (
    GREEN,
    ORANGE,
    RED,
    YELLOW,
    Json,
    column,
    query,
    stat,
    state_timeline,
    table,
    timeseries,
    top,
    words,
)
from exporter.monitoring.options import Options
from exporter.monitoring.promql import newest

_SCOPE = 'job=~"$job",target="$target"'
_ONE = _SCOPE + ',connection=~"$connection"'


def target(options: Options) -> str:
    """Return the JSON of the board of one target."""
    return board(
        options,
        uid=Board.TARGET,
        title="Booking sync / Target",
        description="One Wix site or Bitrix24 portal: its polls, connections and bookings.",
        variables=[
            variable("job", "Job", "label_values(booking_sync_build_info, job)"),
            variable("target", "Target", 'label_values(booking_sync_collector_up{job=~"$job"}, target)', single=True),
            variable("connection", "Connection", f"label_values(booking_sync_connection_info{{{_SCOPE}}}, connection)"),
        ],
        rows=[
            Row("Target $target", _stats()),
            Row("Connections", _connections()),
            Row("Bookings", _bookings()),
        ],
    )


def _stats() -> list[Json]:
    up = f"collector:booking_sync_collector_up:max{{{_SCOPE}}}"
    return [
        stat(
            "Last poll",
            "Whether the last poll of each collector succeeded completely. 'Partly' means that a calendar provider failed.",
            (5, 4),
            f"0.5 * (max by (collector) (collector:booking_sync_provider_outage:max{{{_SCOPE}}}) == 1)\n"
            f"or max by (collector) ({up})",
            no_value="Never polled",
            legend="{{collector}}",
            mappings=words({0: ("failed", RED), 0.5: ("partly", YELLOW), 1: ("good", GREEN)}),
        ),
        stat(
            "Since the last good poll",
            "Time since each collector last succeeded completely. Much more than its interval is bad.",
            (5, 4),
            f"max by (collector) (collector:booking_sync_data_age:seconds{{{_SCOPE}}})",
            unit="s",
            no_value="Never polled",
            legend="{{collector}}",
        ),
        stat(
            "Next poll in",
            "Time until the next poll; long after refused access, because the exporter backs off.",
            (5, 4),
            f"min by (collector) (booking_sync_collector_next_poll_timestamp_seconds{{{_SCOPE}}}) - time()",
            unit="s",
            no_value="Not planned",
            legend="{{collector}}",
        ),
        stat(
            "Connections synced",
            "Share of the live calendar connections that are in sync.",
            (3, 4),
            f"max(target:booking_sync_connections_synced:ratio{{{_SCOPE}}})",
            unit="percentunit",
            no_value="No connections",
            thresholds=((None, RED), (0.9, ORANGE), (0.97, GREEN)),
        ),
        stat(
            "Next booking",
            "When the next booking starts. Missing while bookings are only counted, not read.",
            (3, 4),
            f"1000 * min(booking_sync_next_booking_timestamp_seconds{{{_SCOPE}}})",
            unit="dateTimeFromNow",
            no_value="None known",
        ),
        stat(
            "Credential",
            "When a person has to renew the credential. Missing for credentials that renew themselves or never expire.",
            (3, 4),
            f"1000 * min(booking_sync_credential_expiry_timestamp_seconds{{{_SCOPE}}})",
            unit="dateTimeFromNow",
            no_value="Does not expire",
        ),
    ]


def _connections() -> list[Json]:
    code = f"connection:booking_sync_connection_status:code{{{_ONE}}}"
    enabled = "max without (direction) (" + newest('booking_sync_connection_sync_enabled{%s,direction="%s"}') + ")"
    switched = words({0: ("off", "#808080"), 1: ("on", "blue")})
    return [
        state_timeline(
            "Status",
            "The state of each connection. A gap means that nobody knew it; see the polls of the exporter board.",
            (24, 8),
            f"{code} and {top(f'max_over_time({code}[$__range] @ end())')}",
            "{{connection}}",
            no_value="No connections",
        ),
        table(
            "What it is and since when",
            "Each connection: its calendar, its schedule, what is switched on, and since when it has its status.",
            (12, 8),
            [
                newest(f"booking_sync_connection_info{{{_ONE}}}"),
                enabled % (_ONE, "import"),
                enabled % (_ONE, "export"),
                f"1000 * {newest(f'booking_sync_connection_status_since_timestamp_seconds{{{_ONE}}}')}",
            ],
            {
                "connection": "Connection",
                "calendar_type": "Calendar",
                "provider": "Provider",
                "schedule": "Schedule",
                "Value #B": "Import",
                "Value #C": "Export",
                "Value #D": "Status since",
            },
            no_value="No connections",
            overrides=[
                column("Value #B", mappings=switched),
                column("Value #C", mappings=switched),
                column("Value #D", unit="dateTimeFromNow"),
            ],
            sort_by="Connection",
        ),
        timeseries(
            "Status changes per hour",
            "How often a connection changed its status. Many changes mean a link that is about to break.",
            [query(top(f"changes({code}[1h])"), "{{connection}}")],
            no_value="No connections",
        ),
    ]


def _bookings() -> list[Json]:
    bookings = f"target_window:booking_sync_bookings:max{{{_SCOPE}"
    week = f'{bookings},window="next_7d"}}'
    links = f'{{{_SCOPE},window="next_7d"}}'
    return [
        timeseries(
            "Bookings by window",
            "Bookings that start in each window.",
            [query(f"max by (window) ({bookings}}})", "{{window}}")],
            no_value="No bookings collector",
        ),
        timeseries(
            "Against last week",
            "Bookings in the next 7 days, now and a week ago. Far below last week is bad.",
            [query(f"max({week})", "now"), query(f"max({week} offset 1w)", "a week ago")],
            no_value="No bookings collector",
        ),
        timeseries(
            "Overlapping bookings",
            "Bookings that overlap another one on a resource that serves one at a time. Anything above 0 is bad.",
            [query(f"max by (window) (target_window:booking_sync_conflicting_bookings:max{{{_SCOPE}}})", "{{window}}")],
            no_value="Conflicts are not measured",
        ),
        timeseries(
            "Appeared and vanished per hour",
            "Bookings seen for the first time, and bookings that are gone before their start. A burst of vanished ones is bad.",
            [
                query(f"sum({newest(f'increase(booking_sync_bookings_discovered_total{{{_SCOPE}}}[1h])')})", "appeared"),
                query(f"sum({newest(f'increase(booking_sync_bookings_vanished_total{{{_SCOPE}}}[1h])')})", "vanished"),
            ],
            no_value="Bookings are only counted, not read",
        ),
        timeseries(
            "Links by CRM entity",
            "Links of the bookings in the next 7 days, by kind of CRM entity, and the bookings without one. "
            "An entity that falls to 0 points at a broken automation.",
            [
                query(top(f"max by (module, entity_type) (booking_sync_links{links})"), "{{module}} {{entity_type}}"),
                query(f"max(booking_sync_unlinked_bookings{links})", "not linked"),
            ],
            no_value="No links collector (Bitrix24 only)",
        ),
        timeseries(
            "Bookings by resource",
            "Bookings in the next 7 days by resource: the ones with the most. A resource at 0 may have been deleted.",
            [
                query(
                    top(
                        f"max by (resource, name) (booking_sync_resource_bookings{links}"
                        f" * on (job, instance, target, platform, resource) group_left (name)"
                        f" booking_sync_resource_info{{{_SCOPE}}})"
                    ),
                    "{{name}} ({{resource}})",
                )
            ],
            no_value="Not counted by resource (per_resource: false)",
        ),
        timeseries(
            "Bookings by status",
            "Bookings in the next 7 days by status, for platforms that tell one.",
            [query(f"max by (status) (booking_sync_bookings_by_status{links})", "{{status}}")],
            no_value="No status (Wix only)",
            size=(24, 8),
        ),
    ]
