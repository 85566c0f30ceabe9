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
from typing import Any, Final, TypeAlias

from exporter.fields.kinds import FieldProblem, shown
from exporter.monitoring.matchers import Matcher, matchers_of
from exporter.support.yaml_source import show_path

KeyPath: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Taking:
    """A route at its place in the file, what it fits, and whether it hands on what it takes."""

    place: KeyPath
    matchers: frozenset[Matcher]
    goes_on: bool = False

    @property
    def name(self) -> str:
        """The place as people read it."""
        return show_path(self.place)


OF_THE_BUNDLE: Final = frozenset(
    {
        Matcher("alertname", "=~", "Watchdog|BookingSync.+"),
        Matcher("fixed_by", "!=", ""),
        Matcher("severity", "=~", "critical|warning|info|none"),
    }
)
"""What every alert of the bundle fits."""
_NONE: Final[Mapping[str, Sequence[str]]] = MappingProxyType({})
_LITERALS: Final = re.compile(r"[\w -]*(?:\|[\w -]*)*")


def takes_all(taking: Taking, fitting: frozenset[Matcher]) -> bool:
    """Return whether a route takes every alert that fits these matchers, and hands none on."""
    return not taking.goes_on and all(_follows(matcher, fitting) for matcher in taking.matchers)


def _follows(wanted: Matcher, given: frozenset[Matcher]) -> bool:
    """Return whether an alert that fits ``given`` fits ``wanted``, too."""
    if wanted in given or _is_always_so(wanted):
        return True
    return any(
        all(wanted.fits(value) for value in values)
        for matcher in given
        if matcher.name == wanted.name and (values := _values(matcher))
    )


def _is_always_so(matcher: Matcher) -> bool:
    pair = (matcher.operator, matcher.value)
    return pair == ("=~", ".*") or (matcher.name == "alertname" and pair in {("=~", ".+"), ("!=", "")})


def _values(matcher: Matcher) -> Sequence[str]:
    """Return the only values that fit a matcher, where those can be told."""
    if matcher.operator == "=":
        return [matcher.value]
    return matcher.value.split("|") if matcher.operator == "=~" and _LITERALS.fullmatch(matcher.value) else []


def contradiction(fitting: frozenset[Matcher]) -> str | None:
    """Return the label of which two matchers want different values, so that no alert fits both."""
    exact = [matcher for matcher in fitting if matcher.operator == "="]
    return next((one.name for one, other in product(exact, exact) if one.name == other.name and one.value != other.value), None)


def unreached(before: Sequence[Taking], taking: Taking, domains: Mapping[str, Sequence[str]] = _NONE) -> FieldProblem | None:
    """Return what is told of a route that fits nothing, or gets nothing because of those ``before`` it.

    ``domains`` has the labels whose values are known, each with all of them: several routes may take them one by one.
    """
    if label := contradiction(taking.matchers):
        return FieldProblem(taking.place, f"no alert reaches it: {shown(label)} cannot have two values", "keep one of them")
    cells = [
        taking.matchers | {Matcher(label, "=", value) for label, value in zip(domains, values, strict=True)}
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
    return FieldProblem(taking.place, f"no alert reaches it: {takes} all alerts that it matches", fix)


def in_their_own_words(
    routes: Sequence[Mapping[str, Any]], place: KeyPath, above: frozenset[Matcher]
) -> Iterator[FieldProblem]:
    """Yield what is told of routes of one list, in Alertmanager's own words, and of those below them."""
    before: list[Taking] = []
    for taking in takings(routes, place, above):
        if problem := unreached(before, taking):
            yield problem
        else:
            below = routes[len(before)].get("routes", [])
            yield from in_their_own_words(below, (*taking.place, "routes"), taking.matchers)
        before.append(taking)


def takings(routes: Sequence[Mapping[str, Any]], place: KeyPath, above: frozenset[Matcher] = frozenset()) -> list[Taking]:
    """Return what each route of a list takes of that which gets there."""
    return [
        Taking((*place, number), above | frozenset(matchers_of(route)), route.get("continue") is True)
        for number, route in enumerate(routes)
    ]
