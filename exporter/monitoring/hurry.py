"""The bundle in a hurry: every wait of rules and routes divided, so that a rehearsal of hours takes minutes.

What is divided is what Prometheus and Alertmanager wait for: how often they scrape and evaluate, ``for``, ranges, offsets, the
waits of groups. What the exporter measures itself stays as it is, the age of data and the end of a credential among it, and so
does every count and share.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from exporter.fields.durations import parse_duration
from exporter.monitoring.yamltext import HEADER

LABEL: Final[Mapping[str, str]] = {"drill": "yes"}
"""What the alerts of a hurried Prometheus carry: no route and no person has to take one for real."""

GROUP_WAITS: Final = ("group_wait", "group_interval", "repeat_interval")

_DURATION: Final = r"(?:\d+(?:ms|s|m|h|d|w))+"
MIN_RANGE_SECONDS: Final = 2.0
"""A busy machine scrapes late by as much as in life: a range that is divided further would be empty now and then."""
_MIN_GROUP_WAIT_SECONDS: Final = 2.0
"""The way from Prometheus to Alertmanager is as long as in life: what explains others has to arrive before they are told."""


def divided(duration: str, by: float, *, min_seconds: float = 0.0) -> str:
    """Return a duration divided, at least so many seconds; one that is no wait at all stays so."""
    if by == 1 or duration in {"0s", "0"}:
        return duration
    milliseconds = max(1, round(1_000 * max(min_seconds, parse_duration(duration) / by)))
    return f"{milliseconds}ms" if milliseconds % 1_000 else f"{milliseconds // 1_000}s"


def divided_expression(expression: str, by: float, *, seconds: str = "", min_seconds: float = 0.0) -> str:
    """Return PromQL with ranges, subqueries and offsets divided, and with ``seconds``, a number as it stands there.

    A range of samples is at least so many seconds long.
    """

    def shrink(found: re.Match[str]) -> str:
        of_samples = re.fullmatch(rf"\[{_DURATION}\]", found[0])
        floor = min_seconds if of_samples else 0.0
        return re.sub(_DURATION, lambda duration: divided(duration[0], by, min_seconds=floor), found[0])

    if by == 1:
        return expression
    if seconds:
        expression = expression.replace(seconds, f"{seconds} / {by:g}")
    return re.sub(rf"\[[^\]]+\]|offset {_DURATION}", shrink, expression)


def hurried_route(route: Mapping[str, object], by: int) -> dict[str, object]:
    """Return a route whose groups wait shorter."""
    min_seconds = {"group_wait": _MIN_GROUP_WAIT_SECONDS}
    return {
        key: divided(str(value), by, min_seconds=min_seconds.get(key, 0.0)) if key in GROUP_WAITS else value
        for key, value in route.items()
    }


def header(by: int) -> str:
    """Return the first lines of a file, which say so where its time is divided."""
    if by == 1:
        return HEADER
    return (
        f"{HEADER}# FOR A REHEARSAL: every wait is divided by {by} (`--hurry {by}`), so that a minute is {divided('1m', by)}.\n"
    )
