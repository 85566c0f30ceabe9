"""Board C: the exporter itself, its polls and what it spends of the platforms' budgets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from exporter.metrics import FAMILIES, Histogram
from exporter.monitoring.alerts import Dashboard
from exporter.monitoring.dashboards.dashboard import DashboardRow, board, variable
from exporter.monitoring.dashboards.internals_now import PROCESS, SCOPE, first_screen
from exporter.monitoring.dashboards.panels import CLEAR, ORANGE, RED, Json, counts, override, query, timeseries, top
from exporter.monitoring.options import Options
from exporter.monitoring.promql import recent

_COUNTED = SCOPE + ',instance=~"$instance"'
_OF_PLATFORM = PROCESS + ',platform=~"$platform"'
_RATE = "[$__rate_interval]"
_WIDE, _NARROW = (16, 8), (8, 8)
"""Names of a platform's operations are long: in half of a row they leave no room for the last of a legend's numbers."""
_PER_MINUTE: Final = "suffix:/min"
"""In a second there is seldom one: rates of it would be hundredths."""
_REQUESTS: Final = "booking_sync_api_request_duration_seconds"
_POLLS: Final = "booking_sync_collector_poll_duration_seconds"
_LATENESS: Final = "booking_sync_poll_lateness_seconds"
_EVERY_POLL: Final = "5m"
"""The step of latencies, and hence the least that a rate is taken of: as long as it takes until everything has been polled."""
_BOUNDS: Final = {family.name: (family.buckets[0], family.buckets[-1]) for family in FAMILIES if isinstance(family, Histogram)}
"""The first and the last bound of each histogram: a quantile below the one or above the other says nothing."""
_A_LIMIT: Final = override(
    {"id": "byRegexp", "options": "/^limit of | interval$/"},
    {"custom.fillOpacity": 0, "custom.lineStyle": {"fill": "dash", "dash": [10, 10]}},
)
"""Areas below what something is held against would cover it."""


def internals(options: Options) -> str:
    """Return the JSON of the board of the exporter and the API budgets."""
    return board(
        options,
        uid=Dashboard.INTERNALS,
        title="Booking sync / Exporter and API budget",
        description="Does the exporter work, what do the platforms answer, and what is left of their limits.",
        variables=[
            variable("instance", "Instance", 'label_values(booking_sync_build_info{job=~"$job"}, instance)'),
            variable("platform", "Platform", 'label_values(booking_sync_collector_up{job=~"$job"}, platform)'),
            variable("target", "Target", 'label_values(booking_sync_collector_up{job=~"$job",platform=~"$platform"}, target)'),
        ],
        rows=[
            DashboardRow("Does it keep up", first_screen(options)),
            DashboardRow("Polling", _polling()),
            DashboardRow("API: rate, errors, duration", _api()),
            DashboardRow("API budget", _budget()),
            DashboardRow("Process", _process(), collapsed=True),
        ],
        exporter_width=6,
    )


def _polling() -> list[Json]:
    failures = f"sum by (reason) (rate(booking_sync_collector_failures_total{{{_COUNTED}}}{_RATE}))"
    age = f"max by (target, collector) ({recent(f'collector:booking_sync_data_age:seconds{{{SCOPE}}}')})"
    interval = recent(f"booking_sync_collector_interval_seconds{{{_COUNTED}}}")
    max_age = recent(f"booking_sync_collector_max_age_seconds{{{_COUNTED}}}")
    dropped = recent(f"booking_sync_collector_series_dropped{{{_COUNTED}}}")
    polled = recent(f"booking_sync_collector_up{{{_COUNTED}}}")
    complete = recent(f"collector_window:booking_sync_window_complete:max{{{SCOPE}}}")
    outage = recent(f"collector:booking_sync_provider_outage:max{{{SCOPE}}}")
    return [
        timeseries(
            "Polls and failures per minute",
            "Finished polls, and those that did not succeed completely by reason. Each reason has its fix in the runbooks.",
            [
                query(f"60 * sum(rate(booking_sync_collector_polls_total{{{_COUNTED}}}{_RATE}))", "polls"),
                query(f"60 * ({failures} > 0)", "failed: {{reason}}"),
            ],
            unit=_PER_MINUTE,
        ),
        _latency(
            "Poll duration of the slowest target against interval",
            "Average duration of a poll of the slowest target. A poll that takes longer than its interval delays the next one.",
            [
                query(_slowest(_POLLS, "collector", _COUNTED), "{{collector}}"),
                query(f"min by (collector) ({interval})", "{{collector}} interval"),
            ],
            overrides=[_A_LIMIT],
        ),
        _latency(
            "How late polls begin, p99",
            "Delay against the schedule that this machine caused, without the time that a "
            f"platform took. A start with thousands of targets shows here, and so does a lagging event loop. "
            f"{_between(_LATENESS)}",
            [query(_quantile(0.99, _LATENESS, "platform", _OF_PLATFORM), "{{platform}}")],
        ),
        timeseries(
            "Since the last good poll",
            "The collectors with the oldest data, and the shortest maximum age: older data is withdrawn.",
            [
                query(top(age), "{{target}} {{collector}}"),
                query(f"min by (collector) ({max_age})", "limit of {{collector}}"),
            ],
            unit="s",
            overrides=[_A_LIMIT],
        ),
        counts(
            "Rows and words that could not be used",
            "Skipped rows of answers and unknown values, per hour. 'nothing to report' is good.",
            _or_none(
                polled,  # an increase in an hour outlives the exporter by that
                query(
                    top(f"sum by (target) (increase(booking_sync_malformed_rows_total{{{_COUNTED}}}[1h])) > 0"),
                    "{{target}} skipped rows",
                ),
                query(
                    f"sum by (field) (increase(booking_sync_unrecognized_values_total{{{_COUNTED}}}[1h])) > 0",
                    "unknown {{field}}",
                ),
            ),
            size=_NARROW,
        ),
        counts(
            "Series left out",
            "Connections or resources without series of their own, because there are too many. 'nothing to report' is good.",
            _or_none(polled, query(top(f"max by (target, collector) ({dropped}) > 0"), "{{target}} {{collector}}")),
            size=_NARROW,
        ),
        counts(
            "Incomplete windows",
            "1 while a window could not be read to its end; its numbers are a lower bound. What a calendar provider leaves "
            "open while it cannot be read is left out. 'nothing to report' is good.",
            _or_none(
                complete,
                query(
                    top(f"1 - min by (target, collector, window) ({complete} unless ignoring (window) {outage} == 1) > 0"),
                    "{{target}} {{collector}} {{window}}",
                ),
            ),
            size=_NARROW,
        ),
    ]


def _api() -> list[Json]:
    requests = f"booking_sync_api_requests_total{{{_COUNTED}"
    all_requests = f"sum by (platform) (rate({requests}}}{_RATE}))"
    failed = f'sum by (platform, code) (rate({requests},code!~"2.."}}{_RATE}))'
    return [
        timeseries(
            "Requests by platform",
            "HTTP requests to the platforms.",
            [query(f"60 * {all_requests}", "{{platform}}")],
            unit=_PER_MINUTE,
        ),
        timeseries(
            "Failed requests by code",
            "Share of the requests that did not end with 2xx; 'none' had no answer at all. A refused credential is 401 or 403. "
            "'nothing to report' is good.",
            _or_none(
                all_requests, query(f"{failed} / on (platform) group_left () ({all_requests} > 0) > 0", "{{platform}} {{code}}")
            ),
            unit="percentunit",
        ),
        _latency(
            "Request duration, p50 and p95",
            "How long the platforms take to answer, all of their targets together. A rising p95 makes polls slower. "
            + _between(_REQUESTS),
            [
                query(_quantile(0.5, _REQUESTS, "platform", _OF_PLATFORM), "{{platform}} p50"),
                query(_quantile(0.95, _REQUESTS, "platform", _OF_PLATFORM), "{{platform}} p95"),
            ],
            size=_NARROW,
        ),
        timeseries(
            "Requests by operation",
            "The operations with the most requests.",
            [query(top(f"60 * sum by (platform, operation) (rate({requests}}}{_RATE}))"), "{{platform}} {{operation}}")],
            unit=_PER_MINUTE,
            size=_WIDE,
        ),
        _latency(
            "Slowest operations, p95",
            "The operations that take longest, all targets of a platform together. For the polls of a single target see "
            "Polling.",
            [query(top(f"({_quantile(0.95, _REQUESTS, 'platform, operation', _OF_PLATFORM)})"), "{{platform}} {{operation}}")],
            size=(24, 8),
        ),
    ]


def _budget() -> list[Json]:
    ratio = recent(f"target_budget:booking_sync_api_budget_remaining:ratio{{{SCOPE}}}")
    operating = recent(f"booking_sync_api_operating_seconds{{{_COUNTED}}}")
    waited = f"rate(booking_sync_api_throttle_wait_seconds_total{{{_COUNTED}}}{_RATE})"
    retried = f"60 * rate(booking_sync_api_retries_total{{{_OF_PLATFORM}}}{_RATE})"
    return [
        timeseries(
            "Budget left",
            "The targets with the least left of a budget. Below a fifth, the platform may soon reject requests, also those of "
            "other applications.",
            [query(f"bottomk(15, min by (target, budget) ({ratio}))", "{{target}} {{budget}}")],
            unit="percentunit",
            thresholds=((None, RED), (0.1, ORANGE), (0.2, CLEAR)),
        ),
        timeseries(
            "Time spent waiting for a limit",
            "Share of the time that requests of a target wait for a limit, the exporter's own or the platform's. Several can "
            "wait at once, so it can exceed 100 %. 'nothing to report' is good.",
            _or_none(waited, query(top(f"sum by (target) ({waited}) > 0"), "{{target}}")),
            unit="percentunit",
            top_is_one=False,
        ),
        timeseries(
            "Operating time by operation",
            "Server time that Bitrix24 has summed within ten minutes; at 480 s it blocks the method. Empty without Bitrix24.",
            [
                query(
                    top(f"max by (target, operation) ({operating}) > 0"),
                    "{{target}} {{operation}}",
                )
            ],
            unit="s",
            size=(15, 8),
        ),
        timeseries(
            "Retries by reason",
            "Requests that were repeated, by the reason why the one before failed, all targets of a platform together. "
            "'nothing to report' is good.",
            _or_none(retried, query(f"sum by (platform, reason) ({retried}) > 0", "{{platform}} {{reason}}")),
            unit=_PER_MINUTE,
            size=(9, 8),
        ),
    ]


def _process() -> list[Json]:
    logged = f"60 * rate(booking_sync_log_messages_total{{{PROCESS}}}{_RATE})"
    return [
        timeseries(
            "CPU",
            "Share of one core. The exporter should stay far below 1.",
            [query(f"rate(process_cpu_seconds_total{{{PROCESS}}}{_RATE})", "{{instance}}")],
            unit="percentunit",
            top_is_one=False,
        ),
        timeseries(
            "Resident memory",
            "Memory of the process. A line that only rises is a leak.",
            [query(recent(f"process_resident_memory_bytes{{{PROCESS}}}"), "{{instance}}")],
            unit="bytes",
        ),
        timeseries(
            "File descriptors used",
            "Share of the allowed file descriptors; near 1 connections fail.",
            [query(" / ".join(recent(f"process_{which}_fds{{{PROCESS}}}") for which in ("open", "max")), "{{instance}}")],
            unit="percentunit",
        ),
        timeseries(
            "Log lines by level",
            "Log lines per minute. Errors have a reason and a target in the log.",
            _or_none(logged, query(f"sum by (level) ({logged}) > 0", "{{level}}")),
            unit=_PER_MINUTE,
        ),
    ]


def _or_none(counted: str, *found: Json) -> list[Json]:
    """Return the queries ``found``, and a line at 0 where they find nothing although what they look at was ``counted``.

    An empty graph would say the same of an exporter that found nothing and of one that is down.
    """
    nothing = "\nunless on () ".join((f"0 * max({counted})", *(f"({one['expr']})" for one in found)))
    return [*found, query(nothing, "nothing to report")]


def _latency(
    title: str, description: str, queries: Sequence[Json], *, size: tuple[int, int] = (12, 8), overrides: Sequence[Json] = ()
) -> Json:
    """Return a graph of quantiles. In a window without a poll there is none: short ones would make dots of a line."""
    return {**timeseries(title, description, queries, unit="s", size=size, overrides=overrides), "interval": _EVERY_POLL}


def _between(histogram: str) -> str:
    """Return how to read the smallest and the largest number that a quantile can be."""
    first, last = _BOUNDS[histogram]
    return f"A value below {first:g} s is shown as almost {first:g} s; {last:g} s stands for that or more."


def _slowest(histogram: str, label: str, matchers: str) -> str:
    """Return the mean of the series with the highest one; nothing where there were no observations.

    Prometheus may have sums and counts as series of their own, or all in one (`convert_classic_histograms_to_nhcb`).
    """
    classic = tuple(f"rate({histogram}_{part}{{{matchers}}}{_RATE})" for part in ("sum", "count"))
    native = tuple(f"histogram_{part}(rate({histogram}{{{matchers}}}{_RATE}))" for part in ("sum", "count"))
    first, second = (f"max by ({label}) ({total} / ({count} > 0))" for total, count in (classic, native))
    return f"{first}\nor {second}"


def _quantile(share: float, histogram: str, label: str, matchers: str) -> str:
    """Return what ``share`` of the observations took at most; nothing, not NaN, where there were none.

    Prometheus may have the buckets as series of their own, or all of them in one (`convert_classic_histograms_to_nhcb`).
    """
    buckets, whole = (
        f"histogram_quantile({share}, sum by ({labels}) (rate({histogram}{suffix}{{{matchers}}}{_RATE}))) >= 0"
        for labels, suffix in ((f"{label}, le", "_bucket"), (label, ""))
    )
    return f"{buckets}\nor {whole}"
