"""What is counted while the exporter works. Lives as long as the process, also across reloads.

What is counted by target or by platform is in :mod:`exporter.metrics.counters`;
what exists once per process is prometheus-client's.
"""

from __future__ import annotations

import platform as python_platform
from collections.abc import Collection, Mapping
from http import HTTPStatus
from typing import Final

import prometheus_client
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from exporter import __version__
from exporter.errors import Reason
from exporter.metrics.counters import ChangeMark, Counters
from exporter.metrics.exposition import labels_text, target_labels_text
from exporter.metrics.families import api, freshness, process, proof
from exporter.metrics.families.bookings import DISCOVERED, VANISHED
from exporter.metrics.families.catalog import COUNTERS, OF_PLATFORM
from exporter.metrics.families.family import PLATFORM_LABELS, Family
from exporter.model import WHOLE, CollectorName, ExpectedSeries, Shard

CODES: Final = frozenset({"none", *(str(status.value) for status in HTTPStatus if status >= HTTPStatus.OK)})
OTHER: Final = "other"
LEVELS: Final = ("debug", "info", "warning", "error", "critical")
TASKS: Final = (
    "clock",
    "config_watch",
    "discovery",
    "garbage",
    "loop_lag",
    "poll",
    "reload",
    "standby",
    "started",
    "threads",
    "warnings",
    "watchdog",
)


class TargetInstruments:
    """What is counted of one target; implements :class:`exporter.platforms.base.Events`. Safe to read from other threads.

    How long requests took and which were repeated is counted in ``of_platform``, for all targets of the platform together.
    """

    def __init__(self, target: str, platform: str, of_platform: Counters, changes: ChangeMark) -> None:
        self.target = target
        self.platform = platform
        self._of_platform = of_platform
        self.counters = Counters(target_labels_text(target, platform), COUNTERS, changes)
        self.counters.add(api.THROTTLE_WAIT, (), 0)
        self._pairs: frozenset[str] = frozenset()

    def expect(self, expected: ExpectedSeries) -> None:
        """Let all series exist that this target can fill, with 0; what was counted before stays."""
        add = self.counters.add
        for collector, fields in expected.fields.items():
            add(freshness.POLLS, (collector,), 0)
            self.counters.observe(freshness.DURATION, (collector,), None)
            # Where bookings are counted there are no rows.
            if collector is not CollectorName.BOOKINGS or expected.reads_bookings:
                add(freshness.MALFORMED, (collector,), 0)
            for reason in expected.reasons:
                add(freshness.FAILURES, (collector, reason), 0)
            for field in fields:
                add(freshness.UNRECOGNIZED, (collector, field), 0)
        for operation in expected.operations:
            self._of_platform.observe(api.REQUEST_DURATION, (operation,), None)
            for code in ("200", "none"):
                add(api.REQUESTS, (operation, code), 0)
            for retried in expected.retried:
                self._of_platform.add(api.RETRIES, (operation, retried), 0)
        if expected.reads_bookings:
            add(DISCOVERED, (), 0)
            add(VANISHED, (), 0)

    def poll_finished(self, collector: CollectorName, seconds: float, reason: Reason | None) -> None:
        """Count a finished poll that took ``seconds``; a failed or partly successful one has a ``reason``."""
        self.counters.add(freshness.POLLS, (collector,), 1)
        self.counters.observe(freshness.DURATION, (collector,), seconds)
        if reason is not None:
            self.counters.add(freshness.FAILURES, (collector, reason), 1)

    def request(self, operation: str, code: str, seconds: float) -> None:
        # A server may answer with any number of three digits.
        self.counters.add(api.REQUESTS, (operation, code if code in CODES else OTHER), 1)
        self._of_platform.observe(api.REQUEST_DURATION, (operation,), seconds)

    def retry(self, operation: str, reason: str) -> None:
        self._of_platform.add(api.RETRIES, (operation, reason), 1)

    def throttle_wait(self, seconds: float) -> None:
        self.counters.add(api.THROTTLE_WAIT, (), seconds)

    def malformed_rows(self, collector: CollectorName, rows: int) -> None:
        self.counters.add(freshness.MALFORMED, (collector,), rows)

    def unrecognized_value(self, collector: CollectorName, field: str, times: int = 1) -> None:
        self.counters.add(freshness.UNRECOGNIZED, (collector, field), times)

    def bookings_discovered(self, bookings: int) -> None:
        self.counters.add(DISCOVERED, (), bookings)

    def discovered(self) -> float:
        """Return how many new bookings were counted."""
        return self.counters.count(DISCOVERED)

    def bookings_vanished(self, bookings: int) -> None:
        self.counters.add(VANISHED, (), bookings)

    def pairs_arranged(self, pairs: Collection[str]) -> None:
        """Show the lags of ``pairs`` (their names) and of no others; what was counted of those that stay, stays."""
        for pair in self._pairs - frozenset(pairs):
            self.counters.forget(proof.LAG, (pair,))
        for pair in frozenset(pairs) - self._pairs:
            self.counters.observe(proof.LAG, (pair,), None)
        self._pairs = frozenset(pairs)

    def proof_lag(self, pair: str, seconds: float) -> None:
        """Count after how many ``seconds`` a booking of ``pair``, one of those that are shown, was in its owner's calendar."""
        if pair in self._pairs:
            self.counters.observe(proof.LAG, (pair,), seconds)


class Instruments:
    """All counters of the process. Registers what exists once per process in ``registry``, ``process_*`` included.

    ``shard`` is the part of the targets that the process watches, for all its life.
    """

    def __init__(self, registry: CollectorRegistry, *, revision: str = "", shard: Shard = WHOLE) -> None:
        self.registry = registry
        self._targets: dict[str, TargetInstruments] = {}
        self._pairs: dict[str, str] = {}  # by name the target of their bookings
        self._changes = ChangeMark()
        self._platforms: dict[str, Counters] = {}
        self._watched: dict[str, Counters] = {}  # of platforms that have a target, or had one
        self._gauges: dict[Family, prometheus_client.Gauge] = {}
        self._loaded_at: float | None = None
        self._stepped = 0.0
        self._set(process.BUILD_INFO, 1, __version__, revision, python_platform.python_version())
        self._set(process.SHARD_INFO, 1, str(shard.index))
        self._set(process.SHARDS, shard.count)
        self._log_messages = prometheus_client.Counter(
            process.LOG_MESSAGES.name, process.LOG_MESSAGES.help, process.LOG_MESSAGES.labels, registry=registry
        )
        for level in LEVELS:
            self._log_messages.labels(level)
        self._internal_errors = prometheus_client.Counter(
            process.INTERNAL_ERRORS.name, process.INTERNAL_ERRORS.help, process.INTERNAL_ERRORS.labels, registry=registry
        )
        for task in TASKS:
            self._internal_errors.labels(task)
        self._lateness: prometheus_client.Histogram | None = None
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)

    def prepare(self, name: str, platform: str) -> TargetInstruments:
        """Return the counters of a target, those that it had before if any, for :meth:`put_target` to show."""
        known = self._targets.get(name)
        if known is not None and known.platform == platform:
            return known
        return TargetInstruments(name, platform, self._of_platform(platform), self._changes)

    def put_target(self, instruments: TargetInstruments) -> None:
        """Show the counters of a target, in place of those that its name had."""
        self._targets[instruments.target] = instruments
        self._changes.note()
        self._watched[instruments.platform] = self._of_platform(instruments.platform)
        self._lateness_of(instruments.platform)

    def remove_target(self, name: str) -> None:
        """Forget the counters of a target; its series are gone with the next page."""
        self._targets.pop(name, None)
        self._changes.note()

    def arrange_pairs(self, pairs: Mapping[str, str]) -> None:
        """Count the lags of ``pairs``, by name the target of their bookings, and forget those of all others.

        To be called after the targets were put and removed; the lags of a pair that moved to another target begin anew.
        """
        self._pairs = dict(pairs)
        by_target: dict[str, list[str]] = {name: [] for name in self._targets}
        for pair, target in pairs.items():
            by_target.setdefault(target, []).append(pair)
        for name, instruments in self._targets.items():
            instruments.pairs_arranged(by_target[name])

    def proof_lag(self, pair: str, seconds: float) -> None:
        """Count after how many ``seconds`` a booking of ``pair`` was in its owner's calendar; nothing of one that is gone."""
        instruments = self._targets.get(self._pairs.get(pair, ""))
        if instruments is not None:
            instruments.proof_lag(pair, seconds)

    def target(self, name: str) -> TargetInstruments | None:
        """Return the counters of a target, or ``None`` when it has none."""
        return self._targets.get(name)

    @property
    def mark(self) -> int:
        """Another number after each change of what is counted by target, or of the targets of which it is."""
        return self._changes.mark

    def of_platforms(self) -> tuple[Counters, ...]:
        """Return what is counted for all targets of a platform together, in the order in which the platforms came.

        A platform whose targets were only prepared, for a configuration that was refused, say, is none of them.
        """
        return tuple(self._watched.values())

    def config_loaded(self, ok: bool, at: float, hash: str | None) -> None:  # noqa: A002  what it is
        """Record an attempt to load the configuration; ``hash`` is its hexadecimal digest.

        ``at`` is a moment of :meth:`~exporter.clock.Clock.steady`, shown as :meth:`clock_stepped` says.
        """
        self._set(process.RELOAD_SUCCESSFUL, ok)
        if ok:
            self._loaded_at = at
            self._set(process.RELOAD_SUCCESS_TIME, at + self._stepped)
        if ok and hash:
            # 48 bits: a double holds them exactly.
            self._set(process.CONFIG_HASH, int(hash[:12], 16))

    def clock_stepped(self, stepped: float) -> None:
        """Show what was recorded as a moment as a wall clock has it that was set by ``stepped`` seconds since the start."""
        self._stepped = stepped
        if self._loaded_at is not None:
            self._set(process.RELOAD_SUCCESS_TIME, self._loaded_at + stepped)

    def loop_lag(self, seconds: float) -> None:
        """Publish how late the event loop was."""
        self._set(process.LOOP_LAG, seconds)

    def poll_began(self, platform: str, late: float) -> None:
        """Count a poll that ended: it began, or waited in queues of ours, ``late`` seconds in all after its time."""
        self._lateness_of(platform).observe(late)

    def log_message(self, level: str) -> None:
        """Count a log message. Safe to call from any thread."""
        self._log_messages.labels(level if level in LEVELS else "error").inc()

    def task_died(self, task: str) -> None:
        """Count a background task of :data:`TASKS` that a bug ended."""
        self._internal_errors.labels(task).inc()

    def _of_platform(self, platform: str) -> Counters:
        if platform not in self._platforms:
            labels = labels_text(dict(zip(PLATFORM_LABELS, (platform,), strict=True)))
            self._platforms[platform] = Counters(labels, OF_PLATFORM, ChangeMark())
        return self._platforms[platform]

    def _lateness_of(self, platform: str) -> prometheus_client.Histogram:
        # Made with the first target: a family without series would be a header with nothing below it.
        family = process.LATENESS
        if self._lateness is None:
            self._lateness = prometheus_client.Histogram(
                family.name, family.help, family.labels, registry=self.registry, buckets=family.buckets
            )
        return self._lateness.labels(platform)

    def _set(self, family: Family, number: float, *labels: str) -> None:
        # Made when first set: what nobody measured (in ``probe``, say) is absent, not 0.
        if family not in self._gauges:
            self._gauges[family] = prometheus_client.Gauge(family.name, family.help, family.labels, registry=self.registry)
        gauge = self._gauges[family]
        (gauge.labels(*labels) if labels else gauge).set(number)
