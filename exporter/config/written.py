"""What stands in the files of a configuration, as one value: every place in it leads back to a file and a line.

The targets of all files follow each other, and ``defaults`` are filled into them and into what rules of ``discover`` say of
theirs. Keys that begin with ``x-`` are left out: they are there for anchors. Problems are found in the whole and told where
somebody wrote them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Final, NamedTuple

import msgspec

from exporter.config.merge import filled, without_extensions
from exporter.errors import ConfigProblem
from exporter.fields.kinds import mapping_of
from exporter.platforms.registry import PLATFORMS
from exporter.support.yaml_source import UNREADABLE, Path, YamlSource, show_path

TARGETS: Final = "targets"
DEFAULTS: Final = "defaults"
RULES: Final = "discover"
_OF_RULE: Final = "target"


class Part(msgspec.Struct, frozen=True):
    """One of the files."""

    file: FilePath
    source: YamlSource

    @property
    def problems(self) -> list[ConfigProblem]:
        """What is wrong with it as YAML."""
        return [replace(problem, file=str(self.file)) for problem in self.source.problems]

    def problem(self, path: Path, message: str, fix: str, hidden: int = 0) -> ConfigProblem:
        """Return a problem at ``path`` of this file, whose last ``hidden`` elements are not to be shown."""
        return replace(self.source.problem(path, message, fix, hidden), file=str(self.file))


class _Block(NamedTuple):
    """What makes a target: the mapping ``raw`` at ``path`` of a file, and another one that fills in what it leaves out."""

    part: Part
    path: Path
    raw: object
    default: _Block | None = None

    def place(self, rest: Path) -> tuple[Part, Path]:
        """Return where ``rest`` stands, a path from the target on."""
        if self.default is not None and _is_from(self.default.raw, self.raw, rest):
            return self.default.place(rest)
        return self.part, (*self.path, *rest)

    def value(self) -> object:
        if not isinstance(self.raw, Mapping):
            return self.raw
        raw = without_extensions(self.raw)
        return (
            raw
            if self.default is None
            else filled(raw, mapping_of(self.default.raw), PLATFORMS[str(self.default.path[-1])].settings)
        )


def _is_from(default: object, raw: object, rest: Path) -> bool:
    """Return whether what stands at ``rest`` of a target comes from its default."""
    for element in rest:
        if not (isinstance(raw, Mapping) and element in raw):
            return isinstance(default, Mapping) and element in default
        raw, default = raw[element], mapping_of(default).get(str(element))
    return False


class Written(msgspec.Struct, frozen=True):
    """A configuration as it is written. ``home`` is what it was read from: a file, or a folder of them."""

    value: object
    home: FilePath
    owners: Mapping[str, Part]
    blocks: Sequence[_Block] = ()
    rules: Sequence[_Block] = ()
    problems: tuple[ConfigProblem, ...] = ()
    is_cut: bool = False

    def problem(self, path: Path, message: str, fix: str, hidden: int = 0) -> ConfigProblem:
        """Return a problem at the place of ``path``, whose last ``hidden`` elements are not to be shown."""
        part, place = self._place(path)
        if part is not None:
            return part.problem(place, message, fix, hidden)
        return ConfigProblem(show_path(place[: len(place) - hidden]), message, fix, str(self.home))

    def seen_from(self, path: Path, other: Path) -> str:
        """Return where ``other`` stands, for a message at ``path``: with its file if that is another one."""
        (here, _), (there, place) = self._place(path), self._place(other)
        return show_path(place) + (f" of {there.file}" if there is not None and there is not here else "")

    @property
    def origins(self) -> dict[str, FilePath]:
        """The files of targets by name."""
        return {str(mapping_of(block.raw).get("name")): block.part.file for block in self.blocks}

    @property
    def lacks_some(self) -> bool:
        """Whether a whole file or defaults cannot be read, so that nobody knows what the rest lacks."""
        blocks = mapping_of(self.value).get(DEFAULTS)
        return self.is_cut or blocks is UNREADABLE or UNREADABLE in mapping_of(blocks).values()

    @property
    def defaults(self) -> Written | None:
        """The configuration whose targets are the defaults of each platform, with nothing of their own."""
        blocks = [] if (part := self.owners.get(DEFAULTS)) is None else list(_defaults(part).values())
        if not blocks:
            return None
        targets = [{**mapping_of(block.raw), "platform": block.path[-1]} for block in blocks]
        return Written({**mapping_of(self.value), TARGETS: targets}, self.home, self.owners, blocks, self.rules)

    def _place(self, path: Path) -> tuple[Part | None, Path]:
        if path[:1] == (TARGETS,) and len(path) > 1 and self.blocks:
            return self.blocks[int(path[1])].place(path[2:])
        if path[:1] == (RULES,) and path[2:3] == (_OF_RULE,) and self.rules:
            return self.rules[int(path[1])].place(path[3:])
        return self.owners.get(str(path[0])) if path else None, path


def put_together(parts: Sequence[Part], home: FilePath) -> Written:
    """Return what ``parts`` say together. Only ``targets`` may stand in several of them."""
    if any(part.source.value is None and part.source.problems for part in parts):
        return Written({}, home, {}, is_cut=True)
    for part in parts:
        if part.source.value is not None and not isinstance(part.source.value, Mapping):
            return Written(part.source.value, part.file, {})
    top, owners, problems = _top(parts)
    if isinstance(top.get(DEFAULTS), Mapping):
        top[DEFAULTS] = without_extensions(mapping_of(top[DEFAULTS]))
    defaults = _defaults(owners[DEFAULTS]) if DEFAULTS in owners else {}
    rules = _rules(owners[RULES], defaults) if RULES in owners else []
    if rules:
        top[RULES] = [_with_target(rule, block) for rule, block in zip(_list(top[RULES]), rules, strict=True)]
    if not isinstance(top.get(TARGETS), list):
        return Written(top, home, owners, (), rules, tuple(problems))
    blocks = [
        _Block(part, (TARGETS, position), raw, defaults.get(str(mapping_of(raw).get("platform"))))
        for part in parts
        for position, raw in enumerate(_list(mapping_of(part.source.value).get(TARGETS)))
    ]
    return Written({**top, TARGETS: [block.value() for block in blocks]}, home, owners, blocks, rules, tuple(problems))


def _top(parts: Sequence[Part]) -> tuple[dict[str, object], dict[str, Part], list[ConfigProblem]]:
    """Return what stands at the top of all files, whose each key is, and which stand twice."""
    top: dict[str, object] = {}
    owners: dict[str, Part] = {}
    problems: list[ConfigProblem] = []
    for part in parts:
        for key, value in without_extensions(mapping_of(part.source.value)).items():
            if key != TARGETS and key in owners:
                problems.append(_twice(key, owners[key], part))
            elif key not in owners or top[key] is None or not isinstance(value, list | None):
                top[key], owners[key] = value, part
    return top, owners, problems


def _rules(part: Part, defaults: Mapping[str, _Block]) -> list[_Block]:
    """Return what each rule says of its targets, filled by the defaults of its platform that a rule has not itself."""
    found = []
    for position, rule in enumerate(_list(mapping_of(part.source.value).get(RULES))):
        raw = mapping_of(rule)
        default, platform = defaults.get(str(raw.get("platform"))), PLATFORMS.get(str(raw.get("platform")))
        if default is not None and platform is not None and platform.discoverer is not None:
            left_out = platform.discoverer.left_out
            of_all = {key: value for key, value in mapping_of(default.raw).items() if key not in left_out}
            default = default._replace(raw=of_all)
        target = {} if raw.get(_OF_RULE) is None else raw[_OF_RULE]
        found.append(_Block(part, (RULES, position, _OF_RULE), target, default))
    return found


def _with_target(rule: object, block: _Block) -> object:
    if not isinstance(rule, Mapping) or (_OF_RULE not in rule and block.default is None):
        return rule
    return {**without_extensions(rule), _OF_RULE: block.value()}


def _defaults(part: Part) -> dict[str, _Block]:
    """Return by platform what ``defaults`` say of targets that have keys of their own besides."""
    found = {}
    for name, block in mapping_of(mapping_of(part.source.value).get(DEFAULTS)).items():
        if name in PLATFORMS and isinstance(block, Mapping):
            of_many = {
                key: value for key, value in without_extensions(block).items() if key not in PLATFORMS[name].settings.OWN
            }
            found[name] = _Block(part, (DEFAULTS, name), of_many)
    return found


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _twice(key: str, first: Part, second: Part) -> ConfigProblem:
    line = first.source.line((key,))
    message = f"is also in {first.file}:{line}"
    are_lists = all(_list(mapping_of(part.source.value).get(key)) for part in (first, second))
    fix = "move all of it into one of the two" if are_lists else "keep one of them"
    return ConfigProblem(key, message, fix, str(second.file), second.source.line((key,)))
