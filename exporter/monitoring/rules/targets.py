"""What is recorded of each target: whether it answers, how old its data are, what is left of its budgets."""

from __future__ import annotations

from exporter.monitoring.promql import newest
from exporter.monitoring.rules.recording import Recording, RecordingGroup


def target_recordings() -> RecordingGroup:
    """Return what is recorded of each target and collector."""
    up, outage = "collector:booking_sync_collector_up:max", "collector:booking_sync_provider_outage:max"
    return RecordingGroup(
        "booking-sync-targets",
        "1m",
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
                "target_budget:booking_sync_api_budget_remaining:ratio",
                newest("booking_sync_api_budget_remaining", "min")
                + "\n/ ("
                + newest("booking_sync_api_budget_limit")
                + " > 0)",
            ),
            Recording("collector_window:booking_sync_window_complete:max", newest("booking_sync_window_complete")),
        ),
    )
