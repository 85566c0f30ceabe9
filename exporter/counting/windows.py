"""Time windows in Grafana date math, resolved to half-open UTC intervals in an IANA zone.

An expression is ``now`` and any number of steps, done from left to right: ``+2h``, ``-d`` (a missing number is 1), ``/w``
(round down to the start of the unit), ``@10:00`` (that time of the day to which ``/d``, ``/w``, ``/M`` or ``/y`` led). Units:
s m h d w M y; a week starts on Monday.

Seconds, minutes and hours are absolute time. Days, weeks, months and years are calendar arithmetic in the zone, so a day
has 23 or 25 hours when the clocks change. A month that is too short takes its last day: 31 March ``-1M`` is the end of
February. Where the clocks change, a local time is read like this:

- it occurs twice: an offset keeps the UTC offset that it came from, else takes the first; a day, week, month or year, and a
  time of day, starts the first time; an hour, minute or second starts the last time that is not after the moment rounded;
- it does not occur: an offset moves on by the length of the gap (02:30 becomes 03:30); rounding and a time of day take the
  end of the gap (03:00). So what lies earlier on the clock never lies later in time.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from exporter.errors import TargetConfigError
from exporter.model import Window

_UNITS: Final = "smhdwMy"
CALENDAR: Final = "dwMy"
"""Units that follow the calendar of a zone; the others are absolute time."""
_ABSOLUTE: Final = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1)}
_EXAMPLES: Final = "now, now-24h, now+7d, now/d, now+1d/d"
_DAYS: Final = {"today": "now/d", "tomorrow": "now+1d/d", "yesterday": "now-1d/d"}
_OTHER_UNITS: Final = {"S": "s", "H": "h", "D": "d", "W": "w", "Y": "y"}
_SIGN: Final = re.compile(r"[+\-/@]")
_NUMBER: Final = re.compile(r"[0-9]*")
_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_SECOND: Final = timedelta(seconds=1)
_APART: Final = "choose bounds so that from always lies before to"


class WindowError(ValueError):
    """An expression or a window that cannot be used; ``problem`` says what is wrong, ``fix`` what to write instead."""

    def __init__(self, problem: str, fix: str) -> None:
        super().__init__(f"{problem} (fix: {fix})")
        self.problem = problem
        self.fix = fix


class DateMathStep(NamedTuple):
    """One step of an expression. ``number`` is a number of ``unit``; after ``@`` it is the minute of the day."""

    sign: Literal["+", "-", "/", "@"]
    number: int
    unit: str


@dataclass(frozen=True, slots=True)
class WindowSpec:
    """A named window as configured: ``start`` and ``end`` are date math expressions such as ``now+1d/d``.

    Raises :class:`WindowError`, a :class:`ValueError`, for an expression that cannot be read.
    """

    name: str
    start: str
    end: str

    def __post_init__(self) -> None:
        parse(self.start)
        parse(self.end)

    def resolve(self, now: float, zone: ZoneInfo) -> Window:
        """Return the interval for the frozen ``now`` (Unix seconds). Raises :class:`WindowError` when it is empty."""
        start, end = moment(self.start, now, zone), moment(self.end, now, zone)
        if start >= end:
            at = datetime.fromtimestamp(now, zone).isoformat(timespec="seconds")
            what = "is empty" if start == end else "ends before it starts"
            raise WindowError(f"from {self.start} to {self.end} {what} when it is {at}", _APART)
        return Window(self.name, start, end)

    def check(self, zone: ZoneInfo) -> None:
        """Raise :class:`WindowError` when the window would be empty or reversed at some moment of a sample year."""
        _check(self, zone)


def resolve_all(specs: Iterable[WindowSpec], now: float, zone: ZoneInfo) -> tuple[Window, ...]:
    """Resolve all windows against one frozen ``now``. Raises :class:`TargetConfigError` for one that is empty just now.

    ``now`` is in Unix seconds, and so are the bounds of the windows.
    """
    try:
        return tuple(spec.resolve(now, zone) for spec in specs)
    except WindowError as error:
        raise TargetConfigError(str(error)) from error


def day_start(day: date, zone: ZoneInfo) -> float:
    """Return the Unix seconds at which ``day`` begins in ``zone``."""
    return _first_at(datetime(day.year, day.month, day.day), zone).timestamp()  # noqa: DTZ001  what clocks in the zone show


def hull(windows: Sequence[Window]) -> tuple[float, float]:
    """Return the start of the first window and the end of the last.

    Both are Unix seconds.
    """
    return min(window.start for window in windows), max(window.end for window in windows)


@lru_cache(maxsize=1024)
def _check(spec: WindowSpec, zone: ZoneInfo) -> None:
    try:
        for now in _sample_year(zone):
            spec.resolve(now, zone)
    except WindowError:
        # Who exchanged the bounds looks for no date: only what depends on it is told with one.
        moments = [(moment(spec.start, now, zone), moment(spec.end, now, zone)) for now in _sample_year(zone)]
        if any(start < end for start, end in moments):
            raise
        said, fix = "never ends after it starts", _APART
        if all(start == end for start, end in moments):
            said = "is always empty"
        elif all(start > end for start, end in moments):
            said, fix = "always ends before it starts", f"exchange them: from {spec.end} to {spec.start}"
        raise WindowError(f"from {spec.start} to {spec.end} {said}", fix) from None


def _sample_year(zone: ZoneInfo) -> Iterator[float]:
    """Yield the moments at which a window is tried, in Unix seconds."""
    # A fixed leap year, so that a file does not turn bad with the date. Half a second after each midnight is where a bound
    # that is rounded lies closest to now; half a second before is where it lies farthest; the third wanders through the day.
    day = datetime(2028, 1, 1, tzinfo=UTC)
    half = timedelta(seconds=0.5)
    for number in range(366):
        midnight = _first_at(day.replace(tzinfo=None) + timedelta(days=number), zone)
        for at in (midnight + half, midnight - half, midnight + timedelta(minutes=37 * number % 1380, seconds=7.5)):
            yield at.timestamp()


def moment(expression: str, now: float, zone: ZoneInfo) -> float:
    """Return the Unix seconds that ``expression`` means at ``now`` in ``zone``. Raises :class:`WindowError`."""
    steps = parse(expression)
    try:
        at = datetime.fromtimestamp(now, UTC)
        for step in steps:
            at = _do(step, at, zone)
        return at.timestamp()
    except (OverflowError, ValueError):
        raise WindowError(f"{expression!r} leaves the years 1 to 9999", "use a smaller number") from None


@lru_cache(maxsize=1024)
def parse(expression: str) -> tuple[DateMathStep, ...]:
    """Return the steps of ``expression``. Raises :class:`WindowError` naming the expression, the position and a fix."""
    if not expression.startswith("now"):
        raise WindowError(f"{expression!r} does not start with now, at position 1", _with_now(expression))
    steps: list[DateMathStep] = []
    position = len("now")
    while position < len(expression):
        sign = expression[position]
        if not _SIGN.match(sign):
            raise _unreadable(expression, position, f"expected +, -, / or @ but found {sign!r}", f"write it like {_EXAMPLES}")
        if sign == "@":
            steps.append(_time_of_day(expression, position, steps[-1:]))
            position += len("@10:00")
            continue
        position += 1
        digits = _NUMBER.match(expression, position).group()  # type: ignore[union-attr]  # zero digits match, too
        if sign == "/" and digits:
            raise _unreadable(expression, position, "rounding takes a unit without a number", "write /d, /w or /M")
        if len(digits) > len("10000000000"):
            raise _unreadable(expression, position, "the number is too large", "use a smaller number")
        position += len(digits)
        unit = expression[position : position + 1]
        if not unit or unit not in _UNITS:
            raise _unreadable(expression, position, *_no_unit(unit, sign + digits))
        steps.append(DateMathStep(sign, int(digits or 1), unit))  # type: ignore[arg-type]  # _SIGN has checked it
        position += 1
    return tuple(steps)


def _with_now(expression: str) -> str:
    """Return how to write what does not start with now."""
    words = expression.strip().lower()
    if words.startswith("now"):
        return "start it with now in lower case"
    if words in _DAYS:
        return f"write {_DAYS[words]}"
    if re.fullmatch(r"[+-]?[0-9]{1,5}[smhdwMy]", expression):
        return f"write now{'' if words[0] in '+-' else '+'}{expression}"
    return f"write it like {_EXAMPLES}"


def _time_of_day(expression: str, index: int, before: list[DateMathStep]) -> DateMathStep:
    if not before or before[0].sign != "/" or before[0].unit not in CALENDAR:
        fix = f"write {expression[:index]}/d@ and the time"
        raise _unreadable(expression, index, "a time of day needs a day: it stands after /d, /w, /M or /y", fix)
    found = _TIME.match(expression, index + 1)
    if found is None:
        fix = "write 00:00 to 23:59 with two digits each, as in now/d@09:30; the end of the day is now+1d/d"
        raise _unreadable(expression, index + 1, "expected a time of day", fix)
    return DateMathStep("@", int(found[1]) * 60 + int(found[2]), "")


def _no_unit(found: str, before: str) -> tuple[str, str]:
    units = "use one of s, m (minutes), h, d, w, M (months), y"
    if not found:
        return "the unit is missing", f"{units}: {before}d" if before != "/" else f"{units}: /d"
    if found in _OTHER_UNITS:
        return f"unknown unit {found!r}", f"write {before}{_OTHER_UNITS[found]}"
    return f"unknown unit {found!r}", units


def _unreadable(expression: str, index: int, problem: str, fix: str) -> WindowError:
    return WindowError(f"{expression!r} at position {index + 1}: {problem}", fix)


def _do(step: DateMathStep, at: datetime, zone: ZoneInfo) -> datetime:
    if step.sign == "/":
        return _round_down(at, step.unit, zone)
    if step.sign == "@":
        return _at_time(at, step.number, zone)
    return _move(at, step, zone)


def _move(at: datetime, step: DateMathStep, zone: ZoneInfo) -> datetime:
    number = step.number if step.sign == "+" else -step.number
    if step.unit in _ABSOLUTE:
        return at + number * _ABSOLUTE[step.unit]
    here = at.astimezone(zone)
    local = here.replace(tzinfo=None)
    if step.unit in "dw":
        local += timedelta(days=number * (7 if step.unit == "w" else 1))
    else:
        months = local.year * 12 + local.month - 1 + number * (12 if step.unit == "y" else 1)
        year, month = divmod(months, 12)
        day = min(local.day, calendar.monthrange(year, month + 1)[1])
        local = local.replace(year=year, month=month + 1, day=day)
    readings = _readings(local, zone)
    if not readings:
        # PEP 495: in a gap, fold 0 counts with the offset before it, which is the same as moving on by its length.
        return local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    same = [reading for reading in readings if reading.astimezone(zone).utcoffset() == here.utcoffset()]
    return (same or readings)[0]


def _round_down(at: datetime, unit: str, zone: ZoneInfo) -> datetime:
    local = at.astimezone(zone).replace(tzinfo=None, microsecond=0)
    if unit in _ABSOLUTE:
        local = local.replace(
            minute=0 if unit == "h" else local.minute,
            second=0 if unit in "hm" else local.second,
        )
        readings = [reading for reading in _readings(local, zone) if reading <= at]
        return readings[-1] if readings else _end_of_gap(local, zone)
    local = local.replace(hour=0, minute=0, second=0)
    if unit == "w":
        local -= timedelta(days=local.weekday())
    elif unit == "M":
        local = local.replace(day=1)
    elif unit == "y":
        local = local.replace(month=1, day=1)
    return _first_at(local, zone)


def _at_time(day: datetime, minutes: int, zone: ZoneInfo) -> datetime:
    hour, minute = divmod(minutes, 60)
    local = day.astimezone(zone).replace(tzinfo=None, hour=hour, minute=minute, second=0, microsecond=0)
    return _first_at(local, zone)


def _first_at(local: datetime, zone: ZoneInfo) -> datetime:
    """Return the first moment at which clocks in ``zone`` show ``local``, or more where they leave it out."""
    readings = _readings(local, zone)
    return readings[0] if readings else _end_of_gap(local, zone)


def _readings(local: datetime, zone: ZoneInfo) -> list[datetime]:
    """Return the first and the last UTC moment at which clocks in ``zone`` show ``local``: the same where they do once.

    In a gap there is none.
    """
    moments = [local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    return [at for at in moments if at.astimezone(zone).replace(tzinfo=None) == local]


def _end_of_gap(local: datetime, zone: ZoneInfo) -> datetime:
    """Return the first moment whose local time is after ``local``, which no clock in ``zone`` shows."""
    before = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    after = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).replace(tzinfo=None) < local:
            before = middle
        else:
            after = middle
    return after
