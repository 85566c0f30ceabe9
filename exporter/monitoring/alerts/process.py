"""Alerts about the exporter itself and the alerting: ready, alike, of one configuration, right about the time."""

from __future__ import annotations

from exporter.monitoring.alerts.alert import Alert, AlertGroup, AlertSeverity, Dashboard, FixedBy
from exporter.monitoring.alerts.capacity import capacity_alerts
from exporter.monitoring.alerts.scraping import scraping_alerts
from exporter.monitoring.language import counted
from exporter.monitoring.options import Options
from exporter.monitoring.promql import FOLDED_LABELS, OF_ANY_TYPE, newest


def process_alerts(options: Options) -> AlertGroup:
    """Return the alerts about the exporters and the alerting itself."""
    return AlertGroup(
        "booking-sync-process-alerts",
        (
            *_alerting(),
            *scraping_alerts(options),
            *_replicas(),
            *_configuration(),
            *capacity_alerts(options),
        ),
    )


def _alerting() -> tuple[Alert, ...]:
    rules = '{rule_group=~".*booking-sync.*"}[10m]'
    return (
        Alert(
            name="Watchdog",
            expr="vector(1)",
            hold="",
            severity=AlertSeverity.NONE,
            fixed_by=FixedBy.OPERATOR,
            summary="Heartbeat of the alerting pipeline.",
            description="Fires all the time. When it stops arriving, alerts no longer reach anybody.",
            fix="Nothing while it arrives. When it stops, the person who runs Prometheus and Alertmanager repairs them.",
            board=Dashboard.INTERNALS,
            link=(),
        ),
        Alert(
            name="BookingSyncRuleFailures",
            expr=(
                f"{newest(f'increase(prometheus_rule_evaluation_failures_total{rules})')} > 0\n"
                f"or\n{newest(f'increase(prometheus_rule_group_iterations_missed_total{rules})')} > 0"
            ),
            hold="5m",
            severity=AlertSeverity.WARNING,
            fixed_by=FixedBy.OPERATOR,
            summary="Prometheus does not evaluate all of these rules.",
            until_morning="Alerts of the rules that fail cannot fire.",
            description=(
                "Rules of {{ $labels.rule_group }} failed or were left out within the last 10 minutes: their alerts cannot "
                "fire."
            ),
            fix="The person who runs Prometheus reads the error on its Rules page; if there is none, Prometheus is overloaded.",
            board=Dashboard.INTERNALS,
            link=(),
        ),
        Alert(
            name="BookingSyncClockSkewed",
            expr=(
                "min_over_time(abs(\n"
                f"  booking_sync_time_seconds - {OF_ANY_TYPE} timestamp(booking_sync_time_seconds)\n"
                ")[5m:1m]) > 30"
            ),
            hold="10m",
            severity=AlertSeverity.WARNING,
            fixed_by=FixedBy.OPERATOR,
            summary="The clock of an exporter's host is wrong, or that of Prometheus.",
            until_morning="Windows such as today begin and end at wrong times; no page is lost.",
            description="The clocks of {{ $labels.instance }} and of Prometheus are {{ $value | humanizeDuration }} apart.",
            fix="The exporter's operator runs `timedatectl` on both hosts and repairs the time synchronisation of the wrong "
            "one.",
            board=Dashboard.INTERNALS,
            link=("job", "instance"),
            comment="Windows such as `today` and the moments on the boards are off by as much; no age and no verdict is.",
        ),
    )


def _replicas() -> tuple[Alert, ...]:
    seen = "max_over_time(booking_sync_collector_up[5m])"
    of_targets = "count without (target, platform, collector)"
    hashes = "last_over_time(booking_sync_config_hash[5m])"
    return (
        Alert(
            name="BookingSyncReplicaBlind",
            expr=(
                f"{of_targets} (\n"
                f"  {seen} == 0\n"
                f"  and ignoring ({', '.join(FOLDED_LABELS)})\n"
                f"  ({newest(seen)} == 1)\n"
                f")\n/ ({of_targets} ({seen}) > 0) > 0.5"
            ),
            hold="15m",
            severity=AlertSeverity.WARNING,
            fixed_by=FixedBy.OPERATOR,
            summary="An exporter fails where its replica succeeds.",
            until_morning="The other replica reads everything; if it fails as well, nothing is known about these targets.",
            description=(
                "{{ $value | humanizePercentage }} of the collectors of {{ $labels.instance }} fail, and another exporter of "
                "job {{ $labels.job }} reads the same ones. If that one fails as well, nothing is known about them."
            ),
            fix=(
                "The exporter's operator runs `booking-sync-exporter probe` on that host: it names the reason. The two "
                "differ in network, proxy, credential file or version."
            ),
            board=Dashboard.INTERNALS,
            link=("job", "instance"),
        ),
        Alert(
            name="BookingSyncReplicasDisagree",
            expr=f"{newest(hashes)}\n!= {newest(hashes, 'min')}",
            hold="30m",
            severity=AlertSeverity.WARNING,
            fixed_by=FixedBy.OPERATOR,
            summary="Exporters run different configurations.",
            until_morning="Boards and alerts may contradict each other about targets that the configurations set up "
            "differently.",
            description="Exporters of job {{ $labels.job }} have been running different configurations for half an hour.",
            fix=(
                "The exporter's operator compares `booking_sync_config_hash` of the instances, gives all of them the same file "
                "and reloads them."
            ),
            board=Dashboard.INTERNALS,
            link=("job",),
            comment="Shards have read the same file, so they agree as replicas do.",
        ),
    )


def _configuration() -> tuple[Alert, ...]:
    without_windows = 'booking_sync_config_warnings{kind="window_missing"}[5m]'
    return (
        Alert(
            name="BookingSyncNotReady",
            expr="max_over_time(booking_sync_ready[5m]) == 0\nunless max_over_time(booking_sync_standby[5m]) == 1",
            hold="15m",
            severity=AlertSeverity.WARNING,
            fixed_by=FixedBy.OPERATOR,
            summary="The exporter does not finish its first polls.",
            until_morning="Targets that were never read are not watched; all others are.",
            description="{{ $labels.instance }} has collectors that have not finished a single poll since it started.",
            fix="The exporter's operator asks `/-/ready` what is missing, then checks budget and timeout of those targets.",
            board=Dashboard.INTERNALS,
            link=("job", "instance"),
            comment="A standby finishes no poll, because it does not poll.",
        ),
        Alert(
            name="BookingSyncConfigReloadFailed",
            expr="max_over_time(booking_sync_config_last_reload_successful[5m]) == 0",
            hold="10m",
            severity=AlertSeverity.WARNING,
            fixed_by=FixedBy.OPERATOR,
            summary="The exporter rejected a new configuration.",
            until_morning="The previous configuration stays in force; a restart would fail, and then nothing is watched.",
            description="{{ $labels.instance }} keeps running with the previous configuration.",
            fix="The exporter's operator runs `booking-sync-exporter check-config`, corrects what it names and reloads.",
            board=Dashboard.INTERNALS,
            link=("job", "instance"),
        ),
        Alert(
            name="BookingSyncWindowMissing",
            expr=f"{newest(f'max_over_time({without_windows})')} > 0",
            hold="15m",
            severity=AlertSeverity.WARNING,
            fixed_by=FixedBy.OPERATOR,
            summary="Bookings are read without the windows that alerts need.",
            until_morning="The alerts that need the window never fire; all others work.",
            description=counted(
                "%(count)s target has no window of the next 24 hours or of the next 7 days: its double bookings, empty "
                "calendars and vanished bookings are not reported.",
                "%(count)s targets have no window of the next 24 hours or of the next 7 days: their double bookings, empty "
                "calendars and vanished bookings are not reported.",
            ),
            fix=(
                "The exporter's operator runs `booking-sync-exporter check-config`, which names the targets, and adds the "
                "windows `next_24h` and `next_7d`, or accepts the warning there with a reason."
            ),
            board=Dashboard.INTERNALS,
            link=("job",),
        ),
    )
