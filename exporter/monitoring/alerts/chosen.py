"""What a user chose in ``verdicts:``, as alerts say it: how bad something is, and times in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from exporter.model import Message
from exporter.monitoring.alerts.alert import Alert, AlertSeverity
from exporter.monitoring.options import Options
from exporter.state.verdict_row import Kind

_DAY: Final = 86_400
_HOUR: Final = 3_600
_MINUTE: Final = 60
_SECOND: Final = 1


def with_chosen_severity(options: Options, kind: Kind, *alerts: Alert) -> Iterator[Alert]:
    """Yield those of ``alerts``, which tell of ``kind`` and nothing else, that a user wants, as bad as they are to them."""
    if options.thresholds.severity(kind) != "ok":
        yield from (alert.as_bad_as(severity_of(options, kind)) for alert in alerts)


def severity_of(options: Options, kind: Kind) -> AlertSeverity:
    """Return the severity of an alert that stands for many of ``kind``: what is no problem on one target is one on many."""
    return AlertSeverity.CRITICAL if options.thresholds.severity(kind) == "critical" else AlertSeverity.WARNING


# Whole phrases and not a number with a unit: in other languages the word before it decides the form of the unit.


def for_over(seconds: float) -> Message:
    """Return for how long something lasts: ``for over an hour``, ``for over 90 minutes``."""
    unit, number = _in_units(seconds)
    one = {
        _DAY: Message("for over a day"),
        _HOUR: Message("for over an hour"),
        _MINUTE: Message("for over a minute"),
    }
    several = {
        _DAY: Message("for over %(number)s day", "for over %(number)s days", number=number),
        _HOUR: Message("for over %(number)s hour", "for over %(number)s hours", number=number),
        _MINUTE: Message("for over %(number)s minute", "for over %(number)s minutes", number=number),
        _SECOND: Message("for over %(number)s second", "for over %(number)s seconds", number=number),
    }
    return one[unit] if number == 1 and unit in one else several[unit]


def within_last(seconds: float) -> Message:
    """Return the time until now: ``within the last day``, ``within the last 90 minutes``."""
    unit, number = _in_units(seconds)
    one = {
        _DAY: Message("within the last day"),
        _HOUR: Message("within the last hour"),
    }
    several = {
        _DAY: Message("within the last %(number)s day", "within the last %(number)s days", number=number),
        _HOUR: Message("within the last %(number)s hour", "within the last %(number)s hours", number=number),
        _MINUTE: Message("within the last %(number)s minute", "within the last %(number)s minutes", number=number),
        _SECOND: Message("within the last %(number)s second", "within the last %(number)s seconds", number=number),
    }
    return one[unit] if number == 1 and unit in one else several[unit]


def _in_units(seconds: float) -> tuple[int, int]:
    """Return the largest unit of which a duration is a whole number, and the number; over an hour but for one per cent."""
    spare = seconds / 100 if seconds > _HOUR else _SECOND / 2
    near = (unit for unit in (_DAY, _HOUR, _MINUTE) if abs(seconds - round(seconds / unit) * unit) <= spare)
    unit = next(near, _SECOND)
    return unit, round(seconds / unit)
