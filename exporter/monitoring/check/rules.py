"""The rules that this render has, those that a Prometheus has loaded, and in what they differ."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from exporter.support.yaml_source import read_yaml

_UNITS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "y": 31_536_000}
_PART: Final = re.compile(r"(\d+)(ms|[smhdwy])")
_SPACE: Final = re.compile(r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)|\s+""")


def seconds_of(duration: str) -> float | None:
    """Return the seconds of a duration as Prometheus writes it, ``1h30m``; ``None`` for anything else."""
    parts = _PART.findall(duration)
    if not duration or "".join(number + unit for number, unit in parts) != duration:
        return 0.0 if duration == "0" else None
    return float(sum(int(number) * _UNITS[unit] for number, unit in parts))


class LoadedRule(msgspec.Struct, rename="camel"):
    """A rule as ``/api/v1/rules`` tells it."""

    name: str
    query: str
    type: str
    health: str = "unknown"
    state: str = ""
    duration: float = 0
    keep_firing_for: float = 0
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    last_error: str = ""


class LoadedGroup(msgspec.Struct, rename="camel"):
    """A group of rules as ``/api/v1/rules`` tells it."""

    name: str
    rules: list[LoadedRule]
    interval: float = 0
    evaluation_time: float = 0
    last_evaluation: str = ""


@dataclass(frozen=True, slots=True)
class WantedRule:
    """A rule of this render."""

    name: str
    type: str
    expr: str
    hold: float
    keep: float
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class WantedGroup:
    """A group of this render."""

    name: str
    interval: float
    rules: Sequence[WantedRule]


def wanted_groups(*texts: str) -> tuple[WantedGroup, ...]:
    """Return the groups of rendered files of rules."""
    groups: list[Any] = [group for text in texts for group in read_yaml(text).value["groups"]]  # type: ignore[index]  # ours
    return tuple(
        WantedGroup(group["name"], seconds_of(group["interval"]) or 0, tuple(map(_wanted, group["rules"]))) for group in groups
    )


def _wanted(rule: Mapping[str, Any]) -> WantedRule:
    return WantedRule(
        name=rule.get("alert") or rule["record"],
        type="alerting" if "alert" in rule else "recording",
        expr=rule["expr"],
        hold=seconds_of(str(rule.get("for", ""))) or 0,
        keep=seconds_of(str(rule.get("keep_firing_for", ""))) or 0,
        labels=rule.get("labels", {}),
        annotations=rule.get("annotations", {}),
    )


_LINKS: Final = frozenset({"dashboard_url", "board", "runbook_url"})

Formatted = Callable[[str], Awaitable[str]]


async def different(
    wanted: Sequence[WantedGroup], loaded: Mapping[str, LoadedGroup], formatted: Formatted
) -> tuple[list[str], int]:
    """Return in what the loaded rules differ, in words, and how many of ours were compared.

    Prometheus prints an expression in its own form, so ``formatted`` asks it for its form of ours.
    """
    found: list[str] = []
    compared = 0
    for group in wanted:
        if group.name not in loaded:
            continue
        theirs = loaded[group.name]
        if theirs.interval != group.interval:
            found.append(f"{group.name} (interval {theirs.interval:g} s, not {group.interval:g} s)")
        pairs = _pairs(group.rules, theirs.rules)
        for one, other in pairs:
            compared += 1
            name = one.name if one else other.name if other else ""
            if not one or not other:
                found.append(f"{name} ({'not loaded' if one else 'not of this render'})")
            elif parts := [*_parts(one, other), *([] if await _same(one.expr, other.query, formatted) else ["expr"])]:
                found.append(f"{name} ({', '.join(parts)})")
    return found, compared


def _pairs(wanted: Sequence[WantedRule], loaded: Sequence[LoadedRule]) -> Iterator[tuple[WantedRule | None, LoadedRule | None]]:
    """Return the rules of one name and kind together, in their order."""

    def numbered(rules: Sequence[Any]) -> dict[tuple[str, str, int], Any]:
        times: Counter[tuple[str, str]] = Counter()
        found = {}
        for rule in rules:
            times[rule.name, rule.type] += 1
            found[rule.name, rule.type, times[rule.name, rule.type]] = rule
        return found

    ours, theirs = numbered(wanted), numbered(loaded)
    for key in {**ours, **theirs}:
        yield ours.get(key), theirs.get(key)


def _parts(wanted: WantedRule, loaded: LoadedRule) -> list[str]:
    """Return what differs besides the expression. Labels that somebody adds to all rules are no difference."""
    return [
        name
        for name, same in (
            ("for", wanted.hold == loaded.duration),
            ("keep_firing_for", wanted.keep == loaded.keep_firing_for),
            ("labels", wanted.labels.items() <= loaded.labels.items()),
            ("annotations", wanted.annotations == _told(loaded.annotations, wanted.annotations)),
        )
        if not same
    ]


def _told(annotations: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """Return annotations without links for which this render was given no address."""
    return {name: text for name, text in annotations.items() if name in wanted or name not in _LINKS}


async def _same(wanted: str, loaded: str, formatted: Formatted) -> bool:
    if _squeezed(wanted) == _squeezed(loaded):
        return True
    ours = _squeezed(await formatted(wanted))
    return ours == _squeezed(loaded) or ours == _squeezed(await formatted(loaded))


def _squeezed(expression: str) -> str:
    """Return an expression without the white space that stands outside of texts."""
    return _SPACE.sub(lambda found: found[1] or "", expression)
