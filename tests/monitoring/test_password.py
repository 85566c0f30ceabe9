from __future__ import annotations

import stat
from pathlib import Path

import bcrypt
import pytest
from typer.testing import CliRunner

from exporter.cli import app
from exporter.monitoring import make_password
from tests.monitoring.libyaml import safe_load


def test_the_web_file_asks_for_the_password_that_lies_beside_it(tmp_path: Path) -> None:
    assert [tmp_path / "new/password", tmp_path / "new/web.yml"] == make_password(tmp_path / "new")
    password = (tmp_path / "new/password").read_text()
    users = safe_load((tmp_path / "new/web.yml").read_text())["basic_auth_users"]
    assert ["monitoring"] == list(users)
    assert bcrypt.checkpw(password.encode(), users["monitoring"].encode())
    assert 64 == len(password)
    assert password.isalnum()


def test_two_folders_get_two_passwords(tmp_path: Path) -> None:
    make_password(tmp_path / "a")
    make_password(tmp_path / "b")
    assert (tmp_path / "a/password").read_text() != (tmp_path / "b/password").read_text()


def test_a_password_that_is_there_stays(tmp_path: Path) -> None:
    make_password(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert [] == make_password(tmp_path)
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert {"password", "web.yml"} == set(before)


def test_what_a_killed_run_left_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "web.yml").write_text("basic_auth_users:\n  monitoring: $2b$10$half")
    (tmp_path / "password.new").write_text("half")
    make_password(tmp_path)
    hashed = safe_load((tmp_path / "web.yml").read_text())["basic_auth_users"]["monitoring"]
    assert bcrypt.checkpw((tmp_path / "password").read_bytes(), hashed.encode())


@pytest.mark.parametrize("damage", ["no web.yml", "an empty password"])
def test_half_of_the_pair_is_made_anew_since_no_server_can_use_it(damage: str, tmp_path: Path) -> None:
    make_password(tmp_path)
    if damage == "no web.yml":
        (tmp_path / "web.yml").unlink()
    else:
        (tmp_path / "password").write_text("")
    assert [tmp_path / "password", tmp_path / "web.yml"] == make_password(tmp_path)
    assert "" != (tmp_path / "password").read_text()


def test_servers_of_other_users_can_read_the_files_and_not_write_them(tmp_path: Path) -> None:
    for path in make_password(tmp_path):
        assert 0o644 == stat.S_IMODE(path.stat().st_mode)


def test_the_command_names_the_files_and_never_the_password(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["monitoring", "password", "--out", str(tmp_path)])
    assert (0, f"{tmp_path}/password\n{tmp_path}/web.yml\n") == (result.exit_code, result.output)


@pytest.mark.parametrize("command", ["password", "render"])
@pytest.mark.parametrize("blocked", ["file", "file/below"])
def test_a_folder_that_cannot_be_used_is_named_in_one_line(blocked: str, command: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(app, ["monitoring", command, "--out", str(tmp_path / blocked)])
    assert 1 == result.exit_code
    assert result.output.startswith(f"error: cannot write {tmp_path / blocked}")
    assert 1 == result.output.count("\n")
