"""What is wrong between fields that may each be right.

These checks run on the raw values, however broken the rest is, so that everything is reported at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, cast
from zoneinfo import ZoneInfo

from exporter.config.input import DEFAULT_WINDOWS
from exporter.counting.windows import WindowError, WindowSpec
from exporter.errors import Problem
from exporter.fields.kinds import shown
from exporter.model import PlatformName
from exporter.support.yaml_source import Path, Source, show_path

_API_KEY_MODE: Final = ("site_id", "api_key")
_APP_MODE: Final = ("app_id", "app_secret", "instance_id")


def sense_problems(source: Source) -> Iterator[Problem]:
    """Yield what is wrong between fields that may each be right."""
    top = _mapping(source.value)
    for path, message, fix in _sense(top):
        yield Problem(show_path(path), message, fix, line=source.line(path))


_Finding = tuple[Path, str, str]


def _sense(top: Mapping[str, object]) -> Iterator[_Finding]:
    windows = _list(top.get("windows"))
    named = [_mapping(window).get("name") for window in windows] or [window.name for window in DEFAULT_WINDOWS]
    names = frozenset(name for name in named if isinstance(name, str))
    zone = _zone(top.get("timezone"), ZoneInfo("UTC"))
    yield from _repeated(("windows",), windows, "window")
    yield from _empty_windows(("windows",), windows, zone)
    targets = _list(top.get("targets"))
    yield from _repeated(("targets",), targets, "target")
    for index, target in enumerate(targets):
        settings, path = _mapping(target), ("targets", index)
        if settings.get("platform") == PlatformName.WIX:
            yield from _wix(settings, path)
        elif settings.get("platform") == PlatformName.BITRIX24:
            yield from _bitrix24(settings, path)
        for name, collector in _mapping(settings.get("collectors")).items():
            where = (*path, "collectors", name)
            yield from _collector(_mapping(collector), where, names)
            own = _list(_mapping(collector).get("windows"))
            yield from _empty_windows((*where, "windows"), own, _zone(settings.get("timezone"), zone))
        if "collectors" in settings and settings["collectors"] == {}:
            yield (*path, "collectors"), "names no collector", "add one, or remove the key to run all"


def _wix(target: Mapping[str, object], path: Path) -> Iterator[_Finding]:
    key_mode = [name for name in _API_KEY_MODE if target.get(name) is not None]
    app_mode = [name for name in _APP_MODE if target.get(name) is not None]
    if not key_mode and not app_mode:
        yield path, "has no credential", "add site_id and api_key, or app_id, app_secret and instance_id"
    elif "api_key" in key_mode and app_mode:
        yield (*path, app_mode[0]), "two ways to log in: api_key and an app", "keep api_key and site_id, or the three app keys"
    elif app_mode:
        if key_mode:
            fix = "remove site_id: the instance id of an app already names the site"
            yield (*path, "site_id"), "does not go together with an app", fix
        for name in sorted(set(_APP_MODE) - set(app_mode)):
            yield path, f"{name} is missing", f"add {name}: an app needs app_id, app_secret and instance_id"
    else:
        for name in sorted(set(_API_KEY_MODE) - set(key_mode)):
            yield path, f"{name} is missing", f"add {name}: an API key works on one site, named by site_id"
    yield from _shared_aliases(target, path)


def _shared_aliases(target: Mapping[str, object], path: Path) -> Iterator[_Finding]:
    aliases = _mapping(target.get("aliases"))
    uses = Counter(alias for alias in aliases.values() if isinstance(alias, str))
    for schedule, alias in aliases.items():
        if isinstance(alias, str) and uses[alias] > 1:
            yield (*path, "aliases", schedule), f"{shown(alias)} is the alias of several schedules", "give each its own"


def _bitrix24(target: Mapping[str, object], path: Path) -> Iterator[_Finding]:
    webhook, oauth = target.get("webhook_url") is not None, target.get("oauth") is not None
    if webhook and oauth:
        yield (*path, "oauth"), "two ways to log in: webhook_url and oauth", "keep one of them"
    elif not webhook and not oauth:
        yield path, "has no credential", "add webhook_url, or oauth with client_id, client_secret and token_file"


def _collector(settings: Mapping[str, object], path: Path, windows: frozenset[str]) -> Iterator[_Finding]:
    known = f"use one of {', '.join(sorted(windows))}, or add it to windows" if windows else "add it to windows"
    if settings.get("window") is not None and settings.get("windows") is not None:
        yield (*path, "windows"), "both window and windows are given", "keep one of them"
    name = settings.get("window")
    if isinstance(name, str) and name not in windows:
        yield (*path, "window"), f"there is no window {shown(name)}", known
    choices = _list(settings.get("windows"))
    for index, choice in enumerate(choices):
        if isinstance(choice, str) and choice not in windows:
            yield (*path, "windows", index), f"there is no window {shown(choice)}", known
    yield from _repeated((*path, "windows"), choices, "window")


def _zone(name: object, otherwise: ZoneInfo) -> ZoneInfo:
    try:
        return ZoneInfo(name) if isinstance(name, str) else otherwise
    except (KeyError, OSError, ValueError):
        return otherwise  # reported where it stands


def _empty_windows(path: Path, windows: list[object], zone: ZoneInfo) -> Iterator[_Finding]:
    for index, window in enumerate(windows):
        start, end = (_mapping(window).get(key) for key in ("from", "to"))
        if not (isinstance(start, str) and isinstance(end, str)):
            continue
        try:
            spec = WindowSpec("", start, end)
        except WindowError:
            continue  # reported where it stands
        try:
            spec.check(zone)
        except WindowError as error:
            yield (*path, index), error.problem, error.fix


def _repeated(path: Path, values: Iterable[object], what: str) -> Iterator[_Finding]:
    first: dict[str, Path] = {}
    for index, value in enumerate(values):
        name, where = (
            (value, (*path, index)) if isinstance(value, str) else (_mapping(value).get("name"), (*path, index, "name"))
        )
        if not isinstance(name, str):
            continue
        if name in first:
            yield where, f"{shown(name)} is also {show_path(first[name])}", f"give each {what} its own name"
        else:
            first[name] = where


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
