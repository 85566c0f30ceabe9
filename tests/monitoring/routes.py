"""The routes of an Alertmanager configuration as Python values, and its examples switched on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from tests.monitoring.bundle import ALERTMANAGER

CONFIG_FILE = ALERTMANAGER / "alertmanager.yml"

Matcher: TypeAlias = tuple[str, str, str]
"""The name of a label, an operator and a value."""

_ALL_CLEARS: Final = {"pagerduty_configs": True, "webhook_configs": True, "email_configs": False, "slack_configs": False}
"""Whether a receiver of that kind sends all-clears unless its configuration says it."""


def every_route(config: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield all routes of a configuration, the root first and each before those below it; they may be changed."""
    open_routes = [config["route"]]
    while open_routes:
        route = open_routes.pop(0)
        yield route
        open_routes += route.get("routes", [])


def branch(config: dict[str, Any], matcher: str) -> dict[str, Any]:
    """Return the first route that has a matcher, written as in the file."""
    return next(route for route in every_route(config) if matcher in route.get("matchers", []))


def way(config: dict[str, Any], labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the routes that an alert of these labels ends in, each with what it has from those above it."""
    return _below(config["route"], {"continue": False}, labels)


def _below(route: dict[str, Any], above: dict[str, Any], labels: Mapping[str, str]) -> list[dict[str, Any]]:
    own = {key: value for key, value in route.items() if key not in {"matchers", "routes"}}
    # What is not handed down: a route goes on, mutes and waits for hours for itself alone.
    handed_down = {key: value for key, value in above.items() if not key.endswith("_time_intervals") and key != "continue"}
    effective = handed_down | own
    found: list[dict[str, Any]] = []
    for child in route.get("routes", []):
        if fits(labels, map(parts_of, child.get("matchers", []))):
            found += _below(child, effective, labels)
            if not child.get("continue"):
                break
    return found or [effective]


def parts_of(matcher: str) -> Matcher:
    """Take a matcher apart that is written in the one way that every Alertmanager reads alike."""
    parts = re.fullmatch(r'(\w+) (=|!=|=~|!~) "([^"]*)"', matcher)
    assert parts, f"{matcher} would be read by Alertmanager as something else"
    return parts[1], parts[2], parts[3]


def fits(labels: Mapping[str, str], matchers: Iterable[Matcher]) -> bool:
    """Whether labels fit as Alertmanager has it: patterns are anchored, a label that is not there is empty."""
    for name, operator, value in matchers:
        found = labels.get(name, "")
        same = re.fullmatch(value, found) is not None if "~" in operator else value == found
        if same == operator.startswith("!"):
            return False
    return True


def with_the_examples() -> str:
    """Return the shipped configuration with every example switched on, as its head says how."""
    return re.sub(r"^( *)#(?! \S)", r"\1", CONFIG_FILE.read_text(), flags=re.MULTILINE)


def sends_all_clears(receiver: Mapping[str, Any]) -> bool | None:
    """Return whether a receiver sends all-clears, as its first address has it; ``None`` for one without any."""
    for kind, default in _ALL_CLEARS.items():
        for one in receiver.get(kind, []):
            return bool(one.get("send_resolved", default))
    return None
