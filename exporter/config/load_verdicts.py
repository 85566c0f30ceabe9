"""Only the block ``verdicts:`` of a configuration, for who renders rules: no secret is opened, no target has to be right."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from exporter.config.load import read_text
from exporter.config.messages import field_problems, problems_of_file
from exporter.config.settings import Config
from exporter.config.verdicts import Verdicts
from exporter.errors import ConfigError, Problem
from exporter.fields.kinds import Reading, mapping_of
from exporter.state.thresholds import Thresholds
from exporter.support.yaml_source import Source, read_yaml

_BLOCK: Final = "verdicts"
_ALIKE: Final = 0.8


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, hide_input_in_errors=True)

    verdicts: Verdicts


def load_thresholds(path: Path) -> Thresholds:
    """Read ``verdicts:`` of the file ``path``; without one the defaults.

    Raises :class:`~exporter.errors.ConfigError` for a file that is no YAML or no configuration of the exporter, and with every
    problem of that block. What else is wrong in the file is for who loads all of it.
    """
    source = read_yaml(read_text(path))
    problems = [problem for problem in source.problems if source.value is None or problem.path.startswith(_BLOCK)]
    written = mapping_of(source.value).get(_BLOCK)
    problems += [] if problems else list(_another_file(source))
    verdicts = Verdicts()
    try:
        if written is not None:
            context = Reading(path.absolute().parent, {}, file=path.absolute())
            verdicts = _Block.model_validate({_BLOCK: written}, context=context).verdicts
    except ValidationError as error:
        problems += field_problems(error, source)
    if problems:
        raise ConfigError(problems_of_file(problems, path))
    return verdicts.thresholds


def _another_file(source: Source) -> Iterator[Problem]:
    """Yield what is wrong with a file that says nothing of verdicts because it is another one, or means another key."""
    keys = mapping_of(source.value).keys()
    if _BLOCK in keys:
        return
    for near in get_close_matches(_BLOCK, keys - Config.model_fields.keys(), n=1, cutoff=_ALIKE):
        yield Problem(near, "unknown key", f"did you mean {_BLOCK}?", line=source.line((near,)))
        return
    if not keys & Config.model_fields.keys():
        yield Problem("", "is no configuration of the exporter", "name the file that the exporter runs with")
