"""Which keys there are at a place of a file, and at which other places a key belongs: walked from the models, not listed."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final, NamedTuple, Protocol, cast

from pydantic import BaseModel

from exporter.config.settings import Config
from exporter.errors import ConfigProblem
from exporter.platforms.registry import PLATFORMS
from exporter.platforms.settings import MAY_BE_EMPTY, models_in
from exporter.support.close_matches import respelled
from exporter.support.yaml_source import Path

_TARGETS: Final = "targets"
_OF_RULES: Final = ("discover", "target")


class ConfigSource(Protocol):
    """What is written, and a problem at a place of it; the last ``hidden`` elements of the path are not shown."""

    @property
    def value(self) -> object:
        """The whole value of the files."""
        ...

    def problem(self, path: Path, message: str, fix: str, hidden: int = 0) -> ConfigProblem:
        """Return the problem of the value at ``path``, with its file and line."""
        ...


class Home(NamedTuple):
    """A place where a key may stand: ``inside`` are the keys that lead there from the top, or from a target of ``platform``."""

    platform: str
    inside: tuple[str, ...]


def known_keys(path: Path, source: ConfigSource, root: type[BaseModel]) -> list[str]:
    """Return the keys that may stand at ``path`` in a file that ``root`` describes."""
    return [field.alias or name for model in _models_at(path, source, root) for name, field in model.model_fields.items()]


def example_at(path: Path, source: ConfigSource, root: type[BaseModel]) -> object:
    """Return what may stand at ``path``, as the field says, or at its element of a list; ``None`` where none is told."""
    is_element = isinstance(path[-1], int)
    *around, name = path[:-1] if is_element else path
    fields = [model.model_fields.get(str(name)) for model in _models_at(tuple(around), source, root)]
    examples = [example for field in fields if field is not None for example in field.examples or ()][:1]
    if is_element:
        examples = [element for example in examples if isinstance(example, list) for element in example]
    return examples[0] if examples else None


def named_alone(path: Path, source: ConfigSource, root: type[BaseModel]) -> str:
    """Return how the mapping at ``path`` is written to have its defaults; empty where it has none, or may not be empty."""
    *around, name = path
    fields = [model.model_fields.get(str(name)) for model in _models_at(tuple(around), source, root)]
    if not any(field is not None and MAY_BE_EMPTY in field.metadata for field in fields):
        return ""
    required = [
        key for model in _models_at(path, source, root) for key, field in model.model_fields.items() if field.is_required()
    ]
    if not required:
        return f"{name}: without a value"
    examples = [example_at((*path, key), source, root) for key in required]
    return "" if None in examples else f"{name}: {in_flow(dict(zip(required, examples, strict=True)))}"


def in_flow(value: object) -> str:
    """Return ``value`` as one line of YAML."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {in_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(in_flow, value)) + "]"
    return f'"{value}"' if ":" in str(value) else str(value)


def _models_at(path: Path, source: ConfigSource, root: type[BaseModel]) -> list[type[BaseModel]]:
    """Return what describes the mapping at ``path``."""
    models = [root]
    for index, element in enumerate(path):
        if isinstance(element, int):
            if path[0] == _TARGETS and index == 1:
                platform = PLATFORMS.get(platform_at(path, source))
                models = [platform.settings] if platform is not None else []
            continue
        fields = [model.model_fields[element] for model in models if element in model.model_fields]
        fields = fields or [field for model in models for field in model.model_fields.values() if field.alias == element]
        models = [
            model for field in fields for annotation in (field.annotation, *field.metadata) for model in models_in(annotation)
        ]
    return models


def platform_at(path: Path, source: ConfigSource) -> str:
    """Return the platform of the target around ``path``; empty at the top of the file, and for one that we do not know."""
    target = _value_at(source.value, path[:2]) if len(path) > 1 and path[0] == _TARGETS else None
    name = str(target.get("platform")) if isinstance(target, Mapping) else ""
    return name if name in PLATFORMS else ""


@functools.cache
def homes(root: type[BaseModel]) -> Mapping[str, tuple[Home, ...]]:
    """Return where each key may stand in a file that ``root`` describes."""
    found: dict[str, list[Home]] = {}
    for name, home in _keys_of(root, Home("", ())):
        found.setdefault(name, []).append(home)
    for platform in PLATFORMS.values() if root is Config else ():
        for name, home in _keys_of(platform.settings, Home(platform.name, ())):
            found.setdefault(name, []).append(home)
    return {name: tuple(dict.fromkeys(places)) for name, places in found.items()}


def _keys_of(model: type[BaseModel], home: Home) -> Iterator[tuple[str, Home]]:
    for name, field in model.model_fields.items():
        written = field.alias or name
        yield written, home
        if not home.platform and (written == _TARGETS or (*home.inside, written) == _OF_RULES):
            continue  # each platform's own, which the caller walks
        for annotation in (field.annotation, *field.metadata):
            for inner in models_in(annotation):
                yield from _keys_of(inner, Home(home.platform, (*home.inside, written)))


def elsewhere(name: str, around: Path, platform: str, root: type[BaseModel]) -> str:
    """Return where the key ``name``, which does not belong ``around``, does; empty if nowhere.

    ``platform`` is that of the target around it; at the top of the file it is empty.
    """
    written = respelled(name, homes(root))
    if written is None:
        return ""
    spelt = "" if written == name else f", as {written}"
    known = homes(root)[written]
    at_top = {home.inside for home in known if not home.platform}
    if around and () in at_top:
        return f"move it to the top level of the file{spelt}"
    in_target = around[:1] == (_TARGETS,) and len(around) > 1
    of_target = {home.inside for home in known if home.platform and platform in ("", home.platform)}
    if of_target and around == ("defaults",) and not (() in of_target and _is_own(written)):
        return f"move it to defaults.{'.'.join(('<platform>', *min(of_target)))}{spelt}"
    if of_target:
        return _within_target(written, of_target, in_target=in_target) + spelt
    if in_target and (others := sorted({home.platform for home in known if home.platform})):
        return f"remove it: it is a {'collector' if around[-1] == 'collectors' else 'key'} of platform {others[0]}{spelt}"
    return f"{_beside(around, at_top)}{spelt}" if at_top else ""


def _beside(around: Path, inside: AbstractSet[tuple[str, ...]]) -> str:
    """Return where a key belongs that stands ``around``: to name the place where it stands would not help."""
    siblings = sorted(place[-1] for place in inside if around and place[:-1] == around[:-1])
    if len(inside) == 1 or not siblings:
        return f"move it to {_common(inside)}"
    return f"remove it: only {', '.join(siblings[:-1])}{' and ' if siblings[1:] else ''}{siblings[-1]} take it"


def _is_own(name: str) -> bool:
    """Return whether each target has a value of its own for this key, so that no default can stand for it."""
    return any(name in platform.settings.OWN for platform in PLATFORMS.values())


def _within_target(name: str, inside: AbstractSet[tuple[str, ...]], *, in_target: bool) -> str:
    before = "" if in_target else "targets[]."
    if () in inside:
        return "move it to the target itself, beside platform" if in_target else f"move it to a target: {before}{name}"
    if len(inside) > 1 and all(place[0] == "collectors" for place in inside):
        return f"move it to a collector: {before}collectors.<name>.{name}"
    return f"move it to {before}{_common(inside)}"


def _common(inside: AbstractSet[tuple[str, ...]]) -> str:
    """Return the one place, or what several have in common with ``<name>`` for the rest."""
    first = min(inside, key=lambda place: (len(place), place))
    return ".".join(first) if len(inside) == 1 else ".".join((*first[:-1], "<name>"))


def _value_at(value: object, path: Path) -> object:
    for element in path:
        is_there = isinstance(value, Mapping) and element in value
        is_item = isinstance(value, list) and isinstance(element, int) and element < len(value)
        if not is_there and not is_item:
            return None
        value = cast("Any", value)[element]
    return value
