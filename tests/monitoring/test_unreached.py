"""Routes that no alert reaches: what is told is true, and what can be told is told."""

from __future__ import annotations

import random
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any, Final

import pytest

from exporter.errors import ConfigError
from exporter.monitoring.unreached import in_their_own_words
from tests.monitoring.routes import fits, parts_of
from tests.monitoring.test_settings import settings_of

VALUES: Final = ("", "x", "y", "xy")
EXACT: Final = [f'{label} = "{value}"' for label in "ab" for value in VALUES]
OTHERS: Final = [
    f"{label} {condition}"
    for label in "ab"
    for condition in ('!= ""', '!= "x"', '=~ "x|y"', '=~ ".*"', '=~ ".+"', '!~ "x|y"', '=~ "x.*"', '!~ "x.*"', '=~ "(x|y)"')
]


def _reached(route: Mapping[str, Any], labels: Mapping[str, str], place: tuple[object, ...]) -> set[tuple[object, ...]]:
    """Return the places of the routes that an alert gets to, as Alertmanager walks the tree."""
    found = {place}
    for number, child in enumerate(route.get("routes", [])):
        if fits(labels, map(parts_of, child["matchers"])):
            found |= _reached(child, labels, (*place, "routes", number))
            if not child.get("continue"):
                break
    return found


def _tree(chance: random.Random, matchers: list[str], depth: int) -> list[dict[str, Any]]:
    return [
        {
            "matchers": chance.sample(matchers, chance.randint(1, 2)),
            **({"continue": True} if chance.random() < 0.2 else {}),
            **({"routes": _tree(chance, matchers, depth - 1)} if depth else {}),
        }
        for _ in range(chance.randint(1, 4))
    ]


def _places(routes: list[dict[str, Any]], place: tuple[object, ...]) -> set[tuple[object, ...]]:
    found: set[tuple[object, ...]] = set()
    for number, route in enumerate(routes):
        here = (*place, "routes", number)
        found |= {here, *_places(route.get("routes", []), here)}
    return found


@pytest.mark.parametrize("seed", range(8))
def test_no_alert_reaches_what_is_told_to_be_out_of_reach(seed: int) -> None:
    chance = random.Random(seed)
    told = 0
    for _ in range(100):
        routes = _tree(chance, EXACT + OTHERS, 1)
        root = {"routes": routes}
        reached = set().union(*(_reached(root, {"a": a, "b": b}, ()) for a, b in product((*VALUES, "z"), repeat=2)))
        for problem in in_their_own_words(routes, ("routes",), frozenset()):
            assert problem.path not in reached, (routes, problem)
            told += 1
    assert 10 < told


def test_a_route_behind_one_that_wants_less_of_the_same_is_always_told() -> None:
    chance = random.Random(1)
    for _ in range(200):
        more = {f"a{number}": "x" for number in range(chance.randint(2, 5))}
        less = dict(chance.sample(sorted(more.items()), chance.randint(1, len(more))))
        forms: list[dict[str, Any]] = [
            {"matchers": [f'{label}="{value}"' for label, value in less.items()]},
            {"match": less},
            {"match_re": less},
        ]
        routes = [chance.choice(forms), {"matchers": [f"{label} = {value}" for label, value in more.items()]}]
        assert [("routes", 1)] == [problem.path for problem in in_their_own_words(routes, ("routes",), frozenset())]


_TO = "to: [{webhook: {url: 'http://h/'}}]"
_GO_ON = {"matchers": ['a = "x"'], "continue": True}


@pytest.mark.parametrize(
    "matchers",
    [
        # Alerts of others, of which nobody knows all severities.
        ['severity = "critical"', 'severity = "warning"', 'team = "it"'],
        # Patterns that Python cannot judge, or would for ever.
        ['a =~ "(x+)+y"', f'a = "{"x" * 40}"'],
        ['a =~ "["', 'a = "["'],
        ['{a="x",b="y"}', 'a = "x"'],
    ],
)
def test_routes_that_some_alert_may_reach_are_taken(matchers: list[str]) -> None:
    routes = [{"matchers": [one]} for one in matchers]
    assert [] == list(in_their_own_words(routes, ("routes",), frozenset()))
    assert [] == list(in_their_own_words([_GO_ON, {"matchers": ['a = "x"']}], ("routes",), frozenset()))


def test_routes_of_ones_own_that_overlap_are_taken(tmp_path: Path) -> None:
    rows = ("fixed_by: front desk, severity: critical", "fixed_by: front desk", "site: berlin")
    settings = settings_of(tmp_path, "routes:\n" + "".join(f"  - {{{row}, {_TO}}}\n" for row in rows))
    assert 3 == len(settings.routes)


def test_a_route_of_ones_own_is_out_of_reach_only_when_both_severities_and_every_who_are_taken(tmp_path: Path) -> None:
    who = ("exporter operator", "account administrator", "calendar owner", "front desk", "platform")
    severities = ("critical", "warning")
    rows = [f"  - {{fixed_by: {name}, severity: {severity}, {_TO}}}\n" for name in who for severity in severities]
    last = f"  - {{site: berlin, {_TO}}}\n"
    for missing in range(len(rows)):
        settings = settings_of(tmp_path, f"routes:\n{''.join(rows[:missing] + rows[missing + 1 :])}{last}")
        assert 10 == len(settings.routes)
    with pytest.raises(ConfigError, match=r"routes\[10\]: no alert reaches it: "):
        settings_of(tmp_path, f"routes:\n{''.join(rows)}{last}")
