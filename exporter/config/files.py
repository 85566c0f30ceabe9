"""The files of a configuration: which they are, what they say, and from where the names of further files in them start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple, get_args

from pydantic import BaseModel

from exporter.config.settings import Config
from exporter.config.written import DEFAULTS, TARGETS, Part
from exporter.errors import ConfigError, ConfigProblem
from exporter.fields.credentials import SECRET_SCHEMA
from exporter.fields.kinds import NAMES_A_FILE
from exporter.platforms.registry import PLATFORMS
from exporter.platforms.settings import models_in
from exporter.support.files import NotAFileError, read_file_or_pipe
from exporter.support.yaml_incremental import YamlText, read_incrementally
from exporter.support.yaml_recovery import read_yaml_with_recovery

PIPE_SECONDS: Final = 10.0
"""So long one waits for what a pipe brings, such as ``/dev/stdin``: nobody may come to write into it."""

_MAX_BYTES: Final = 64 * 1024 * 1024  # hundreds of thousands of targets
_ENDINGS: Final = (".yml", ".yaml")


def read_parts(
    file: Path | None, folder: Path | None, before: Mapping[Path, YamlText] = MappingProxyType({})
) -> tuple[list[Part], Mapping[Path, YamlText]]:
    """Return what ``file`` says, then what each file in ``folder`` says, and the texts that the next load takes as ``before``.

    Those of a folder are not among them: what they say is changed, see :func:`seen_from`.

    Raises :class:`~exporter.errors.ConfigError` with all of those that cannot be read, and with what is no YAML in others.
    """
    parts: list[Part] = []
    problems: list[ConfigProblem] = []
    texts: dict[Path, YamlText] = {}
    for path in files_of(file, folder):
        try:
            content = read_text(path, "--config.file" if path is file else "--config.dir")
            source, text = read_incrementally(content, TARGETS, before.get(path), read_yaml_with_recovery)
            parts.append(Part(path, source))
            if text is not None and folder is None:
                texts[path] = text
        except ConfigError as error:
            problems += error.problems
    if problems:
        problems += (problem for part in parts for problem in part.problems)
        raise ConfigError(problems)
    return parts, texts


def files_of(file: Path | None, folder: Path | None) -> list[Path]:
    """Return ``file`` and the files in ``folder``, those of both that are given."""
    return ([] if file is None else [file]) + ([] if folder is None else _files_in(folder))


def _files_in(folder: Path) -> list[Path]:
    """Return the YAML files right in ``folder``, by name.

    Without those that begin with a dot: editors and Kubernetes keep the next version of a file behind such names.
    """
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix in _ENDINGS and not path.name.startswith("."))
    except NotADirectoryError:
        problem = ConfigProblem(
            "", "is not a folder", "name a folder with --config.dir, and a file with --config.file", str(folder)
        )
    except FileNotFoundError:
        problem = ConfigProblem("", "does not exist", "name another folder with --config.dir", str(folder))
    except OSError as error:
        problem = ConfigProblem(
            "", f"cannot be read: {error.strerror}", "name a folder that the exporter may read", str(folder)
        )
    else:
        if files:
            return files
        fix = "put one there, or name another folder with --config.dir; its subfolders are not read"
        problem = ConfigProblem("", "holds no file that ends in .yml or .yaml", fix, str(folder))
    raise ConfigError([problem])


def read_text(path: Path, flag: str = "--config.file") -> str:
    """Return the text of a file that ``flag`` names. Raises :class:`~exporter.errors.ConfigError` that says why not."""
    try:
        content = read_file_or_pipe(path, _MAX_BYTES + 1, PIPE_SECONDS)
        if len(content) > _MAX_BYTES:
            raise ConfigError(
                [ConfigProblem("", f"is larger than {_MAX_BYTES >> 20} MiB", "name the configuration", str(path))]
            )
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        problem = ConfigProblem("", "is not UTF-8 text", "save it as UTF-8", str(path))
    except FileNotFoundError:
        problem = ConfigProblem("", "does not exist", f"name another file with {flag}", str(path))
    except NotAFileError:
        problem = ConfigProblem(
            "", "is not a file", "name a regular file, or a pipe that somebody writes and closes", str(path)
        )
    except OSError as error:
        problem = ConfigProblem("", f"cannot be read: {error.strerror}", "name a file that the exporter may read", str(path))
    raise ConfigError([problem])


def seen_from(folder: Path, parts: Sequence[Part]) -> list[Path]:
    """Let relative paths in ``parts`` start at ``folder`` instead of at the folder of each. Returns the files with a secret."""
    private: list[Path] = []
    for part in parts:
        here = part.file.absolute().parent
        prefix = None if here == folder else here.relative_to(folder) if here.is_relative_to(folder) else here
        named = {(id(each.holder), each.key): each for each in _named(part.source.value, [Config])}  # an anchor is met often
        for each in named.values():
            if each.is_secret:
                private.append(part.file.absolute())
            elif prefix is not None and each.holder[each.key]:
                each.holder[each.key] = str(prefix / each.holder[each.key])
    return list(dict.fromkeys(private))


class _Named(NamedTuple):
    """A text at ``key`` of ``holder``: the name of a file, or a secret itself."""

    holder: dict[str, Any]
    key: str
    is_secret: bool


def _named(written: object, models: Sequence[type[BaseModel]]) -> Iterator[_Named]:
    """Yield the names of files, and the secrets, in a raw value that one of ``models`` describes."""
    if isinstance(written, list):
        for row in written:
            yield from _named(row, models)
    if not isinstance(written, dict):
        return
    for key, value in written.items():
        fields = [model.model_fields[key] for model in models if key in model.model_fields]
        marks = {id(mark) for field in fields for mark in _marks((field.annotation, *field.metadata))}
        if id(SECRET_SCHEMA) in marks and isinstance(value, dict):
            if isinstance(value.get("file"), str):
                yield _Named(value, "file", is_secret=False)
        elif isinstance(value, str) and not marks.isdisjoint((id(SECRET_SCHEMA), id(NAMES_A_FILE))):
            yield _Named(written, key, is_secret=id(SECRET_SCHEMA) in marks)
        elif key == DEFAULTS and Config in models and isinstance(value, dict):
            for name, block in value.items():
                yield from _named(block, [PLATFORMS[name].settings] if name in PLATFORMS else [])
        else:
            yield from _named(value, [inner for field in fields for inner in models_in(field.annotation)])


def _marks(annotations: tuple[object, ...]) -> Iterator[object]:
    """Yield what stands in ``annotations``, at any depth."""
    for annotation in annotations:
        yield annotation
        yield from _marks(get_args(annotation))
