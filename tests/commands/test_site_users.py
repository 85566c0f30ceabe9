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
OPERATORS = "operators: [prometheus]\n"
NOBODY = "no password is required, so everybody would see every site"


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
    config = read(written(tmp_path, TARGET + SITE_USERS + OPERATORS))
    assert config == with_known_users(config, {"anna", "Bert", "prometheus"})


def test_who_sees_every_site_only_because_nothing_says_who_may_is_a_warning_wherever_warnings_are_shown(tmp_path: Path) -> None:
    config = with_known_users(read(written(tmp_path)), {"anna", "Bert", "prometheus", "carla@salon.example"})
    (warning,) = [row for row in config.unwatched if row.kind == "operators_by_default"]
    told = "2 users of the web configuration see every site, since no operators are named: ********, prometheus"
    fix = "name the users who may see every site under `operators`: then a user who is not named sees nothing"
    assert (None, told, fix) == (warning.target, warning.message, warning.fix)
    assert [("site_users", told, fix)] == [(row.path, row.message, row.fix) for row in config.gaps if row.path == "site_users"]


@pytest.mark.parametrize("users", [{"anna", "Bert"}, {"anna"}])
def test_where_nobody_sees_every_site_by_default_there_is_no_such_warning(users: set[str], tmp_path: Path) -> None:
    config = with_known_users(read(written(tmp_path)), users)
    assert "operators_by_default" not in {row.kind for row in config.unwatched}


def test_an_operator_without_a_password_and_a_user_who_is_named_nowhere_are_warnings(tmp_path: Path) -> None:
    config = with_known_users(read(written(tmp_path, TARGET + SITE_USERS + OPERATORS)), {"anna", "bert", "Prometheus"})
    unknown = "add it to basic_auth_users, or correct the name: a user that is named nowhere here sees nothing"
    idle = "take their passwords out of the web configuration, or name them here or under site_users"
    assert [
        ("site_users.berlin", "'Bert' is no user of the web configuration", unknown),
        ("operators", "'prometheus' is no user of the web configuration", unknown),
        ("operators", "2 of the web configuration's users may see nothing: Prometheus, bert", idle),
    ] == [(row.path, row.message, row.fix) for row in config.warnings]
    assert "operators_by_default" not in {row.kind for row in config.unwatched}


@pytest.mark.parametrize("text", [SITE_USERS, OPERATORS, SITE_USERS + OPERATORS])
def test_the_web_configuration_is_watched_together_with_the_other_files(text: str, tmp_path: Path) -> None:
    file, passwords = written(tmp_path, TARGET + text), web(tmp_path, "anna")
    assert (file, passwords) == loading_with_users(lambda: read(file), passwords)().files


def test_operators_alone_need_passwords_as_well(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"operators: {NOBODY}"):
        loading_with_users(lambda: read(written(tmp_path, TARGET + OPERATORS)), None)()


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
    named = TARGET + SITE_USERS + "operators: [prometheus, no-password]\n"
    with structlog.testing.capture_logs() as logged:
        loading_with_users(lambda: read(written(tmp_path, named)), tmp_path / "web.yml")()
    assert [["prometheus"]] == [line["see_every_site"] for line in logged]


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
        (None, 0, "warning: {file}: site_users: was not compared with the users of the web configuration"),
        (
            ("anna", "Bert", "old"),
            0,
            "warning: {file}: site_users: 1 user of the web configuration sees every site, since no operators are named: old",
        ),
    ],
    ids=["all are known", "one is unknown", "no passwords", "no web configuration", "one is an operator by default"],
)
def test_check_config_tells_the_same(users: tuple[str, ...] | None, code: int, told: str, tmp_path: Path) -> None:
    file = written(tmp_path)
    flags = [] if users is None else [f"--web.config.file={web(tmp_path, *users)}"]
    result = CliRunner().invoke(app, ["check-config", f"--config.file={file}", *flags])
    assert code == result.exit_code
    assert told.format(file=file) in result.stderr
    assert ("site_users" in result.stderr) is bool(told)
