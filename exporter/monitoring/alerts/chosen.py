"""What a user chose in ``verdicts:``, as alerts say it: how bad something is, and their times and shares in words."""

from __future__ import annotations

from collections.abc import Iterator

from exporter.fields.durations import format_duration
from exporter.monitoring.alerts.alert import Alert, Severity
from exporter.monitoring.options import Options
from exporter.state.verdict import Kind

_UNITS = ((86_400.0, "day"), (3600.0, "hour"), (60.0, "minute"), (1.0, "second"))


def told(options: Options, kind: Kind, *alerts: Alert) -> Iterator[Alert]:
    """Yield those of ``alerts``, which tell of ``kind`` and nothing else, that a user wants, as bad as they are to them."""
    if options.thresholds.severity(kind) != "ok":
        yield from (alert.as_bad_as(severity_of(options, kind)) for alert in alerts)


def severity_of(options: Options, kind: Kind) -> Severity:
    """Return the severity of an alert that stands for many of ``kind``: what is no problem on one target is one on many."""
    return Severity.CRITICAL if options.thresholds.severity(kind) == "critical" else Severity.WARNING


def promql(seconds: float) -> str:
    """Return a duration as PromQL reads it: ``1d``, ``1h30m``."""
    return format_duration(seconds)


def in_words(seconds: float) -> str:
    """Return a duration as people say it: ``a day``, ``an hour``, ``90 minutes``, ``2 days``."""
    for size, unit in _UNITS:
        if seconds == size:
            return f"{'an' if unit == 'hour' else 'a'} {unit}"
        if seconds > size and seconds % size == 0:
            return f"{seconds / size:.0f} {unit}s"
    return format_duration(seconds)
