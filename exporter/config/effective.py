"""A configuration as others may see it: the effective YAML without secrets, and one number that tells it from another."""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from exporter.config.settings import Config
from exporter.counting import WindowSpec
from exporter.fields.days import DaysOff
from exporter.fields.durations import format_duration
from exporter.fields.routes import CaFile, Proxy
from exporter.platforms.settings import CollectorSettings
from exporter.support.redaction import sanitized_place
from exporter.support.secret import MASK, Secret

_DURATIONS: Final = frozenset(
    {"interval", "check_interval", "max_age", "timeout", "soon", "within", "after", "late_after", "grace"}
)
# The order in which people look for them; what is not named here keeps the order of its model.
_FIRST_KEYS: Final = ("name", "platform", "labels", "timeout", "base_url", "tls", "proxy", "timezone")
_LAST_KEYS: Final = (
    "interval",
    "max_age",
    "windows",
    "verdicts",
    "discover",
    "targets",
    "pairs",
    "state_file",
    "collectors",
    "target",
)
_HASH_DIGITS: Final = 12
_ROW: Final = "  - "
_QUOTE: Final = '"'


def effective_config(config: Config) -> str:
    """Return the configuration in force as YAML: every default filled in, secrets (so webhook addresses, too) masked.

    A secret that a file or a variable holds is shown as that: which one is the first question when it does not work. Over each
    target stands the file that it comes from, where they come from several.
    """
    return "\n".join(_with_origins(_yaml(_plain(config)), config)) + "\n"


def _with_origins(lines: Iterator[str], config: Config) -> Iterator[str]:
    targets, inside = iter(config.targets), False
    for line in lines:
        inside = line == "targets:" if not line.startswith(" ") else inside
        if inside and line.startswith(_ROW) and (origin := config.origins.get(next(targets).name)):
            yield f"  # {_scalar(str(origin)).strip(_QUOTE)}"
        yield line


def config_hash(config: Config) -> str:
    """Return 12 hexadecimal digits that change with anything that counts but the values of secrets.

    Who may read the number could try guesses at those. Of a secret counts where it was read from, and the host that it belongs
    to. Equal files give equal numbers, wherever they stand, whatever their rules have found so far, and in each shard.
    """
    if config.hash_of_whole is not None:
        return config.hash_of_whole
    folder = config.files[0].parent if config.files else Path("/")

    def digest(counts: object) -> bytes:
        return hashlib.sha256(json.dumps(_plain(counts, folder=folder), sort_keys=True).encode()).digest()

    whole = hashlib.sha256(digest(config.model_copy(update={"targets": ()})))
    facts, what = config.facts, f"digest for {folder}"
    for target in config.written:
        whole.update(facts.of(target, what, digest))
    return whole.hexdigest()[:_HASH_DIGITS]


def _plain(value: object, *, folder: Path | None = None, name: str = "") -> object:  # noqa: C901, PLR0911  one line for each kind
    """Return ``value`` as people see it, or with what else counts when it is for the hash of a file in ``folder``."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return format_duration(value) if name in _DURATIONS else value
    if isinstance(value, BaseModel):
        return {key: _plain(item, folder=folder, name=key) for key, item in _fields(value)}
    if isinstance(value, WindowSpec):
        return {"name": value.name, "from": value.start, "to": value.end}
    if isinstance(value, Secret | CaFile | Proxy):
        return _told(value) if folder is None else _what_counts(value, folder)
    if isinstance(value, Mapping):
        return {str(key): _plain(item, folder=folder) for key, item in value.items()}
    if isinstance(value, frozenset):
        return sorted(map(str, value))
    if isinstance(value, tuple):
        return [_plain(item, folder=folder) for item in value]
    if isinstance(value, ZoneInfo | date | DaysOff):
        return str(value)
    if isinstance(value, Path):
        return str(value) if folder is None else _place_of(value, folder)
    return value


def _told(value: Secret | CaFile | Proxy) -> str | dict[str, str]:
    # Of an address that is no secret as a whole the host is told.
    if isinstance(value, Secret) and re.fullmatch(r"https?://\S+", value.identity):
        return f"{value.identity}/{MASK}"
    # Behind the source of a webhook stands the portal's address.
    source = re.fullmatch(r"(file|env): (.+?)(?: https?://\S+)?", value.identity) if isinstance(value, Secret) else None
    return {source[1]: sanitized_place(source[2])} if source else str(value)


def _what_counts(value: Secret | CaFile | Proxy, folder: Path) -> list[str]:
    """Return what makes another configuration of such a value, though not all of it is shown."""
    if isinstance(value, Secret):
        return [value.identity]
    if isinstance(value, CaFile):
        return [_place_of(value.path, folder), hashlib.sha256(value.certificates.encode()).hexdigest()]
    return [value.url, *(_what_counts(value.authorization, folder) if value.authorization else [])]


def _place_of(path: Path, folder: Path) -> str:
    """Return ``path`` as it may have been written in a file in ``folder``."""
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)


def _fields(model: BaseModel) -> Iterator[tuple[str, object]]:
    """Yield what counts of a mapping: neither what is absent nor what another key has taken in."""
    for key in _keys_of(type(model)):
        value = model.max_age_seconds if key == "max_age" and isinstance(model, CollectorSettings) else getattr(model, key)
        if value is not None:
            yield key, value


@functools.cache
def _keys_of(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(sorted((key for key, field in model.model_fields.items() if not field.exclude), key=_place))


def _place(key: str) -> int:
    if key in _FIRST_KEYS:
        return _FIRST_KEYS.index(key) - len(_FIRST_KEYS)
    return _LAST_KEYS.index(key) + 1 if key in _LAST_KEYS else 0


# A writer for these plain values only: PyYAML's takes seconds for some thousand targets, and a page waits for it.
_BARE: Final = re.compile("[A-Za-z][A-Za-z0-9_./+-]*")
_WORDS_OF_YAML: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def _yaml(value: object, indent: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, (dict, list)) and item:
                yield f"{indent}{_scalar(key)}:"
                yield from _yaml(item, indent + "  ")
            else:
                yield f"{indent}{_scalar(key)}: {_scalar(item)}"
    elif isinstance(value, list):
        for item in value:
            lines = _yaml(item, indent + "  ") if isinstance(item, dict) and item else iter([indent + "  " + _scalar(item)])
            yield f"{indent}- {next(lines)[len(indent) + 2 :]}"
            yield from lines


def _scalar(value: object) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    if _BARE.fullmatch(value) and value.lower() not in _WORDS_OF_YAML:
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in quoted)
