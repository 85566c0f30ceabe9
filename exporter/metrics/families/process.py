"""Families of the exporter itself: no target. The first that are declared come from the view, others from prometheus-client."""

from __future__ import annotations

from typing import Final, Literal

from exporter.metrics.families.family import PREFIX, Family, Histogram


def _family(type: Literal["gauge", "counter"], name: str, help: str, *labels: str) -> Family:  # noqa: A002  the format's words
    return Family(PREFIX + name, type, help, labels)


BUILD_INFO: Final = _family(
    "gauge",
    "build_info",
    "Always 1. Version of the exporter and of Python; revision is the commit that it was built from, if known.",
    "version",
    "revision",
    "python",
)
TIME: Final = _family(
    "gauge",
    "time_seconds",
    "Unix time in seconds by the clock of the exporter's host. All timestamps of this page are of the same clock: an age is "
    "the difference between this and a timestamp of the same scrape.",
)
READY: Final = _family("gauge", "ready", "1 once every collector has finished one poll, failed or not, else 0.")
STANDBY: Final = _family(
    "gauge", "standby", "1 while this process waits for another one to end and polls nothing (--standby), else 0."
)
SHARD_INFO: Final = _family(
    "gauge",
    "shard_info",
    "Always 1. The label shard says which part of the targets this process watches, counted from 0 (--shard); 0 without "
    "--shard.",
    "shard",
)
SHARDS: Final = _family(
    "gauge",
    "shards",
    "Number of parts into which the targets are divided (--shard), 1 without --shard. While fewer shards show shard_info, "
    "nobody watches the targets of the missing ones.",
)
CONFIG_WARNINGS: Final = _family(
    "gauge",
    "config_warnings",
    "Warnings that the configuration watches less than it seems to, or shows more, by kind, at all targets. Accepted warnings "
    "do not count.",
    "kind",
)
DISCOVERED_TARGETS: Final = _family(
    "gauge",
    "discovered_targets",
    "Sites that a rule of discover has found and selected, up to its max_sites, in all shards.",
    "discovery",
)
DISCOVERY_UP: Final = _family(
    "gauge", "discovery_up", "1 if the last read of the list of sites succeeded, else 0; 0 before the first.", "discovery"
)
DISCOVERY_SUCCESS_TIME: Final = _family(
    "gauge",
    "discovery_last_success_timestamp_seconds",
    "Unix time in seconds at which the list of sites was last read as a whole.",
    "discovery",
)
RELOAD_SUCCESSFUL: Final = _family(
    "gauge",
    "config_last_reload_successful",
    "1 if the last attempt to load the configuration succeeded, 0 if it failed and the old one is still in force.",
)
RELOAD_SUCCESS_TIME: Final = _family(
    "gauge",
    "config_last_reload_success_timestamp_seconds",
    "Unix time in seconds at which the configuration in force was loaded.",
)
CONFIG_HASH: Final = _family(
    "gauge",
    "config_hash",
    "Hash of the configuration in force, without the values of its secrets: equal files have the same hash.",
)
LOOP_LAG: Final = _family(
    "gauge",
    "event_loop_lag_seconds",
    "Event loop lag in seconds: the longest delay of a short sleep within the last minute.",
)
LATENESS: Final = Histogram(
    PREFIX + "poll_lateness_seconds",
    "histogram",
    "Delay of polls against their schedule in seconds, as far as this exporter caused it: a late start, waiting for a "
    "connection or for decoding. The time that a platform took does not count.",
    ("platform",),
    buckets=(0.25, 1.0, 3.0, 10.0, 30.0, 60.0, 300.0),
)
LOG_MESSAGES: Final = _family("counter", "log_messages_total", "Log messages written, by level.", "level")
INTERNAL_ERRORS: Final = _family(
    "counter",
    "internal_errors_total",
    "Background tasks of the exporter that a bug ended, by task; each is restarted. Please report any value above 0.",
    "task",
)

OURS: Final[tuple[Family, ...]] = (
    BUILD_INFO,
    TIME,
    READY,
    STANDBY,
    SHARD_INFO,
    SHARDS,
    CONFIG_WARNINGS,
    DISCOVERED_TARGETS,
    DISCOVERY_UP,
    DISCOVERY_SUCCESS_TIME,
    RELOAD_SUCCESSFUL,
    RELOAD_SUCCESS_TIME,
    CONFIG_HASH,
    LOOP_LAG,
    LATENESS,
    LOG_MESSAGES,
    INTERNAL_ERRORS,
)

#: What prometheus-client's own collectors publish (process_* on Linux only); a test holds these texts against them.
STANDARD: Final[tuple[Family, ...]] = (
    Family("process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes."),
    Family("process_resident_memory_bytes", "gauge", "Resident memory size in bytes."),
    Family("process_start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds."),
    Family("process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds."),
    Family("process_open_fds", "gauge", "Number of open file descriptors."),
    Family("process_max_fds", "gauge", "Maximum number of open file descriptors."),
    Family(
        "python_info", "gauge", "Python platform information", ("version", "implementation", "major", "minor", "patchlevel")
    ),
    Family("python_gc_objects_collected_total", "counter", "Objects collected during gc", ("generation",)),
    Family("python_gc_objects_uncollectable_total", "counter", "Uncollectable objects found during GC", ("generation",)),
    Family("python_gc_collections_total", "counter", "Number of times this generation was collected", ("generation",)),
)
