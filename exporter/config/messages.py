"""pydantic's errors about single fields, in our words: where it is, what is wrong, how to mend it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import isfinite
from pathlib import Path as FilePath
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from exporter.config.keys import ConfigSource, elsewhere, example_at, homes, in_flow, known_keys, named_alone, platform_at
from exporter.config.settings import Config
from exporter.errors import ConfigProblem
from exporter.fields.kinds import REPORTED_ELSEWHERE, kind, mapping_of, shown
from exporter.platforms.registry import PLATFORMS
from exporter.support.close_matches import close_match, respelled
from exporter.support.redaction import is_plain_text, redact
from exporter.support.yaml_source import ODD_BLANKS, UNREADABLE, Path, showable_key

# Words that people bring from elsewhere, besides those of the platforms; close matches are found without this list.
_MISNOMERS: Final[Mapping[str, str]] = {
    "tz": "write timezone",
    **dict.fromkeys(
        ("scrape_interval", "poll_interval", "every", "period", "frequency"), "write interval, under collectors.<name>"
    ),
    **dict.fromkeys(("sites", "accounts", "portals", "salons", "customers"), "write targets"),
    **dict.fromkeys(("type", "provider", "kind"), "write platform"),
    **dict.fromkeys(("thresholds", "severities", "alerts"), "write verdicts"),
    **dict.fromkeys(("enabled", "disabled"), "write paused: true in a target that should not be polled"),
    "reason": "write why",
    "start": "write from",
    "end": "write to",
    "modules": "write collectors",
    "tls_config": "write tls",
    "insecure_skip_verify": "certificates are always checked; name the CA's file in tls.ca_file",
    "proxy_url": "write proxy",
    "max_bookings": "move it to collectors.bookings; it applies to links, too",
}


# What people call the kinds of the table of verdicts.
_VERDICTS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("double_booking", "double_bookings", "overlap", "overlaps", "overlapping_bookings"), "conflict"),
    **dict.fromkeys(("token_revoked", "error", "errors"), "connection_error"),
    **dict.fromkeys(("provider_down", "provider"), "provider_failing"),
    **dict.fromkeys(("disconnected", "connection_lost"), "connection_disconnected"),
    **dict.fromkeys(("stuck", "sync_stuck"), "connection_stuck"),
    **dict.fromkeys(("all_down", "down", "all_connections_down"), "connections_down"),
    **dict.fromkeys(("unlinked", "lost_crm_link"), "unlinked_bookings"),
    **dict.fromkeys(("intake", "intake_stopped", "no_bookings"), "intake_silent"),
    **dict.fromkeys(("overdue", "late"), "poll_overdue"),
    **dict.fromkeys(("expiry", "credential", "token_expiry"), "credential_expiry"),
    **dict.fromkeys(("budget", "throttled"), "budget_spent"),
}


def problems_of_file(problems: Iterable[ConfigProblem], path: FilePath) -> list[ConfigProblem]:
    """Return ``problems`` as the files have them, one for each place and message; ``path`` is the file of most."""
    placed = (replace(problem, file=problem.file or str(path)) for problem in problems)
    unique = {(problem.file, problem.path, problem.message, problem.fix): problem for problem in placed}
    return sorted(_causes([*unique.values()]), key=lambda problem: (problem.file, problem.line or 0))


def _causes(problems: Sequence[ConfigProblem]) -> Iterator[ConfigProblem]:
    """Yield ``problems`` without those that only follow from a misspelt key: what it should have given is not missing, too."""
    meant = {
        (problem.file, problem.path.rpartition(".")[0], found[1])
        for problem in problems
        if problem.message == _UNKNOWN and (found := _DID_YOU_MEAN.fullmatch(problem.fix))
    }
    for problem in problems:
        around, _, key = problem.path.rpartition(".")
        follows = problem.message in _MISSING and (problem.file, around, key) in meant
        follows |= problem.message.endswith(_MISSING_THERE) and any(
            (file, there) == (problem.file, problem.path) and re.search(rf"\b{name}\b", problem.fix)
            for file, there, name in meant
        )
        if not follows:
            yield problem


_UNKNOWN: Final = "unknown key"
_NO_TARGETS: Final = "there are no targets"
_DID_YOU_MEAN: Final = re.compile(r"did you mean (\w+)\?")
_MISSING: Final = ("is missing", _NO_TARGETS)
_MISSING_THERE: Final = ("is missing", "has no credential")


def field_problems(error: ValidationError, source: ConfigSource, root: type[BaseModel] = Config) -> Iterator[ConfigProblem]:
    """Translate what pydantic found in single fields of a file that ``root`` describes."""
    for details in error.errors(include_url=False):
        if details["type"] == "too_short" and details["input"]:
            continue  # its elements are wrong, and each is reported
        if details["input"] is UNREADABLE or details["type"] == REPORTED_ELSEWHERE:
            continue
        path = place_of(details["loc"])
        yield from _problems(details, path, source, root)


def place_of(loc: Path) -> Path:
    """Return where in the file that is what pydantic calls ``loc``."""
    return tuple(element for index, element in enumerate(loc) if not _is_tag(loc, index))


def _is_tag(loc: Path, index: int) -> bool:
    # pydantic puts the branch of a union into the path: the platform, and how an element of `windows` was read.
    is_platform = index == 2 and loc[0] == "targets"  # noqa: PLR2004  targets, position, platform
    return loc[index] in (PLATFORMS if is_platform else ("<name>", "<window>"))


def _problems(details: ErrorDetails, path: Path, source: ConfigSource, root: type[BaseModel]) -> Iterator[ConfigProblem]:
    first = _problem(details, path, source, root)
    yield first
    if details["type"] == "config":
        yield from (replace(first, message=message, fix=fix) for message, fix in details["ctx"].get("more", ()))


def _problem(details: ErrorDetails, path: Path, source: ConfigSource, root: type[BaseModel]) -> ConfigProblem:
    if details["type"] == "config":
        message, fix = str(details["ctx"]["message"]), str(details["ctx"]["fix"])
    elif details["type"] == "extra_forbidden":
        return _unknown_key(path, source, root)
    elif details["type"] == "invalid_key" or path[-1:] == ("[key]",):
        message, fix = "a key is not text", "put it in quotes"
    else:
        message, fix = _standard(details, path, root)
        example = example_at(path, source, root) if path else None
        is_listed = isinstance(example, Mapping) and isinstance(details["input"], list)
        is_listed = is_listed and not any(isinstance(inner, Mapping) for inner in details["input"])
        is_list_of_mappings = isinstance(example, list) and all(isinstance(inner, Mapping) for inner in example)
        needs_it = fix in _NEEDS_AN_EXAMPLE or is_listed
        if (needs_it and example is not None) or (is_list_of_mappings and isinstance(details["input"], str)):
            fix = f"write {path[-1]}: {in_flow(example)}" if isinstance(path[-1], str) else f"write {in_flow(example)}"
        if details["type"] == "model_type" and isinstance(details["input"], bool):
            fix = _switch(details["input"], path, source, root) or fix
        if details["type"] == "union_tag_not_found":
            written = [str(key) for key in mapping_of(details["input"]) if showable_key(key) and close_match(key, ["platform"])]
            fix = f"did you mean platform, where {written[0]} stands?" if written else fix
    if path[-1:] == ("[key]",):
        path = path[:-1]
        if not showable_key(path[-1]):
            path = path[:-1]
    # `labels: {CREDENTIAL}` is a label without a value
    hidden = 1 if path[-2:-1] == ("labels",) and not showable_key(path[-1]) else 0
    return source.problem(path, message, fix, hidden)


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
_NEEDS_AN_EXAMPLE: Final = frozenset({"add it", _WANTED["model_type"][1]})
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
    "string_too_short": ("is empty", "give it a value, or remove the key"),
    "string_too_long": ("is too long", "shorten it"),
    "finite_number": _FINITE,
}


def _standard(details: ErrorDetails, path: Path, root: type[BaseModel]) -> tuple[str, str]:
    name, value, context = details["type"], details["input"], details.get("ctx", {})
    if root is Config and path == ("targets",) and (name in ("missing", "too_short") or value is None):
        return _NO_TARGETS, "add targets: with at least one target"
    if name in _WANTED:
        wanted, fix = _WANTED[name]
        if not path and root is Config:
            fix = "write targets: above the list" if isinstance(value, list) else "begin it with targets: and a list of them"
        said = f"must be {wanted}, not {kind(value)}", (_in_another_form(wanted, value, path) if path else "") or fix
        return _empty(wanted) if value is None else said
    if name in _NUMBERS or name in _BOUNDS:
        return _of_number(name, value, context)
    match name:
        case "too_long":
            found = _too_many(context["max_length"], context["actual_length"])
        case "literal_error":
            found = _none_of(re.findall("'([^']*)'", context["expected"]), value, "allowed")
        case "union_tag_invalid":
            found = _none_of(list(PLATFORMS), context["tag"], "a platform")
        case _:
            found = _PLAIN.get(name, ("cannot be used", "see docs/configuration.md"))
    return found


def _none_of(words: Sequence[str], value: object, what: str) -> tuple[str, str]:
    """Return what is wrong with a value that is none of ``words``, and the one that is probably meant."""
    if not isinstance(value, str):
        return "is empty" if value is None else f"must be text, not {kind(value)}", f"write {_either(words)}"
    return f"{shown(value)} is not {what}", _meant(close_match(value, words)) or f"write {_either(words)}"


def _switch(on: bool, path: Path, source: ConfigSource, root: type[BaseModel]) -> str:
    """Return what to write where a mapping is switched on or off like a flag; empty where nothing special is."""
    if not on:
        return "remove it, and name the collectors that should run" if path[-2:-1] == ("collectors",) else ""
    alone = named_alone(path, source, root) if path else ""
    return f"write {alone}" if alone else ""


def _in_another_form(wanted: str, value: object, path: Path) -> str:
    """Return how what stands in the file becomes what is ``wanted``, in its own words; empty where that is nothing special."""
    if wanted == "a list" and isinstance(value, Mapping):
        names = [name for name, inner in value.items() if isinstance(inner, Mapping)]
        if names and len(names) == len(value):
            example = showable_key(names[0]) or "NAME"
            with_names = f"write each as an element that starts with - name: {example}, its keys below"
            return with_names if path[-1] in ("targets", "windows") else ""
        return "put - in front of its first key, and indent the others as much"
    if wanted == "a list" and isinstance(value, (str, int)) and not isinstance(value, bool):
        return f"write it in brackets: [{value}]" if is_plain_text(str(value)) and redact(str(value)) == str(value) else ""
    if wanted == "a mapping" and isinstance(value, list) and value:
        if all(isinstance(inner, Mapping) for inner in value):
            return "leave the - out"
        key = showable_key(value[0]) if isinstance(value[0], str) else None
        return f"write each as a key with its value, without -, such as {key}:" if key else ""
    return ""


def _empty(wanted: str) -> tuple[str, str]:
    return "is empty", f"give it a value, or remove the key; it is {wanted}"


def _too_many(most: int, there: int | None) -> tuple[str, str]:
    """Return what is wrong with a list that is too long; pydantic stops counting some of them at the first that is too much."""
    if there is None:
        return f"has too many entries: at most {most}", "remove some"
    return f"has too many entries: at most {most}, not {there}", f"remove {there - most}"


def _of_number(name: str, value: Any, context: Mapping[str, Any]) -> tuple[str, str]:  # noqa: ANN401  what stands in the file
    """Return what is wrong with a number, or with what stands in the place of one."""
    if isinstance(value, float) and not isfinite(value):
        return _FINITE
    if name in _NUMBERS:
        return _no_number(_NUMBERS[name], value)
    words, bound, fix = _BOUNDS[name]
    limit = f"{context[bound]:.15g}"
    is_percentage = name == "less_than" and limit == "1" and 1 < value <= 100  # noqa: PLR2004  per cent
    more = f"; {value / 100:.15g} is {value:.15g} %" if is_percentage else "; 1 is all of them" if value == 1 else ""
    return f"{words} {limit}, not {value:.15g}", fix.format(limit) + more


def _no_number(wanted: str, value: object) -> tuple[str, str]:
    """Return what is wrong with a value that is not the number that is ``wanted``, and the number that is probably meant."""
    if value is None:
        return _empty(wanted)
    if not isinstance(value, (str, float)):
        return f"must be {wanted}, not {kind(value)}", "write it in digits"
    if isinstance(value, float):
        return f"{value!r} is not {wanted}", f"write {value:.15g}" if value.is_integer() else "write it without a fraction"
    found = _NUMBER.fullmatch(value)
    meant = float(found[1].replace(",", ".")) / (100 if found[2] else 1) if found else 0.0
    is_usable = found is not None and isfinite(meant) and (wanted == "a number" or meant.is_integer())
    as_meant = f"write {meant:.15g}" + ("" if found and found[2] else ", without quotes")
    otherwise = "write it without a fraction" if found else "write it in digits"
    return f"{shown(value)} is not {wanted}", as_meant if is_usable else otherwise


def _misnomer(name: str, platform: str) -> str:
    """Return how a key that people bring from elsewhere is written here, in a target of ``platform`` if that is known.

    It is empty for one that we do not know.
    """
    asked = [PLATFORMS[platform]] if platform else PLATFORMS.values()
    fixes = [fix for one in asked if (fix := one.misnomers.get(name))]
    return _either([*fixes[:1], *(fix.removeprefix("write ") for fix in fixes[1:])]) if fixes else _MISNOMERS.get(name, "")


def _unknown_key(path: Path, source: ConfigSource, root: type[BaseModel]) -> ConfigProblem:
    key, around = str(path[-1]), path[:-1]
    # What is nearly a key of ours is no credential, however long its words are.
    name = showable_key(key) or (key if key.isascii() and close_match(key, homes(root)) else None)
    known = known_keys(around, source, root)
    use = f"use one of {', '.join(known)}"
    if re.search(f"[{ODD_BLANKS}]", key):
        what = "unknown key with a character that only looks like a blank (U+00A0 or similar, from a web page)"
        return source.problem(path, what, "type the blanks again", hidden=1)
    if name is None:
        return source.problem(path, "unknown key, which is not shown", use, hidden=1)
    platform = platform_at(around, source)
    fix = (
        _meant(respelled(name, known))
        or _meant(_VERDICTS.get(name) if around == ("verdicts",) else None)
        or (_misnomer(name, platform) if root is Config and (platform or name not in homes(root)) else "")
        or elsewhere(name, around, platform, root)
        or _meant(close_match(name, known))
        or use
    )
    what = f"not a collector of platform {platform}" if around[-1:] == ("collectors",) else _UNKNOWN
    return source.problem(path, what, fix)


def _meant(near: str | None) -> str:
    return f"did you mean {near}?" if near else ""
