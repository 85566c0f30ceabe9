"""``site_users`` together with the web configuration: each file knows half of who sees what."""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog.testing
from typer.testing import CliRunner

from exporter.cli import app
from exporter.commands.site_users import loading_with_users, with_known_users
from exporter.config import Config, load_config
from exporter.errors import ConfigError

HASH = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG"
TARGET = (
    "targets:\n- {name: a, platform: wix, site_id: 7f1c2d3e-1111-4222-8333-444455556666, api_key: k, labels: {site: berlin}}\n"
)
SITE_USERS = "site_users: {berlin: [anna, Bert]}\n"
NOBODY = "no passwords are asked for, so that everybody would see every site"


def written(folder: Path, text: str = TARGET + SITE_USERS) -> Path:
    file = folder / "exporter.yml"
    file.write_text(text)
    file.chmod(0o600)
    return file


def web(folder: Path, *users: str) -> Path:
    file = folder / "web.yml"
    file.write_text("basic_auth_users: {" + ", ".join(f"{user}: {HASH}" for user in users) + "}\n")
    file.chmod(0o600)
    return file


def read(file: Path) -> Config:
    return load_config(file, {})


def test_users_who_have_no_password_are_warnings_since_a_slip_of_the_pen_shows_everything_to_who_was_meant(
    tmp_path: Path,
) -> None:
    config = with_known_users(read(written(tmp_path)), {"anna", "bert"})
    (warning,) = config.warnings
    assert "'Bert' is no user of the web configuration" == warning.message
    assert "add it to basic_auth_users, or correct the name: a user that is named nowhere here sees every site" == warning.fix
    assert "site_users.berlin" == warning.path


def test_known_users_are_nothing_to_tell(tmp_path: Path) -> None:
    config = read(written(tmp_path))
    assert config == with_known_users(config, {"anna", "Bert", "prometheus"})


@pytest.mark.parametrize("has_file", [True, False])
def test_a_daemon_that_asks_for_no_passwords_loads_no_users_of_sites(has_file: bool, tmp_path: Path) -> None:
    file = tmp_path / "empty.yml"
    file.write_text("")
    load = loading_with_users(lambda: read(written(tmp_path)), file if has_file else None)
    with pytest.raises(ConfigError, match=NOBODY):
        load()


def test_a_daemon_reads_the_users_anew_with_each_reload_and_tells_who_sees_every_site(tmp_path: Path) -> None:
    load = loading_with_users(lambda: read(written(tmp_path)), web(tmp_path, "anna", "Bert"))
    assert () == load().warnings
    web(tmp_path, "anna", "bert", "prometheus")
    with structlog.testing.capture_logs() as logged:
        (warning,) = load().warnings
    assert "'Bert' is no user of the web configuration" == warning.message
    assert [
        {"event": "site_users", "log_level": "info", "sites": 1, "see_every_site": ["bert", "prometheus"]},
    ] == logged


def test_a_web_configuration_that_is_broken_lets_nobody_load_users_of_sites(tmp_path: Path) -> None:
    web(tmp_path, "anna").write_text("basic_auth_users: [")
    with pytest.raises(ConfigError):
        loading_with_users(lambda: read(written(tmp_path)), tmp_path / "web.yml")()


def test_without_users_of_sites_the_web_configuration_is_not_looked_at(tmp_path: Path) -> None:
    assert {} == loading_with_users(lambda: read(written(tmp_path, TARGET)), tmp_path / "missing.yml")().site_users


@pytest.mark.parametrize(
    ("users", "code", "told"),
    [
        (("anna", "Bert"), 0, ""),
        (("anna",), 0, "warning: {file}: site_users.berlin: 'Bert' is no user of the web configuration"),
        ((), 2, "error: {file}: site_users: " + NOBODY),
        (None, 0, "warning: {file}: site_users: nobody looked whether its users exist"),
    ],
    ids=["all are known", "one is unknown", "no passwords", "no web configuration"],
)
def test_check_config_tells_the_same(users: tuple[str, ...] | None, code: int, told: str, tmp_path: Path) -> None:
    file = written(tmp_path)
    flags = [] if users is None else [f"--web.config.file={web(tmp_path, *users)}"]
    result = CliRunner().invoke(app, ["check-config", f"--config.file={file}", *flags])
    assert code == result.exit_code
    assert told.format(file=file) in result.stderr
    assert ("site_users" in result.stderr) is bool(told)
