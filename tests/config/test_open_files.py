"""Files of a configuration that others may read or write are told with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from exporter.config import load_config
from tests.harness.open_folder import open_folder as made_folder

NAMES = ("exporter.yml", "key", "tokens.json", "state.json")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may enter; those of pytest are closed."""
    with made_folder() as path:
        yield path


def written(folder: Path, *, inline: bool = False) -> None:
    key = "planted-key" if inline else {"file": "key"}
    wix = {"name": "a", "platform": "wix", "site_id": "7f1c0c5e-2f0e-4f9c-9a55-3d8a5b1f6a10", "api_key": key}
    oauth = {"client_id": "local.1", "client_secret": {"env": "SECRET"}, "token_file": "tokens.json"}
    targets = [wix, {**wix, "name": "b"}, {"name": "c", "platform": "bitrix24", "oauth": oauth}]
    (folder / "exporter.yml").write_text(yaml.safe_dump({"targets": targets, "state_file": "state.json"}))
    (folder / "key").write_text("planted-key")
    for name in ("tokens.json", "state.json"):
        (folder / name).write_text(json.dumps({}))
    for name in NAMES:
        (folder / name).chmod(0o600)


def told(folder: Path) -> list[str]:
    return [warning.message for warning in load_config(folder / "exporter.yml", {"SECRET": "planted-secret"}).warnings]


@pytest.mark.parametrize("name", NAMES[1:])
@pytest.mark.parametrize(("mode", "right"), [(0o644, "read"), (0o602, "write")])
def test_a_file_with_secrets_is_told_once_however_many_targets_name_it(name: str, mode: int, right: str, folder: Path) -> None:
    written(folder)
    assert [] == told(folder)
    (folder / name).chmod(mode)
    assert [f"{folder / name}: everybody may {right} it"] == told(folder)


def test_the_configuration_may_be_read_by_everybody_unless_a_secret_stands_in_it(folder: Path) -> None:
    for inline in (False, True):
        written(folder, inline=inline)
        (folder / "exporter.yml").chmod(0o644)
        assert [f"{folder / 'exporter.yml'}: everybody may read it"] * inline == told(folder)


def test_who_may_write_the_configuration_is_told(folder: Path) -> None:
    written(folder)
    (folder / "exporter.yml").chmod(0o646)
    assert [f"{folder / 'exporter.yml'}: everybody may write it"] == told(folder)


def test_a_folder_in_which_everybody_may_replace_files_is_told_once(folder: Path) -> None:
    written(folder)
    folder.chmod(0o777)
    assert [f"{folder}: everybody may replace the files in this folder"] == told(folder)


def test_a_credential_that_also_stands_in_a_path_is_masked_in_the_warning_of_that_path(folder: Path) -> None:
    planted = folder / "Zr8qKd02mWx4"
    planted.mkdir()
    planted.chmod(0o777)
    written(folder)
    (folder / "key").write_text(planted.name)
    file = folder / "exporter.yml"
    file.write_text(file.read_text().replace("state_file: state.json", f"state_file: {planted.name}/state.json"))
    warnings = told(folder)
    assert any("everybody may replace the files in this folder" in warning for warning in warnings)
    assert not any(planted.name in warning for warning in warnings)
