"""A configuration that is checked where its secrets are not: in CI, before a merge."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from exporter.cli import app
from exporter.config import Config, load_config
from exporter.errors import ConfigError, ConfigProblem
from tests.config.test_bad_configs import ENVIRONMENT

ROOT = Path(__file__).parents[2]
BAD = ROOT / "tests" / "bad_configs"
EXAMPLE = ROOT / "config" / "exporter.yml"
SITE = "7f1c2d3e-1111-4222-8333-444455556666"

# Each key that takes a secret, in a target that is right otherwise; SECRET stands for its value.
SECRETS = {
    "api_key": {"platform": "wix", "site_id": SITE, "api_key": "SECRET"},
    "app_secret": {"platform": "wix", "app_id": SITE, "app_secret": "SECRET", "instance_id": SITE},
    "webhook_url": {"platform": "bitrix24", "webhook_url": "SECRET"},
    "client_secret": {
        "platform": "bitrix24",
        "oauth": {"client_id": "local.1", "client_secret": "SECRET", "token_file": "tokens.json"},
    },
    "proxy": {"platform": "wix", "site_id": SITE, "api_key": "planted", "proxy": "SECRET"},
}


class Untouched(Mapping[str, str]):
    """An environment that nobody may look into."""

    def __getitem__(self, name: str) -> str:
        raise AssertionError(f"{name} was looked for")

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("the environment was looked through")

    def __len__(self) -> int:
        raise AssertionError("the environment was counted")


def check(file: Path) -> Config:
    return load_config(file, Untouched(), opens_secrets=False)


def put(folder: Path, *targets: Any) -> Path:  # noqa: ANN401  YAML
    file = folder / "exporter.yml"
    file.write_text(yaml.safe_dump({"targets": [{"name": f"t{number}", **target} for number, target in enumerate(targets)]}))
    return file


@pytest.mark.slow
def test_the_shipped_example_is_right_without_its_secrets(tmp_path: Path) -> None:
    assert ("env: WIX_API_KEY", "env: B24_WEBHOOK_URL") == check(EXAMPLE).unopened
    shown = re.sub(r"^( *)#(?=- |\w+:| {2,}\w+:)", r"\1", EXAMPLE.read_text(), flags=re.MULTILINE)
    whole = tmp_path / "exporter.yml"
    whole.write_text(shown)
    config = check(whole)
    assert 4 == len(config.targets)
    assert 4 == len(config.unopened)


@pytest.mark.parametrize("source", [{"env": "NOT_SET"}, {"file": "/run/secrets/not-there"}, {"file": "beside"}])
@pytest.mark.parametrize("key", SECRETS)
def test_no_secret_is_looked_for_that_stands_elsewhere(tmp_path: Path, key: str, source: dict[str, str]) -> None:
    target = yaml.safe_load(yaml.safe_dump(SECRETS[key]).replace("SECRET", str(source)))
    file = put(tmp_path, target)
    config = check(file)
    ((kind, name),) = source.items()
    assert (f"{kind}: {name}",) == config.unopened
    assert (file,) == config.files


@pytest.mark.slow
@pytest.mark.parametrize("file", sorted(BAD.glob("*.yml")), ids=lambda file: file.stem)
def test_everything_else_is_told_as_with_secrets(file: Path) -> None:
    def of(problem: ConfigProblem) -> tuple[str, str, str]:
        return problem.path, problem.message, problem.fix

    with pytest.raises(ConfigError) as caught:
        load_config(file, ENVIRONMENT)
    expected = {of(problem) for problem in caught.value.problems}
    try:
        check(file)
    except ConfigError as error:
        found = {of(problem) for problem in error.problems}
    else:
        found = set()
    assert found <= expected
    for path, message, _ in expected - found:  # what is wrong there is wrong with what the file names
        value: Any = yaml.safe_load(file.read_text())
        for element in re.findall(r"\w+", path):
            value = value[int(element) if element.isdecimal() else element]
        assert value.keys() in ({"env"}, {"file"}), message


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("https://portal.example/rest/1/", "has no code after the user id"),
        ("portal.example/rest/1/code", "is not a URL"),
        ("", "is empty"),
        (None, "has no credential"),
        ({"env": "not a name"}, "env must be the name"),
        ({"env": None}, "env must be the name"),
        ({"file": ""}, "file must be the path"),
        ({"env": "A", "file": "b"}, "needs exactly one"),
        ({"var": "A"}, "needs exactly one"),
    ],
)
def test_the_form_of_a_secret_is_checked(tmp_path: Path, value: object, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check(put(tmp_path, {"platform": "bitrix24", "webhook_url": value}))
    (problem,) = caught.value.problems
    assert message in problem.message


def test_portals_whose_addresses_are_secret_are_not_taken_for_one(tmp_path: Path) -> None:
    sources = [{"env": "A_B"}, {"env": "A_C"}, {"file": "a"}, {"file": "\u00e4"}, {"env": "A_B"}]
    file = put(tmp_path, *({"platform": "bitrix24", "webhook_url": source} for source in sources))
    same = [warning for warning in check(file).unwatched if "also watched as" in warning.message]
    assert [("t4", True)] == [(warning.target, "as t0:" in warning.message) for warning in same]


# The command.


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(
        app, ["check-config", *words], env={"COLUMNS": "200", "WIX_API_KEY": None, "B24_WEBHOOK_URL": None}
    )
    return done.exit_code, done.output


@pytest.mark.slow
def test_the_command_says_what_it_did_not_check() -> None:
    code, said = run(str(EXAMPLE), "--no-secrets")
    assert 0 == code
    assert "not checked: 2 secrets (WIX_API_KEY, B24_WEBHOOK_URL)\n" in said
    assert f"{EXAMPLE}: valid, 2 targets" in said
    code, said = run(str(EXAMPLE))
    assert 2 == code
    assert 2 == said.count("is not set")


@pytest.mark.slow
def test_nothing_is_said_of_secrets_where_there_are_none_elsewhere(tmp_path: Path) -> None:
    code, said = run("--no-secrets", "--config.file", str(put(tmp_path, {"platform": "wix", "site_id": SITE, "api_key": "k"})))
    assert 0 == code
    assert "was not checked" not in said


def test_signing_in_without_secrets_is_refused_in_words() -> None:
    code, said = run("--online", "--no-secrets", "--config.file", "nothing.yml")
    assert 2 == code
    assert "--online signs in with the secrets that --no-secrets leaves out" in said


@pytest.mark.slow
def test_a_folder_is_checked_with_and_without_a_file(tmp_path: Path) -> None:
    file = put(tmp_path, {"platform": "wix", "site_id": SITE, "api_key": {"env": "K"}})
    folder = tmp_path / "customers"
    folder.mkdir()
    put(folder, {"platform": "bitrix24", "webhook_url": {"env": "H"}}).write_text(
        "targets: [{name: other, platform: bitrix24, webhook_url: {env: H}}]"
    )
    assert f"{folder}: valid, 1 target" in run("--no-secrets", "--config.dir", str(folder))[1]
    for words in (["--config.file", str(file), "--config.dir", str(folder)], [str(file), "--config.dir", str(folder)]):
        assert f"{file} and {folder}: valid, 2 targets" in run("--no-secrets", *words)[1]
