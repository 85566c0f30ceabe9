"""Expressions that count elapsed hours from the start of a day where a time of day is probably meant.

``now/d+10h`` is ten hours after the day begins: 10:00, but 11:00 or 09:00 on the days when the clocks change.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Final

from exporter.counting.windows import CALENDAR, DateMathStep, parse

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600}
_DAY_MINUTES: Final = 24 * 60


def wall_clock_form(expression: str) -> str | None:
    """Return ``expression`` with times of day in place of elapsed time, ``now/d@10:00`` for ``now/d+10h``.

    ``None`` when it counts no elapsed time from the start of a day, or less than a minute: ``now+1d/d-1s`` ends a day well.
    The form means the same in a zone whose clocks never change. Raises :class:`~exporter.counting.windows.WindowError` for an
    unreadable expression.
    """
    steps = parse(expression)
    changed = steps
    while (better := _without_first_elapsed(changed)) is not None:
        changed = better
    return None if changed == steps else "now" + "".join(map(_written, changed))


def _without_first_elapsed(steps: Sequence[DateMathStep]) -> tuple[DateMathStep, ...] | None:
    """Replace the first run of elapsed time that begins at a known time of day; ``None`` when there is none."""
    minute: int | None = None  # of the day, as far as it is known
    for index, step in enumerate(steps):
        if step.sign == "@":
            minute = step.number
        elif step.sign == "/":
            minute = 0 if step.unit in CALENDAR else None
        elif step.unit not in CALENDAR:
            run = tuple(takewhile(_is_elapsed, steps[index:]))
            seconds = sum((number if sign == "+" else -number) * _SECONDS[unit] for sign, number, unit in run)
            if minute is not None and abs(seconds) >= _SECONDS["m"]:
                return (*_at(steps[:index], minute * 60 + seconds), *steps[index + len(run) :])
            minute = None
    return None


def _is_elapsed(step: DateMathStep) -> bool:
    return step.sign in "+-" and step.unit in _SECONDS


def _at(before: Sequence[DateMathStep], seconds: int) -> tuple[DateMathStep, ...]:
    """Return the steps to the time ``seconds`` after the start of the day that ``before`` leads to."""
    minutes = round(seconds / 60)
    days, minute = divmod(minutes, _DAY_MINUTES)
    steps = list(before)
    anchor = max(index for index, step in enumerate(steps) if step.sign in "/@")
    if steps[anchor].sign == "@":
        del steps[anchor]  # only moves of the date come after it, and they are the same without it
    while steps and steps[-1].unit == "d":
        last = steps.pop()
        days += {"+": last.number, "-": -last.number}.get(last.sign, 0)
    if days:
        steps.append(DateMathStep("+" if days > 0 else "-", abs(days), "d"))
    if not steps or steps[-1].sign != "/" or steps[-1].unit not in CALENDAR:
        steps.append(DateMathStep("/", 1, "d"))
    if minute:
        steps.append(DateMathStep("@", minute, ""))
    if rest := seconds - minutes * 60:
        steps.append(DateMathStep("+" if rest > 0 else "-", abs(rest), "s"))
    return tuple(steps)


def _written(step: DateMathStep) -> str:
    if step.sign == "@":
        hour, minute = divmod(step.number, 60)
        return f"@{hour:02}:{minute:02}"
    return f"/{step.unit}" if step.sign == "/" else f"{step.sign}{step.number}{step.unit}"
