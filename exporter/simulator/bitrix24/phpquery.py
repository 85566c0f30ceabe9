"""PHP's idea of a query string: brackets make arrays (``filter[within][dateFrom]=1``), and arrays may be lists or maps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote_plus

_BRACKET: Final = re.compile(r"\[([^\]]*)\]")
_INTEGER: Final = re.compile(r"(0|-?[1-9]\d{0,17})\Z")


def parse(query: str) -> dict[str, object]:
    """Parse ``query`` once-encoded, as ``parse_str`` does: later values win, ``[]`` appends."""
    root: dict[int | str, object] = {}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        name = unquote_plus(name).lstrip(" ")
        if name:
            _assign(root, _path(name), unquote_plus(value))
    return {str(key): array(value) for key, value in root.items()}


def array(value: object) -> object:
    """Turn a map whose keys are 0..n-1 into a list, all the way down: that is how PHP encodes arrays as JSON."""
    if isinstance(value, Mapping):
        items = {key: array(item) for key, item in value.items()}
        if list(items) == list(range(len(items))):
            return list(items.values())
        return {str(key): item for key, item in items.items()}
    if isinstance(value, list):
        return [array(item) for item in value]
    return value


def key(name: object) -> int | str:
    """Return an array key as PHP keeps it: decimal integers in text become integers."""
    text = str(name)
    return int(text) if _INTEGER.match(text) else text


def to_int(value: object) -> int:
    """Cast like ``(int)``: leading digits count, anything else is 0."""
    if isinstance(value, bool | int | float):
        return int(value)
    match = re.match(r"\s*([+-]?\d+)", value) if isinstance(value, str) else None
    return int(match.group(1)) if match else 0


def is_numeric(value: object) -> bool:
    """Tell whether PHP calls ``value`` numeric: a number, or text that is one."""
    if isinstance(value, bool):
        return False
    return isinstance(value, int | float) or (
        isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d+(\.\d+)?", value) is not None
    )


def _path(name: str) -> list[str]:
    at = name.find("[")
    if at <= 0 or "]" not in name[at:]:
        return [re.sub(r"[ .\[]", "_", name)]
    steps = [re.sub(r"[ .]", "_", name[:at])]
    while (match := _BRACKET.match(name, at)) is not None:
        steps.append(match.group(1))
        at = match.end()
    return steps


def _assign(root: dict[int | str, object], path: list[str], value: str) -> None:
    node = root
    for depth, step in enumerate(path):
        place: int | str = key(step)
        if step == "" and depth > 0:
            place = max((used for used in node if isinstance(used, int)), default=-1) + 1
        if depth == len(path) - 1:
            node[place] = value
            return
        below = node.get(place)
        if not isinstance(below, dict):
            below = node[place] = {}
        node = below
