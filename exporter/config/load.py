"""YAML -> validated, immutable :class:`Config`. Every problem is reported at once, with its path and a fix."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from exporter.config.calendar_warnings import calendar_warnings
from exporter.config.cross_checks import cross_field_problems
from exporter.config.defaults import default_problems, default_warnings
from exporter.config.files import read_parts, seen_from
from exporter.config.load_cache import CachedLoad, CachedTarget, LoadCache
from exporter.config.merge import merged
from exporter.config.messages import field_problems, problems_of_file
from exporter.config.odd_text import odd_text
from exporter.config.pair_checks import PAIRS, pair_warnings, resource_problems
from exporter.config.partial import valid_part
from exporter.config.settings import Config
from exporter.config.unwatched import unwatched, unwatched_by, unwatched_problems
from exporter.config.verdict_warnings import verdict_warnings
from exporter.config.written import TARGETS, Written, put_together
from exporter.errors import ConfigError, ConfigProblem
from exporter.fields.durations import format_duration
from exporter.fields.kinds import FieldProblem, Reading, mapping_of
from exporter.model import CollectorName
from exporter.platforms.registry import PLATFORMS
from exporter.platforms.settings import CollectorSettings, Target
from exporter.support.files import file_problem
from exporter.support.git_tracking import tracking_repository
from exporter.support.known_secrets import KnownSecrets
from exporter.support.redaction import redact
from exporter.support.rights import exposures

_HASTY_INTERVAL_SECONDS: Final = 30.0
_SCRAPE_LABELS: Final = frozenset({"job", "instance"})


def load_config(
    path: Path | None,
    environ: Mapping[str, str] = os.environ,
    now: Callable[[], float] = time.time,
    *,
    folder: Path | None = None,
    opens_secrets: bool = True,
    remembered: LoadCache | None = None,
) -> Config:
    """Read, validate and resolve the file ``path`` and all files in ``folder``. Either may be missing.

    Without ``opens_secrets`` it only tells what is right: secrets that stand elsewhere are not looked for, and nothing can be
    asked with what is in their places.

    Relative paths in a file start at its folder; ``{env: NAME}`` looks into ``environ``. What is accepted up to a day is over,
    or not, at ``now`` (Unix seconds). Raises :class:`exporter.errors.ConfigError` with every problem.

    What is ``remembered`` of the load before makes this one quicker, and nothing else.
    """
    home = path or folder or Path()
    last = remembered.last if remembered else CachedLoad()
    parts, texts = read_parts(path, folder, last.texts)
    base = (home if path is None else home.parent).absolute()
    reading = Reading(base, environ, file=None if folder else home.absolute(), opens_secrets=opens_secrets)
    if folder:
        reading.private.extend(seen_from(base, parts))
    written = put_together(parts, home)
    problems = [*(problem for part in parts for problem in part.problems), *written.problems]
    around = _around(written, reading)
    known = last.known((block.raw for block in written.blocks), around)
    config, made = None, list[CachedTarget]()
    if not written.lacks_some:
        try:
            closed = {index: each for index, each in known.items() if each.is_closed}
            config = Config.model_validate(merged(written.value, closed), context=reading)
        except ValidationError as error:
            problems += field_problems(error, written)
        else:
            made += _made(config, written, reading, known)
            targets = tuple(each.target for each in made)
            config = config.remembering(last.facts.only(targets), targets).paired()
        problems += cross_field_problems(written, known)
        problems += default_problems(written, reading)
    named = [*(part.file for part in parts), *([] if folder is None else [folder])]
    files = tuple(dict.fromkeys([*(each.absolute() for each in named), *reading.files]))

    def told(found: Iterable[FieldProblem]) -> list[ConfigProblem]:
        return list(dict.fromkeys(written.problem(*problem) for problem in found))

    problems += told(_written_over(config, files))
    problems += told(resource_problems(config.pairs, config.targets) if config else ())
    if problems or config is None:
        warnings = [part.problem(where, *_UNREAD) for part in parts for where in part.source.unread]
        if (right := valid_part(written.value, reading)) is not None:
            warnings += told(right.of_values(_warnings(right.config, right.written, ())))
            seen = [(where, warning) for where, warning in unwatched(right.config) if right.is_whole(where)]
            warnings += told(right.of_values(unwatched_problems(seen, right.config.targets, now())))
        warnings += _open_files(files, reading)
        problems = problems_of_file(problems, home)
        raise ConfigError(*_masked((problems, warnings), reading.secrets))
    less = tuple(unwatched(config))
    warnings = told(_warnings(config, mapping_of(written.value), made)) + _open_files(files, reading)
    gaps = told(unwatched_problems(less, config.targets, now()))
    for index, rule in enumerate(config.discover):
        of_rule = (((("discover", index, *where)), warning) for where, warning in unwatched_by(rule))
        gaps += told(unwatched_problems(of_rule, [rule.target], now()))
    warnings, gaps = _masked((warnings, gaps), reading.secrets, config.names)
    config = config.read_from(files, tuple(warnings), reading.secrets).leaving(tuple(row for _, row in less), tuple(gaps))
    if remembered:
        remembered.last = CachedLoad(texts, around, {id(each.raw): each for each in made}, config.facts)
    return config.coming_from({} if folder is None else written.origins, tuple(dict.fromkeys(reading.unopened)))


def _around(written: Written, reading: Reading) -> str:
    """Return all that says what a target is besides its own lines: what is filled in, and where its paths begin."""
    top = {key: value for key, value in mapping_of(written.value).items() if key not in (TARGETS, PAIRS)}
    return repr((top, reading.directory, reading.file, reading.opens_secrets))


def _made(config: Config, written: Written, reading: Reading, known: Mapping[int, CachedTarget]) -> Iterator[CachedTarget]:
    """Yield how each target was made, with the object that is ``known`` where an equal one came out."""
    for index, (block, target, built) in enumerate(zip(written.blocks, config.targets, reading.targets, strict=True)):
        before = known.get(index)
        is_same = before is not None and (before.target is target or before.target == target)
        yield before if before is not None and is_same else CachedTarget(block.raw, target, *built)


def _written_over(config: Config | None, files: Iterable[Path]) -> Iterator[FieldProblem]:
    """Yield which of ``files``, which were read, the exporter would write over: with its state, or with a target's tokens."""
    if config is None:
        return
    read = frozenset(map(os.path.realpath, files))
    written: dict[tuple[str | int, ...], Path] = {} if config.state_file is None else {("state_file",): config.state_file}
    for index, target in enumerate(config.targets):
        written |= {("targets", index, *keys): path for keys, path in target.written_files.items()}
    for where, path in written.items():
        if os.path.realpath(path) in read:
            message = f"{path} is read for the configuration, and the exporter would overwrite it"
            yield FieldProblem(where, message, f"give the path of another file, such as {_OWN_FILE[str(where[-1])]}")


_OWN_FILE: Final = {"state_file": "state.json", "token_file": "tokens.json"}
_UNREAD: Final = ("was not checked, because it is not valid YAML", "correct that, and check again")


def _open_files(files: Iterable[Path], reading: Reading) -> list[ConfigProblem]:
    found = exposures(dict.fromkeys(files, False) | dict.fromkeys(reading.private, True))
    told = [ConfigProblem("", each.message, each.fix) for each in found]
    if reading.file in reading.private and (repository := tracking_repository(reading.file)) is not None:
        message = f"{reading.file} holds a credential, and git tracks it in {repository}"
        told.append(
            ConfigProblem(
                "",
                message,
                "write {file: PATH} or {env: NAME}, and replace the credential: clones of the repository keep the old one",
            )
        )
    return told


def _masked(
    told: Sequence[list[ConfigProblem]], secrets: Iterable[str], names: Iterable[str] = ()
) -> list[list[ConfigProblem]]:
    """Return what is ``told`` without what could be read of the file's ``secrets``: people put them into a wrong place, too."""
    known = KnownSecrets()
    if any(told):
        known.hold("file", secrets, names)
    return [[problem.map_texts(lambda text: redact(known.mask(text))) for problem in problems] for problems in told]


# What is allowed and probably not meant.


def _warnings(config: Config, written: Mapping[str, object], made: Sequence[CachedTarget]) -> Iterator[FieldProblem]:
    """Yield them for ``config``, whose targets are as they were ``made``, if that is known."""
    if config.state_file and (trouble := file_problem(config.state_file.parent, folder=True)):
        fix = "create it, writable for the exporter, or correct the path"
        yield FieldProblem(("state_file",), f"the folder {config.state_file.parent} {trouble}", fix)
    yield from default_warnings(written)
    yield from calendar_warnings(written)
    yield from odd_text(written)
    yield from verdict_warnings(config)
    yield from pair_warnings(config.pairs, config.targets)
    raw, facts = written.get(TARGETS), config.facts
    for index, target in enumerate(config.targets):
        row = raw[index] if isinstance(raw, list) else {}

        def of_target(target: Target, row: object = row) -> tuple[FieldProblem, ...]:
            return (*_target_warnings(target), *_idle_windows(target, row))

        is_closed = bool(made) and made[index].is_closed
        for each in facts.of(target, "warnings", of_target) if is_closed else of_target(target):
            yield each._replace(path=(TARGETS, index, *each.path))
    for index, rule in enumerate(config.discover):
        for each in _target_warnings(rule.target):
            yield each._replace(path=("discover", index, "target", *each.path))


def _target_warnings(target: Target) -> Iterator[FieldProblem]:
    """Yield what is hardly meant in a target, or in what a rule says of its; paths begin there."""
    for name in sorted(_SCRAPE_LABELS & target.labels.keys()):
        message = f"Prometheus sets the label {name} itself and renames this one to exported_{name}"
        yield FieldProblem(("labels", name), message, "use another name")
    yield from PLATFORMS[target.platform].warnings(target, ())
    for collector, settings in target.running().items():
        yield from _timing_warnings(settings, target.timeout, collector)


def _idle_windows(target: Target, row: object) -> Iterator[FieldProblem]:
    """Yield the windows in ``row``, the target as it is written, that are counted in by nobody."""
    collectors = mapping_of(mapping_of(row).get("collectors"))
    for collector, settings in target.running().items():
        if mapping_of(collectors.get(collector.value)).get("windows") and not settings.windows:
            message = f"has no effect: {collector.value} are not counted in windows"
            yield FieldProblem(("collectors", collector.value, "windows"), message, "remove it")


def _timing_warnings(settings: CollectorSettings, timeout: float, collector: CollectorName) -> Iterator[FieldProblem]:
    path = ("collectors", collector.value)
    interval, max_age = format_duration(settings.interval), settings.max_age_seconds
    if settings.interval < _HASTY_INTERVAL_SECONDS:
        message = f"{interval} is short and may use up the API's limits"
        yield FieldProblem((*path, "interval"), message, "write 30s or more")
    if max_age <= settings.interval:
        message = f"data vanishes before the next poll: the interval is {interval}"
        yield FieldProblem((*path, "max_age"), message, "make it longer than the interval")
    if timeout > max_age:
        message = f"one request may last longer than max_age ({format_duration(max_age)}) of {collector.value}"
        yield FieldProblem(("timeout",), message, "make it shorter")
