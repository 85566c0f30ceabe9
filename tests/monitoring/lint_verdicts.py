"""The part of the dashboard lint that is about verdicts: no board says by itself what is how bad, and from which number on."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import fields

from promql_parser import BinaryExpr, Expr, NumberLiteral, ParenExpr

from exporter.monitoring import dashboards
from exporter.monitoring.dashboards.panels import STATUS_LOOKS
from exporter.monitoring.options import Options
from exporter.state.thresholds import DEFAULTS, Thresholds
from tests.monitoring.bundle import panels
from tests.monitoring.lint import Board, Check, Findings
from tests.monitoring.promql import parse, walk

_JUDGED_BY_THEMSELVES = {
    "Exporter": "without it there is no verdict",
    "Who is needed": "says who, and not how bad it is",
    "Connections healthy": "on the fleet's board the share has an objective",
    "Healthy, 30 days": "the share has an objective",
    "Burn rate by window": "the share has an objective",
    "Budget left": "a line for the eye; the verdict is on what is spent",
    "Pairs": "a pair says by itself that it is broken, and not how bad that is",
    "Polls": "a poll that failed is one, whatever that means to a user",
    "Does it keep up": "no verdict judges the exporter",
    "Slowest scrape": "no verdict judges the exporter",
    "Event loop lag": "no verdict judges the exporter",
    "Configurations in use": "no verdict judges the exporter",
    "Processes": "no verdict judges the exporter",
}
"""Panels with a red or an orange of their own, and why no verdict is asked for it."""


def panel_verdict_colours(board: Board) -> Findings:
    """What is how bad stands in ``verdicts:``: a panel takes it from recorded health, or shows a status."""
    statuses = {looks for looks in STATUS_LOOKS.values() if looks[1] in _ALARMS}
    for panel in panels(board):
        own = set(_alarming(panel["fieldConfig"])) - statuses
        asked = any("booking_sync_health:code" in target["expr"] for target in panel["targets"])
        if asked and own <= {("critical", "red"), ("warning", "orange")}:
            continue
        if own and panel["title"] not in _JUDGED_BY_THEMSELVES:
            yield panel["title"], f"judges by itself: {sorted(own)}"


_ALARMS = {"red", "orange"}


def _alarming(config: Board) -> Iterator[tuple[str, str]]:
    """Yield by which word a panel has a colour that alarms; a step of a number has none."""
    settings = [("", config["defaults"])]
    for over in config["overrides"]:
        name = over["matcher"]["options"]
        settings.append((name, {one["id"]: one["value"] for one in over["properties"]}))
    for name, setting in settings:
        yield from (
            (name, step["color"]) for step in setting.get("thresholds", {}).get("steps", ()) if step["color"] in _ALARMS
        )
        if (fixed := setting.get("color", {}).get("fixedColor")) in _ALARMS:
            yield setting.get("displayName", name), fixed
        for mapping in setting.get("mappings", ()):
            options = mapping["options"]
            results = [options["result"]] if "result" in options else list(options.values())
            yield from ((one["text"], one["color"]) for one in results if one.get("color") in _ALARMS)


_OTHER_NUMBERS = {
    "Bookings against last week": "so many bookings are enough to be compared",
    "New bookings against last week": "so many bookings are enough to be compared",
    "Does it keep up": "no verdict judges the exporter",
    "Configurations in use": "no verdict judges the exporter",
}
"""Panels whose queries compare with a number that is no threshold of a verdict, and why."""


def target_verdict_numbers(board: Board, moved: Board | None = None) -> Findings:
    """A threshold of a verdict moves with it: rendered for a user with other ones, the board compares with other numbers."""
    moved = moved or json.loads(_MADE[board["uid"]](Options(thresholds=_MOVED)))
    others = {panel["title"]: {*_compared(panel)} for panel in panels(moved)}
    for panel in panels(board):
        unmoved = {*_compared(panel)} & others[panel["title"]]
        if unmoved and panel["title"] not in _OTHER_NUMBERS:
            yield panel["title"], f"compares with {sorted(unmoved)}, whatever the verdicts"


def _compared(panel: Board) -> Iterator[float]:
    for target in panel["targets"]:
        for node, _ in walk(parse(target["expr"])):
            if isinstance(node, BinaryExpr) and str(node.op) in {"<", "<=", ">=", ">"}:
                codes = any(":code" in str(side) for side in (node.lhs, node.rhs))
                numbers = [number for side in (node.lhs, node.rhs) if (number := _number(side))]
                yield from () if codes else numbers


def _number(node: Expr) -> float | None:
    """Return the number that an expression of numbers only is."""
    every_node = [one for one, _ in walk(node)]
    if any(not isinstance(one, NumberLiteral | BinaryExpr | ParenExpr) for one in every_node):
        return None
    return float(math.prod(one.val for one in every_node if isinstance(one, NumberLiteral)))


_MADE = {f"booking-sync-{made.__name__}": made for made in (dashboards.fleet, dashboards.target, dashboards.internals)}
_MOVED = Thresholds(**{one.name: getattr(DEFAULTS, one.name) * 1.5 + 1 for one in fields(DEFAULTS) if one.name != "severities"})

VERDICT_CHECKS: tuple[Check, ...] = (panel_verdict_colours, target_verdict_numbers)
