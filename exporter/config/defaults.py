"""What is wrong in ``defaults``, whether or not a target uses it, told once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import ValidationError

from exporter.config.cross_checks import cross_field_problems
from exporter.config.merge import collectors_of, merged
from exporter.config.messages import field_problems
from exporter.config.settings import Config
from exporter.config.written import DEFAULTS, RULES, TARGETS, Written
from exporter.errors import ConfigProblem
from exporter.fields.kinds import FieldProblem, Reading, mapping_of
from exporter.platforms.registry import PLATFORMS
from exporter.support.yaml_source import Path, show_path


def default_problems(written: Written, reading: Reading) -> Iterator[ConfigProblem]:
    """Yield what is wrong in ``defaults``. What only a target can be wrong about, such as a missing key, is left to targets."""
    own = [
        (DEFAULTS, name, key)
        for name, block in mapping_of(mapping_of(written.value).get(DEFAULTS)).items()
        for key in mapping_of(block)
        if name in PLATFORMS and key in PLATFORMS[name].settings.OWN
    ]
    for path in own:
        yield written.problem(path, "cannot be shared: each target has its own", "write it in the targets")
    if (alone := written.defaults) is None:
        return
    lines, top = written.owners[DEFAULTS].source.lines, mapping_of(written.owners[DEFAULTS].source.value)
    there = {show_path(path) for path in _places(top.get(DEFAULTS), (DEFAULTS,)) if path in lines and path not in own}
    blocks = {show_path((DEFAULTS, name)) for name in PLATFORMS}
    try:
        Config.model_validate(merged(alone.value), context=reading)
    except ValidationError as error:
        # A row of a list is whole in defaults, too.
        yield from (problem for problem in field_problems(error, alone) if problem.path in there or "[" in problem.path)
    yield from (problem for problem in cross_field_problems(alone) if problem.path in there - blocks)


def _places(value: object, path: Path) -> Iterator[Path]:
    yield path
    rows = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in rows:
        yield from _places(inner, (*path, key))


def default_warnings(top: Mapping[str, object]) -> Iterator[FieldProblem]:
    """Yield defaults that nobody has; ``top`` is all that is written."""
    rows = [mapping_of(row) for key in (TARGETS, RULES) if isinstance(found := top.get(key), list) for row in found]
    used = {row.get("platform") for row in rows}
    for name, block in mapping_of(top.get(DEFAULTS)).items():
        if name not in used:
            fix = "remove it, or add a target"
            yield FieldProblem((DEFAULTS, name), f"has no effect: there are no targets of platform {name}", fix)
        elif name in PLATFORMS and (given := mapping_of(mapping_of(block).get("collectors"))):
            by_default = collectors_of(PLATFORMS[name].settings).by_default()
            running = {each for row in rows if row.get("platform") == name for each in _running(row, by_default)}
            for each in sorted(given.keys() - running):
                fix = f"name {each} under collectors of the targets, beside the others that are to run there"
                yield FieldProblem((DEFAULTS, name, "collectors", each), "has no effect: no target runs this collector", fix)


def _running(row: Mapping[str, object], by_default: Mapping[str, object]) -> Mapping[str, object]:
    """Return the collectors of a target, or of what a rule says of its targets."""
    written = mapping_of(row.get("target", row)).get("collectors")
    return by_default if written is None else mapping_of(written)
