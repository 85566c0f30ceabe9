"""A table of broken configurations: each file of tests/bad_configs, and beside it the exact messages.

A line of the table is ``line: path: message (fix: …)``. A credential in one of the files holds the word ``planted``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.config import load_config
from exporter.errors import ConfigError

FOLDER = Path(__file__).parent.parent / "bad_configs"
FILES = sorted(FOLDER.glob("*.yml"))
ENVIRONMENT = {"B24_WEBHOOK_URL": "https://portal.example/rest/1/planted0123456789/", "EMPTY": " "}


def problems_of(file: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_config(file, ENVIRONMENT)
    assert all(problem.file == str(file) for problem in caught.value.problems)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None  # pydantic's own error holds the input
    lines = [str(problem).removeprefix(f"{file}:") for problem in caught.value.problems]
    return [line.replace(str(FOLDER), "<folder>") for line in lines]


def test_the_table_is_long() -> None:
    assert len(FILES) > 100
    assert {file.stem for file in FILES} == {file.stem for file in FOLDER.glob("*.txt")}


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_broken_file_is_refused_with_exactly_these_problems(file: Path) -> None:
    assert file.with_suffix(".txt").read_text().splitlines() == problems_of(file)


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_problem_says_how_to_mend_it_and_none_shows_a_credential(file: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(file, ENVIRONMENT)
    for problem in caught.value.problems:
        assert problem.message
        assert problem.fix
    assert "planted" not in str(caught.value) + repr(caught.value) + repr(caught.value.problems)


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_problems_are_the_same_without_the_c_parser(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yaml.__with_libyaml__", False)
    assert file.with_suffix(".txt").read_text().splitlines() == problems_of(file)
