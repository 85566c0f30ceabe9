"""Routes that no alert ever reaches, because routes before them take whatever they fit.

Alertmanager says nothing of them. What is told here is certain: where it depends on what is in an alert, a route counts as
reached, and so does one whose matchers we cannot read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias

from exporter.fields.kinds import FieldProblem, shown
from exporter.support.yaml_source import show_path

Place: TypeAlias = tuple[str | int, ...]


class Condition(NamedTuple):
    """A matcher on one label; one that cannot be read has no operator, and is only ever equal to itself."""

    label: str
    operator: str
    value: str


@dataclass(frozen=True, slots=True)
class Taking:
    """A route at its place in the file, what it fits, and whether it hands on what it takes."""

    place: Place
    conditions: frozenset[Condition]
    goes_on: bool = False

    @property
    def name(self) -> str:
        """The place as people read it."""
        return show_path(self.place)


OF_THE_BUNDLE: Final = frozenset(
    {
        Condition("alertname", "=~", "Watchdog|BookingSync.+"),
        Condition("fixed_by", "!=", ""),
        Condition("severity", "=~", "critical|warning|info|none"),
    }
)
"""What every alert of the bundle fits."""
_NONE: Final[Mapping[str, Sequence[str]]] = MappingProxyType({})
_LITERALS: Final = re.compile(r"[\w -]*(?:\|[\w -]*)*")
_ONE: Final = re.compile(r'\s*(\w+)\s*(=~|!~|!=|=)\s*("(?:\\.|[^"\\])*"|[^",{}]*?)\s*')


def conditions(route: Mapping[str, Any]) -> frozenset[Condition]:
    """Return what a route in Alertmanager's own words fits, in the old form of matchers and the new one."""
    listed = route.get("matchers")
    found = {_condition(str(one)) for one in (listed if isinstance(listed, list) else [listed] if listed else [])}
    for key, operator in (("match", "="), ("match_re", "=~")):
        pairs = route.get(key)
        found |= (
            {Condition(str(label), operator, str(value)) for label, value in pairs.items()}
            if isinstance(pairs, dict)
            else set()
        )
    return frozenset(found)


def _condition(text: str) -> Condition:
    one = _ONE.fullmatch(text.removeprefix("{").removesuffix("}"))
    if one is None:
        return Condition(text, "", "")
    quoted = one[3].startswith('"')
    return Condition(one[1], one[2], re.sub(r"\\(.)", r"\1", one[3][1:-1]) if quoted else one[3])


def takes_all(taking: Taking, fitting: frozenset[Condition]) -> bool:
    """Return whether a route takes every alert that fits these conditions, and hands none on."""
    return not taking.goes_on and all(_follows(condition, fitting) for condition in taking.conditions)


def _follows(wanted: Condition, given: frozenset[Condition]) -> bool:
    """Return whether an alert that fits ``given`` fits ``wanted``, too."""
    if wanted in given or _is_always_so(wanted):
        return True
    return any(
        all(_fits(wanted, value) for value in values)
        for condition in given
        if condition.label == wanted.label and (values := _values(condition))
    )


def _is_always_so(condition: Condition) -> bool:
    pair = (condition.operator, condition.value)
    return pair == ("=~", ".*") or (condition.label == "alertname" and pair in {("=~", ".+"), ("!=", "")})


def _values(condition: Condition) -> Sequence[str]:
    """Return the only values that fit a condition, where those can be told."""
    if condition.operator == "=":
        return [condition.value]
    return condition.value.split("|") if condition.operator == "=~" and _LITERALS.fullmatch(condition.value) else []


def _fits(condition: Condition, value: str) -> bool:
    if "~" not in condition.operator:
        return (condition.value == value) == (condition.operator == "=")
    if "(" in condition.value or not condition.operator:  # a group that repeats could keep Python busy for ever
        return False
    try:
        found = re.fullmatch(condition.value, value, re.ASCII)
    except (re.error, OverflowError):
        return False
    return (found is not None) == (condition.operator == "=~")


def contradiction(fitting: frozenset[Condition]) -> str | None:
    """Return the label of which two conditions want different values, so that no alert fits both."""
    exact = [condition for condition in fitting if condition.operator == "="]
    return next(
        (one.label for one, other in product(exact, exact) if one.label == other.label and one.value != other.value), None
    )


def unreached(before: Sequence[Taking], taking: Taking, domains: Mapping[str, Sequence[str]] = _NONE) -> FieldProblem | None:
    """Return what is told of a route that fits nothing, or gets nothing because of those ``before`` it.

    ``domains`` has the labels whose values are known, each with all of them: several routes may take them one by one.
    """
    if label := contradiction(taking.conditions):
        return FieldProblem(taking.place, f"no alert reaches it: {shown(label)} cannot have two values", "keep one of them")
    cells = [
        taking.conditions | {Condition(label, "=", value) for label, value in zip(domains, values, strict=True)}
        for values in product(*domains.values())
    ]
    takers = [next((one for one in before if takes_all(one, cell)), None) for cell in cells if contradiction(cell) is None]
    if not takers or None in takers:
        return None
    found = list(dict.fromkeys(one.name for one in takers if one))
    first = found[0]
    # Those of `extra` come before all others, wherever they stand.
    beside = all(one.place[:-1] == taking.place[:-1] for one in takers if one)
    fix = f"move it before {first}, or remove it" if beside else f"narrow {first}, or remove this one"
    takes = f"{' and '.join(found)} {'take' if len(found) > 1 else 'takes'}"
    return FieldProblem(taking.place, f"no alert reaches it: {takes} all that it fits", fix)


def in_their_own_words(
    routes: Sequence[Mapping[str, Any]], place: Place, above: frozenset[Condition]
) -> Iterator[FieldProblem]:
    """Yield what is told of routes of one list, in Alertmanager's own words, and of those below them."""
    before: list[Taking] = []
    for taking in takings(routes, place, above):
        if problem := unreached(before, taking):
            yield problem
        else:
            below = routes[len(before)].get("routes", [])
            yield from in_their_own_words(below, (*taking.place, "routes"), taking.conditions)
        before.append(taking)


def takings(routes: Sequence[Mapping[str, Any]], place: Place, above: frozenset[Condition] = frozenset()) -> list[Taking]:
    """Return what each route of a list takes of that which gets there."""
    return [
        Taking((*place, number), above | conditions(route), route.get("continue") is True)
        for number, route in enumerate(routes)
    ]
