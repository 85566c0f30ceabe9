"""Board B: everything about one target."""

from __future__ import annotations

from exporter.monitoring.alerts import Board
from exporter.monitoring.dashboards.dashboard import Row, board, variable
from exporter.monitoring.dashboards.panels import (
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
from exporter.monitoring.dashboards.shares import bookings_per_hour, healthy_share, none, or_none
from exporter.monitoring.options import Options
from exporter.monitoring.promql import newest, one_per, recent

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
    up = recent(f"collector:booking_sync_collector_up:max{{{_SCOPE}}}")
    outage = recent(f"collector:booking_sync_provider_outage:max{{{_SCOPE}}}")
    age = recent(f"collector:booking_sync_data_age:seconds{{{_SCOPE}}}")
    next_poll = recent(f"booking_sync_collector_next_poll_timestamp_seconds{{{_SCOPE}}}")
    now = "ignoring (target, platform, collector) group_left () " + recent('booking_sync_time_seconds{job=~"$job"}')
    next_booking = recent(f"booking_sync_next_booking_timestamp_seconds{{{_SCOPE}}}")
    expiry = recent(f"booking_sync_credential_expiry_timestamp_seconds{{{_SCOPE}}}")
    return [
        stat(
            "Last poll",
            "Whether the last poll of each collector succeeded completely. 'Partly' means that a calendar provider failed.",
            (5, 4),
            f"0.5 * (max by (collector) ({outage}) == 1)\nor max by (collector) ({up})",
            legend="{{collector}}",
            mappings=words({0: ("failed", RED), 0.5: ("partly", YELLOW), 1: ("good", GREEN)}),
        ),
        stat(
            "Since the last good poll",
            "Time since each collector last succeeded completely. Much more than its interval is bad.",
            (5, 4),
            f"max by (collector) ({age})",
            unit="s",
            legend="{{collector}}",
        ),
        stat(
            "Next poll in",
            "Time until the next poll; long after refused access, because the exporter backs off.",
            (5, 4),
            f"clamp_min(min by (collector) ({next_poll} - {now}), 0)",
            unit="s",
            legend="{{collector}}",
        ),
        stat(
            "Connections healthy",
            "Share of the live calendar connections that are not in error. Bitrix24 portals have none.",
            (3, 4),
            or_none(healthy_share(_SCOPE), _SCOPE, "connections"),
            unit="percentunit",
            none="no connections",
            thresholds=((None, RED), (0.9, ORANGE), (0.97, GREEN)),
        ),
        stat(
            "Next booking",
            "When the next booking starts. Missing while bookings are only counted, not read.",
            (3, 4),
            or_none(f"1000 * min({next_booking})", _SCOPE, "bookings"),
            unit="dateTimeFromNow",
            none="none known",
        ),
        stat(
            "Credential",
            "When a person has to renew the credential. Missing for credentials that renew themselves or never expire.",
            (3, 4),
            f"1000 * min({expiry})\nor {none(_SCOPE)}",
            unit="dateTimeFromNow",
            none="does not expire",
        ),
    ]


def _connections() -> list[Json]:
    code = f"connection:booking_sync_connection_status:code{{{_ONE}}}"
    about = ("calendar_type", "provider", "schedule")

    def enabled(direction: str) -> str:
        number = recent(f'booking_sync_connection_sync_enabled{{{_ONE},direction="{direction}"}}')
        return f"max without (direction) ({newest(number)})"

    switched = words({0: ("off", "#808080"), 1: ("on", "blue")})
    return [
        state_timeline(
            "Status",
            "The state of each connection. A gap means that nobody knew it; see the polls of the exporter board.",
            (24, 8),
            f"{recent(code)} and {top(f'max_over_time({code}[$__range] @ end())')}",
            "{{connection}}",
        ),
        table(
            "What it is and since when",
            "Each connection: its calendar, its schedule, what is switched on, and since when it has its status.",
            (12, 8),
            [
                one_per(newest(recent(f"booking_sync_connection_info{{{_ONE}}}")), *about),
                enabled("import"),
                enabled("export"),
                f"1000 * {newest(recent(f'booking_sync_connection_status_since_timestamp_seconds{{{_ONE}}}'))}",
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
            [query(top(f"changes({code}[1h]) and {recent(code)}"), "{{connection}}")],
        ),
    ]


def _bookings() -> list[Json]:
    bookings = f"target_window:booking_sync_bookings:max{{{_SCOPE}"
    week = f'{bookings},window="next_7d"}}'
    in_week = f'{{{_SCOPE},window="next_7d"}}'
    conflicts = recent(f"target_window:booking_sync_conflicting_bookings:max{{{_SCOPE}}}")
    names = one_per(f"max by (target, resource, name) ({recent(f'booking_sync_resource_info{{{_SCOPE}}}')})", "name")
    return [
        timeseries(
            "Bookings by window",
            "Bookings that start in each window.",
            [query(f"max by (window) ({recent(f'{bookings}}}')})", "{{window}}")],
        ),
        timeseries(
            "Against last week",
            "Bookings in the next 7 days, now and a week ago. Far below last week is bad.",
            [query(f"max({recent(week)})", "now"), query(f"max({recent(week, offset='1w')})", "a week ago")],
        ),
        timeseries(
            "Overlapping bookings",
            "Bookings that overlap another one on a resource that serves one at a time. Anything above 0 is bad. "
            "Empty where conflicts are not measured.",
            [query(f"max by (window) ({conflicts})", "{{window}}")],
        ),
        timeseries(
            "Appeared and vanished per hour",
            "Bookings seen for the first time, and bookings that are gone before their start. A burst of vanished ones is bad. "
            "Empty where bookings are only counted, not read.",
            [
                query(f"sum({bookings_per_hour('discovered', _SCOPE)})", "appeared"),
                query(f"sum({bookings_per_hour('vanished', _SCOPE)})", "vanished"),
            ],
        ),
        timeseries(
            "Links by entity",
            "Links of the bookings in the next 7 days by what they lead to: CRM entities, events in the staff's calendar, "
            "services; and the bookings without a CRM entity. "
            "An entity that falls to 0 points at a broken automation, unless the unverified bookings rose: their links were "
            "read too long ago and are left out. Empty without a links collector (Bitrix24 only).",
            [
                query(
                    top(f"max by (module, entity_type) ({recent(f'booking_sync_links{in_week}')})"),
                    "{{module}} {{entity_type}}",
                ),
                query(f"max({recent(f'booking_sync_unlinked_bookings{in_week}')})", "without a CRM entity"),
                query(f"max({recent(f'booking_sync_links_unverified_bookings{in_week}')})", "unverified"),
            ],
        ),
        timeseries(
            "Bookings by resource",
            "Bookings in the next 7 days by resource: the ones with the most. A resource at 0 may have been deleted. "
            "Empty while they are not counted by resource (`per_resource: false`).",
            [
                query(
                    top(
                        f"max by (target, resource) ({recent(f'booking_sync_resource_bookings{in_week}')})"
                        f" * on (target, resource) group_left (name) {names}"
                    ),
                    "{{name}} ({{resource}})",
                )
            ],
        ),
        timeseries(
            "Bookings by status",
            "Bookings in the next 7 days by status. Empty where the platform tells none (Wix only).",
            [query(f"max by (status) ({recent(f'booking_sync_bookings_by_status{in_week}')})", "{{status}}")],
            size=(24, 8),
        ),
    ]
