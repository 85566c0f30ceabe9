"""Board B: everything about one target."""

from __future__ import annotations

from typing import Final

from exporter.errors import Reason
from exporter.model import ErrorReason
from exporter.monitoring.alerts import Dashboard, alert_groups
from exporter.monitoring.causes import CAUSE, SINCE, TARGETS
from exporter.monitoring.dashboards.calendar_checks import calendar_checks
from exporter.monitoring.dashboards.causes_table import causes_table, fresh
from exporter.monitoring.dashboards.dashboard import DashboardRow, board, link, variable
from exporter.monitoring.dashboards.judged import ALL_IS_GOOD, MOMENT_IS_BAD, VERDICTS, found, judged
from exporter.monitoring.dashboards.pairs import pairs_row
from exporter.monitoring.dashboards.panels import (
    GREEN,
    LASTING,
    MOMENT,
    NEUTRAL,
    PAINTED,
    RED,
    STATUS_WORDS,
    YELLOW,
    Json,
    column,
    counts,
    query,
    stat,
    state_timeline,
    table,
    top,
    uncoloured,
    words,
)
from exporter.monitoring.dashboards.private_events import private_events_row
from exporter.monitoring.dashboards.shares import bookings_per_hour, healthy_share, none, or_none
from exporter.monitoring.dashboards.target_portal import portal_panels
from exporter.monitoring.options import Options
from exporter.monitoring.promql import JOB_LABELS, one_per, recent
from exporter.monitoring.rules.bookings import MARKED
from exporter.monitoring.rules.connections import REASON
from exporter.monitoring.rules.health import HEALTH, OF_BOOKINGS, OF_CONNECTIONS
from exporter.monitoring.rules.targets import AVAILABLE, OUTAGE, UP, WHY

_SCOPE = 'job=~"$job",target="$target"'
_ONE = _SCOPE + ',connection=~"$connection"'
_ON_ITS_OWN_PAGE: Final = "This target on the exporter's own page"
_BEGUN: Final = -2.0  # what a tile of a moment has where that moment is over
_GOOD, _PARTLY, _FAILED, _NOT_YET = 1.0, 0.5, 0.0, 2.0
_SHOWN, _WITHDRAWN, _NEVER_CAME = 1.0, 0.0, 2.0


def target(options: Options) -> str:
    """Return the JSON of the board of one target."""
    return board(
        options,
        uid=Dashboard.TARGET,
        title="Booking sync / Target",
        description="One Wix site or Bitrix24 portal: what is wrong with it, its polls, connections and bookings.",
        variables=[
            variable("target", "Target", 'label_values(booking_sync_collector_up{job=~"$job"}, target)', single=True),
            variable("connection", "Connection", f"label_values(booking_sync_connection_info{{{_SCOPE}}}, connection)"),
        ],
        rows=[
            DashboardRow("Target $target", [*_now(options), _causes(options), _polls(), *_next(), _connections()]),
            DashboardRow("Bookings", _bookings()),
            DashboardRow("Wix only: what no status of a connection tells", calendar_checks(_ONE)),
            DashboardRow("Wix only: connections over time, bookings by status", _over_time(), collapsed=True),
            private_events_row(_SCOPE),
            pairs_row(_SCOPE),
            DashboardRow("Bitrix24 only: links, staff's calendar, bookings by resource", portal_panels(_SCOPE), collapsed=True),
        ],
        exporter_width=6,
        links=[link("Status page", url, "external link", _ON_ITS_OWN_PAGE) for url in _status_page(options)],
    )


def _status_page(options: Options) -> list[str]:
    """Return the address of the target on the exporter's own page, if anybody knows it."""
    return [f"{options.board_url}/#${{target:percentencode}}"] if options.board_url else []


def _now(options: Options) -> list[Json]:
    next_conflict = recent(f"booking_sync_next_conflict_timestamp_seconds{{{_SCOPE}}}")
    conflicts = recent(f"target_window:booking_sync_conflicting_bookings:max{{{_SCOPE}}}")
    return [
        stat(
            "State",
            "The verdict of the status board: ok, warning, critical, or unknown while no poll has ended.",
            (6, 3),
            f"max({recent(f'{HEALTH}{{{_SCOPE}}}')})",
            mappings=words(VERDICTS),
            links=[{"title": _ON_ITS_OWN_PAGE, "url": url, "targetBlank": True} for url in _status_page(options)],
        ),
        judged(
            "Next double booking",
            "The moment at which the next bookings overlap on a resource that serves one at a time; accepted overlaps do not "
            "count. The colour is that of the verdict: the sooner, the worse. The status board names the bookings.",
            (6, 3),
            or_none(f"{_from_now(f'min({next_conflict})')}\nor 0 * max({conflicts})", _SCOPE, "bookings"),
            found(OF_BOOKINGS, _SCOPE, "DoubleBooking"),
            steps=MOMENT_IS_BAD,
            unit=MOMENT,
            none="not measured",
            mappings=[*words({0: ("none", GREEN)}), *uncoloured({_BEGUN: "has begun"})],
        ),
        judged(
            "Connections healthy",
            "Share of the live connections that are not in error, in the colour of the verdict, without those of a provider "
            "that cannot be read. Bitrix24 portals have none.",
            (6, 3),
            or_none(healthy_share(_SCOPE), _SCOPE, "connections"),
            found(
                OF_CONNECTIONS,
                f'{_SCOPE},connection=~".*"',  # the share is that of all of them, whichever is chosen
                "ConnectionError",
                "ConnectionNeedsOwner",
                "AllConnectionsFailing",
            ),
            steps=ALL_IS_GOOD,
            unit="percentunit",
            none="none",
        ),
    ]


def _from_now(moment: str) -> str:
    """Return ``moment`` in milliseconds; what was next at the last poll and has begun since is no moment to wait for."""
    return f"1000 * ({moment} > time()) or {_BEGUN:g} + 0 * {moment}"


def _causes(options: Options) -> Json:
    """Return the causes of this target, those that it shares while it is not well, and those of the exporter itself."""
    own, shared = (f'job=~"$job",target="{name}",connection=~"$connection|"' for name in ("$target", ""))
    unwell = f"{recent(f'{HEALTH}{{{_SCOPE}}}')} > 0"
    one_platform = f"on ({', '.join(JOB_LABELS)}, platform)"
    cause = "\nor ".join(
        (
            fresh(CAUSE, own),
            f"""{fresh(CAUSE, f'{shared},platform!=""')} and {one_platform} {unwell}""",
            fresh(CAUSE, f'{shared},platform=""'),
        )
    )
    since, targets = (f"{fresh(name, own)} or {fresh(name, shared)}" for name in (SINCE, TARGETS))
    return causes_table(
        options,
        "What is wrong and what to do",
        "What is wrong with this target, one row for each cause, also causes that it shares with others: since when, who "
        "fixes it and how. The name of the fault leads to its runbook. Empty is good.",
        (24, 7),
        (cause, since, targets),
        numbers_of=_SCOPE,
        hidden=("who", "Value #D"),
        fixes_of={alert.name for group in alert_groups(options) for alert in group.alerts},
    )


def _polls() -> Json:
    def of_collector(series: str, operator: str = "max") -> str:
        return f"{operator} by (collector) ({recent(f'{series}{{{_SCOPE}}}')})"

    def because(reason: str, expression: str) -> str:
        return f'label_replace({expression}, "reason", "{reason}", "", "")'

    polled = of_collector("booking_sync_collector_up")
    success = of_collector("booking_sync_collector_last_success_timestamp_seconds")
    available = of_collector(AVAILABLE)
    why = one_per(f"max by (collector, reason) ({recent(f'{WHY}{{{_SCOPE}}}')})", "reason")
    state = "\nor on (collector) ".join(
        (
            because("provider down", f"{_PARTLY:g} * ({of_collector(OUTAGE)} == 1)"),
            f"{_FAILED:g} * {why}",
            because("-", of_collector(UP)),
            because("-", f"{_NOT_YET:g} + 0 * {polled}"),
        )
    )
    kept = f"min by (collector) ({recent(f'booking_sync_collector_max_age_seconds{{{_SCOPE}}}')})"
    reasons = words({reason.value: (reason.value.replace("_", " "), "text") for reason in Reason})
    states = words(
        {_GOOD: ("good", GREEN), _PARTLY: ("partly", YELLOW), _FAILED: ("failed", RED), _NOT_YET: ("not polled yet", NEUTRAL)}
    )
    data = words({_SHOWN: ("shown", GREEN), _WITHDRAWN: ("withdrawn", RED), _NEVER_CAME: ("never came", NEUTRAL)})
    columns = {
        "collector": "Collector",
        "Value #A": "Last poll",
        "reason": "Why",
        "Value #B": "Last good",
        "Value #C": "Ago",
        "Value #D": "Next poll",
        "Value #E": "Data",
        "Value #F": "Withdrawn",
    }
    panel = table(
        "Polls",
        "Whether the last poll of each collector succeeded ('partly': a calendar provider failed) and why not, when one last "
        "succeeded and when the next is due (long after refused access, because the exporter backs off), and whether its data "
        "is still shown: it is withdrawn when it gets too old.",
        (16, 5),
        [
            state,
            f"1000 * {success}",
            f"time() - ({success} > 0)\nor 0 * {polled} - 1",
            f"1000 * {of_collector('booking_sync_collector_next_poll_timestamp_seconds', 'min')}",
            f"{_NEVER_CAME:g} + 0 * ({success} == 0)\nor {available}\nor {_NEVER_CAME:g} + 0 * {polled}",
            f"1000 * (({success} > 0) + {kept} and {available} == 0)\nor 0 * {polled}",
        ],
        columns,
        overrides=[
            column("collector", custom_width=110),
            column("Value #A", mappings=states, custom_cellOptions=PAINTED, custom_width=110),
            column("reason", mappings=reasons, custom_width=150),
            column("Value #B", unit=MOMENT, mappings=words({0: ("never", "text")}), custom_width=115),
            column("Value #C", unit=LASTING, mappings=words({-1: ("-", "text")}), custom_width=100),
            column("Value #D", unit=MOMENT, custom_width=115),
            column("Value #E", mappings=data, custom_cellOptions=PAINTED, custom_width=95),
            column("Value #F", unit=MOMENT, mappings=words({0: ("-", "text")}), custom_width=115),
        ],
        sort_by="Collector",
    )
    panel["fieldConfig"]["defaults"]["custom"]["filterable"] = False
    return panel


def _next() -> list[Json]:
    next_booking = recent(f"booking_sync_next_booking_timestamp_seconds{{{_SCOPE}}}")
    expiry = recent(f"booking_sync_credential_expiry_timestamp_seconds{{{_SCOPE}}}")
    booking = stat(
        "Next booking",
        "When the next booking starts, as of the last poll. Missing while bookings are only counted, not read.",
        (4, 5),
        or_none(_from_now(f"min({next_booking})"), _SCOPE, "bookings"),
        unit=MOMENT,
        none="none known",
        mappings=words({_BEGUN: ("has begun", "text")}),
    )
    booking["options"]["colorMode"] = "value"  # a moment is neither good nor bad
    return [
        booking,
        stat(
            "Credential",
            "The day by which a person has to renew the credential. Some credentials renew themselves or never expire.",
            (4, 5),
            f"1000 * min({expiry})\nor {none(_SCOPE)}",
            unit="time:D MMM YYYY",
            none="does not expire",
        ),
    ]


def _connections() -> Json:
    code = f"max by (connection) ({recent(f'connection:booking_sync_connection_status:code{{{_ONE}}}')})"
    reason = one_per(f"max by (connection, reason) ({recent(f'{REASON}{{{_ONE}}}')})", "reason")
    since = f"max by (connection) ({recent(f'booking_sync_connection_status_since_timestamp_seconds{{{_ONE}}}')})"
    named = (
        f"{code} + on (connection) group_left (reason) 0 * {reason}\n"
        f'or on (connection) label_replace({code}, "reason", "-", "", "")'
    )
    about = ("calendar_type", "provider", "schedule")
    info = recent(f"booking_sync_connection_info{{{_ONE}}}")

    def enabled(direction: str) -> str:
        number = recent(f'booking_sync_connection_sync_enabled{{{_ONE},direction="{direction}"}}')
        return f"max by (connection) ({number})"

    switched = words({0: ("off", NEUTRAL), 1: ("on", "blue")})
    columns = {
        "connection": "Connection",
        "Value #A": "Status",
        "reason": "Why",
        "Value #B": "Status since",
        "Value #C": "For",
        "calendar_type": "Calendar",
        "provider": "Provider",
        "schedule": "Schedule",
        "Value #E": "Import",
        "Value #F": "Export",
    }
    panel = table(
        "Calendar connections (Wix)",
        "Each calendar connection, the worst first: its status, why and since when, its calendar and schedule, and what is "
        "switched on. Those of a provider that cannot be read vanish when their data gets too old. Give a connection whose "
        "name is a hash a readable name with `aliases`. Bitrix24 portals have none.",
        (24, 7),
        [
            named,
            f"1000 * {since}",
            f"time() - {since}",
            one_per(f"max by (connection, {', '.join(about)}) ({info})", *about),
            enabled("import"),
            enabled("export"),
        ],
        columns,
        overrides=[
            column("connection", custom_width=200),
            column("Value #A", mappings=STATUS_WORDS, custom_cellOptions=PAINTED, custom_width=140),
            column(
                "reason",
                mappings=words({reason.value: (reason.value.replace("_", " "), "text") for reason in ErrorReason}),
                custom_width=190,
            ),
            column("Value #B", unit=MOMENT, custom_width=115),
            column("Value #C", unit=LASTING, custom_width=110),
            column("Value #E", mappings=switched, custom_width=80),
            column("Value #F", mappings=switched, custom_width=80),
        ],
        sort_by="Status",
        descending=True,
    )
    panel["fieldConfig"]["defaults"]["custom"]["filterable"] = False
    return panel


def _over_time() -> list[Json]:
    code = f"connection:booking_sync_connection_status:code{{{_ONE}}}"
    by_status = recent(f'booking_sync_bookings_by_status{{{_SCOPE},window="next_7d"}}')
    return [
        state_timeline(
            "Status",
            "The state of each connection. A gap means that the state was not known; see the polls on the exporter board.",
            (24, 8),
            f"{recent(code)} and {top(f'max_over_time({code}[$__range] @ end())')}",
            "{{connection}}",
        ),
        counts(
            "Status changes per hour",
            "How often a connection changed its status. Many changes mean that the connection will probably break soon.",
            [query(top(f"changes({code}[1h]) and {recent(code)}"), "{{connection}}")],
        ),
        counts(
            "Bookings by status",
            "Bookings in the next 7 days by status.",
            [query(f"max by (status) ({by_status})", "{{status}}")],
        ),
    ]


def _bookings() -> list[Json]:
    bookings = f"target_window:booking_sync_bookings:max{{{_SCOPE}"
    week = f'{bookings},window="next_7d"}}'
    conflicts = recent(f"target_window:booking_sync_conflicting_bookings:max{{{_SCOPE}}}")
    marked = recent(f"{MARKED}{{{_SCOPE}}}")
    return [
        counts(
            "Bookings by window",
            "Bookings that start in each window. A line ends where its data was withdrawn.",
            [query(f"max by (window) ({recent(f'{bookings}}}')})", "{{window}}")],
        ),
        counts(
            "Against last week",
            "Bookings in the next 7 days, now and, once there is such data, a week ago. Far below last week is bad.",
            [query(f"max({recent(week)})", "now"), query(f"max({recent(week, offset='1w')})", "a week ago")],
        ),
        counts(
            "Overlapping bookings",
            "Bookings that overlap another one on a resource that serves one at a time; where the exporter does not compare "
            "them, those that Wix marks. Anything above 0 is bad.",
            [query(f"max by (window) ({conflicts} or {marked})", "{{window}}")],
        ),
        counts(
            "Appeared and vanished per hour",
            "Bookings seen for the first time, and bookings that are gone before their start. A burst of vanished ones is bad. "
            "Empty where bookings are only counted, not read.",
            [
                query(f"sum({bookings_per_hour('discovered', _SCOPE)})", "appeared"),
                query(f"sum({bookings_per_hour('vanished', _SCOPE)})", "vanished"),
            ],
        ),
    ]
