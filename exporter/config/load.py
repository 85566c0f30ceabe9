"""YAML -> validated, immutable :class:`Config` (design 4.3). Every problem is reported at once, with its path and a fix.

The settings are in :mod:`exporter.config.settings`; what a user may write is in :mod:`exporter.config.input`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from exporter.config.cross_checks import sense_problems
from exporter.config.effective import config_hash, effective_config
from exporter.config.input import (
    DEFAULT_LINKS_WINDOW,
    DEFAULT_WINDOWS,
    BitrixBookingsInput,
    BitrixCollectorsInput,
    BitrixLinksInput,
    BitrixTargetInput,
    ConfigInput,
    WindowInput,
    WixBookingsInput,
    WixCollectorsInput,
    WixConnectionsInput,
    WixTargetInput,
)
from exporter.config.messages import shape_problems
from exporter.config.settings import (
    BitrixBookings,
    BitrixBookingsOptions,
    BitrixCollectors,
    BitrixLinks,
    BitrixLinksOptions,
    BitrixTarget,
    Budget,
    CollectorSettings,
    Config,
    OAuth,
    Target,
    WixBookings,
    WixBookingsOptions,
    WixCollectors,
    WixConnections,
    WixTarget,
    collector_settings,
    shard_of,
)
from exporter.counting.windows import WindowSpec
from exporter.errors import ConfigError, Problem
from exporter.fields.durations import format_duration
from exporter.fields.kinds import Reading
from exporter.support.redaction import redact
from exporter.support.yaml_source import read_yaml, show_path

__all__ = [
    "BitrixBookings",
    "BitrixBookingsOptions",
    "BitrixCollectors",
    "BitrixLinks",
    "BitrixTarget",
    "Budget",
    "CollectorSettings",
    "Config",
    "OAuth",
    "Target",
    "WixBookings",
    "WixCollectors",
    "WixConnections",
    "WixTarget",
    "collector_settings",
    "config_hash",
    "effective_config",
    "load_config",
    "shard_of",
]

_MIN_MAX_AGE_SECONDS: Final = 300.0
_CLOUD_REQUESTS_PER_SECOND: Final = 2.0  # fact sheet bitrix24.md 6.1
_HASTY_INTERVAL_SECONDS: Final = 30.0
_GUID: Final = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SCRAPE_LABELS: Final = frozenset({"job", "instance"})


def load_config(path: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """Read, validate and resolve ``path``. Raises :class:`exporter.errors.ConfigError` with every problem.

    Relative paths in it start at its folder; ``{env: NAME}`` looks into ``environ``.
    """
    reading = Reading(path.absolute().parent, environ)
    source = read_yaml(_read(path))
    problems = list(source.problems)
    found: ConfigInput | None = None
    if source.value is not None or not problems:
        try:
            found = ConfigInput.model_validate({} if source.value is None else source.value, context=reading)
        except ValidationError as error:
            problems += shape_problems(error, source)
        problems += sense_problems(source)
    if problems or found is None:
        raise ConfigError(_in_order(problems, path))
    config = _resolve(found)
    warnings = (
        Problem(show_path(where), what, fix, str(path), source.line(where)) for where, what, fix in _warnings(config, found)
    )
    return config.model_copy(update={"warnings": tuple(warnings), "files": (path.absolute(), *reading.files)})


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        problem = Problem("", "is not UTF-8 text", "save it as UTF-8", str(path))
    except FileNotFoundError:
        problem = Problem("", "does not exist", "name another file with --config.file", str(path))
    except OSError as error:
        problem = Problem("", f"cannot be read: {error.strerror}", "name a file that the exporter may read", str(path))
    raise ConfigError([problem])


def _in_order(problems: list[Problem], path: Path) -> list[Problem]:
    """Return the problems as the file has them, one for each place and message, the file's name in each."""
    unique = {
        (problem.path, problem.message): Problem(
            redact(problem.path), redact(problem.message), redact(problem.fix), str(path), problem.line
        )
        for problem in problems
    }
    return sorted(unique.values(), key=lambda problem: problem.line or 0)


# From what the user wrote to settings with every default.


def _resolve(found: ConfigInput) -> Config:
    windows = tuple(window.spec() for window in found.windows) if found.windows else DEFAULT_WINDOWS
    targets = tuple(
        _wix(target, found, windows) if isinstance(target, WixTargetInput) else _bitrix24(target, found, windows)
        for target in found.targets
    )
    return Config(timezone=found.timezone, windows=windows, targets=targets, state_file=found.state_file)


def _wix(target: WixTargetInput, found: ConfigInput, windows: tuple[WindowSpec, ...]) -> WixTarget:
    given = target.collectors or WixCollectorsInput.model_validate(dict.fromkeys(WixCollectorsInput.model_fields))
    connections, bookings = given.connections, given.bookings
    same = ("site_id", "api_key", "app_id", "app_secret", "instance_id", "aliases")
    return WixTarget(
        **_common(target, found),
        **{name: getattr(target, name) for name in same},
        platform=target.platform,
        schedule_ids=tuple(target.schedule_ids),
        collectors=WixCollectors(
            connections=None if connections is None else WixConnections(**_timing(connections), windows=()),
            bookings=None
            if bookings is None
            else WixBookings(
                **_timing(bookings),
                **_options(bookings, WixBookingsOptions),
                windows=_chosen(bookings.windows, windows),
            ),
        ),
    )


def _bitrix24(target: BitrixTargetInput, found: ConfigInput, windows: tuple[WindowSpec, ...]) -> BitrixTarget:
    given = target.collectors or BitrixCollectorsInput.model_validate(dict.fromkeys(BitrixCollectorsInput.model_fields))
    bookings, links = given.bookings, given.links
    return BitrixTarget(
        **_common(target, found),
        platform=target.platform,
        webhook_url=target.webhook_url,
        oauth=target.oauth,
        budget=target.budget,
        collectors=BitrixCollectors(
            bookings=None
            if bookings is None
            else BitrixBookings(
                **_timing(bookings),
                **_options(bookings, BitrixBookingsOptions),
                windows=_chosen(bookings.windows, windows),
            ),
            links=None
            if links is None
            else BitrixLinks(**_timing(links), **_options(links, BitrixLinksOptions), windows=_links_windows(links, windows)),
        ),
    )


def _common(target: WixTargetInput | BitrixTargetInput, found: ConfigInput) -> dict[str, Any]:
    same = ("name", "labels", "timeout", "base_url")
    return {"timezone": target.timezone or found.timezone} | {name: getattr(target, name) for name in same}


def _timing(given: WixConnectionsInput | WixBookingsInput | BitrixBookingsInput | BitrixLinksInput) -> dict[str, Any]:
    max_age = given.max_age if given.max_age is not None else max(3 * given.interval, _MIN_MAX_AGE_SECONDS)
    return {"interval": given.interval, "max_age": max_age}


def _options(given: BaseModel, options: type[BaseModel]) -> dict[str, Any]:
    return {name: getattr(given, name) for name in options.model_fields}


def _chosen(given: Sequence[str | WindowInput] | None, windows: tuple[WindowSpec, ...]) -> tuple[WindowSpec, ...]:
    if given is None:
        return windows
    by_name = {window.name: window for window in windows}
    return tuple(by_name[choice] if isinstance(choice, str) else choice.spec() for choice in given)


def _links_windows(given: BitrixLinksInput, windows: tuple[WindowSpec, ...]) -> tuple[WindowSpec, ...]:
    if given.windows is not None:
        return _chosen(given.windows, windows)
    name = given.window or DEFAULT_LINKS_WINDOW
    return tuple(window for window in windows if window.name == name) or windows


# What is allowed and probably not meant.

_Warning = tuple[tuple[str | int, ...], str, str]


def _warnings(config: Config, found: ConfigInput) -> Iterator[_Warning]:
    if config.state_file and not config.state_file.parent.is_dir():
        yield ("state_file",), f"the folder {config.state_file.parent} does not exist", "create it, writable for the exporter"
    for index, target in enumerate(config.targets):
        path = ("targets", index)
        for name in sorted(_SCRAPE_LABELS & target.labels.keys()):
            what = f"Prometheus sets {name} itself and renames this one to exported_{name}"
            yield (*path, "labels", name), what, "use another name"
        yield from _wix_warnings(target, path) if isinstance(target, WixTarget) else _bitrix24_warnings(target, path)
        for name, settings in collector_settings(target).items():
            yield from _timing_warnings(settings, target.timeout, (*path, "collectors", name.value))
        given = found.targets[index].collectors
        if isinstance(given, WixCollectorsInput) and given.connections and given.connections.windows:
            where = (*path, "collectors", "connections", "windows")
            yield where, "has no effect: connections are not counted in windows", "remove it"


def _wix_warnings(target: WixTarget, path: tuple[str | int, ...]) -> Iterator[_Warning]:
    for name in ("site_id", "app_id", "instance_id"):
        value = getattr(target, name)
        if value and not _GUID.fullmatch(value):
            fix = (
                "copy the GUID after /dashboard/ in the address of the site's dashboard"
                if name == "site_id"
                else "copy it again"
            )
            yield (*path, name), "does not look like a GUID such as 12345678-9abc-4def-8123-456789abcdef", fix
    for index, schedule in enumerate(target.schedule_ids):
        if not _GUID.fullmatch(schedule):
            yield (*path, "schedule_ids", index), "does not look like the GUID of a schedule", "copy it again"
    if target.schedule_ids:
        for schedule in target.aliases:
            if schedule not in target.schedule_ids:
                yield (*path, "aliases", schedule), "is the alias of a schedule that schedule_ids leaves out", "add it there"


def _bitrix24_warnings(target: BitrixTarget, path: tuple[str | int, ...]) -> Iterator[_Warning]:
    if target.oauth and not target.oauth.token_file.is_file():
        what = f"{target.oauth.token_file} does not exist"
        yield (*path, "oauth", "token_file"), what, "make it with booking-sync-exporter bitrix24-login"
    if target.budget.requests_per_second > _CLOUD_REQUESTS_PER_SECOND:
        what = f"{target.budget.requests_per_second:g} is more than a cloud portal allows outside the Enterprise plan"
        yield (*path, "budget", "requests_per_second"), what, "2 or less, unless the portal is your own server"


def _timing_warnings(settings: CollectorSettings, timeout: float, path: tuple[str | int, ...]) -> Iterator[_Warning]:
    interval = format_duration(settings.interval)
    if settings.interval < _HASTY_INTERVAL_SECONDS:
        yield (*path, "interval"), f"{interval} is short and may use up the API's limits", "30s or more is kind to them"
    if settings.max_age <= settings.interval:
        what = f"data vanishes before the next poll: the interval is {interval}"
        yield (*path, "max_age"), what, "make it longer than the interval"
    if timeout > settings.max_age:
        what = f"one request may last longer than max_age ({format_duration(settings.max_age)}) of {path[-1]}"
        yield (*path[:2], "timeout"), what, "make it shorter"
