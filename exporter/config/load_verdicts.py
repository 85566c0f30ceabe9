"""Only the block ``verdicts:`` of a configuration, for who renders rules: no secret is opened, no target has to be right."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from exporter.config.files import files_of, read_text
from exporter.config.messages import field_problems, problems_of_file
from exporter.config.settings import Config
from exporter.config.verdicts import Verdicts
from exporter.config.written import Part, Written, put_together
from exporter.errors import ConfigError, ConfigProblem
from exporter.fields.kinds import Reading, mapping_of
from exporter.state.thresholds import Thresholds
from exporter.support.yaml_source import read_yaml

_BLOCK: Final = "verdicts"
_ALIKE: Final = 0.8


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, hide_input_in_errors=True)

    verdicts: Verdicts


def load_thresholds(path: Path | None, folder: Path | None = None) -> Thresholds:
    """Read ``verdicts:`` of the file ``path``, or of one in ``folder``; without one the defaults.

    Raises :class:`~exporter.errors.ConfigError` for a file that is no YAML or no configuration of the exporter, and with every
    problem of that block. What else is wrong in the files is for who loads all of it.
    """
    parts = [Part(each, read_yaml(read_text(each))) for each in files_of(path, folder)]
    whole = put_together(parts, path or folder or Path())
    found = [(part.source, problem) for part in parts for problem in part.problems]
    problems = [problem for source, problem in found if source.value is None or problem.path.startswith(_BLOCK)]
    problems += (problem for problem in whole.problems if problem.path == _BLOCK)
    problems += [] if problems else list(_another_file(whole))
    written = mapping_of(whole.value).get(_BLOCK)
    verdicts = Verdicts()
    try:
        if written is not None:
            verdicts = _Block.model_validate({_BLOCK: written}, context=Reading(whole.home.absolute().parent, {})).verdicts
    except ValidationError as error:
        problems += field_problems(error, whole)
    if problems:
        raise ConfigError(problems_of_file(problems, whole.home))
    return verdicts.thresholds


def _another_file(source: Written) -> Iterator[ConfigProblem]:
    """Yield what is wrong with a file that says nothing of verdicts because it is another one, or means another key."""
    keys = mapping_of(source.value).keys()
    if _BLOCK in keys:
        return
    for near in get_close_matches(_BLOCK, keys - Config.model_fields.keys(), n=1, cutoff=_ALIKE):
        yield source.problem((near,), "unknown key", f"did you mean {_BLOCK}?")
        return
    if not keys & Config.model_fields.keys():
        yield source.problem((), "is no configuration of the exporter", "name the file that the exporter runs with")
