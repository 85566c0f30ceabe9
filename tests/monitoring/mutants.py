"""Small faults put into the rules one at a time: ``make mutants`` says which of them no shipped case of promtool notices.

A mutant is one rule with one change. It is dead when a case that stands on the rule fails, whichever one. What lives is
either a promise that no case holds, or no fault: another way to write the same.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from promql_parser import AggregateExpr, BinaryExpr, Expr, NumberLiteral
from promql_parser import parse as parse_promql

from exporter.fields.durations import parse_duration
from exporter.monitoring.promql import FOLDED_LABELS
from tests.monitoring.bundle import ALERT_GROUPS, RECORDING_GROUPS
from tests.monitoring.cases import CASES, load, standing_on, words_in
from tests.monitoring.promql import walk
from tests.monitoring.servers import binary

_CONTRARY: Final = {">": "<=", ">=": "<", "<": ">=", "<=": ">", "==": "!=", "!=": "=="}
_SHORT: Final = 1_800
"""Seconds: a shorter range only bridges failed scrapes, and how many is no promise of a single rule."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A rule of which one thing is changed; ``change`` is for people."""

    original: dict[str, Any]
    rule: dict[str, Any]
    change: str

    @property
    def name(self) -> str:
        """The series of the rule, or its alert with the labels that tell it from others of that name."""
        if "record" in self.rule:
            return str(self.rule["record"])
        own = (value for label, value in self.rule["labels"].items() if label not in {"fixed_by", "forgets", "slo"})
        return f"{self.rule['alert']} ({', '.join(own)})"


def mutants(kind: str = "") -> Iterator[Mutant]:
    """Yield all mutants of the alerts (``alert``), of the recording rules (``record``), or of both."""
    for rule in (rule for group in (*RECORDING_GROUPS, *ALERT_GROUPS) for rule in group["rules"]):
        if not kind or kind in rule:
            yield from (Mutant(rule, {**rule, **changed}, change) for change, changed in _of_rule(rule))


def _of_rule(rule: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    name: str
    for name in ("for", "keep_firing_for"):
        if name in rule:
            yield from ((f"{name}: {rule[name]} -> {new}", {name: new}) for new in _other_durations(rule[name]))
    yield from ((change, {"expr": expression}) for change, expression in of_expression(rule["expr"]))


def of_expression(expression: str) -> Iterator[tuple[str, str]]:
    """Yield changed expressions, each with what was changed. What an expression says twice is changed in both places."""
    tree = parse_promql(expression)
    whole = str(tree)
    seen = {whole}
    for change, old, new in (*_of_nodes(tree), *_of_text(whole)):
        mutant = re.sub(rf"(?<![\w:.]){re.escape(old)}(?![\w.])", new.replace("\\", r"\\"), whole)
        if mutant not in seen:
            seen.add(mutant)
            parse_promql(mutant)  # else it would be dead for no fault that a person makes
            yield change, mutant


def _of_nodes(tree: Expr) -> Iterator[tuple[str, str, str]]:
    """Yield changes of operators and numbers: what is said, the old text and the new one."""
    for node, _ in walk(tree):
        if isinstance(node, AggregateExpr) and str(node.op) in {"max", "min"}:
            new = {"max": "min", "min": "max"}[str(node.op)]
            yield f"{_short(str(node))}: {node.op} -> {new}", str(node), new + str(node).removeprefix(str(node.op))
        if not isinstance(node, BinaryExpr):
            continue
        left, right, operator = str(node.lhs), str(node.rhs), str(node.op)
        between = str(node).removeprefix(left).removesuffix(right)
        if operator in {"and", "or", "unless"}:
            yield f"without `{operator} {_short(right)}`", str(node), left
            if operator == "or":
                yield f"without `{_short(left)} or`", str(node), right
            else:
                new = {"and": "unless", "unless": "and"}[operator]
                yield f"{operator} -> {new} `{_short(right)}`", str(node), left + between.replace(operator, new, 1) + right
        if operator in _CONTRARY:
            new = _CONTRARY[operator]
            yield f"`{_short(str(node))}`: {operator} -> {new}", str(node), left + between.replace(operator, new, 1) + right
        for number, before, after in ((node.rhs, left + between, ""), (node.lhs, "", between + right)):
            if isinstance(number, NumberLiteral):
                for other in _other_numbers(number.val, exact=operator in {"==", "!="}):
                    yield f"`{_short(str(node))}`: {number.val:g} -> {other:g}", str(node), f"{before}{other:g}{after}"


def _of_text(whole: str) -> Iterator[tuple[str, str, str]]:
    """Yield changes of what a tree has no places for: labels that are matched, offsets, long ranges."""
    for found in {match[0] for match in re.finditer(r"\b(?:on|ignoring|by|without|group_left) \([\w, ]+\)", whole)}:
        word, _, inside = found.rstrip(")").partition(" (")
        labels = inside.split(", ")
        for label in labels:
            if len(labels) > 1 and (label == "instance" or label not in FOLDED_LABELS):
                rest = ", ".join(other for other in labels if other != label)
                yield f"{word} (.., {label}) without it", found, f"{word} ({rest})"
    for found in {match[0] for match in re.finditer(r'\w+=~"[^"]*\|[^"]*"', whole)}:
        label, _, inside = found.rstrip('"').partition('=~"')
        for choice in re.findall(r"[^()|]+(?:\|[^()|]+)+", inside):
            for value in choice.split("|"):
                rest = "|".join(other for other in choice.split("|") if other != value)
                yield f"{label} without {value}", found, f'{label}=~"{inside.replace(choice, rest)}"'
    for found in {match[0] for match in re.finditer(r"offset \w+|\[\w+(?=[:\]])", whole)}:
        duration = found.removeprefix("offset ").removeprefix("[")
        if found.startswith("offset") or parse_duration(duration) >= _SHORT:
            for new in _other_durations(duration):
                yield f"{found}{']' * found.startswith('[')} -> {new}", found, found.replace(duration, new)


def _other_numbers(value: float, *, exact: bool) -> tuple[float, ...]:
    if value == 0:
        return (1,)
    return (0,) if exact and value == 1 else (value / 2, value * 2)


def _other_durations(duration: str) -> tuple[str, ...]:
    seconds = parse_duration(duration)
    return tuple(f"{int(seconds * factor) // 60}m" for factor in (0.5, 2) if seconds * factor >= 60)


def _short(text: str, most: int = 70) -> str:
    text = re.sub(r", pod, container, endpoint, __type__, __unit__|\{\}", "", text).replace("booking_sync_", "")
    return text if len(text) <= most else f"{text[: most // 2]}..{text[-most // 2 :]}"


@dataclass(frozen=True, slots=True)
class _Case:
    """A shipped case with no more questions than those that depend on a rule, and the rules that it stands on."""

    name: str
    file: dict[str, Any]
    groups: list[dict[str, Any]]

    def names(self, rule: str) -> bool:
        """Return whether the case asks for a rule by its name."""
        return _names(self.file, rule)


@dataclass(slots=True)
class Field:
    """All shipped cases; each is run with no more than what stands on the rule that is changed."""

    directory: Path
    _cases: list[tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=list)
    _reduced: dict[str, list[_Case]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for cases in map(load, CASES):
            self._cases += [(cases, case) for case in cases["tests"]]

    def asks(self, name: str) -> bool:
        """Return whether a case asks for a rule by its name."""
        return any(case.names(name) for case in self._about(name)[:1])

    def killer(self, mutant: Mutant, *, named: bool = False) -> str:
        """Return the name of the first case that fails with the mutant in place of its rule, ``""`` when it lives.

        With ``named`` only cases are tried that ask for the rule by its name.
        """
        with tempfile.TemporaryDirectory(dir=self.directory) as folder:
            rules, file = Path(folder) / "rules.yml", Path(folder) / "case.yml"
            name = mutant.rule.get("alert") or mutant.rule["record"]
            for case in self._about(name):
                if named and not case.names(name):
                    break
                _write(rules, {"groups": _put(mutant, case.groups)})
                _write(file, {**case.file, "rule_files": [rules.name]})
                if not _passes(file):
                    return case.name
        return ""

    def _about(self, name: str) -> list[_Case]:
        """Return the cases that depend on a rule, each alone and with no other questions.

        Those that name it come first, then the cheapest.
        """
        if name not in self._reduced:
            found = []
            for cases, case in self._cases:
                kept = {kind: [one for one in case.get(kind, ()) if name in _needed(str(one.get(key)))] for kind, key in _ASKS}
                if any(kept.values()):
                    found.append({**cases, "tests": [{**case, **kept}]})
            self._reduced[name] = [
                _standing(cases) for cases in sorted(found, key=lambda one: (not _names(one, name), _price(one)))
            ]
        return self._reduced[name]


_ASKS: Final = (("alert_rule_test", "alertname"), ("promql_expr_test", "expr"))


@cache
def _needed(question: str) -> frozenset[str]:
    """Return the rules that an alert or an expression stands on."""
    rules = (rule for group in standing_on(words_in(question)) for rule in group["rules"])
    return frozenset(rule.get("alert") or rule["record"] for rule in rules)


def _names(cases: dict[str, Any], name: str) -> bool:
    (case,) = cases["tests"]
    return name in words_in(*(str(one[key]) for kind, key in _ASKS for one in case[kind]))


def _price(cases: dict[str, Any]) -> float:
    """Return how dear a case is, by its evaluations and series."""
    (case,) = cases["tests"]
    last = max(parse_duration(one["eval_time"]) for kind, _ in _ASKS for one in case[kind])
    return float(len(case["input_series"]) * last / parse_duration(cases["evaluation_interval"]))


def _standing(cases: dict[str, Any]) -> _Case:
    """Return one case with the rules that its questions stand on, and those that say what is asked."""
    (case,) = cases["tests"]
    groups = standing_on(words_in(*(str(one[key]) for kind, key in _ASKS for one in case[kind])))
    return _Case(str(case["name"]), {**cases, "group_eval_order": [group["name"] for group in groups]}, groups)


def _put(mutant: Mutant, groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return groups of rules with a mutant in place of its own."""
    return [
        {**group, "rules": [mutant.rule if rule == mutant.original else rule for rule in group["rules"]]} for group in groups
    ]


def _write(path: Path, content: dict[str, Any]) -> None:
    """Write a file for promtool as JSON, which is YAML and is written in no time."""
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def _passes(file: Path) -> bool:
    ran = subprocess.run([binary("promtool"), "test", "rules", str(file)], capture_output=True, check=False)
    return ran.returncode == 0
