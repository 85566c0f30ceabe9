"""What stands once for all targets, put into each of them before it is validated: so one model of a target is enough."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from exporter.config.settings import DEFAULT_WINDOWS
from exporter.fields.kinds import is_window_name, mapping_of
from exporter.platforms.registry import PLATFORMS
from exporter.platforms.settings import CollectorSettings, models_in

_TARGETS: Final = "targets"
_RULES: Final = "discover"


def merged(top: object) -> object:
    """Return the raw value of a file with time zone, windows and collectors filled into each target that leaves them out.

    What a rule of ``discover`` says of its targets is one target more.

    Nothing is copied that is not a mapping, and no path changes, so a problem is reported where the user wrote it.
    """
    if not isinstance(top, Mapping):
        return top
    zone = top.get("timezone")
    shared = {"timezone": zone} if _is_zone(zone) else {}
    names = _names(top.get("windows"))
    given = {key: value for key, value in top.items() if value is not None or key != "windows"}
    if isinstance(targets := top.get(_TARGETS), list):
        given[_TARGETS] = [_target(target, shared, names) for target in targets]
    if isinstance(rules := top.get(_RULES), list):
        given[_RULES] = [_rule(rule, shared, names) for rule in rules]
    return given


def _rule(rule: object, shared: Mapping[str, object], names: Sequence[str]) -> object:
    raw = mapping_of(rule)
    template, platform = raw.get("target"), PLATFORMS.get(str(raw.get("platform")))
    if platform is None or platform.discoverer is None:
        return (
            {key: value for key, value in raw.items() if key != "target"} if raw else rule
        )  # judged once the platform is right
    if template is not None and not isinstance(template, Mapping):
        return rule
    whole = {**mapping_of(template), "name": "site", "platform": platform.name}
    return {**raw, "target": _target(whole, shared, names)}


def _target(target: object, shared: Mapping[str, object], names: Sequence[str]) -> object:
    raw = mapping_of(target)
    platform = PLATFORMS.get(str(raw.get("platform")))
    if platform is None:
        return target
    collectors = dict(_collectors(platform.settings))
    written = raw.get("collectors")
    chosen = dict.fromkeys(collectors) if written is None else written
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


def _collectors(target: type[BaseModel]) -> Iterator[tuple[str, type[CollectorSettings]]]:
    (collectors,) = models_in(target.model_fields["collectors"].annotation)
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
