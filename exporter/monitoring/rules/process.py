"""What is recorded of the processes: how they are scraped and how much they bring."""

from __future__ import annotations

from exporter.monitoring.promql import TYPE_LABELS, newest
from exporter.monitoring.rules.recording import Recording, RecordingGroup


def process_recordings() -> RecordingGroup:
    """Return what is recorded of the exporters themselves."""
    return RecordingGroup(
        "booking-sync-process",
        "1m",
        (
            Recording(
                "instance:booking_sync_samples_per_target:ratio",
                "max_over_time(scrape_samples_scraped[15m])\n"
                "/ (\n  count without (target, platform) (\n"
                f"    max without (collector, {', '.join(TYPE_LABELS)}) (max_over_time(booking_sync_collector_up[15m]))\n"
                "  ) > 0\n)",
                "What a scrape brings for each target on average, so that more targets are no growth.",
            ),
            Recording(
                "shard:process_start_time_seconds:max",
                newest(
                    "\n  process_start_time_seconds\n"
                    f"  * ignoring (shard, {', '.join(TYPE_LABELS)}) group_right ()\n  booking_sync_shard_info\n"
                ),
                "The newest start of those that run a shard: Kubernetes replaces a Pod, and with it the instance.",
            ),
        ),
    )
