"""When a route of Alertmanager is mute: its time intervals, at a moment and within the next year."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from exporter.monitoring.check.alertmanager_config import mappings

_WEEKDAYS: Final = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_STEP: Final = 900
_AHEAD: Final = 366 * 86_400

Interval = Mapping[str, Any]


class Calendar:
    """The time intervals that a configuration defines, by name."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        # Until 0.24 they stood under `mute_time_intervals`.
        listed = [one for key in ("time_intervals", "mute_time_intervals") for one in mappings(config.get(key))]
        self._intervals = {str(one.get("name")): mappings(one.get("time_intervals")) for one in listed}
        self._found: dict[tuple[Sequence[str], Sequence[str]], float | None] = {}

    def is_mute(self, route: Mapping[str, Any], moment: float) -> bool:
        """Return whether a route sends nothing at a moment."""
        mute, active = names_of(route)
        return any(self._is_in(name, moment) for name in mute) or (
            bool(active) and not any(self._is_in(name, moment) for name in active)
        )

    def next_mute(self, route: Mapping[str, Any], moment: float) -> float | None:
        """Return when a route will send nothing for the first time within a year, in steps of a quarter of an hour."""
        names = names_of(route)
        if not any(names):
            return None
        if names not in self._found:
            self._found[names] = self._next_mute(route, moment)
        return self._found[names]

    def _next_mute(self, route: Mapping[str, Any], moment: float) -> float | None:
        start = moment - moment % _STEP
        moments = (moment, *(start + step for step in range(_STEP, _AHEAD, _STEP)))
        return next((one for one in moments if self.is_mute(route, one)), None)

    def _is_in(self, name: str, moment: float) -> bool:
        return any(_contains(interval, moment) for interval in self._intervals.get(name, ()))


def names_of(route: Mapping[str, Any]) -> tuple[Sequence[str], Sequence[str]]:
    """Return the intervals in which a route is mute, and those in which alone it is active. None is handed down."""
    mute, active = route.get("mute_time_intervals"), route.get("active_time_intervals")
    return (
        tuple(map(str, mute)) if isinstance(mute, list) else (),
        tuple(map(str, active)) if isinstance(active, list) else (),
    )


def _contains(interval: Interval, moment: float) -> bool:
    try:
        there = datetime.fromtimestamp(moment, UTC).astimezone(_zone(interval))
        days = monthrange(there.year, there.month)[1]
        minute = there.hour * 60 + there.minute
        return (
            _within(interval.get("times"), lambda one: _minute(one["start_time"]) <= minute < _minute(one["end_time"]))
            and _within(interval.get("weekdays"), lambda one: _between(there.isoweekday() % 7, one, _WEEKDAYS, 0))
            and _within(interval.get("days_of_month"), lambda one: _is_day(there.day, one, days))
            and _within(interval.get("months"), lambda one: _between(there.month, one, _MONTHS, 1))
            and _within(interval.get("years"), lambda one: _between(there.year, one, (), 0))
        )
    except (ValueError, KeyError, TypeError, IndexError, OSError):
        return False  # Alertmanager refuses to load it; a newer one may have more to say than is known here


def _within(ranges: object, holds: Any) -> bool:  # noqa: ANN401  a condition on a value of YAML
    return not isinstance(ranges, list) or not ranges or any(holds(one) for one in ranges)


def _zone(interval: Interval) -> ZoneInfo:
    return ZoneInfo(str(interval.get("location") or interval.get("time_zone") or "UTC"))


def _minute(text: object) -> int:
    hours, minutes = str(text).split(":")
    return int(hours) * 60 + int(minutes)


def _between(value: int, text: object, names: Sequence[str], first: int) -> bool:
    begin, _, end = str(text).lower().partition(":")

    def number(word: str) -> int:
        return names.index(word) + first if word in names else int(word)

    return number(begin) <= value <= number(end or begin)


def _is_day(day: int, text: object, days: int) -> bool:
    begin, _, end = str(text).partition(":")
    first, last = (number + days + 1 if number < 0 else number for number in (int(begin), int(end or begin)))
    return first <= day <= last
