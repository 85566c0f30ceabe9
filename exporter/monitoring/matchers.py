"""Matchers as Alertmanager has them, on labels of which some are known and others are not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeAlias

from exporter.monitoring.patterns import anchored

_PART: Final = r'"(?:\\.|[^"\\])*"'
_ONE: Final = re.compile(rf"\s*({_PART}|[^\s=!~,{{}}\"]+)\s*(=~|!~|!=|=)\s*({_PART}|[^,\"]*?)\s*(?:,|$)", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_OLD_FORMS: Final = (("match", "="), ("match_re", "=~"))


class Unknown(Enum):
    """A value that depends on what the alert is about."""

    SOME = "not empty"
    ANY = "perhaps empty"


Value: TypeAlias = str | Unknown


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels of an alert, and what one is of which nothing is said: empty, which to Alertmanager is as good as not there."""

    named: Mapping[str, Value]
    others: Value = ""

    def __getitem__(self, name: str) -> Value:
        return self.named.get(name, self.others)


@dataclass(frozen=True, slots=True, order=True)
class Matcher:
    """A condition on one label; without an ``operator`` it is one that we cannot read."""

    name: str
    operator: str
    value: str

    def __str__(self) -> str:
        return f"{self.name}{self.operator}{self.value}"

    def fits(self, value: Value) -> bool | None:
        """Return whether a value fits; ``None`` where that depends on what nobody knows."""
        same = self._is_same(value)
        return None if same is None or not self.operator else same != self.operator.startswith("!")

    def _is_same(self, value: Value) -> bool | None:
        if "~" not in self.operator:
            if isinstance(value, Unknown):
                return False if value is Unknown.SOME and not self.value else None
            return value == self.value
        pattern = anchored(self.value)
        if isinstance(value, Unknown):
            if self.value == ".*" or (self.value == ".+" and value is Unknown.SOME):
                return True
            return False if value is Unknown.SOME and not self.value else None
        return None if pattern is None else pattern.fullmatch(value) is not None


def fits(labels: Labels, matchers: Iterable[Matcher]) -> bool | None:
    """Return whether labels fit all matchers; ``None`` where that depends on what nobody knows."""
    found = [matcher.fits(labels[matcher.name]) for matcher in matchers]
    if False in found:
        return False
    return None if None in found else True


def matchers_of(one: Mapping[str, Any], side: str = "") -> Sequence[Matcher]:
    """Return the matchers of a route, or those of a ``side`` of an inhibition, in the old form and the new one."""
    listed = one.get(f"{side}matchers")
    found = [matcher for text in (listed if isinstance(listed, list) else []) for matcher in _parsed(str(text))]
    for key, operator in _OLD_FORMS:
        pairs = one.get(f"{side}{key}")
        if isinstance(pairs, dict):
            found += [Matcher(str(name), operator, str(value)) for name, value in pairs.items()]
    return found


def _parsed(text: str) -> Iterator[Matcher]:
    """Yield the matchers of one text, which may hold several."""
    rest = text.strip()
    if rest.startswith("{") and rest.endswith("}"):
        rest = rest[1:-1]
    while rest.strip():
        one = _ONE.match(rest)
        if one is None:
            yield Matcher("", "", rest.strip())
            return
        yield Matcher(_unquoted(one[1]), one[2], _unquoted(one[3]))
        rest = rest[one.end() :]


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text
    return _ESCAPED.sub(lambda found: "\n" if found[1] == "n" else found[1], text[1:-1])
