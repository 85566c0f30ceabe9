"""Alerts about the exporter itself, its access to the platforms and the age of its data."""

from __future__ import annotations

from collections.abc import Sequence

from exporter.errors import Reason
from exporter.monitoring.alerts.alert import Alert, AlertGroup, Board, Choice, FixedBy, Severity
from exporter.monitoring.options import Options
from exporter.monitoring.promql import newest, total
from exporter.platforms.registry import PLATFORMS

_PROBE = "The exporter's operator runs `booking-sync-exporter probe {{ $labels.target }}`: it names the reason and the fix."


def _fixes(reasons: Sequence[Reason]) -> Choice:
    return Choice(
        "platform",
        {
            platform.name: Choice("reason", {reason.value: platform.advice.failures[reason].fix for reason in reasons})
            for platform in PLATFORMS.values()
        },
    )


def _turned_away(reasons: Sequence[Reason]) -> str:
    return f'increase(booking_sync_collector_failures_total{{reason=~"{"|".join(reasons)}"}}[30m])'


def exporter_alerts(options: Options) -> AlertGroup:
    """Return the alerts that concern every target alike."""
    return AlertGroup("booking-sync-exporter-alerts", (*_process(options), *_access(), *_data(), *_limits()))


def _process(options: Options) -> tuple[Alert, ...]:
    up = f'up{{job="{options.job}"}}'
    seen = "booking_sync_collector_up"
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
    )


def _access() -> tuple[Alert, ...]:
    denied = (Reason.AUTH, Reason.PERMISSION, Reason.NOT_ENTITLED)
    return (
        Alert(
            name="BookingSyncPlatformDown",
            expr=(
                "min_over_time(platform:booking_sync_targets_silent:ratio[5m]) > 0.5\n"
                "and last_over_time(platform:booking_sync_targets:count[5m]) >= 5"
            ),
            hold="3m",
            keep="15m",
            severity=Severity.CRITICAL,
            fixed_by=FixedBy.PLATFORM,
            summary="A booking platform answers for few of its targets.",
            description="{{ $value | humanizePercentage }} of the {{ $labels.platform }} targets get no answer.",
            fix=(
                "The exporter's operator checks the network of the host and a credential that these targets share, then the "
                "platform's status page; a fault of the platform has to be waited for."
            ),
            board=Board.FLEET,
            link=("job",),
            comment="One page for an outage of the platform, not one for each of a thousand targets.",
        ),
        Alert(
            name="BookingSyncAccessDenied",
            expr=(
                f"{total(_turned_away(denied))} > 0\n"
                "and ignoring (reason) max_over_time(collector:booking_sync_collector_up:max[5m]) == 0"
            ),
            hold="5m",
            keep="15m",
            severity=Severity.CRITICAL,
            fixed_by=FixedBy.ADMINISTRATOR,
            summary="A booking platform refuses access.",
            description=(
                "{{ $labels.platform }} refuses {{ $labels.collector }} of {{ $labels.target }}: {{ $labels.reason }}."
            ),
            fix=_fixes(denied),
            comment="The window is twice the longest back-off after a refusal.",
        ),
        Alert(
            name="BookingSyncCredentialExpiring",
            expr=f"{newest('last_over_time(booking_sync_credential_expiry_timestamp_seconds[5m])')} - time() < 7 * 24 * 3600",
            hold="10m",
            keep="5m",
            severity=Severity.WARNING,
            fixed_by=FixedBy.ADMINISTRATOR,
            summary="A credential has to be renewed by a person.",
            description=(
                "The credential of {{ $labels.target }} {{ if gt $value 0.0 }}expires in {{ $value | humanizeDuration }}"
                "{{ else }}has expired{{ end }}."
            ),
            fix="An administrator of the account renews the credential; the exporter's operator puts it in place and reloads.",
        ),
    )


def _data() -> tuple[Alert, ...]:
    outage = "last_over_time(collector:booking_sync_provider_outage:max[5m]) == 1"
    return (
        Alert(
            name="BookingSyncDataExpired",
            expr="max_over_time(collector:booking_sync_data_available:max[5m]) == 0",
            hold="5m",
            keep="15m",
            severity=Severity.CRITICAL,
            fixed_by=FixedBy.OPERATOR,
            summary="Booking data is missing.",
            description=(
                "{{ $labels.collector }} of {{ $labels.target }} brought no data within their maximum age; "
                "what was known is no longer shown."
            ),
            fix=_PROBE,
            comment="A calendar provider that is down does not count: the data of the others are there.",
        ),
        Alert(
            name="BookingSyncDataStale",
            expr=(
                "last_over_time(collector:booking_sync_data_age:ratio[5m]) > 5\n"
                f"unless {outage}\n"
                "unless max_over_time(collector:booking_sync_data_available:max[5m]) == 0"
            ),
            hold="10m",
            keep="5m",
            severity=Severity.WARNING,
            fixed_by=FixedBy.OPERATOR,
            summary="Booking data is old.",
            description=(
                '{{ $labels.collector }} of {{ $labels.target }} last succeeded {{ $value | printf "%.0f" }} poll intervals '
                "ago; its old data is still shown."
            ),
            fix=_PROBE,
            comment="Only where max_age is longer than five intervals; the default withdraws the data earlier.",
        ),
        Alert(
            name="BookingSyncWindowIncomplete",
            expr="max_over_time(collector_window:booking_sync_window_complete:max[5m]) == 0",
            hold="30m",
            keep="5m",
            severity=Severity.WARNING,
            fixed_by=FixedBy.OPERATOR,
            summary="A window is not read to its end.",
            description="{{ $labels.collector }} of {{ $labels.target }} could not read all of {{ $labels.window }}.",
            fix="The exporter's operator narrows the window, raises the interval or the target's budget.",
        ),
        Alert(
            name="BookingSyncAnswersNotUnderstood",
            expr=(
                f"{newest('increase(booking_sync_malformed_rows_total[1h])')} > 0\n"
                f"or sum without (field) ({newest('increase(booking_sync_unrecognized_values_total[1h])')}) > 0"
            ),
            hold="15m",
            keep="5m",
            severity=Severity.WARNING,
            fixed_by=FixedBy.OPERATOR,
            summary="A platform answers in words that the exporter does not know.",
            description=(
                '{{ $value | printf "%.0f" }} rows or values of {{ $labels.collector }} of {{ $labels.target }} could not be '
                "used within the last hour."
            ),
            fix="The exporter's operator installs the newest version; if it is the newest, reports the log lines.",
        ),
    )


def _limits() -> tuple[Alert, ...]:
    per_target = "last_over_time(instance:booking_sync_samples_per_target:ratio"
    limited = (Reason.RATE_LIMITED, Reason.OPERATING_LIMIT, Reason.OVERLOAD)
    return (
        Alert(
            name="BookingSyncApiLimited",
            expr=(
                f"{newest(_turned_away(limited))} > 2.5\n"
                f"or\n{newest(_turned_away(limited))} > 0\n"
                "and ignoring (reason) max_over_time(collector:booking_sync_collector_up:max[5m]) == 0"
            ),
            hold="5m",
            keep="15m",
            severity=Severity.WARNING,
            fixed_by=FixedBy.OPERATOR,
            summary="A booking platform limits the exporter.",
            description=(
                '{{ $value | printf "%.0f" }} polls of {{ $labels.collector }} of {{ $labels.target }} were turned away by '
                "{{ $labels.platform }} in 30 minutes: {{ $labels.reason }}."
            ),
            fix=_fixes(limited),
            comment="A poll waits for the limit, up to twice its interval, before it fails: one failure that lasts is enough.\n"
            "increase() extrapolates, so three failures are more than 2.5.",
        ),
        Alert(
            name="BookingSyncApiBudgetLow",
            expr="max_over_time(target_budget:booking_sync_api_budget_remaining:ratio[10m]) < 0.2",
            hold="20m",
            keep="5m",
            severity=Severity.WARNING,
            fixed_by=FixedBy.OPERATOR,
            summary="An API budget is nearly used up.",
            description="{{ $value | humanizePercentage }} of the {{ $labels.budget }} budget of {{ $labels.target }} is left.",
            fix=(
                "The exporter's operator raises the intervals, narrows the windows or switches a collector off; a portal "
                "administrator looks for other applications that use the same budget."
            ),
        ),
        Alert(
            name="BookingSyncSeriesDropped",
            expr=f"{newest('min_over_time(booking_sync_collector_series_dropped[15m])')} > 0",
            hold="15m",
            severity=Severity.INFO,
            fixed_by=FixedBy.OPERATOR,
            summary="Some series are not shown because there are too many.",
            description="{{ $value }} series of {{ $labels.collector }} of {{ $labels.target }} are left out.",
            fix="The exporter's operator narrows what the target reads, or raises the cap.",
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
