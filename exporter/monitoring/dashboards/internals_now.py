"""The first screen of the exporter's board: does it keep up, and if not, why and what to do; and each process by itself."""

from __future__ import annotations

from typing import Final

from exporter.monitoring.alerts import Dashboard, alert_groups
from exporter.monitoring.alerts.capacity import SLOW_LOOP, SLOW_SCRAPE
from exporter.monitoring.causes import CAUSE, SINCE, TARGETS
from exporter.monitoring.dashboards.causes_table import causes_table, fresh_and_of_rules
from exporter.monitoring.dashboards.judged import found, judged
from exporter.monitoring.dashboards.panels import (
    GREEN,
    MOMENT,
    NEUTRAL,
    NONE,
    ORANGE,
    PAINTED,
    RED,
    Json,
    Looks,
    column,
    stat,
    table,
    words,
)
from exporter.monitoring.options import Options
from exporter.monitoring.promql import RECENT, one_per, recent
from exporter.monitoring.rules.health import OF_COLLECTORS
from exporter.monitoring.rules.targets import OVERDUE

PROCESS: Final = 'job=~"$job",instance=~"$instance"'
_WHOSE: Final = {
    "title": "Whose they are",
    "url": f"/d/{Dashboard.FLEET}?${{datasource:queryparam}}&${{job:queryparam}}&${{__url_time_range}}",
}
SCOPE: Final = 'job=~"$job",target=~"$target",platform=~"$platform"'
_ANSWERED: Final = f"{recent(f'scrape_duration_seconds{{{PROCESS}}}')} and max_over_time(up{{{PROCESS}}}[{RECENT}]) == 1"
"""How long scrapes of processes take that answer: those that fail have a duration, too, and a refusal is quick."""


def first_screen(options: Options) -> list[Json]:
    """Return what is on the first screen, beside the tile of the exporter."""
    hashes = recent(f"booking_sync_config_hash{{{PROCESS}}}")
    overdue = recent(f"{OVERDUE}{{{SCOPE}}}")
    intervals = _intervals(options)
    return [
        _keeps_up(intervals),
        judged(
            "Polls overdue",
            f"Collectors whose next poll is late by {'a whole interval' if intervals == '1' else f'{intervals} intervals'} or "
            "more. Anything above 0 is bad; the fleet board names their targets.",
            (9, 3),
            f"count({overdue} > {intervals}) or 0 * count({overdue})",
            found(OF_COLLECTORS, SCOPE, "PollOverdue"),
            links=[_WHOSE],
        ),
        _causes(options),
        stat(
            "Slowest scrape",
            f"Duration of the slowest scrape. Above {SLOW_SCRAPE:g} s it gets critical: by default Prometheus gives up after "
            "10 s.",
            (8, 3),
            f"max({_ANSWERED})",
            unit="s",
            thresholds=((None, GREEN), (2, ORANGE), (SLOW_SCRAPE, RED)),
        ),
        stat(
            "Event loop lag",
            "The longest delay of the exporter's event loop within the last minute. Fractions of a second are harmless; "
            f"above {SLOW_LOOP:g} s polls are late.",
            (8, 3),
            f"max({recent(f'booking_sync_event_loop_lag_seconds{{{PROCESS}}}')})",
            unit="s",
            thresholds=((None, GREEN), (SLOW_LOOP, ORANGE), (5 * SLOW_LOOP, RED)),
        ),
        stat(
            "Configurations in use",
            "Number of different configurations. Replicas with the same file have one, shards always. The table below shows "
            "when each process read its own.",
            (8, 3),
            f'count(count_values("hash", {hashes}))',
            thresholds=((None, GREEN), (2, ORANGE)),
        ),
        _processes(),
    ]


def _intervals(options: Options) -> str:
    """Return by how many intervals a poll is late that is overdue."""
    return f"{options.thresholds.poll_overdue_intervals:.15g}"


def _keeps_up(intervals: str) -> Json:
    lag = f"booking_sync_event_loop_lag_seconds{{{PROCESS}}}"
    scrape = f"scrape_duration_seconds{{{PROCESS}}}"
    there = f"count({recent(lag)})"
    late = f"{OVERDUE}{{{SCOPE}}}"
    behind = "\nor ".join(
        (
            f"max(min_over_time({lag}[5m])) > {SLOW_LOOP:g}",
            f"max(avg_over_time({scrape}[10m])) > {SLOW_SCRAPE:g}",
            f"max(min_over_time({late}[5m])) > {intervals}",
        )
    )
    slow = "\nor ".join(
        (
            f"max({recent(lag)}) > {SLOW_LOOP:g}",
            f"max({recent(scrape)}) > {SLOW_SCRAPE:g}",
            f"max({recent(late)}) > {intervals}",
        )
    )
    return stat(
        "Does it keep up",
        "Whether the exporter has time for its work, by the three numbers beside it: 'slow' while one of them is too large, "
        "'falls behind' after five minutes of that (ten for scrapes). Then it needs more CPU, or shards.",
        (9, 3),
        f"(2 + 0 * ({behind})\nor 1 + 0 * ({slow})\nor 0 * {there}) + 0 * {there}",
        mappings=words({0: ("keeps up", GREEN), 1: ("slow at the moment", ORANGE), 2: ("falls behind", RED)}),
    )


def _causes(options: Options) -> Json:
    """Return the causes that are about the exporter and how it is watched, not about a target or a platform."""
    names = sorted(
        {alert.name for group in alert_groups(options) for alert in group.alerts if alert.board is Dashboard.INTERNALS}
    )
    matchers = f'job=~"$job",target="",alertname=~"{"|".join(names)}",platform=~"$platform|"'
    return causes_table(
        options,
        "What is wrong with it and what to do",
        "What is wrong with the exporter itself, one row for each cause: since when, and what its operator does. The name of "
        "the fault leads to its runbook. Empty is good.",
        (24, 6),
        [fresh_and_of_rules(name, matchers) for name in (CAUSE, SINCE, TARGETS)],
        hidden=("who", "Value #D"),
        fixes_of=names,
    )


def _processes() -> Json:
    def of_instance(expression: str, operator: str = "max") -> str:
        return f"{operator} by (instance) ({expression})"

    def newest_of(name: str) -> str:
        return of_instance(recent(f"{name}{{{PROCESS}}}"))

    there = of_instance(f"max_over_time(up{{{PROCESS}}}[{RECENT}])")

    def or_none(expression: str) -> str:
        # Without a value anywhere there would be no column.
        return f"{expression}\nor {NONE} + 0 * {there}"

    version = one_per(f"max by (instance, version) ({recent(f'booking_sync_build_info{{{PROCESS}}}')})", "version")
    state = f"2 * ({newest_of('booking_sync_standby')} == 1)\nor 3 * ({newest_of('booking_sync_ready')} == 0) ^ 0\nor {there}"
    named = (
        f"({state}) + on (instance) group_left (version) 0 * {version}\n"
        f'or on (instance) label_replace({state}, "version", "-", "", "")'
    )
    columns = {
        "instance": "Instance",
        "Value #A": "State",
        "version": "Version",
        "Value #B": "Started",
        "Value #C": "Configuration",
        "Value #D": "Read",
        "Value #E": "Event loop lag",
        "Value #F": "Scrape",
        "Value #G": "Memory",
    }
    nothing: Looks = {NONE: ("-", "text")}
    missing = words(nothing)
    states: Looks = {
        0: ("DOWN", RED),
        1: ("up", GREEN),
        2: ("standby", NEUTRAL),
        3: ("starting", ORANGE),
    }
    panel = table(
        "Processes",
        "Every process that is scraped: whether it works ('starting' until every collector has finished a poll; a standby "
        "begins none), since when, whether the last reload of its configuration was accepted ('rejected': the previous one is "
        "in force), when it read the one in force, and how much CPU and memory it uses.",
        (24, 6),
        [
            named,
            or_none(f"1000 * {newest_of('process_start_time_seconds')}"),
            or_none(newest_of("booking_sync_config_last_reload_successful")),
            or_none(f"1000 * {newest_of('booking_sync_config_last_reload_success_timestamp_seconds')}"),
            or_none(newest_of("booking_sync_event_loop_lag_seconds")),
            or_none(of_instance(_ANSWERED)),
            or_none(newest_of("process_resident_memory_bytes")),
        ],
        columns,
        overrides=[
            column("Value #A", mappings=words(states), custom_cellOptions=PAINTED, custom_width=110),
            column("version", custom_width=130),
            column("Value #B", unit=MOMENT, mappings=missing),
            column(
                "Value #C",
                mappings=words({0: ("rejected", RED), 1: ("in force", GREEN), **nothing}),
                custom_cellOptions={"type": "color-text"},
            ),
            column("Value #D", unit=MOMENT, mappings=missing),
            column("Value #E", unit="s", mappings=missing),
            column("Value #F", unit="s", mappings=missing),
            column("Value #G", unit="bytes", mappings=missing),
        ],
        sort_by="Instance",
    )
    panel["fieldConfig"]["defaults"]["custom"]["filterable"] = False
    return panel
