"""A dashboard as it was rendered, the same as Grafana keeps it, and which of its panels somebody has changed.

Grafana adds defaults of its own to what it stores, and whoever saves a board adds more. So theirs has to contain ours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

Json = Mapping[str, Any]

_NOT_OURS: Final = frozenset({"id", "version", "schemaVersion", "current", "options", "pluginVersion", "panels"})


def changed(ours: Json, theirs: Json) -> list[str]:
    """Return what of a board differs: titles of panels, names of variables."""
    return [
        *_compared(_panels(ours), _panels(theirs), "panel", "title"),
        *_compared(_variables(ours), _variables(theirs), "variable", "name"),
    ]


def _panels(board: Json) -> Iterator[Json]:
    for panel in _mappings(board.get("panels")):
        yield panel
        yield from _mappings(panel.get("panels"))


def _variables(board: Json) -> Sequence[Json]:
    templating = board.get("templating")
    return _mappings(templating.get("list")) if isinstance(templating, dict) else []


def _mappings(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _compared(
    ours: Iterator[Json] | Sequence[Json], theirs: Iterator[Json] | Sequence[Json], kind: str, key: str
) -> Iterator[str]:
    mine, their = _numbered(ours, key), _numbered(theirs, key)
    for (name, number), one in mine.items():
        other = their.get((name, number))
        if other is None:
            yield f"{kind} {name!r} is gone"
        elif not all(_contains(other.get(word), value) for word, value in one.items() if word not in _ignored(kind)):
            yield f"{kind} {name!r}"
    yield from (f"{kind} {name!r} is not of this render" for name, number in their if (name, number) not in mine)


def _ignored(kind: str) -> frozenset[str]:
    return _NOT_OURS if kind == "variable" else _NOT_OURS - {"options"}


def _numbered(items: Iterator[Json] | Sequence[Json], key: str) -> dict[tuple[str, int], Json]:
    times: Counter[str] = Counter()
    found = {}
    for item in items:
        name = str(item.get(key, ""))
        times[name] += 1
        found[name, times[name]] = item
    return found


def _contains(theirs: object, ours: object) -> bool:
    if isinstance(ours, dict):
        return isinstance(theirs, dict) and all(_contains(theirs.get(key), value) for key, value in ours.items())
    if isinstance(ours, list):
        return isinstance(theirs, list) and len(theirs) == len(ours) and all(map(_contains, theirs, ours))
    return theirs == ours
