"""pydantic's errors about single fields, in our words: where it is, what is wrong, how to mend it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from math import isfinite
from pathlib import Path as FilePath
from typing import Any, Final, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from exporter.config.settings import Config
from exporter.errors import Problem
from exporter.fields.kinds import REPORTED_ELSEWHERE, kind, shown
from exporter.platforms.registry import PLATFORMS
from exporter.platforms.settings import models_in
from exporter.support.yaml_source import UNREADABLE, Path, Source, show_path, showable_key

# Words that people bring from elsewhere, besides those of the platforms; close matches are found without this list.
_MISNOMERS: Final[Mapping[str, str]] = {
    "tz": "write timezone",
    "scrape_interval": "write interval, under collectors.<name>",
    "start": "write from",
    "end": "write to",
    "modules": "write collectors",
    "ca_file": "it belongs to tls",
    "tls_config": "write tls",
    "insecure_skip_verify": "certificates are always checked; name the CA's file in tls.ca_file",
    "proxy_url": "write proxy",
    "max_bookings": "it belongs to collectors.bookings; links keeps to it, too",
}


def problems_of_file(problems: Iterable[Problem], path: FilePath) -> list[Problem]:
    """Return the problems of the file ``path`` as it has them, one for each place and message, its name in each."""
    unique = {(problem.path, problem.message): replace(problem, file=str(path)) for problem in problems}
    return sorted(unique.values(), key=lambda problem: problem.line or 0)


def field_problems(error: ValidationError, source: Source, root: type[BaseModel] = Config) -> Iterator[Problem]:
    """Translate what pydantic found in single fields of a file that ``root`` describes."""
    for details in error.errors(include_url=False):
        if details["type"] == "too_short" and details["input"]:
            continue  # its elements are wrong, and each is reported
        if details["input"] is UNREADABLE or details["type"] == REPORTED_ELSEWHERE:
            continue
        path = tuple(element for index, element in enumerate(details["loc"]) if not _is_tag(details["loc"], index))
        yield _problem(details, path, source, root)


def _is_tag(loc: Path, index: int) -> bool:
    # pydantic puts the branch of a union into the path: the platform, and how an element of `windows` was read.
    is_platform = index == 2 and loc[0] == "targets"  # noqa: PLR2004  targets, position, platform
    return loc[index] in (PLATFORMS if is_platform else ("<name>", "<window>"))


def _problem(details: ErrorDetails, path: Path, source: Source, root: type[BaseModel]) -> Problem:
    if details["type"] == "config":
        message, fix = str(details["ctx"]["message"]), str(details["ctx"]["fix"])
    elif details["type"] == "extra_forbidden":
        return _unknown_key(path, source, root)
    elif details["type"] == "invalid_key" or path[-1:] == ("[key]",):
        message, fix = "a key is not text", "put it in quotes"
    else:
        message, fix = _standard(details, path, root)
    if path[-1:] == ("[key]",):
        path = path[:-1]
        if not showable_key(path[-1]):
            path = path[:-1]
    line = source.line(path)
    if path[-2:-1] == ("labels",) and not showable_key(path[-1]):  # `labels: {CREDENTIAL}` is a label without a value
        path = path[:-1]
    return Problem(show_path(path), message, fix, line=line)


_WANTED: Final[Mapping[str, tuple[str, str]]] = {
    "string_type": ("text", "put it in quotes"),
    "bool_type": ("true or false", "write true or false, without quotes"),
    "list_type": ("a list", "write [a, b], or one line with - for each"),
    "tuple_type": ("a list", "write [a, b], or one line with - for each"),
    "frozen_set_type": ("a list", "write [a, b], or one line with - for each"),
    "dict_type": ("a mapping", "write {key: value}, or one line with key: value for each"),
    "model_type": ("a mapping", "write {key: value}, or one line with key: value for each"),
    "model_attributes_type": ("a mapping", "write {key: value}, or one line with key: value for each"),
}
_NUMBERS: Final[Mapping[str, str]] = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
}
_BOUNDS: Final[Mapping[str, tuple[str, str, str]]] = {
    "greater_than": ("must be more than", "gt", "write more than {}"),
    "greater_than_equal": ("must be at least", "ge", "write {} or more"),
    "less_than": ("must be less than", "lt", "write less than {}"),
    "less_than_equal": ("must be at most", "le", "write {} or less"),
}
_NUMBER: Final = re.compile(r"([-+]?\d{1,12}(?:[.,]\d{1,12})?(?:[eE][-+]?\d{1,2})?) ?(%?)", re.ASCII)


def _either(words: Iterable[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


_FINITE: Final = ("must be a finite number", "write it in digits")

_PLAIN: Final[Mapping[str, tuple[str, str]]] = {
    "union_tag_not_found": ("the platform is missing", f"add {_either(f'platform: {name}' for name in PLATFORMS)}"),
    "missing": ("is missing", "add it"),
    "too_short": ("is an empty list", "add something, or remove the key"),
    "too_long": ("has too many entries", "remove some"),
    "string_too_short": ("is empty", "give it a value, or remove the key"),
    "string_too_long": ("is too long", "shorten it"),
    "finite_number": _FINITE,
}


def _standard(details: ErrorDetails, path: Path, root: type[BaseModel]) -> tuple[str, str]:
    name, value, context = details["type"], details["input"], details.get("ctx", {})
    if root is Config and path == ("targets",) and (name in ("missing", "too_short") or value is None):
        return "there are no targets", "add targets, with at least one"
    if name in _WANTED:
        wanted, fix = _WANTED[name]
        return _empty(wanted) if value is None else (f"must be {wanted}, not {kind(value)}", fix)
    if name in _NUMBERS or name in _BOUNDS:
        return _of_number(name, value, context)
    if name == "literal_error":
        message = "is empty" if value is None else f"must be text, not {kind(value)}"
        message = f"{shown(value)} is not allowed" if isinstance(value, str) else message
        return message, f"write {context['expected'].replace(chr(39), '')}"
    if name == "union_tag_invalid":
        return f"{shown(context['tag'])} is not a platform", f"write {_either(PLATFORMS)}"
    return _PLAIN.get(name, ("cannot be used", "see docs/configuration.md"))


def _empty(wanted: str) -> tuple[str, str]:
    return "is empty", f"give it a value, or remove the key; it is {wanted}"


def _of_number(name: str, value: Any, context: Mapping[str, Any]) -> tuple[str, str]:  # noqa: ANN401  what stands in the file
    """Return what is wrong with a number, or with what stands in the place of one."""
    if isinstance(value, float) and not isfinite(value):
        return _FINITE
    if name in _NUMBERS:
        return _no_number(_NUMBERS[name], value)
    words, bound, fix = _BOUNDS[name]
    limit = f"{context[bound]:.15g}"
    is_percentage = name == "less_than" and limit == "1" and value <= 100  # noqa: PLR2004  per cent
    more = f"; {value / 100:.15g} is {value:.15g} %" if is_percentage else ""
    return f"{words} {limit}, not {value:.15g}", fix.format(limit) + more


def _no_number(wanted: str, value: object) -> tuple[str, str]:
    """Return what is wrong with a value that is not the number that is ``wanted``, and the number that is probably meant."""
    if value is None:
        return _empty(wanted)
    if not isinstance(value, (str, float)):
        return f"must be {wanted}, not {kind(value)}", "write it in digits"
    found = _NUMBER.fullmatch(value) if isinstance(value, str) else None
    meant = float(found[1].replace(",", ".")) / (100 if found[2] else 1) if found else 0.0
    is_usable = found is not None and isfinite(meant) and (wanted == "a number" or meant.is_integer())
    shown_value = shown(value) if isinstance(value, str) else f"{value:.15g}"
    as_meant = f"write {meant:.15g}" + ("" if found and found[2] else ", without quotes")
    otherwise = "write it without a fraction" if found or isinstance(value, float) else "write it in digits"
    return f"{shown_value} is not {wanted}", as_meant if is_usable else otherwise


def _misnomer(name: str) -> str:
    """Return how a key that people bring from elsewhere is written here; empty for one that we do not know."""
    fixes = [fix for platform in PLATFORMS.values() if (fix := platform.misnomers.get(name))]
    return _either([*fixes[:1], *(fix.removeprefix("write ") for fix in fixes[1:])]) if fixes else _MISNOMERS.get(name, "")


def _unknown_key(path: Path, source: Source, root: type[BaseModel]) -> Problem:
    key, around = path[-1], path[:-1]
    name = showable_key(key)
    line = source.line(path)
    known = _known_keys(around, source, root)
    use = f"use one of {', '.join(known)}"
    if name is None:
        return Problem(show_path(around), "unknown key, which is not shown", use, line=line)
    near = get_close_matches(name.lower(), known, n=1, cutoff=0.7)
    if near:
        fix = f"did you mean {near[0]}?"
    elif root is Config and (misnomer := _misnomer(name)):
        fix = misnomer
    elif elsewhere := _belongs(name, around, root):
        fix = elsewhere
    else:
        fix = use
    what = "unknown key"
    if around[-1:] == ("collectors",):
        what = f"not a collector of platform {_platform(around, source)}"
    return Problem(show_path(path), what, fix, line=line)


def _belongs(name: str, around: Path, root: type[BaseModel]) -> str:
    if around and name in root.model_fields:
        return "it stands at the top of the file"
    if root is not Config:
        return ""
    for platform in PLATFORMS.values():
        if len(around) == 2 and around[0] == "targets" and name in platform.settings.model_fields:  # noqa: PLR2004  targets, position
            return f"it is a key of platform {platform.name}"
    if len(around) == 2 and name in ("interval", "max_age", "windows", "window", "conflicts", "count", "statuses"):  # noqa: PLR2004
        return f"it belongs to a collector: collectors.<name>.{name}"
    return ""


def _platform(path: Path, source: Source) -> str:
    target = _value_at(source.value, path[:2])
    return str(target.get("platform")) if isinstance(target, Mapping) else ""


def _known_keys(path: Path, source: Source, root: type[BaseModel]) -> list[str]:
    models = [root]
    for index, element in enumerate(path):
        if isinstance(element, int):
            if path[0] == "targets" and index == 1:
                platform = PLATFORMS.get(_platform(path, source))
                models = [platform.settings] if platform is not None else []
            continue
        fields = [model.model_fields[element] for model in models if element in model.model_fields]
        fields = fields or [field for model in models for field in model.model_fields.values() if field.alias == element]
        models = [
            model for field in fields for annotation in (field.annotation, *field.metadata) for model in models_in(annotation)
        ]
    return [field.alias or name for model in models for name, field in model.model_fields.items()]


def _value_at(value: object, path: Path) -> object:
    for element in path:
        is_there = isinstance(value, Mapping) and element in value
        is_item = isinstance(value, list) and isinstance(element, int) and element < len(value)
        if not is_there and not is_item:
            return None
        value = cast("Any", value)[element]
    return value
