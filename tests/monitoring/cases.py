"""The shipped cases one by one, as they are and as other servers would meet them.

Each case gets the rules that it asks about and those they stand on: what else the bundle records and tells changes no
answer, and would take nine tenths of the time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from exporter.fields.durations import parse_duration
from tests.monitoring.bundle import ABOUT_A_PROCESS, ALERT_GROUPS, DECLARED, PROMETHEUS, RECORDING_GROUPS
from tests.monitoring.libyaml import safe_dump

CASES = sorted((PROMETHEUS / "tests").glob("*.yml"))
_GROUPS = (*RECORDING_GROUPS, *ALERT_GROUPS)


def left_open(rules: str) -> str:
    """Return rules whose ranges lack the sample that lies exactly at their left end, as all ranges do since 3.0."""

    def shorter(found: re.Match[str]) -> str:
        return f"[{1_000 * parse_duration(found[1]) - 1:.0f}ms{found[2]}"

    return re.sub(r"\[((?:\d+[smhdw])+)(\]|:\d+[smhdw]\])", shorter, rules)


class _Loader(yaml.CSafeLoader):
    """Reads the values of a series as text: `0x10` is eleven noughts there, and no number."""

    def number_or_text(self, node: yaml.ScalarNode) -> int | str:
        return node.value if "x" in node.value else self.construct_yaml_int(node)


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.number_or_text)


def typed(cases: dict[str, Any]) -> dict[str, Any]:
    """Return cases whose series have a type and a unit, as ``type-and-unit-labels`` makes them.

    What is asked about one process is asked of series without: its answers keep the labels of their series.
    """
    return {**cases, "tests": [one for case in cases["tests"] for one in _typed(case)]}


def _typed(case: dict[str, Any]) -> Iterator[dict[str, Any]]:
    series = [{**one, "series": _with_type(one["series"])} for one in case["input_series"]]
    yield {**_asking(case, about_a_process=False), "input_series": series}
    yield _asking(case, about_a_process=True)


def _asking(case: dict[str, Any], *, about_a_process: bool) -> dict[str, Any]:
    questions = (("alert_rule_test", "alertname"), ("promql_expr_test", "expr"))
    return case | {
        kind: [one for one in case.get(kind, ()) if about_a_process == any(name in one[key] for name in ABOUT_A_PROCESS)]
        for kind, key in questions
    }


def _with_type(series: str) -> str:
    name, brace, labels = series.partition("{")
    if name not in DECLARED or not brace or "__type__" in labels:
        return series
    return f'{name}{{__type__="{DECLARED[name].type}",__unit__="u",{labels}'


def load(file: Path) -> dict[str, Any]:
    """Return a file of cases."""
    cases: dict[str, Any] = yaml.load(file.read_text(), _Loader)  # noqa: S506  a safe one
    return cases


def parted(cases: dict[str, Any], directory: Path, rewritten: Callable[[str], str] = lambda text: text) -> Iterator[Path]:
    """Write each case that asks something into a file of its own below ``directory``, beside its rules; yield the files."""
    for number, case in enumerate(cases["tests"]):
        asked = {one["alertname"] for one in case.get("alert_rule_test", ())}
        asked |= words_in(*(one["expr"] for one in case.get("promql_expr_test", ())))
        if not asked:
            continue
        groups = standing_on(asked)
        rules, file = directory / f"{number}.rules.yml", directory / f"{number}.yml"
        one = {
            **cases,
            "rule_files": [rules.name],
            "group_eval_order": [group["name"] for group in groups],
            "tests": [case],
        }
        for path, content in ((rules, {"groups": groups}), (file, one)):
            path.write_text(rewritten(safe_dump(content)))
        yield file


def standing_on(asked: Collection[str], bundle: Sequence[dict[str, Any]] = _GROUPS) -> list[dict[str, Any]]:
    """Return the groups with the rules named and all whose series these read, in their expressions or in their texts.

    ``bundle`` are the groups of another one than the shipped.
    """
    rules = {id(rule): rule for group in bundle for rule in group["rules"]}
    words = _shipped_words() if bundle is _GROUPS else _words_of(bundle)
    kept: set[int] = set()
    names = set(asked)
    while more := {key for key, rule in rules.items() if rule.get("alert", rule.get("record")) in names} - kept:
        kept |= more
        names |= set().union(*(words[key] for key in more))
    found = [{**group, "rules": [rule for rule in group["rules"] if id(rule) in kept]} for group in bundle]
    return [group for group in found if group["rules"]]


@cache
def _shipped_words() -> dict[int, set[str]]:
    return _words_of(_GROUPS)


def _words_of(bundle: Sequence[dict[str, Any]]) -> dict[int, set[str]]:
    """Return by the id of each rule what it may read."""
    rules = [rule for group in bundle for rule in group["rules"]]
    return {id(rule): words_in(rule["expr"], *rule.get("annotations", {}).values()) for rule in rules}


def words_in(*texts: str) -> set[str]:
    """Return what may be the name of a metric or an alert."""
    return {word for text in texts for word in re.findall(r"[A-Za-z_:][\w:]*", text)}
