"""The configuration that an Alertmanager runs, and what of the bundle is not in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from exporter.monitoring.check.rules import seconds_of
from exporter.monitoring.matchers import Matcher, matchers_of
from exporter.support.yaml_source import read_yaml

_EXAMPLE: Final = re.compile(r"\bexample\.(?:org|com|net)\b")
_WAITS: Final = ("group_wait", "group_interval", "repeat_interval")

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Routing:
    """Where the bundle's routes lead: our name of each receiver and theirs, and what is not as it was rendered."""

    receivers: Mapping[str, str]
    problems: Sequence[str]


def parsed(text: str) -> Json | None:
    """Return a configuration; ``None`` when that is no configuration of an Alertmanager."""
    source = read_yaml(text)
    value = source.value
    if source.problems or not isinstance(value, dict) or not isinstance(value.get("route"), dict):
        return None
    return value


def routing(ours: Json, theirs: Json) -> Routing:
    """Return where our part of the tree leads in theirs, wherever it hangs and whatever stands beside it."""
    wanted = mappings(ours["route"].get("routes"))[-1]  # those of `extra` come first
    found = next((route for route in _all_routes(theirs["route"]) if _matchers(route) == _matchers(wanted)), None)
    if found is None:
        return Routing({}, ["the route of the bundle is not there"])
    receivers: dict[str, str] = {}
    return Routing(receivers, list(_differences(wanted, found, receivers, "bundle")))


def lacks_inhibitions(ours: Json, theirs: Json) -> int:
    """Return how many of our inhibitions are not in theirs."""
    there = {inhibition(one) for one in mappings(theirs.get("inhibit_rules"))}
    return sum(inhibition(one) not in there for one in mappings(ours["inhibit_rules"]))


def integrations(config: Json, receiver: str) -> Mapping[str, Sequence[Json]]:
    """Return by which ways a receiver sends, ``webhook``, ``email`` …; empty when it reaches nobody."""
    one = next((one for one in mappings(config.get("receivers")) if one.get("name") == receiver), {})
    ways = {str(key).removesuffix("_configs"): mappings(value) for key, value in one.items() if str(key).endswith("_configs")}
    return {way: configs for way, configs in ways.items() if configs}


def has_examples(config: Json, receiver: str) -> bool:
    """Return whether a receiver sends to an address that the bundle shows as an example."""
    ways = integrations(config, receiver)
    general = config.get("global")
    smarthost = str(general.get("smtp_smarthost", "")) if "email" in ways and isinstance(general, dict) else ""
    return any(_EXAMPLE.search(text) for text in (smarthost, *_texts(list(ways.values()))))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def mappings(value: object) -> list[dict[str, Any]]:
    """Return the mappings of a list, which is what there is of routes, receivers and inhibitions."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _all_routes(route: Json) -> Iterator[Json]:
    yield route
    for child in mappings(route.get("routes")):
        yield from _all_routes(child)


def _matchers(route: Json) -> frozenset[Matcher]:
    return frozenset(matchers_of(route))


def inhibition(one: Json) -> tuple[object, ...]:
    """Return an inhibition in a form that is the same for the same."""
    equal = one.get("equal")
    return (
        frozenset(matchers_of(one, "source_")),
        frozenset(matchers_of(one, "target_")),
        frozenset(map(str, equal)) if isinstance(equal, list) else frozenset(),
    )


def _differences(ours: Json, theirs: Json, receivers: dict[str, str], name: str) -> Iterator[str]:
    """Return what of a route differs, and fill in the names of the receivers. Routes of their own in between are theirs."""
    mine, their = str(ours.get("receiver", "")), str(theirs.get("receiver", ""))
    if receivers.setdefault(mine, their) != their:
        yield f"{name} leads to {their}, not {receivers[mine]}"
    if set(ours.get("group_by", [])) != set(map(str, theirs.get("group_by") or [])):
        yield f"{name}: group_by"
    for wait in _WAITS:
        if seconds_of(str(ours.get(wait, ""))) != seconds_of(str(theirs.get(wait, ""))):
            yield f"{name}: {wait}"
    left = mappings(theirs.get("routes"))
    for child in mappings(ours.get("routes")):
        label = " ".join(map(str, sorted(_matchers(child))))
        position = next((number for number, one in enumerate(left) if _matchers(one) == _matchers(child)), None)
        if position is None:
            yield f"{label} is not there, or not in its place"
            continue
        yield from _differences(child, left[position], receivers, label)
        left = left[position + 1 :]
