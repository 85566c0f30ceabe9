"""The routes of an Alertmanager configuration as Python values, and its examples switched on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.monitoring.bundle import ALERTMANAGER

CONFIG_FILE = ALERTMANAGER / "alertmanager.yml"

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


def with_the_examples() -> str:
    """Return the shipped configuration with every example switched on, as its head says how."""
    return re.sub(r"^( *)#(?! \S)", r"\1", CONFIG_FILE.read_text(), flags=re.MULTILINE)


def sends_all_clears(receiver: Mapping[str, Any]) -> bool | None:
    """Return whether a receiver sends all-clears, as its first address has it; ``None`` for one without any."""
    for kind, default in _ALL_CLEARS.items():
        for one in receiver.get(kind, []):
            return bool(one.get("send_resolved", default))
    return None
