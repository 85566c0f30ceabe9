"""What stands once for many targets, put into each of them before it is validated: so one model of a target is enough.

``defaults`` are filled into the targets of a platform, time zone, windows and collectors into all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, get_origin
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from exporter.config.load_cache import CachedTarget
from exporter.config.settings import DEFAULT_WINDOWS
from exporter.fields.kinds import is_window_name, mapping_of
from exporter.platforms.registry import PLATFORMS
from exporter.platforms.settings import MAY_BE_EMPTY, Collectors, CollectorSettings, models_in

_TARGETS: Final = "targets"
_EXTENSION: Final = "x-"
_RULES: Final = "discover"


def merged(top: object, made: Mapping[int, CachedTarget] = MappingProxyType({})) -> object:
    """Return the raw value of a file with time zone, windows and collectors filled into each target that leaves them out.

    What a rule of ``discover`` says of its targets is one target more. Nothing is copied that is not a mapping, and no path
    changes, so a problem is reported where the user wrote it. In the places of targets that were ``made`` before stand those.
    """
    if not isinstance(top, Mapping):
        return top
    zone = top.get("timezone")
    shared = {"timezone": zone} if _is_zone(zone) else {}
    names = _names(top.get("windows"))
    given = {key: value for key, value in top.items() if value is not None or key != "windows"}
    if isinstance(targets := top.get(_TARGETS), list):
        given[_TARGETS] = [made.get(index) or _target(target, shared, names) for index, target in enumerate(targets)]
    if isinstance(rules := top.get(_RULES), list):
        given[_RULES] = [_rule(rule, shared, names) for rule in rules]
    return given


def _rule(rule: object, shared: Mapping[str, object], names: Sequence[str]) -> object:
    raw = mapping_of(rule)
    template, platform = raw.get("target"), PLATFORMS.get(str(raw.get("platform")))
    if platform is None or platform.discoverer is None:
        # What its targets have in common is judged once the platform is right.
        return {key: value for key, value in raw.items() if key != "target"} if raw else rule
    if template is not None and not isinstance(template, Mapping):
        return rule
    whole = {**mapping_of(template), "name": "site", "platform": platform.name}
    return {**raw, "target": _target(whole, shared, names)}


def without_extensions(written: Mapping[str, object]) -> Mapping[str, object]:
    """Return ``written`` without the keys that are nobody's (``x-…``): what stands there is for anchors."""
    if any(key.startswith(_EXTENSION) for key in written):
        return {key: value for key, value in written.items() if not key.startswith(_EXTENSION)}
    return written


def filled(written: Mapping[str, object], defaults: Mapping[str, object], model: type[BaseModel]) -> dict[str, object]:
    """Return ``written`` with what it leaves out taken from ``defaults``; both are raw mappings that ``model`` describes.

    Mappings are filled key by key, except that a secret is one value. What is written wins, be it a list or nothing. Which
    collectors run is the target's to say: defaults of one that does not run mean nothing.
    """
    whole = dict(written)
    for key, value in defaults.items():
        field = model.model_fields.get(key)
        inner = next(models_in(field.annotation), None) if field else None
        own = whole.get(key)
        if inner is not None and issubclass(inner, Collectors) and isinstance(value, Mapping):
            chosen = inner.by_default() if own is None else own
            if isinstance(chosen, Mapping):
                of_chosen = {name: value[name] for name in chosen if name in value}
                whole[key] = filled(chosen, of_chosen, inner)
        elif key not in whole:
            whole[key] = value
        elif isinstance(value, Mapping) and field is not None:
            if own is None and MAY_BE_EMPTY in field.metadata:
                own = {}
            if isinstance(own, Mapping) and inner is not None:
                whole[key] = filled(own, value, inner)
            elif isinstance(own, Mapping) and get_origin(field.annotation) is dict:
                whole[key] = {**value, **own}
    return whole


def _target(target: object, shared: Mapping[str, object], names: Sequence[str]) -> object:
    raw = mapping_of(target)
    platform = PLATFORMS.get(str(raw.get("platform")))
    if platform is None:
        return target
    known = collectors_of(platform.settings)
    collectors = dict(_collectors(known))
    written = raw.get("collectors")
    chosen = known.by_default() if written is None else written
    if isinstance(chosen, Mapping):
        chosen = {
            name: _collector(value, collectors[name], names) if name in collectors else value for name, value in chosen.items()
        }
    return {
        **shared,
        **{key: value for key, value in raw.items() if value is not None or key != "timezone"},
        "collectors": chosen,
    }


def _collector(value: object, model: type[CollectorSettings], names: Sequence[str]) -> object:
    if value is not None and not isinstance(value, Mapping):
        return value
    written = mapping_of(value)
    if written.get("windows") is not None:
        return written
    windows = {"windows": list(model.windows_by_default(written, names))} if names else {}
    return {key: value for key, value in written.items() if key != "windows"} | windows


def collectors_of(target: type[BaseModel]) -> type[Collectors]:
    """Return the model of the collectors of targets of the model ``target``."""
    return next(model for model in models_in(target.model_fields["collectors"].annotation) if issubclass(model, Collectors))


def _collectors(collectors: type[Collectors]) -> Iterator[tuple[str, type[CollectorSettings]]]:
    for name, field in collectors.model_fields.items():
        for model in models_in(field.annotation):
            if issubclass(model, CollectorSettings):
                yield name, model


def _names(windows: object) -> list[str]:
    """Return the names of the windows at the top of the file, those of windows with a broken bound included."""
    if windows is None:
        return [window.name for window in DEFAULT_WINDOWS]
    rows = windows if isinstance(windows, list) else []
    return [name for row in rows if isinstance(name := mapping_of(row).get("name"), str) and is_window_name(name)]


def _is_zone(name: object) -> bool:
    try:
        return isinstance(name, str) and bool(ZoneInfo(name).key)
    except (KeyError, OSError, ValueError):
        return False  # reported where it stands
