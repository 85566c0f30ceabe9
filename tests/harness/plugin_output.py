"""What a monitoring system makes of a plugin's output, by the guidelines of the monitoring plugins."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_RANGE: Final = r"@?(?:-?[\d.]+|~)?:?(?:-?[\d.]+)?"
_ONE: Final = re.compile(
    r"(?P<label>'[^'=]+'|[^\s'=]+)=(?P<value>-?[\d.]+|U)(?P<unit>[a-zA-Z%]*)"
    rf"(?:;(?P<warn>{_RANGE}))?(?:;(?P<crit>{_RANGE}))?(?:;(?P<min>-?[\d.]*))?(?:;(?P<max>-?[\d.]*))?(?=\s|$)"
)


@dataclass(frozen=True, slots=True)
class Number:
    """One value for a graph; ``value`` is None for ``U``, and so is a bound that is not given."""

    value: float | None
    unit: str
    warn: float | None
    crit: float | None
    least: float | None
    most: float | None


@dataclass(frozen=True, slots=True)
class PluginOutput:
    """What stands in lists, what stands below on request, and the values."""

    text: str
    long_text: tuple[str, ...]
    numbers: dict[str, Number]


def parsed(output: str) -> PluginOutput:
    """Return the three parts of ``output``. Fails where one could be taken for another."""
    first, *rest = output.rstrip("\n").split("\n")
    text, pipe, perfdata = first.partition("|")
    assert [] == [line for line in rest if "|" in line], "a second part of numbers"
    numbers = {}
    left = perfdata.strip()
    while left:
        one = _ONE.match(left)
        assert one, left
        assert one["label"] not in numbers
        bounds = (float(one[name]) if one[name] else None for name in ("warn", "crit", "min", "max"))
        numbers[one["label"]] = Number(None if one["value"] == "U" else float(one["value"]), one["unit"], *bounds)
        left = left[one.end() :].lstrip()
    assert bool(pipe) == bool(numbers)
    return PluginOutput(text.strip(), tuple(rest), numbers)
