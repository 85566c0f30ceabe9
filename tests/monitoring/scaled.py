"""Rules with all their durations divided, so that hours pass in seconds. Never edited by hand: made from the shipped files."""

from __future__ import annotations

import re
from typing import Any

from exporter.fields.durations import parse_duration

_DURATION = r"\d+(?:ms|s|m|h|d|w)"


def scaled(duration: str, factor: float) -> str:
    """Return a duration divided by ``factor``, at least a millisecond."""
    if duration in {"0s", "0"}:
        return duration
    return f"{max(1, round(1_000 * parse_duration(duration) / factor))}ms"


def scaled_expression(expression: str, factor: float) -> str:
    """Return PromQL with ranges, steps of subqueries and offsets divided by ``factor``."""

    def shrink(found: re.Match[str]) -> str:
        return re.sub(_DURATION, lambda duration: scaled(duration[0], factor), found[0])

    return re.sub(rf"\[[^\]]+\]|offset {_DURATION}", shrink, expression)


def scaled_groups(groups: list[dict[str, Any]], factor: float, interval: str, *, ranges: bool = True) -> list[dict[str, Any]]:
    """Return rule groups that wait ``factor`` times shorter and are evaluated every ``interval``.

    With ``ranges=False`` the expressions stay as they are, for data that really are hours old.
    """
    return [
        {
            **group,
            "interval": interval,
            "rules": [
                {
                    **rule,
                    "expr": scaled_expression(rule["expr"], factor) if ranges else rule["expr"],
                    **{key: scaled(rule[key], factor) for key in ("for", "keep_firing_for") if key in rule},
                }
                for rule in group["rules"]
            ],
        }
        for group in groups
    ]
