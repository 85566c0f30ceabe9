"""Alerts about what an exporter can carry, before data is late: its event loop, its page, its polls."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from exporter.monitoring.alerts.alert import Alert, AlertSeverity, Dashboard, FixedBy
from exporter.monitoring.language import counted
from exporter.monitoring.options import Options
from exporter.monitoring.promql import newest

SLOW_LOOP: Final = 1.0
SLOW_SCRAPE: Final = 8.0
"""Seconds above which a loop stands still for too long and a page is too slow for Prometheus, which gives up after ten."""


def capacity_alerts(options: Options) -> tuple[Alert, ...]:
    """Return the alerts about exporters, and platforms, that are too slow for what they are asked."""
    return (*_slow(options), *_late(), _grew())


def _slow(options: Options) -> tuple[Alert, Alert]:
    job = f"{{{options.of_jobs}}}"
    loop = Alert(
        name="BookingSyncExporterSlow",
        expr=f"min_over_time(booking_sync_event_loop_lag_seconds[5m]) > {SLOW_LOOP:g}",
        hold="15m",
        severity=AlertSeverity.WARNING,
        fixed_by=FixedBy.OPERATOR,
        summary="An exporter is overloaded.",
        until_morning="Data gets older than its interval; if it gets too old, it is withdrawn, and alerts page for all "
        "targets.",
        description="The event loop of {{ $labels.instance }} is blocked for {{ $value | humanizeDuration }} every minute.",
        fix=(
            "The exporter's operator looks at the load of its host and at the CPU limit of its container, gives it more, or "
            "shares the targets among several exporters (`--shard`)."
        ),
        labels={"slow": "event_loop"},
        board=Dashboard.INTERNALS,
        link=("job", "instance"),
    )
    page = replace(
        loop,
        expr=f"avg_over_time(scrape_duration_seconds{job}[10m]) > {SLOW_SCRAPE:g}\nand max_over_time(up{job}[5m]) == 1",
        description=(
            "A scrape of {{ $labels.instance }} takes {{ $value | humanizeDuration }}; Prometheus gives up after 10 seconds by "
            "default."
        ),
        labels={"slow": "scrape"},
        comment="Of Prometheus' own 10 seconds; one that answers no scrape at all is down.",
    )
    return loop, page


def _late() -> tuple[Alert, Alert]:
    begun = "booking_sync_poll_lateness_seconds"
    soon = '{le=~"30|30.0"}'
    spent = "rate(booking_sync_collector_poll_duration_seconds_sum[15m])"
    answered = "min_over_time(booking_sync_collector_up[5m])"
    begin = Alert(
        name="BookingSyncPollsLate",
        expr=newest(f"\n  1 - increase({begun}_bucket{soon}[15m])\n  / ignoring (le) (increase({begun}_count[15m]) > 0)\n")
        + " > 0.1",
        hold="15m",
        severity=AlertSeverity.WARNING,
        fixed_by=FixedBy.OPERATOR,
        summary="Polls begin late.",
        until_morning="Data gets older than its interval; if it gets too old, it is withdrawn, and alerts page for all "
        "targets.",
        description=(
            "{{ $value | humanizePercentage }} of the polls of {{ $labels.platform }} targets began more than 30 seconds late "
            "within the last 15 minutes, because the exporter is overloaded."
        ),
        fix=(
            "The exporter's operator looks at the load of its host and at the budget that makes polls wait, makes the "
            "intervals longer, or shares the targets among several exporters (`--shard`)."
        ),
        labels={"late": "start"},
        board=Dashboard.INTERNALS,
        link=("job",),
    )
    take = replace(
        begin,
        expr=f"count without (target) (\n  {newest(spent)} > 0.8\n  and {newest(answered)} == 1\n)",
        description=counted(
            "The polls of %(count)s {{ $labels.platform }} target ({{ $labels.collector }}) take more than four fifths of "
            "their interval.",
            "The polls of %(count)s {{ $labels.platform }} targets ({{ $labels.collector }}) take more than four fifths of "
            "their interval.",
        ),
        labels={"late": "duration"},
        comment="Of those that succeed: what times out has its own alerts.",
    )
    return begin, take


def _grew() -> Alert:
    per_target = "last_over_time(instance:booking_sync_samples_per_target:ratio"
    return Alert(
        name="BookingSyncScrapeGrew",
        expr=f"{per_target}[5m]) > 2 * {per_target}[15m] offset 1d)\nand {per_target}[5m]) > 1000",
        hold="30m",
        severity=AlertSeverity.WARNING,
        fixed_by=FixedBy.OPERATOR,
        summary="An exporter has far more series than a day ago.",
        until_morning="Nothing breaks yet; Prometheus needs more memory and disk.",
        description=(
            '{{ $labels.instance }} brings {{ $value | printf "%.0f" }} series for each target, more than twice as many as '
            "a day ago."
        ),
        fix=(
            "The exporter's operator finds the target with the new series, and narrows what it reads or lowers its "
            "`max_connections` and `max_resources`."
        ),
        board=Dashboard.INTERNALS,
        link=("job", "instance"),
        comment="A target with fifty connections has 1,000 series; less hurts nobody. More targets are no growth.",
    )
