"""What is right in a configuration with errors, so that its warnings are told in the same run and not in the next one."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, cast

import msgspec
from pydantic import ValidationError

from exporter.config.merge import merged
from exporter.config.messages import place_of
from exporter.config.settings import Config
from exporter.fields.kinds import FieldProblem, Reading
from exporter.support.yaml_source import Path

_TRIES: Final = 6  # a key, its collector, the collectors, the target: one after the other at most
_TARGETS: Final = "targets"
# Warnings of a key that speak of other keys, too: of their defaults, if those were left out.
_LEANS_ON: Final[Mapping[str, tuple[str, ...]]] = {"max_age": ("interval",), "timeout": ("interval", "max_age")}


class ValidPart(msgspec.Struct, frozen=True):
    """The configuration without what is wrong in it; ``left_out`` is where that stood, ``places`` where each target stood."""

    config: Config
    written: Mapping[str, object]
    left_out: frozenset[Path]
    places: tuple[int, ...]

    def of_values(self, found: Iterable[FieldProblem]) -> Iterator[FieldProblem]:
        """Yield those of ``found`` that hold whatever stood where something was left out, at their places in the file."""
        for each in found:
            path = self._in_file(each.path)
            leans_on = _LEANS_ON.get(str(path[-1]), ()) if path else ()
            if not any(_touch(path, out) or (out[:2] == path[:2] and out[-1] in leans_on) for out in self.left_out):
                yield each._replace(path=path)

    def is_whole(self, path: Path) -> bool:
        """Return whether nothing was left out of the target at ``path`` of :attr:`config`, nor of what all have in common."""
        place = self._in_file(path)[:2]
        return all(out[0] == _TARGETS and not _touch(place, out[:2]) for out in self.left_out)

    def _in_file(self, path: Path) -> Path:
        if len(path) > 1 and path[0] == _TARGETS:
            return (_TARGETS, self.places[cast("int", path[1])], *path[2:])
        return path


def valid_part(raw: object, reading: Reading) -> ValidPart | None:
    """Return what is right in ``raw``, the value of a file as it is written; ``None`` if hardly anything is."""
    left_out: frozenset[Path] = frozenset()
    for _ in range(_TRIES):
        written, places = _without(raw, left_out)
        try:
            return ValidPart(Config.model_validate(merged(written), context=reading), written, left_out, places)
        except ValidationError as error:
            found = [place_of(details["loc"]) for details in error.errors(include_url=False)]
            wrong = {_cut(path, left_out, places) for path in found if path != (_TARGETS,)} or {()}
        if () in wrong:
            return None
        left_out |= wrong
    return None


def _cut(path: Path, left_out: frozenset[Path], places: tuple[int, ...]) -> Path:
    """Return the smallest part around ``path`` that can be left out and is not yet."""
    if path[:1] == (_TARGETS,):
        if len(path) > 1:
            path = (_TARGETS, places[cast("int", path[1])], *path[2:])
        path = path[:5] if path[2:3] == ("collectors",) else path[:3]
    else:
        path = path[:1]
    while path and path in left_out:
        path = path[:-1]
    return path


def _without(raw: object, left_out: frozenset[Path]) -> tuple[dict[str, object], tuple[int, ...]]:
    """Return a copy of ``raw`` without what is at ``left_out``, and the places of the targets that stay."""
    if not isinstance(raw, Mapping):
        return {}, ()
    value: dict[str, Any] = copy.deepcopy(dict(raw))
    targets = value.get(_TARGETS)
    for *around, key in left_out:
        holder: Any = value
        for element in around:
            if isinstance(holder, list) and isinstance(element, int):
                holder = holder[element]
            else:
                holder = holder.get(element) if isinstance(holder, dict) else None
        if isinstance(holder, dict):
            holder.pop(key, None)
    if not isinstance(targets, list):
        return value, ()
    places = tuple(place for place in range(len(targets)) if (_TARGETS, place) not in left_out)
    return value | {_TARGETS: [targets[place] for place in places]}, places


def _touch(one: Path, other: Path) -> bool:
    """Return whether one of two places lies in the other."""
    length = min(len(one), len(other))
    return one[:length] == other[:length]
