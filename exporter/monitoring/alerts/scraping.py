"""Alerts about who is there: exporters that answer no scrape or only some, shards that nobody runs, restarts without end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from exporter.monitoring.alerts.alert import Alert, AlertSeverity, Dashboard, FixedBy
from exporter.monitoring.language import counted
from exporter.monitoring.options import Options
from exporter.monitoring.promql import OF_ANY_TYPE, TENANT_LABELS, TYPE_LABELS

_PLACE: Final = ", ".join((*TENANT_LABELS, "job"))
"""Labels of an installation. An alert about a whole one has no others, so it stays one alert whatever discovery does."""

_SHARDS_THERE: Final = (
    '{{ range $n, $shard := query (printf "count by (shard) (booking_sync_shard_info{job=%q,namespace=%q,cluster=%q})" '
    '$labels.job $labels.namespace $labels.cluster) | sortByLabel "shard" }}{{ if $n }},{{ end }} {{ .Labels.shard }}{{ end }}'
)
"""A template: the numbers of the shards of the same installation, each after a blank; a label that it has not is empty."""


def scraping_alerts(options: Options) -> tuple[Alert, ...]:
    """Return the alerts about exporters that are not there, or not always."""
    up = f"up{{{options.of_jobs}}}"
    return (_down(up, options.jobs), _instance_down(up), *_scrapes_failing(up), _shard_missing(), _restarts_often())


def _down(up: str, jobs: Sequence[str]) -> Alert:
    # Of several jobs one may be there: each is asked for alone.
    gone = "".join(f'\nor\nabsent_over_time(up{{job="{job}"}}[1d])' for job in jobs)
    active = f"({up} unless {OF_ANY_TYPE} booking_sync_standby == 1) == 1"
    return Alert(
        name="BookingSyncExporterDown",
        expr=(f"max by ({_PLACE}) (last_over_time({up}[1d]))\nunless\nmax by ({_PLACE}) ({active}){gone}"),
        hold="5m",
        keep="10m",
        min_hold_seconds=30.0,
        severity=AlertSeverity.CRITICAL,
        fixed_by=FixedBy.OPERATOR,
        summary="The booking sync exporter cannot be scraped.",
        steps_inside=True,
        until_morning="No problem is reported: customers notice double bookings and disconnected calendars first.",
        description=(
            "No scrape of job {{ $labels.job }} succeeds, or only a standby answers, so nothing is known about any booking "
            "platform."
        ),
        fix="The exporter's operator starts it again, or corrects its address or repairs the network between it and "
        "Prometheus.",
        board=Dashboard.INTERNALS,
        link=("job",),
        comment="Where there was an exporter within a day, and none answers now that polls: a standby watches nothing.\n"
        "Service discovery takes `up` away with the last Pod; the day keeps the alert the same one, with its namespace.\n"
        "It holds back what else there is about its scrapes, so it is kept for longer than that.",
    )


def _instance_down(up: str) -> Alert:
    return Alert(
        name="BookingSyncInstanceDown",
        expr=f"{up} == 0",
        hold="15m",
        severity=AlertSeverity.WARNING,
        fixed_by=FixedBy.OPERATOR,
        summary="One of several exporters cannot be scraped.",
        steps_inside=True,
        until_morning="The other exporters keep watching; if the last one fails as well, nobody watches.",
        description=(
            "{{ $labels.instance }} answers no scrape; another exporter of job {{ $labels.job }} does. If the two watch the "
            "same targets, nothing is lost until that one fails as well."
        ),
        fix="The exporter's operator starts it again, or takes its address out of Prometheus' configuration.",
        board=Dashboard.INTERNALS,
        link=("job", "instance"),
    )


def _scrapes_failing(up: str) -> tuple[Alert, Alert]:
    tied = f"* ignoring (shard, {', '.join(TYPE_LABELS)}) group_right ()"
    shard = "max_over_time(booking_sync_shard_info[30m])"
    waiting = "ignoring (shard) max_over_time(booking_sync_standby[30m]) == 1"

    def mostly_failing(share: str, recently: str) -> str:
        return f"avg_over_time({up}[30m]) < {share}\nand changes({up}[30m]) > 2\nand min_over_time({up}[{recently}]) == 0"

    alert = Alert(
        name="BookingSyncScrapesFailing",
        expr=mostly_failing("0.9", "10m"),
        hold="5m",
        severity=AlertSeverity.WARNING,
        fixed_by=FixedBy.OPERATOR,
        summary="Many scrapes of an exporter fail.",
        steps_inside=True,
        until_morning="Nothing is missed yet; alerts may be some minutes late.",
        description=(
            "Fewer than 90 % of the scrapes of {{ $labels.instance }} succeeded within the last 30 minutes, with gaps in "
            "between."
        ),
        fix=(
            "The exporter's operator reads the error of the last scrape on Prometheus' Targets page, then the exporter's "
            "log: it restarts again and again, its page takes too long, or the network between the two is failing."
        ),
        board=Dashboard.INTERNALS,
        link=("job", "instance"),
        comment="More than two changes: a single outage has two and is reported by other alerts.",
    )
    page = replace(
        alert,
        expr=(
            f"({mostly_failing('0.5', '5m')})\n{tied} {shard}\n"
            f"unless on ({_PLACE}, shard)\n"
            f"(avg_over_time({up}[30m]) >= 0.5)\n{tied} ({shard} unless {waiting})"
        ),
        keep="10m",
        severity=AlertSeverity.CRITICAL,
        until_morning="Problems at its targets are reported late or not at all; customers notice them first.",
        description=(
            "Fewer than half of the scrapes of {{ $labels.instance }} succeeded within the last 30 minutes, and no other "
            "exporter of shard {{ $labels.shard }} answers more often."
        ),
        comment="Nobody watches for most of the time: no other exporter of the same shard answers more often.",
    )
    return page, alert


def _shard_missing() -> Alert:
    shards = f"max by ({_PLACE}) (last_over_time(booking_sync_shards[5m]))"
    waits = f"ignoring (shard, {', '.join(TYPE_LABELS)}) max_over_time(booking_sync_standby[5m]) == 1"
    present = f"last_over_time(booking_sync_shard_info[5m]) unless {waits}"
    return Alert(
        name="BookingSyncShardMissing",
        expr=f"{shards}\n- count by ({_PLACE}) (max by ({_PLACE}, shard) (\n  {present}\n)) > 0",
        hold="10m",
        keep="10m",
        severity=AlertSeverity.CRITICAL,
        fixed_by=FixedBy.OPERATOR,
        summary="Nobody watches a part of the targets.",
        steps_inside=True,
        until_morning="Nobody watches the targets of the missing shard: customers notice problems there first.",
        description=counted(
            "%(count)s shard of job {{ $labels.job }} has no exporter that polls. Shards that answer:%(shards)s.",
            "%(count)s shards of job {{ $labels.job }} have no exporter that polls. Shards that answer:%(shards)s.",
            shards=_SHARDS_THERE,
        ),
        fix="The exporter's operator starts the missing shard again, or gives its targets to the others (`--shard`).",
        board=Dashboard.INTERNALS,
        link=("job",),
        comment="Each shard says how many there should be. It does not matter whether the missing one has an address.",
    )


def _restarts_often() -> Alert:
    return Alert(
        name="BookingSyncRestartsOften",
        expr="changes(shard:process_start_time_seconds:max[1h]) > 3",
        hold="5m",
        severity=AlertSeverity.WARNING,
        fixed_by=FixedBy.OPERATOR,
        summary="An exporter restarts again and again.",
        until_morning="Each restart leaves a gap of a minute or two; problems in the gap are noticed late.",
        description=(
            "Shard {{ $labels.shard }} of job {{ $labels.job }} was started {{ $value }} times within the last hour; each "
            "start polls all of its targets again."
        ),
        fix=(
            "The exporter's operator reads the last lines of its log before each start, and checks what ends it: its memory "
            "limit or its watchdog."
        ),
        board=Dashboard.INTERNALS,
        link=("job",),
        comment="A roll-out of a pair counts twice; two of them within an hour are worth a look, too.",
    )
