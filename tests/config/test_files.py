"""Files that are missing, no files, no text, too large or made to cost: told, and never a crash."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml

from exporter.config import Config, load_config
from exporter.errors import ConfigError
from tests.harness.certificates import self_signed

WEBHOOK = "https://portal.example/rest/1/planted0123456789/"
SITE = "7f1c2d3e-1111-4222-8333-444455556666"


def load(tmp_path: Path, text: str) -> Config:
    file = tmp_path / "exporter.yml"
    file.write_text(text)
    return load_config(file, {})


def test_a_file_that_does_not_exist_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.yml: does not exist \(fix: name another file with --config\.file\)"):
        load_config(tmp_path / "nothing.yml", {})


def test_a_folder_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not a file"):
        load_config(tmp_path, {})


def test_a_file_that_is_not_text_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "exporter.yml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        load_config(tmp_path / "exporter.yml", {})


def test_a_secret_that_is_a_pipe_does_not_block(tmp_path: Path) -> None:
    import os  # noqa: PLC0415  only here

    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="pipe is not a file"):
        load(tmp_path, f"targets: [{{name: a, platform: wix, site_id: {SITE}, api_key: {{file: pipe}}}}]")


def test_a_secret_file_has_a_size_limit(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k" * 70_000)
    with pytest.raises(ConfigError, match="key is too large for a credential"):
        load(tmp_path, f"targets: [{{name: a, platform: wix, site_id: {SITE}, api_key: {{file: key}}}}]")


def test_anchors_that_multiply_themselves_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.support.yaml_source.MAX_VALUES", 10_000)
    levels = "\n".join(f"  l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 9))
    with pytest.raises(ConfigError, match="too many values"):
        load(tmp_path, f"targets:\n  l0: &l0 [x]\n{levels}\n")


def test_a_very_deep_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nested too deep"):
        load(tmp_path, "targets: " + "[" * 5000 + "]" * 5000)


def test_a_fleet_that_names_one_ca_file_reads_it_once_and_the_watch_looks_at_it(tmp_path: Path) -> None:
    certificate, _ = self_signed(tmp_path)
    rows = "".join(
        f"  - {{name: t{number}, platform: bitrix24, webhook_url: '{WEBHOOK}', tls: {{ca_file: {certificate.name}}}}}\n"
        for number in range(3)
    )
    config = load(tmp_path, f"targets:\n{rows}")
    read = [target.ca_file.certificates for target in config.targets if target.ca_file]
    assert [True, True, True] == [text is read[0] for text in read]
    assert 1 == config.files.count(certificate)


@pytest.mark.parametrize("text", ["[" * 30_000, "{" * 30_000, "[a, " * 30_000, "[" * 900 + '"x'])
def test_a_file_of_brackets_is_refused_before_it_takes_long(tmp_path: Path, text: str) -> None:
    began = time.process_time()
    with pytest.raises(ConfigError, match="nested too deep"):
        load(tmp_path, "targets: " + text)
    assert time.process_time() - began < 0.5  # some hundredths of a second; looking at each open bracket for each took 1.7


@pytest.mark.parametrize("name", ["9" * 300, "a/" * 3000 + "b", "circle", "circle/file", "file/below", "with\0nul"])
@pytest.mark.parametrize("key", ["state_file", "token_file", "ca_file", "secret"])
def test_a_path_that_cannot_be_looked_at_is_a_problem_or_a_warning_and_never_a_crash(
    tmp_path: Path, key: str, name: str
) -> None:
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    (tmp_path / "file").write_text("planted")
    oauth: dict[str, object] = {"client_id": "local.1", "client_secret": "planted", "token_file": "tokens.json"}
    target: dict[str, object] = {"name": "a", "platform": "bitrix24", "oauth": oauth}
    whole: dict[str, object] = {"targets": [target]}
    (tmp_path / "tokens.json").touch()
    if key == "state_file":
        whole["state_file"] = f"{name}/state.json"
    elif key == "ca_file":
        target["tls"] = {"ca_file": name}
    elif key == "secret":
        oauth["client_secret"] = {"file": name}
    else:
        oauth["token_file"] = name
    path = tmp_path / "exporter.yml"
    path.write_text(yaml.safe_dump(whole))
    try:
        told = [warning.path for warning in load_config(path, {}).warnings]
    except ConfigError as error:
        told = [problem.path for problem in error.problems]
    (where,) = told
    assert {"state_file": "state_file", "token_file": "oauth.token_file", "ca_file": "tls.ca_file", "secret": "client_secret"}[
        key
    ] in where
