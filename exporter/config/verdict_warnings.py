"""Thresholds that are shorter than what the polls of a target can tell: allowed, since some may be polled seldom on purpose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from exporter.config.settings import Config
from exporter.fields.durations import format_duration
from exporter.fields.kinds import FieldProblem
from exporter.model import CollectorName
from exporter.state import bounds
from exporter.support.listing import first_names

_TIMES: Final[Mapping[tuple[str, str], bounds.ThresholdBounds]] = {
    ("conflict", "soon"): bounds.CONFLICT_SOON,
    ("connections_down", "within"): bounds.CONNECTIONS_DOWN,
    ("connection_disconnected", "within"): bounds.DISCONNECTED,
    ("connection_stuck", "after"): bounds.STUCK,
    ("connection_unclear", "after"): bounds.UNCLEAR,
}
"""A credential is seen by every collector, so that no interval is too long for it."""


def verdict_warnings(config: Config) -> Iterator[FieldProblem]:
    """Yield the thresholds for which some targets are polled too seldom, each once for all of them."""
    polled: dict[CollectorName, dict[str, float]] = {}
    for target in config.targets:
        for collector, settings in () if target.paused else target.running().items():
            polled.setdefault(collector, {})[target.name] = settings.interval
    for (kind, key), span in _TIMES.items():
        seconds = getattr(getattr(config.verdicts, kind), key)
        intervals = polled.get(span.collector, {})
        too_long = {interval for interval in set(intervals.values()) if seconds < span.min_seconds(interval)}
        seldom = {name: interval for name, interval in intervals.items() if interval in too_long}
        if seldom:
            slowest = max(seldom.values())
            message = (
                f"{format_duration(seconds)} is short for {span.collector} that are polled every {format_duration(slowest)}: "
                f"{first_names([*seldom])}"
            )
            enough = span.min_seconds(slowest)
            fix = "poll more often" + (f", or write {format_duration(enough)} or more" if enough <= span.max_seconds else "")
            yield FieldProblem(("verdicts", kind, key), message, fix)
