"""Alerts about the exporter itself: whether it is scraped, ready, right about the time, and of a size."""

from __future__ import annotations

from exporter.monitoring.alerts.alert import Alert, AlertGroup, Board, FixedBy, Severity
from exporter.monitoring.options import Options
from exporter.monitoring.promql import newest


def process_alerts(options: Options) -> AlertGroup:
    """Return the alerts about the exporters and the alerting itself."""
    return AlertGroup("booking-sync-process-alerts", _process(options))


def _process(options: Options) -> tuple[Alert, ...]:
    up = f'up{{job="{options.job}"}}'
    seen = "booking_sync_collector_up"
    per_target = "last_over_time(instance:booking_sync_samples_per_target:ratio"
    return (
        Alert(
            name="Watchdog",
            expr="vector(1)",
            hold="",
            severity=Severity.NONE,
            fixed_by=FixedBy.OPERATOR,
            summary="Heartbeat of the alerting pipeline.",
            description="Fires all the time. When it stops arriving, alerts no longer reach anybody.",
            fix="Nothing while it arrives. When it stops, whoever runs Prometheus and Alertmanager repairs them.",
            board=Board.INTERNALS,
            link=(),
        ),
        Alert(
            name="BookingSyncExporterDown",
            expr=f"{newest(f'{up} - booking_sync_standby or {up}')} == 0\nor\nabsent({up}) == 1",
            hold="5m",
            severity=Severity.CRITICAL,
            fixed_by=FixedBy.OPERATOR,
            summary="The booking sync exporter cannot be scraped.",
            description=(
                "No scrape of job {{ $labels.job }} succeeds, or only a standby answers, so nothing is known about any booking "
                "platform."
            ),
            fix="The exporter's operator starts it again, or mends its address or the network between it and Prometheus.",
            board=Board.INTERNALS,
            link=("job",),
            comment="A standby is up and watches nothing, so it counts as 0.\n"
            "absent() knows only the labels of equality matchers; both halves end in {job} and are one alert.",
        ),
        Alert(
            name="BookingSyncTargetsUnwatched",
            expr=(
                "count without (target, platform, collector) (\n"
                f"  {newest(f'max_over_time({seen}[6h])')}\n  unless {newest(seen)}\n)\n"
                f"and on (job) min by (job) ({up}) == 0"
            ),
            hold="10m",
            severity=Severity.CRITICAL,
            fixed_by=FixedBy.OPERATOR,
            summary="A part of the targets is watched by nobody.",
            description=(
                "An exporter of job {{ $labels.job }} is down, and {{ $value }} collectors that were polled within the last "
                "6 hours are polled by no other one."
            ),
            fix="The exporter's operator starts the missing shard again, or gives its targets to the others (`--shard`).",
            board=Board.INTERNALS,
            link=("job",),
            comment="With shards one dead process is a blind spot that 'all down' does not see.",
        ),
        Alert(
            name="BookingSyncNotReady",
            expr="max_over_time(booking_sync_ready[5m]) == 0\nunless max_over_time(booking_sync_standby[5m]) == 1",
            hold="15m",
            severity=Severity.WARNING,
            fixed_by=FixedBy.OPERATOR,
            summary="The exporter does not finish its first polls.",
            description="{{ $labels.instance }} has collectors that have not finished a single poll since it started.",
            fix="The exporter's operator asks `/-/ready` what is missing, then checks budget and timeout of those targets.",
            board=Board.INTERNALS,
            link=("job", "instance"),
            comment="A standby finishes no poll because it begins none.",
        ),
        Alert(
            name="BookingSyncClockSkewed",
            expr="min_over_time(abs(booking_sync_time_seconds - timestamp(booking_sync_time_seconds))[5m:1m]) > 30",
            hold="10m",
            severity=Severity.WARNING,
            fixed_by=FixedBy.OPERATOR,
            summary="The clock of an exporter's host is wrong, or that of Prometheus.",
            description="The clocks of {{ $labels.instance }} and of Prometheus are {{ $value | humanizeDuration }} apart.",
            fix="The exporter's operator runs `timedatectl` on both hosts and mends the time synchronisation of the wrong one.",
            board=Board.INTERNALS,
            link=("job", "instance"),
            comment="Windows such as `today` and the moments on the boards are off by as much; no age and no verdict is.",
        ),
        Alert(
            name="BookingSyncConfigReloadFailed",
            expr="max_over_time(booking_sync_config_last_reload_successful[5m]) == 0",
            hold="10m",
            severity=Severity.WARNING,
            fixed_by=FixedBy.OPERATOR,
            summary="The exporter rejected a new configuration.",
            description="{{ $labels.instance }} keeps running with the previous configuration.",
            fix="The exporter's operator runs `booking-sync-exporter check-config`, mends what it names and reloads.",
            board=Board.INTERNALS,
            link=("job", "instance"),
        ),
        Alert(
            name="BookingSyncScrapeGrew",
            expr=f"{per_target}[5m]) > 2 * {per_target}[15m] offset 1d)\nand {per_target}[5m]) > 1000",
            hold="30m",
            severity=Severity.WARNING,
            fixed_by=FixedBy.OPERATOR,
            summary="An exporter has far more series than a day ago.",
            description=(
                '{{ $labels.instance }} brings {{ $value | printf "%.0f" }} series for each target, more than twice as many as '
                "a day ago."
            ),
            fix=(
                "The exporter's operator finds the target that grew, and narrows what it reads or lowers its `max_connections` "
                "and `max_resources`."
            ),
            board=Board.INTERNALS,
            link=("job", "instance"),
            comment="A target with fifty connections has 1,000 series; less hurts nobody. More targets are no growth.",
        ),
    )
