"""The recording rules, as data. Names are ``level:metric:operations``; a chain lies in one group, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exporter.model import ConnectionStatus
from exporter.monitoring.promql import CONNECTION, SITE, TENANT_LABELS, newest, one_per

STATUS_CODES: dict[ConnectionStatus, int] = {
    ConnectionStatus.UNDEFINED: 0,
    ConnectionStatus.UNKNOWN: 1,
    ConnectionStatus.CONNECTED: 2,
    ConnectionStatus.SYNC_IN_PROGRESS: 3,
    ConnectionStatus.SYNCED: 4,
    ConnectionStatus.DISCONNECTED: 5,
    ConnectionStatus.ERROR: 6,
}
"""One number per status, for timelines; where two replicas disagree the higher one, the worse, is shown."""

LIVE_STATUSES = (
    ConnectionStatus.SYNCED,
    ConnectionStatus.SYNC_IN_PROGRESS,
    ConnectionStatus.CONNECTED,
    ConnectionStatus.ERROR,
)
"""The connections that the objective is about: ``disconnected`` may be wanted, ``undefined`` and ``unknown`` say nothing."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording rule; ``comment`` says why where the expression does not."""

    record: str
    expr: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class RecordingGroup:
    """Rules that are evaluated together, in order, every ``interval``."""

    name: str
    interval: str
    rules: Sequence[Recording]


def recording_groups() -> tuple[RecordingGroup, ...]:
    """Return all recording rules. None of them depends on the options."""
    return (_exporter(), _connections(), _slo(), _slo_long(), _bookings())


def _exporter() -> RecordingGroup:
    up, outage = "collector:booking_sync_collector_up:max", "collector:booking_sync_provider_outage:max"
    return RecordingGroup(
        "booking-sync-exporter",
        "30s",
        (
            Recording(
                up,
                newest("booking_sync_collector_up and booking_sync_collector_polls_total > 0"),
                "A collector that has not finished its first poll is 0 by contract, which is no failure yet.",
            ),
            Recording("provider:booking_sync_provider_up:max", newest("booking_sync_provider_up")),
            Recording(
                outage,
                "label_replace(\n"
                "  1 - min without (provider) (provider:booking_sync_provider_up:max),\n"
                '  "collector", "connections", "", ""\n)',
                "1 while a calendar provider cannot be read. The poll counts as failed, yet the data of the other providers\n"
                "are fresh: no reason to call the collector silent. The series lives only as long as the data do.",
            ),
            Recording(
                "collector:booking_sync_answering:max",
                f"{outage} == 1 or {up}",
                "1 when the last poll brought data, if only in part.",
            ),
            Recording(
                "collector:booking_sync_data_available:max",
                f"{outage} == 1\nor\n"
                + newest(
                    "(1 - booking_sync_collector_data_expired) and booking_sync_collector_last_success_timestamp_seconds > 0"
                )
                + f"\nor\n{up} == 0",
                "1 while some replica shows data, 0 when they expired or never came, absent before the first poll ended.",
            ),
            Recording(
                "collector:booking_sync_data_age:seconds",
                newest(
                    "booking_sync_time_seconds\n"
                    "  - ignoring (target, platform, collector) group_right ()\n"
                    "  (booking_sync_collector_last_success_timestamp_seconds > 0)",
                    "min",
                ),
                "Age of the last poll that succeeded fully, by the exporter's own clock: that of Prometheus may be another.",
            ),
            Recording(
                "collector:booking_sync_data_age:ratio",
                "collector:booking_sync_data_age:seconds / " + newest("booking_sync_collector_interval_seconds"),
                "The same in poll intervals: a collector that asks every 15 minutes is not late after ten.",
            ),
            Recording(
                "platform:booking_sync_targets:count",
                "count without (target) (max without (collector) (collector:booking_sync_answering:max))",
            ),
            Recording(
                "platform:booking_sync_targets_silent:ratio",
                "1 - avg without (target) (max without (collector) (collector:booking_sync_answering:max))",
                "Share of a platform's targets of which no collector gets an answer.",
            ),
            Recording(
                "target_budget:booking_sync_api_budget_remaining:ratio",
                newest("booking_sync_api_budget_remaining", "min")
                + "\n/ ("
                + newest("booking_sync_api_budget_limit")
                + " > 0)",
            ),
            Recording("collector_window:booking_sync_window_complete:max", newest("booking_sync_window_complete")),
            Recording(
                "instance:booking_sync_samples_per_target:ratio",
                "max_over_time(scrape_samples_scraped[15m])\n"
                "/ (\n  count without (target, platform) (\n"
                "    max without (collector) (max_over_time(booking_sync_collector_up[15m]))\n  ) > 0\n)",
                "What a scrape brings for each target on average, so that more targets are no growth.",
            ),
        ),
    )


def _connections() -> RecordingGroup:
    status = "connection_status:booking_sync_connection_status:max"
    by_status, live = "target_status:booking_sync_connections:sum", "target:booking_sync_connections_live:sum"
    bad = "target:booking_sync_connections_bad:sum"
    calendar = one_per(f"max without (provider, schedule) ({newest('booking_sync_connection_info')})", "calendar_type")
    tied = f"on (job, {', '.join(TENANT_LABELS)}, target, platform) group_left (site)"
    codes = "\n  or ".join(f'{code} * {status}{{status="{word}"}}' for word, code in STATUS_CODES.items())
    return RecordingGroup(
        "booking-sync-connections",
        "30s",
        (
            Recording(status, newest("booking_sync_connection_status")),
            Recording("connection_reason:booking_sync_connection_error:max", newest("booking_sync_connection_error")),
            Recording("connection:booking_sync_connection_accepted:max", newest("booking_sync_connection_accepted")),
            Recording(
                "connection:booking_sync_connection_status:code",
                f"max without (status) (\n     {codes}\n)",
                "One number per connection for timelines; max, not sum, because two replicas may disagree for one poll.",
            ),
            Recording(
                by_status,
                f"sum without (calendar_type) ({newest('booking_sync_connections')})",
                "Replicas first, then calendar types: the other way round two replicas would double every number.",
            ),
            Recording(
                SITE,
                f'max by (job, {", ".join(TENANT_LABELS)}, target, platform, site) (booking_sync_target_info{{site!=""}})',
                "For the texts of alerts: the label that people know a target by.",
            ),
            Recording(
                CONNECTION,
                f"{calendar}\n* {tied} {one_per(SITE, 'site')}\nor ignoring (site)\n{calendar}",
                "For the texts of alerts: what people know a connection by; a target needs no site for it.",
            ),
            Recording("target:booking_sync_connections:sum", f"sum without (status) ({by_status})"),
            Recording(live, f'sum without (status) ({by_status}{{status=~"{"|".join(LIVE_STATUSES)}"}})'),
            Recording(
                "target:booking_sync_connections_synced:ratio",
                f'sum without (status) ({by_status}{{status="synced"}}) / ({live} > 0)',
            ),
            Recording(bad, f'sum without (status) ({by_status}{{status="error"}})'),
            Recording("target:booking_sync_connections_bad:ratio", f"{bad} / ({live} > 0)"),
        ),
    )


def _average(window: str) -> Recording:
    return Recording(
        f"target:booking_sync_connections_bad:ratio_avg{window}",
        f"avg_over_time(target:booking_sync_connections_bad:ratio[{window}])",
    )


def _slo() -> RecordingGroup:
    return RecordingGroup("booking-sync-slo", "30s", tuple(map(_average, ("5m", "30m", "1h", "2h", "6h"))))


def _slo_long() -> RecordingGroup:
    return RecordingGroup("booking-sync-slo-long", "5m", tuple(map(_average, ("1d", "3d", "30d"))))


def _bookings() -> RecordingGroup:
    bookings, site = "target_window:booking_sync_bookings:max", "target:booking_sync_site:info"
    tied = f"on (job, {', '.join(TENANT_LABELS)}, target, platform)"
    unlinked, unverified = newest("booking_sync_unlinked_bookings"), newest("booking_sync_links_unverified_bookings")
    verified = "target_window:booking_sync_links_verified_bookings:sum"
    in_site = f"{bookings} * {tied} group_left (site) {site}"
    return RecordingGroup(
        "booking-sync-bookings",
        "30s",
        (
            Recording(bookings, newest("booking_sync_bookings")),
            Recording("target_window:booking_sync_conflicting_bookings:max", newest("booking_sync_conflicting_bookings")),
            Recording(
                "target_window:booking_sync_conflicting_bookings:max_unaccepted",
                newest(
                    "\n  booking_sync_conflicting_bookings\n"
                    "  - (booking_sync_accepted_conflicting_bookings or 0 * booking_sync_conflicting_bookings)\n"
                ),
                "What is left to be judged. An exporter that does not tell what is accepted accepts nothing.",
            ),
            Recording("target:booking_sync_target_closed:max", newest("booking_sync_target_closed")),
            Recording(
                verified,
                f"{newest('booking_sync_linked_bookings')}\n+ {unlinked}",
                "Bookings whose links were read within max_age; of the others nobody knows whether they are linked.",
            ),
            Recording("target_window:booking_sync_unlinked_bookings:ratio", f"{unlinked}\n/ ({verified} > 0)"),
            Recording(
                "target_window:booking_sync_links_unverified_bookings:ratio",
                f"{unverified}\n/ (\n    {unverified}\n  + {verified}\n  > 0\n)",
            ),
            Recording(
                "target:booking_sync_discovered_bookings:increase1d",
                newest("increase(booking_sync_bookings_discovered_total[1d])"),
                "max, not sum: every replica discovers every booking.",
            ),
            Recording(
                site,
                f'max by (job, {", ".join(TENANT_LABELS)}, target, platform, site) (booking_sync_target_info{{site!=""}})\n'
                f'and {tied} collector:booking_sync_collector_up:max{{collector="bookings"}}',
                "The one place with `by`: target_info carries labels of the user's choice, which nobody can name in `without`.",
            ),
            Recording(
                "site_platform_window:booking_sync_bookings:sum",
                f"sum without (target) (\n  {in_site}\n)\nand\n"
                f"count without (target) (\n  {in_site}\n)\n"
                f"== on (job, {', '.join(TENANT_LABELS)}, platform, site) group_left () count without (target) ({site})",
                "Only when every target of the site on that platform shows its number: a part would look like drift.",
            ),
        ),
    )
